/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/rule.h"

#define PCRE2_CODE_UNIT_WIDTH 8

#include <errno.h>
#include <pci/pci.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Steps that one search may take: far more than a sensible expression needs on a name of 100 characters, about a
 * millisecond for one that isn't. */
#define MATCH_LIMIT 100000
#define HEAP_LIMIT_KIB 1024
#define PATTERN_LENGTH_MAX 4096

struct rule {
	enum rule_kind kind;
	char *text;
	char *place;
	union {
		struct pci_filter filter;
		struct pci_address address;
		struct {
			pcre2_code *code;
			pcre2_match_data *data;
			pcre2_match_context *limits;
		} name;
	};
};

const char *rule_text(const struct rule *rule)
{
	return rule->text;
}

const char *rule_place(const struct rule *rule)
{
	return rule->place;
}

static void rule_free(struct rule *rule)
{
	if (!rule)
		return;
	if (rule->kind == RULE_NAME) {
		pcre2_match_context_free(rule->name.limits);
		pcre2_match_data_free(rule->name.data);
		pcre2_code_free(rule->name.code);
	}
	free(rule->text);
	free(rule->place);
	free(rule);
}

static int parse_filter(struct rule *rule, const struct log *log)
{
	bool slot = rule->kind == RULE_SLOT;
	const char *fault;
	char text[64]; /* libpci refuses longer ones itself */

	pci_filter_init(NULL, &rule->filter);
	if (strlen(rule->text) >= sizeof(text)) {
		fault = "too long";
	} else {
		strcpy(text, rule->text);
		fault = slot ? pci_filter_parse_slot(&rule->filter, text) : pci_filter_parse_id(&rule->filter, text);
	}
	if (!fault)
		return 0;
	log_error(log, "%s: '%s' is not %s: %s. Right would be %s", rule->place, rule->text,
		  slot ? "a slot" : "a filter", fault,
		  slot ? "[[[domain]:][bus]:][slot][.[function]], all in hex" :
			 "[vendor]:[device][:class[:prog-if]], each in hex without 0x, or * or nothing for any");
	return -EINVAL;
}

static int parse_address(struct rule *rule, const struct log *log)
{
	if (address_parse(rule->text, &rule->address) == 0)
		return 0;
	log_error(log, "%s: '%s' is not a PCI address. Right would be 07:00.0 or 0000:07:00.0", rule->place, rule->text);
	return -EINVAL;
}

/* As Ruby's /.../i: ^ and $ match at line ends. Names are UTF-8 as a rule, but nobody promises it. */
static int compile_name(struct rule *rule, const struct log *log)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	PCRE2_UCHAR fault[128];
	PCRE2_SIZE offset = 0;
	int number = 0;

	if (!context)
		return -ENOMEM;
	pcre2_set_max_pattern_length(context, PATTERN_LENGTH_MAX);
	rule->name.code = pcre2_compile((PCRE2_SPTR)rule->text, PCRE2_ZERO_TERMINATED,
					PCRE2_CASELESS | PCRE2_MULTILINE | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF |
						PCRE2_NEVER_BACKSLASH_C,
					&number, &offset, context);
	pcre2_compile_context_free(context);
	if (!rule->name.code) {
		pcre2_get_error_message(number, fault, sizeof(fault));
		log_error(log, "%s: '%s' is not a regular expression: %s, at character %zu", rule->place, rule->text,
			  (const char *)fault, offset + 1);
		return -EINVAL;
	}
	rule->name.data = pcre2_match_data_create(1, NULL);
	rule->name.limits = pcre2_match_context_create(NULL);
	if (!rule->name.data || !rule->name.limits)
		return -ENOMEM;
	pcre2_set_match_limit(rule->name.limits, MATCH_LIMIT);
	pcre2_set_heap_limit(rule->name.limits, HEAP_LIMIT_KIB);
	return 0;
}

int rule_list_add(struct rule_list *list, const char *text, const char *place, const struct log *log)
{
	struct rule **more = realloc(list->rules, (list->count + 1) * sizeof(*more));
	struct rule *rule;
	int error = -ENOMEM;

	if (!more)
		return -ENOMEM;
	list->rules = more;
	rule = calloc(1, sizeof(*rule));
	if (!rule)
		return -ENOMEM;
	rule->kind = list->kind;
	rule->text = strdup(text);
	rule->place = strdup(place);
	if (rule->text && rule->place)
		error = list->kind == RULE_NAME	   ? compile_name(rule, log) :
			list->kind == RULE_ADDRESS ? parse_address(rule, log) :
						     parse_filter(rule, log);
	if (error < 0) {
		rule_free(rule);
		return error;
	}
	list->rules[list->count++] = rule;
	list->restricts = true;
	return 0;
}

void rule_list_free(struct rule_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		rule_free(list->rules[i]);
	free(list->rules);
	list->rules = NULL;
	list->count = 0;
	list->restricts = false;
	list->place[0] = '\0';
}

/* libpci compares with its own record of a card. Made here with everything known, so that libpci reads nothing. */
static bool filter_matches(const struct rule *rule, const struct pci_device *device)
{
	struct pci_filter filter = rule->filter;
	struct pci_dev card = {
		.domain = (int)device->address.domain,
		.domain_16 = device->address.domain > 0xffff ? 0xffff : (uint16_t)device->address.domain,
		.bus = device->address.bus,
		.dev = device->address.slot,
		.func = device->address.function,
		.known_fields = ~0u,
		.vendor_id = device->vendor,
		.device_id = device->device,
		.device_class = device->class,
		.prog_if = device->prog_if,
	};

	return pci_filter_match(&filter, &card);
}

static int name_matches(const struct rule *rule, const char *name, const struct log *log)
{
	int found = pcre2_match(rule->name.code, (PCRE2_SPTR)name, strlen(name), 0, 0, rule->name.data,
				rule->name.limits);

	if (found >= 0)
		return 1;
	if (found == PCRE2_ERROR_NOMATCH)
		return 0;
	log_error(log, "%s: the expression '%s' takes too many steps on '%s'; write it with fewer repetitions inside "
		  "repetitions", rule->place, rule->text, name);
	return -ELOOP;
}

int rule_matches(const struct rule *rule, const struct pci_device *device, const char *name, const struct log *log)
{
	switch (rule->kind) {
	case RULE_FILTER:
	case RULE_SLOT:
		return filter_matches(rule, device);
	case RULE_ADDRESS:
		return address_compare(&rule->address, &device->address) == 0;
	case RULE_NAME:
		return name_matches(rule, name, log);
	}
	return 0;
}
