/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/select/request.h"

#include "probe/identity.h"
#include "probe/nearest.h"
#include "probe/select/alias.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void request_free(struct request *request)
{
	free(request->alias);
	rule_list_free(&request->filters);
	rule_list_free(&request->addresses);
	*request = (struct request){0};
}

static int parse_count(const char *text, const struct log *log, unsigned *ret)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long count = strtoul(text, NULL, 10);

	if (!digits || digits > 4 || text[digits] || !count || count > REQUEST_COUNT_MAX) {
		log_error(log, "request: count must be 1 to %d, not '%s'", REQUEST_COUNT_MAX, text);
		return -EINVAL;
	}
	*ret = (unsigned)count;
	return 0;
}

static bool is_id(const char *text, size_t length)
{
	return length == 4 && strspn(text, "0123456789abcdefABCDEF") >= 4;
}

/* Logs a hint if TEXT looks like an address or ids rather than an alias. Returns whether it did. */
static bool log_likely_mistake(const char *text, const struct log *log)
{
	size_t length = strcspn(text, ":");
	struct identity identity;

	if (identity_parse(text, &identity) == 0)
		log_error(log, "request: '%s' looks like an address; write address=%s", text, text);
	else if (is_id(text, length) && text[length] &&
		 is_id(text + length + 1, strlen(text + length + 1)) &&
		 (strspn(text + length + 1, "0123456789") < 4 ||
		  atoi(text + length + 1) > REQUEST_COUNT_MAX))
		log_error(log,
			  "request: '%s' looks like vendor and device; write vendor=%.4s,device=%s",
			  text, text, text + length + 1);
	else
		return false;
	return true;
}

/* "a1", "a1:2" */
static int parse_alias(const char *text, const struct log *log, struct request *request)
{
	const char *count = strchr(text, ':');

	if (log_likely_mistake(text, log))
		return -EINVAL;
	request->alias = strndup(text, strcspn(text, ":"));
	if (!request->alias)
		return -ENOMEM;
	if (!alias_is_name(request->alias)) {
		log_error(
			log,
			"invalid request '%s': expected e.g. a1:2 (of an alias), vendor=8086,class=0200 or address=07:00.0",
			text);
		return -EINVAL;
	}
	return count ? parse_count(count + 1, log, &request->count) : 0;
}

struct ids {
	const char *vendor, *device, *class;
};

static int log_unknown_key(const char *key, const struct log *log)
{
	static const char *const keys[] = {"vendor", "device", "class", "address", "count"};
	struct nearest nearest = {.word = key};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		nearest_try(&nearest, keys[i]);
	if (nearest.found)
		log_error(log, "request: unknown key '%s' (did you mean '%s'?)", key,
			  nearest.found);
	else
		log_error(
			log,
			"request: unknown key '%s'; valid keys: vendor, device, class, address, count",
			key);
	return -EINVAL;
}

static int parse_pair(char *pair, struct request *request, struct ids *ids, const struct log *log)
{
	char *value = strchr(pair, '=');
	const struct {
		const char *key;
		const char **value;
	} known[] = {{"vendor", &ids->vendor}, {"device", &ids->device}, {"class", &ids->class}};

	if (!value) {
		log_error(log, "request: '%s' is not KEY=VALUE", pair);
		return -EINVAL;
	}
	*value++ = '\0';
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (strcmp(pair, known[i].key) != 0)
			continue;
		if (!is_id(value, strlen(value)) || *known[i].value) {
			log_error(log, "request: %s %s'%s'", pair,
				  *known[i].value ? "is specified twice, again as "
						  : "must be four hex digits, not ",
				  value);
			return -EINVAL;
		}
		*known[i].value = value;
		return 0;
	}
	if (strcmp(pair, "count") == 0)
		return parse_count(value, log, &request->count);
	if (strcmp(pair, "address") != 0)
		return log_unknown_key(pair, log);
	if (!request->addresses.count)
		return rule_list_add(&request->addresses, value, "request", log);
	log_error(log, "request: address is specified twice");
	return -EINVAL;
}

