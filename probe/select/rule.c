/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/select/rule.h"

#include "config.h"
#include "probe/dynlib.h"
#include "probe/identity.h"
#include "probe/select/regex.h"

#include <ctype.h>
#include <errno.h>
#include <pci/pci.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* MATCH is libpci's function; NULL: only vendor and device are set. */
struct filter {
	struct pci_filter pci;
	typeof(pci_filter_match) *match;
};

struct filter_functions {
	typeof(pci_filter_init) *init;
	typeof(pci_filter_match) *match;
	typeof(pci_filter_parse_id) *parse_id;
	typeof(pci_filter_parse_slot) *parse_slot;
};

/* libpci has them in a version for each layout of struct pci_filter. */
#define FILTER_VERSION "LIBPCI_3.8"
_Static_assert(sizeof(struct pci_filter) == 10 * sizeof(int), "not the layout of " FILTER_VERSION);

static const struct dynlib_symbol FILTER_SYMBOLS[] = {
	{"pci_filter_init", FILTER_VERSION, offsetof(struct filter_functions, init)},
	{"pci_filter_match", FILTER_VERSION, offsetof(struct filter_functions, match)},
	{"pci_filter_parse_id", FILTER_VERSION, offsetof(struct filter_functions, parse_id)},
	{"pci_filter_parse_slot", FILTER_VERSION, offsetof(struct filter_functions, parse_slot)},
};

struct rule {
	enum rule_kind kind;
	bool excludes;
	char *text;
	char *location;
	union {
		struct filter filter;
		struct identity identity;
		struct regex *name;
	};
};

const char *rule_text(const struct rule *rule)
{
	return rule->text;
}

const char *rule_location(const struct rule *rule)
{
	return rule->location;
}

bool rule_excludes(const struct rule *rule)
{
	return rule->excludes;
}

static void rule_free(struct rule *rule)
{
	if (!rule)
		return;
	if (rule->kind == RULE_NAME)
		regex_free(rule->name);
	free(rule->text);
	free(rule->location);
	free(rule);
}

/* libpci accepts a leading 0x only since 3.10, so reject it always. In a class, x is a wildcard
 * digit. */
static bool has_0x(const char *text, bool slot)
{
	const char *separators = slot ? ":." : ":";

	for (unsigned field = 0;; field++) {
		if ((slot || field != 2) && strncasecmp(text, "0x", 2) == 0)
			return true;
		text += strcspn(text, separators);
		if (!*text++)
			return false;
	}
}

/* A vendor id alone is the most frequent error. */
static bool is_vendor(const char *text)
{
	return strlen(text) == 4 && strspn(text, "0123456789abcdefABCDEF") == 4;
}

/* An id of 1 to 4 digits, or -1 for any. */
static bool parse_id(const char *text, size_t length, int *ret)
{
	char digits[5] = "";

	*ret = -1;
	if (!length || (length == 1 && *text == '*'))
		return true;
	if (length >= sizeof(digits) || strspn(text, "0123456789abcdefABCDEF") < length)
		return false;
	memcpy(digits, text, length);
	*ret = (int)strtoul(digits, NULL, 16);
	return true;
}

/* "VENDOR:DEVICE", as most filters are, needs no libpci, whose loading takes longer than a scan.
 * Returns false for anything else, even if it is invalid. */
static bool parse_ids(const char *text, struct pci_filter *filter)
{
	const char *colon = strchr(text, ':');

	return colon && parse_id(text, (size_t)(colon - text), &filter->vendor) &&
	       parse_id(colon + 1, strlen(colon + 1), &filter->device);
}

static int parse_by_libpci(struct filter *filter, bool slot, char *text, const struct log *log,
			   const char **ret_problem)
{
	struct filter_functions functions;
	int error = dynlib_load(LIBPCI_SONAME, FILTER_SYMBOLS,
				sizeof(FILTER_SYMBOLS) / sizeof(*FILTER_SYMBOLS), &functions, log);

	if (error < 0)
		return error;
	functions.init(NULL, &filter->pci);
	filter->match = functions.match;
	*ret_problem = slot ? functions.parse_slot(&filter->pci, text)
			    : functions.parse_id(&filter->pci, text);
	return 0;
}

static int parse_filter(struct rule *rule, const struct log *log)
{
	bool slot = rule->kind == RULE_SLOT;
	const char *problem = NULL, *pattern = rule->text;
	char text[64]; /* libpci rejects longer ones itself */
	int error = 0;

	rule->excludes = !slot && *pattern == '!';
	pattern += rule->excludes;
	if (!slot && parse_ids(pattern, &rule->filter.pci))
		return 0;
	if (strlen(pattern) >= sizeof(text)) {
		problem = "too long";
	} else if (has_0x(pattern, slot)) {
		problem = "a number starts with 0x";
	} else {
		strcpy(text, pattern);
		error = parse_by_libpci(&rule->filter, slot, text, log, &problem);
	}
	if (!problem)
		return error;
	if (!slot && is_vendor(rule->text))
		log_error(
			log,
			"%s: invalid filter '%s': needs at least VENDOR:DEVICE; use '%s:' for any device of vendor %s",
			rule->location, rule->text, rule->text, rule->text);
	else
		log_error(
			log, "%s: invalid %s '%s': %c%s; expected %s", rule->location,
			slot ? "slot" : "filter", rule->text, tolower((unsigned char)*problem),
			problem + 1,
			slot ? "[[[domain]:][bus]:][slot][.[function]], each in hex without 0x"
			     : "[vendor]:[device][:class[:prog-if]], each in hex without 0x, or * or nothing for any");
	return -EINVAL;
}

