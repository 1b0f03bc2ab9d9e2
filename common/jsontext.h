/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What json-c lacks: texts that may not be UTF-8, and adding that tells when it failed. */
#ifndef PCIPROBE_COMMON_JSONTEXT_H
#define PCIPROBE_COMMON_JSONTEXT_H

#include <json.h>

/* TEXT as a JSON string, what isn't UTF-8 in it as U+FFFD. NULL without memory. */
struct json_object *jsontext_new(const char *text);

/* Puts VALUE into OBJECT as KEY, which is new there and must live as long as it does. VALUE is OBJECT's from then on, and freed on
 * failure. Returns 0, or -ENOMEM, also when VALUE is NULL. */
int jsontext_add(struct json_object *object, const char *key, struct json_object *value);

#endif
