/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/select/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8

#include <errno.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Steps that one search may take: far more than a sensible expression needs on a name of 100
 * characters, about a millisecond for one that isn't. */
#define MATCH_LIMIT_NAME 100000
/* what these are matched against has few characters */
#define MATCH_LIMIT_START 1000
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
	/* names are UTF-8 as a rule, but nobody promises it */
	return PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C |
	       (kind == REGEX_NAME ? PCRE2_CASELESS | PCRE2_MULTILINE : PCRE2_ANCHORED);
}

static int compile(struct regex *regex, const char *text, enum regex_kind kind,
		   char fault[static REGEX_FAULT_SIZE])
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	PCRE2_UCHAR why[128];
	PCRE2_SIZE offset = 0;
	int number = 0;

	if (!context)
		return -ENOMEM;
	pcre2_set_max_pattern_length(context, PATTERN_LENGTH_MAX);
	regex->code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, options_of(kind),
				    &number, &offset, context);
	pcre2_compile_context_free(context);
	if (!regex->code) {
		pcre2_get_error_message(number, why, sizeof(why));
		snprintf(fault, REGEX_FAULT_SIZE, "%s, at character %zu", (const char *)why,
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

int regex_new(const char *text, enum regex_kind kind, struct regex **ret,
	      char fault[static REGEX_FAULT_SIZE])
{
	struct regex *regex = calloc(1, sizeof(*regex));
	int error;

	if (!regex)
		return -ENOMEM;
	error = compile(regex, text, kind, fault);
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
