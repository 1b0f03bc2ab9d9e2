/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses :expect: and :expect_complete: of pci.conf. Used by configkeys.c only. */
#ifndef PCIPROBE_CONFIG_EXPECTKEYS_H
#define PCIPROBE_CONFIG_EXPECTKEYS_H

#include "probe/config/keyvalue.h"

parse_value expect_parse, expect_parse_complete;

#endif