static int parse_pairs(char *text, struct request *request, const struct log *log)
{
	struct ids ids = {0};
	char *rest = text, *pair, filter[32];
	int error;

	while ((pair = strsep(&rest, ","))) {
		error = parse_pair(pair, request, &ids, log);
		if (error < 0)
			return error;
	}
	if (ids.vendor || ids.device || ids.class) {
		snprintf(filter, sizeof(filter), "%s:%s%s%s", ids.vendor ? ids.vendor : "",
			 ids.device ? ids.device : "", ids.class ? ":" : "",
			 ids.class ? ids.class : "");
		error = rule_list_add(&request->filters, filter, "request", log);
		if (error < 0)
			return error;
	}
	if (!request->filters.count && !request->addresses.count) {
		log_error(
			log,
			"request: count alone selects no device; add vendor, device, class or address");
		return -EINVAL;
	}
	return 0;
}

int request_parse(const char *string, const struct log *log, struct request *ret)
{
	struct request request = {
		.count = 1,
		.filters = {.key = "request", .kind = RULE_FILTER},
		.addresses = {.key = "address", .kind = RULE_ADDRESS},
	};
	char *copy = strdup(string);
	int error = -ENOMEM;

	if (copy)
		error = strchr(copy, '=') ? parse_pairs(copy, &request, log)
					  : parse_alias(copy, log, &request);
	free(copy);
	if (error < 0) {
		request_free(&request);
		return error;
	}
	*ret = request;
	return 0;
}

static bool passes(const struct rule_list *list, const struct pci_device *device)
{
	for (size_t i = 0; i < list->count; i++)
		if (rule_matches(list->rules[i], device, NULL, NULL) > 0)
			return true;
	return !list->count;
}

bool request_fits(const struct request *request, const struct pci_device *device)
{
	if (request->alias && !strings_has(&device->aliases, request->alias))
		return false;
	return passes(&request->filters, device) && passes(&request->addresses, device);
}

/* A bipartite matching of requests and devices, found with augmenting paths: a request that was
 * served before switches to another device if possible, so the order of requests does not matter.
 */
struct matching {
	const struct request *requests;
	const struct pci_device **devices; /* available ones */
	size_t device_count;
	size_t *assigned_to; /* request of each device; SIZE_MAX: none */
	bool *visited;	     /* per device, in the current search */
};

static bool find_device(struct matching *m, size_t request)
{
	for (size_t i = 0; i < m->device_count; i++) {
		if (m->visited[i] || !request_fits(&m->requests[request], m->devices[i]))
			continue;
		m->visited[i] = true;
		if (m->assigned_to[i] == SIZE_MAX || find_device(m, m->assigned_to[i])) {
			m->assigned_to[i] = request;
			return true;
		}
	}
	return false;
}

static void list_available(struct matching *m, const struct inventory *inventory)
{
	inventory_foreach(inventory, device)
		if (device_unavailable_reason(device) == UNAVAILABLE_NONE) {
			m->assigned_to[m->device_count] = SIZE_MAX;
			m->devices[m->device_count++] = device;
		}
}

/* Returns whether all requests are served. */
static bool match(struct matching *m, size_t count, unsigned *served)
{
	bool all = true;

	for (size_t i = 0; i < count; i++) {
		served[i] = 0;
		do
			memset(m->visited, 0, m->device_count * sizeof(*m->visited));
		while (served[i] < m->requests[i].count && find_device(m, i) && ++served[i]);
		all = all && served[i] == m->requests[i].count;
	}
	return all;
}

int requests_serve(const struct request *requests, size_t count, const struct inventory *inventory,
		   unsigned *served, const struct pci_device ***ret, size_t *ret_count)
{
	size_t capacity = inventory->selected + 1;
	struct matching m = {
		.requests = requests,
		.devices = calloc(capacity, sizeof(*m.devices)),
		.assigned_to = calloc(capacity, sizeof(*m.assigned_to)),
		.visited = calloc(capacity, sizeof(*m.visited)),
	};
	int result = -ENOMEM;

	if (m.devices && m.assigned_to && m.visited) {
		list_available(&m, inventory);
		result = match(&m, count, served);
	}
	if (result > 0) {
		*ret_count = 0;
		for (size_t i = 0; i < m.device_count; i++)
			if (m.assigned_to[i] != SIZE_MAX)
				m.devices[(*ret_count)++] = m.devices[i];
		*ret = m.devices;
		m.devices = NULL;
	}
	free(m.devices);
	free(m.assigned_to);
	free(m.visited);
	return result;
}
