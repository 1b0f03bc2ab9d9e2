/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which columns: what a format has by itself, what the user wants instead or in addition. */
#ifndef PCIPROBE_STANDALONE_COLUMNS_H
#define PCIPROBE_STANDALONE_COLUMNS_H

#include "probe/fields.h"
#include "probe/log.h"

/* Reads LIST, "address,driver", "+driver" for FALLBACK and driver, or NULL for FALLBACK; "all" in
 * LIST, and "*" as FALLBACK, is every field. *RET is to be freed (the fields aren't). Returns 0,
 * -EINVAL for an unknown column, which is logged, or -ENOMEM. */
int columns_parse(const char *list, const char *fallback, const struct log *log,
		  const struct field ***ret, size_t *ret_count);

#endif
