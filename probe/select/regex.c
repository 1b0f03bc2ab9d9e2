/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/select/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8

#include <errno.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Steps per match: far more than a reasonable pattern needs on a name of 100 characters, and about
 * a millisecond for one that backtracks without end. */
#define MATCH_LIMIT_NAME 100000
#define MATCH_LIMIT_START 1000 /* for short subjects */
#define HEAP_LIMIT_KIB 1024
#define PATTERN_LENGTH_MAX 4096

struct regex {
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *limits;
};

void regex_free(struct regex *regex)
{
	if (!regex)
		return;
	pcre2_match_context_free(regex->limits);
	pcre2_match_data_free(regex->data);
	pcre2_code_free(regex->code);
	free(regex);
}

static uint32_t options_of(enum regex_kind kind)
{
	/* names are usually, but not necessarily, valid UTF-8 */
	return PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C |
	       (kind == REGEX_NAME ? PCRE2_CASELESS | PCRE2_MULTILINE : PCRE2_ANCHORED);
}

static int compile(struct regex *regex, const char *pattern, enum regex_kind kind,
		   char message[static REGEX_ERROR_SIZE])
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	PCRE2_UCHAR reason[128];
	PCRE2_SIZE offset = 0;
	int number = 0;

	if (!context)
		return -ENOMEM;
	pcre2_set_max_pattern_length(context, PATTERN_LENGTH_MAX);
	regex->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options_of(kind),
				    &number, &offset, context);
	pcre2_compile_context_free(context);
	if (!regex->code) {
		pcre2_get_error_message(number, reason, sizeof(reason));
		snprintf(message, REGEX_ERROR_SIZE, "%s, at character %zu", (const char *)reason,
			 offset + 1);
		return -EINVAL;
	}
	regex->data = pcre2_match_data_create(1, NULL);
	regex->limits = pcre2_match_context_create(NULL);
	if (!regex->data || !regex->limits)
		return -ENOMEM;
	pcre2_set_match_limit(regex->limits,
			      kind == REGEX_NAME ? MATCH_LIMIT_NAME : MATCH_LIMIT_START);
	pcre2_set_heap_limit(regex->limits, HEAP_LIMIT_KIB);
	return 0;
}

int regex_new(const char *pattern, enum regex_kind kind, struct regex **ret,
	      char message[static REGEX_ERROR_SIZE])
{
	struct regex *regex = calloc(1, sizeof(*regex));
	int error;

	if (!regex)
		return -ENOMEM;
	error = compile(regex, pattern, kind, message);
	if (error < 0) {
		regex_free(regex);
		return error;
	}
	*ret = regex;
	return 0;
}

int regex_matches(const struct regex *regex, const char *subject)
{
	int found = pcre2_match(regex->code, (PCRE2_SPTR)subject, strlen(subject), 0, 0,
				regex->data, regex->limits);

	return found >= 0 ? 1 : found == PCRE2_ERROR_NOMATCH ? 0 : -ELOOP;
}
