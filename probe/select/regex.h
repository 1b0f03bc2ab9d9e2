/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Untrusted regular expressions, by pcre2, with limits on the cost of matching. */
#ifndef PCIPROBE_SELECT_REGEX_H
#define PCIPROBE_SELECT_REGEX_H

#include <stddef.h>

struct regex;

enum regex_kind {
	REGEX_NAME,  /* like Ruby's /.../i: unanchored, case-insensitive, ^ and $ match at line
			ends; the subject may be invalid UTF-8 */
	REGEX_START, /* like Python's re.match: anchored at the start, case-sensitive; for short
			subjects, with a low match limit */
};

/* Size of an error message of regex_new. */
#define REGEX_ERROR_SIZE 160

/* Compiles PATTERN; free the result with regex_free. Returns 0, -ENOMEM, or -EINVAL with the error
 * and its position in MESSAGE. */
int regex_new(const char *pattern, enum regex_kind kind, struct regex **ret,
	      char message[static REGEX_ERROR_SIZE]);
void regex_free(struct regex *regex);

/* Returns 1 if SUBJECT matches, 0 if not, or -ELOOP if the match limit was exceeded. */
int regex_matches(const struct regex *regex, const char *subject);

#endif
