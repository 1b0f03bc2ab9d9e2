/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/checks/service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_named(const char *name, char *const names[])
{
	for (; *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

static const char *text_of(const struct threshold *threshold)
{
	return threshold ? threshold->text : NULL;
}

static const struct range *range_of(const struct threshold *threshold)
{
	return threshold ? &threshold->range : NULL;
}

/* What the check reports by itself, unless -w or -c replace it. Returns NULL if there is nothing.
 */
static const char *own_range(const struct service_check *check, const struct threshold *warning,
			     const struct threshold *critical)
{
	if ((check->state == SERVICE_WARNING && warning) ||
	    (check->state == SERVICE_CRITICAL && critical) ||
	    (check->state == SERVICE_UNKNOWN && (warning || critical)))
		return NULL;
	return check->range;
}

/* OWN: the check's own range is used. */
static void judge(const struct check_input *input, const struct thresholds *thresholds, bool own,
		  struct service_result *result)
{
	const struct service_check *check = result->check;
	const struct threshold *warning = thresholds_find(thresholds, check, result->alias,
							  SERVICE_WARNING),
			       *critical = thresholds_find(thresholds, check, result->alias,
							   SERVICE_CRITICAL);
	const char *text = own ? own_range(check, warning, critical) : NULL;
	bool is_warning = check->state == SERVICE_WARNING,
	     is_unknown = check->state == SERVICE_UNKNOWN;
	struct range range;

	result->warning = text_of(warning);
	result->critical = text_of(critical);
	result->amount = service_check_amount(check, input, result->alias);
	if (result->amount.is_absent || (!text && !warning && !critical))
		return;
	if (text)
		range_parse(text, &range);
	if (text && is_warning)
		result->warning = text;
	if (text && check->state == SERVICE_CRITICAL)
		result->critical = text;
	result->state = amount_state(&result->amount,
				     text && is_warning ? &range : range_of(warning),
				     text && !is_warning ? &range : range_of(critical));
	/* the range of such a check takes the place of the critical one */
	if (text && is_unknown && result->state == SERVICE_CRITICAL)
		result->state = SERVICE_UNKNOWN;
	if (result->state == SERVICE_OK)
		return;
	result->expected = text && is_unknown		      ? text
			   : result->state == SERVICE_WARNING ? result->warning
							      : result->critical;
	if (!result->expected)
		result->expected = result->warning;
}

/* Adds a result, which is judged by the check's own range if OWN. */
static int add(struct service *service, const struct check_input *input,
	       const struct thresholds *thresholds, const struct service_check *check,
	       const char *alias, bool own)
{
	struct service_result *grown = reallocarray(service->results, service->count + 1,
						    sizeof(*grown));
	struct service_result *added;

	if (!grown)
		return -ENOMEM;
	service->results = grown;
	added = &grown[service->count++];
	*added = (struct service_result){.check = check, .alias = alias};
	judge(input, thresholds, own, added);
	service->state = service_state_worse(service->state, added->state);
	return 0;
}

static bool has_result(const struct service *service, const struct service_check *check,
		       const char *alias)
{
	for (size_t i = 0; i < service->count; i++)
		if (service->results[i].check == check &&
		    text_same(service->results[i].alias, alias))
			return true;
	return false;
}

/* Adds how many devices of each alias are available, and what has a threshold for an alias. */
static int add_aliases(struct service *service, const struct check_input *input,
		       const struct thresholds *thresholds)
{
	const struct service_check *available = service_check_find("available", NULL);
	int error = 0;

	for (size_t i = 0; i < input->config->alias_count && !error; i++) {
		const char *name = input->config->aliases[i].name;

		if (!has_result(service, available, name))
			error = add(service, input, thresholds, available, name, false);
	}
	for (size_t i = 0; i < thresholds->count && !error; i++) {
		const struct threshold *threshold = &thresholds->items[i];

		if (threshold->alias && !has_result(service, threshold->check, threshold->alias))
			error = add(service, input, thresholds, threshold->check, threshold->alias,
				    false);
	}
	return error;
}

int service_judge(const struct check_input *input, const struct thresholds *thresholds,
		  char *const names[], struct service *ret)
{
	struct service service = {.state = SERVICE_OK};
	int error = 0;

	for (size_t i = 0; i < SERVICE_CHECK_COUNT && !error; i++) {
		const struct service_check *check = &SERVICE_CHECKS[i];
		bool has_threshold = thresholds_find(thresholds, check, NULL, SERVICE_WARNING) ||
				     thresholds_find(thresholds, check, NULL, SERVICE_CRITICAL);

		if (!*names || has_threshold || is_named(check->name, names))
			error = add(&service, input, thresholds, check, NULL, true);
	}
	if (!error)
		error = add_aliases(&service, input, thresholds);
	if (error < 0)
		service_free(&service);
	else
		*ret = service;
	return error;
}

void service_free(struct service *service)
{
	free(service->results);
	*service = (struct service){0};
}
