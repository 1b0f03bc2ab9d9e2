/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings of :expect: as JSON, the same in every JSON format. */
#ifndef PCIPROBE_STANDALONE_FORMATS_JSONFINDING_H
#define PCIPROBE_STANDALONE_FORMATS_JSONFINDING_H

#include "probe/expect/finding.h"

#include <json.h>

/* Returns FINDING as an object. Sets *error to -ENOMEM without memory. */
struct json_object *jsonfinding_new(const struct finding *finding, int *error);

#endif
