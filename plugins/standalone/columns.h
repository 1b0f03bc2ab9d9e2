/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parsing of lists of columns (-o, --sort). */
#ifndef PCIPROBE_STANDALONE_COLUMNS_H
#define PCIPROBE_STANDALONE_COLUMNS_H

#include "probe/fields.h"
#include "probe/log.h"

/* Parses LIST: "address,driver"; "+driver" for the columns of DEFAULTS and driver; NULL for
 * DEFAULTS alone. "all" in LIST, and "*" as DEFAULTS, stand for every field. The caller frees *ret,
 * not the fields in it. Returns 0, -EINVAL for an unknown column or an empty list (logged), or
 * -ENOMEM. */
int columns_parse(const char *list, const char *defaults, const struct log *log,
		  const struct field ***ret, size_t *ret_count);

#endif
