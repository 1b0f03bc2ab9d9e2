/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Regular expressions of strangers, by pcre2: what they may cost is bounded. */
#ifndef PCIPROBE_SELECT_REGEX_H
#define PCIPROBE_SELECT_REGEX_H

#include <stddef.h>

struct regex;

enum regex_kind {
	REGEX_NAME,  /* as Ruby's /.../i: found anywhere, capitals or not; ^ and $ match at line
			ends. The subject may be no UTF-8 */
	REGEX_START, /* as Python's re.match: found at the start, as it is written. For short
			subjects: the limit is low */
};

/* Room for why a text is no expression. */
#define REGEX_FAULT_SIZE 160

/* Compiles TEXT. Free it with regex_free. Returns 0, -ENOMEM, or -EINVAL with FAULT filled in: what
 * is wrong, and where. */
int regex_new(const char *text, enum regex_kind kind, struct regex **ret,
	      char fault[static REGEX_FAULT_SIZE]);
void regex_free(struct regex *regex);

/* Whether it is found in SUBJECT. Returns 1 or 0, or -ELOOP when it took more steps than the limit
 * allows. */
int regex_matches(const struct regex *regex, const char *subject);

#endif
