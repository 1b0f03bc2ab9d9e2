/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fields of devices as JSON, the same in every JSON format. */
#ifndef PCIPROBE_STANDALONE_FORMATS_JSONFIELD_H
#define PCIPROBE_STANDALONE_FORMATS_JSONFIELD_H

#include "probe/fields.h"

#include <json.h>

/* Adds the value of FIELD to OBJECT, under its name, if DEVICE has one. Sets *error to -ENOMEM
 * without memory. */
void jsonfield_add(struct json_object *object, const struct field *field,
		   const struct pci_device *device, int *error);

#endif