static int parse_address(struct rule *rule, const struct log *log)
{
	if (identity_parse(rule->text, &rule->identity) == 0)
		return 0;
	log_error(
		log,
		"%s: invalid PCI address '%s': expected e.g. 07:00.0, 0000:07:00.0, 07:00.0=10de:2204 or the path 00:1c.0/00.0",
		rule->location, rule->text);
	return -EINVAL;
}

static int parse_name(struct rule *rule, const struct log *log)
{
	char message[REGEX_ERROR_SIZE];
	int error = regex_new(rule->text, REGEX_NAME, &rule->name, message);

	if (error == -EINVAL)
		log_error(log, "%s: invalid regular expression '%s': %s", rule->location,
			  rule->text, message);
	return error;
}

int rule_list_add(struct rule_list *list, const char *string, const char *location,
		  const struct log *log)
{
	struct rule **rules = realloc(list->rules, (list->count + 1) * sizeof(*rules));
	struct rule *rule;
	int error = -ENOMEM;

	if (!rules)
		return -ENOMEM;
	list->rules = rules;
	rule = calloc(1, sizeof(*rule));
	if (!rule)
		return -ENOMEM;
	rule->kind = list->kind;
	rule->text = strdup(string);
	rule->location = strdup(location);
	if (rule->text && rule->location)
		error = list->kind == RULE_NAME	     ? parse_name(rule, log)
			: list->kind == RULE_ADDRESS ? parse_address(rule, log)
						     : parse_filter(rule, log);
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
	list->location[0] = '\0';
}

/* Fills in a struct pci_dev for libpci, with all fields known, so that it reads nothing. */
static bool filter_matches(const struct rule *rule, const struct pci_device *device)
{
	struct pci_filter filter = rule->filter.pci;
	struct pci_dev pci_dev = {
		.domain = (int)device->address.domain,
		.domain_16 = device->address.domain > 0xffff ? 0xffff
							     : (uint16_t)device->address.domain,
		.bus = device->address.bus,
		.dev = device->address.slot,
		.func = device->address.function,
		.known_fields = ~0u,
		.vendor_id = device->vendor,
		.device_id = device->device,
		.device_class = device->class,
		.prog_if = device->prog_if,
	};

	if (!rule->filter.match)
		return (filter.vendor < 0 || filter.vendor == device->vendor) &&
		       (filter.device < 0 || filter.device == device->device);
	return rule->filter.match(&filter, &pci_dev);
}

static int name_matches(const struct rule *rule, const char *name, const struct log *log)
{
	int found = regex_matches(rule->name, name);

	if (found >= 0)
		return found;
	log_error(
		log,
		"%s: regular expression '%s': match limit exceeded on '%s' (avoid nested quantifiers)",
		rule->location, rule->text, name);
	return found;
}

int rule_matches(const struct rule *rule, const struct pci_device *device, const char *name,
		 const struct log *log)
{
	switch (rule->kind) {
	case RULE_FILTER:
	case RULE_SLOT:
		return filter_matches(rule, device);
	case RULE_ADDRESS:
		return identity_has_place(&rule->identity, device) &&
		       identity_has_ids(&rule->identity, device);
	case RULE_NAME:
		return name_matches(rule, name, log);
	}
	return 0;
}

bool rule_list_has_paths(const struct rule_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->kind == RULE_ADDRESS && list->rules[i]->identity.by_path)
			return true;
	return false;
}

static bool is_matched(const struct rule_list *list, const struct pci_device *device)
{
	for (size_t i = 0; i < list->count; i++)
		if (rule_matches(list->rules[i], device, NULL, NULL) > 0)
			return true;
	return false;
}

/* MATCHED says which devices of INVENTORY any rule of the list matches. */
static void warn_if_moved(const struct rule *rule, const struct inventory *inventory,
			  const bool *matched, const struct log *log)
{
	const struct pci_device *found = NULL, *other = NULL;
	char text[IDENTITY_TEXT_SIZE];
	size_t others = 0;

	for (size_t i = 0; i < inventory->count; i++) {
		const struct pci_device *device = &inventory->devices[i];

		if (identity_has_place(&rule->identity, device)) {
			found = device;
		} else if (identity_has_ids(&rule->identity, device) && !matched[i]) {
			other = device;
			others++;
		}
	}
	if (found ? !identity_has_ids(&rule->identity, found) : others > 0)
		log_warning(log, "%s: address changed: %s", rule->location,
			    identity_describe(&rule->identity, found, other, others, text));
}

int rule_list_warn_moved(const struct rule_list *list, const struct inventory *inventory,
			 const struct log *log)
{
	bool *matched;

	if (list->kind != RULE_ADDRESS || !list->count)
		return 0;
	matched = calloc(inventory->count + 1, sizeof(*matched));
	if (!matched)
		return -ENOMEM;
	for (size_t i = 0; i < inventory->count; i++)
		matched[i] = is_matched(list, &inventory->devices[i]);
	for (size_t i = 0; i < list->count; i++)
		if (list->rules[i]->identity.has_ids)
			warn_if_moved(list->rules[i], inventory, matched, log);
	free(matched);
	return 0;
}
