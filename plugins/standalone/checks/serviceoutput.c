/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/checks/serviceoutput.h"

#include "common/text.h"
#include "common/textstream.h"
#include "probe/ownership/ownership.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const enum service_state PROBLEMS[] = {SERVICE_CRITICAL, SERVICE_UNKNOWN, SERVICE_WARNING};
#define PROBLEM_COUNT (sizeof(PROBLEMS) / sizeof(*PROBLEMS))

/* ---- lines ---- */

/* Writes TEXT in one line without what the format uses: '|' begins performance data, in Checkmk's a
 * backslash a line, and Nagios replaces semicolons in the first one (IS_FIRST). */
static int write_clean(FILE *out, const struct service_output *output, const char *text,
		       bool is_first)
{
	char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	for (char *c = copy; *c; c++)
		if (*c == '|' || (output->is_checkmk && *c == '\\'))
			*c = '?';
		else if (is_first && *c == ';')
			*c = ',';
	text_write_plain(out, copy);
	free(copy);
	return 0;
}

/* Ends LINE, which was written to *text, and writes it after a line break. */
static int end_line(FILE *out, const struct service_output *output, FILE *line, char **text)
{
	int error = -ENOMEM;

	if (textstream_close(line, text)) {
		fputs(output->is_checkmk ? "\\n" : "\n", out);
		error = write_clean(out, output, *text, false);
	}
	free(*text);
	return error;
}

static void begin_problem(FILE *line, const struct service_result *result, enum service_state state)
{
	fprintf(line, "%s %s%s%s: ", service_state_name(state), result->check->name,
		result->alias ? ":" : "", result->alias ? result->alias : "");
}

static void end_problem(FILE *line, const struct service_result *result)
{
	if (result->check->advice)
		fprintf(line, "; %s", result->check->advice);
}

static int write_device(FILE *out, const struct service_output *output,
			const struct check_input *input, const struct service_result *result,
			const struct pci_device *device, enum service_state state)
{
	char *text, address[ADDRESS_SIZE];
	FILE *line = textstream_open(&text);

	if (!line)
		return -ENOMEM;
	begin_problem(line, result, state);
	fprintf(line, "%s: ", address_format(&device->address, address));
	result->check->explain(line, input, device);
	end_problem(line, result);
	return end_line(out, output, line, &text);
}

static int write_more(FILE *out, const struct service_output *output,
		      const struct service_result *result, size_t count)
{
	char *text;
	FILE *line = textstream_open(&text);

	if (!line)
		return -ENOMEM;
	begin_problem(line, result, result->state);
	fprintf(line, "and %zu more; see 'pciprobe explain'", count);
	return end_line(out, output, line, &text);
}

/* Lists the devices that were counted, or may have to be. Returns how many, or -ENOMEM. */
static ssize_t write_devices(FILE *out, const struct service_output *output,
			     const struct check_input *input, const struct service_result *result)
{
	ssize_t count = 0;

	if (!result->check->explain || result->amount.reason)
		return 0;
	inventory_foreach(input->inventory, device) {
		struct amount amount = {0};
		int error = 0;

		if (result->alias && !strings_has(&device->aliases, result->alias))
			continue;
		result->check->count(input, device, &amount);
		/* unknown owners are listed once, by the check of that name */
		if (!(amount.count > 0) &&
		    (!(amount.more > 0) || device->ownership == OWNERSHIP_UNKNOWN))
			continue;
		if (count++ < SERVICE_LINES_MAX)
			error = write_device(out, output, input, result, device,
					     amount.count > 0 ? result->state : SERVICE_UNKNOWN);
		if (error < 0)
			return error;
	}
	if (count > SERVICE_LINES_MAX &&
	    write_more(out, output, result, (size_t)count - SERVICE_LINES_MAX) < 0)
		return -ENOMEM;
	return count;
}

static int write_item(FILE *out, const struct service_output *output,
		      const struct service_result *result, const char *item)
{
	char *text;
	FILE *line = textstream_open(&text);

	if (!line)
		return -ENOMEM;
	begin_problem(line, result, result->state);
	fputs(item, line);
	end_problem(line, result);
	return end_line(out, output, line, &text);
}

/* Lists what was measured. Returns how many, or -ENOMEM. */
static ssize_t write_items(FILE *out, const struct service_output *output,
			   const struct check_input *input, const struct service_result *result)
{
	struct strings items = {0};
	size_t count;
	int error = result->check->list ? result->check->list(input, &items) : 0;

	for (size_t i = 0; i < items.count && i < SERVICE_LINES_MAX && !error; i++)
		error = write_item(out, output, result, items.items[i]);
	if (!error && items.count > SERVICE_LINES_MAX)
		error = write_more(out, output, result, items.count - SERVICE_LINES_MAX);
	count = items.count;
	strings_free(&items);
	return error ? error : (ssize_t)count;
}

static void write_value(FILE *out, const struct amount *amount, const char *unit)
{
	if (isinf(amount->more))
		fputs("unknown", out);
	else if (amount->more > 0)
		fprintf(out, "%.10g to %.10g%s", amount->count, amount->count + amount->more, unit);
	else
		fprintf(out, "%.10g%s", amount->count, unit);
}

/* A line about the number itself. */
static int write_number_line(FILE *out, const struct service_output *output,
			     const struct service_result *result)
{
	char *text;
	FILE *line = textstream_open(&text);

	if (!line)
		return -ENOMEM;
	begin_problem(line, result, result->state);
	write_value(line, &result->amount, result->check->unit);
	if (result->expected)
		fprintf(line, ", expected %s", result->expected);
	if (result->amount.reason)
		fprintf(line, " (%s)", result->amount.reason);
	else if (result->state != SERVICE_OK && !(result->amount.more > 0))
		end_problem(line, result);
	return end_line(out, output, line, &text);
}

static int write_problem(FILE *out, const struct service_output *output,
			 const struct check_input *input, const struct service_result *result)
{
	ssize_t listed = result->check->measure ? write_items(out, output, input, result)
						: write_devices(out, output, input, result);

	if (listed < 0)
		return (int)listed;
	return listed ? 0 : write_number_line(out, output, result);
}

static int write_messages(FILE *out, const struct service_output *output, size_t first)
{
	const struct strings *messages = output->messages;
	int error = 0;

	for (size_t i = first; messages && i < messages->count && !error; i++) {
		fputs(output->is_checkmk ? "\\n" : "\n", out);
		error = write_clean(out, output, messages->items[i], false);
	}
	return error;
}

/* Writes what is in STATE. */
static int write_state_lines(FILE *out, const struct service_output *output,
			     const struct check_input *input, const struct service *service,
			     enum service_state state)
{
	int error = 0;

	for (size_t i = 0; i < service->count && !error; i++) {
		const struct service_result *result = &service->results[i];

		if (result->state == state && !result->amount.is_absent)
			error = state == SERVICE_OK ? write_number_line(out, output, result)
						    : write_problem(out, output, input, result);
	}
	return error;
}

/* The worst come first. */
static int write_lines(FILE *out, const struct service_output *output,
		       const struct check_input *input, const struct service *service)
{
	int error = 0;

	for (size_t i = 0; i < PROBLEM_COUNT && !error; i++)
		error = write_state_lines(out, output, input, service, PROBLEMS[i]);
	if (!error && output->is_verbose)
		error = write_state_lines(out, output, input, service, SERVICE_OK);
	if (!error && (service->state != SERVICE_OK || output->is_verbose))
		error = write_messages(out, output, 0);
	return error;
}

/* ---- the first line ---- */

static void write_phrase(FILE *out, const struct service_result *result)
{
	const struct service_check *check = result->check;
	const struct amount *amount = &result->amount;
	bool is_one = amount->count >= 1 && amount->count <= 1;

	if (amount->more > 0 && result->state == SERVICE_UNKNOWN)
		fprintf(out, "unknown number of %s", check->many);
	else
		fprintf(out, "%.10g %s", amount->count, is_one ? check->one : check->many);
	if (result->alias)
		fprintf(out, " of %s", result->alias);
}

/* Returns whether there is a problem. */
static bool write_phrases(FILE *out, const struct service *service)
{
	bool first = true;

	for (size_t i = 0; i < PROBLEM_COUNT; i++)
		for (size_t j = 0; j < service->count; j++) {
			if (service->results[j].state != PROBLEMS[i])
				continue;
			fputs(first ? "" : ", ", out);
			write_phrase(out, &service->results[j]);
			first = false;
		}
	return !first;
}

/* "12 devices, 9 held, 3 free" */
static void write_summary(FILE *out, const struct inventory *inventory)
{
	static const enum ownership order[] = {OWNERSHIP_HELD, OWNERSHIP_FREE, OWNERSHIP_RESERVED,
					       OWNERSHIP_HOST, OWNERSHIP_UNKNOWN};

	fprintf(out, "%zu device%s", inventory->selected, inventory->selected == 1 ? "" : "s");
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		size_t count = 0;

		inventory_foreach(inventory, device)
			count += device->ownership == order[i];
		if (count)
			fprintf(out, ", %zu %s", count, ownership_name(order[i]));
	}
}

static int write_first(FILE *out, const struct service_output *output,
		       const struct check_input *input, const struct service *service)
{
	char *text;
	FILE *line = textstream_open(&text);
	int error = -ENOMEM;
	bool has_problem;

	if (!line)
		return -ENOMEM;
	has_problem = write_phrases(line, service);
	fputs(has_problem ? " (" : "", line);
	write_summary(line, input->inventory);
	fputs(has_problem ? ")" : "", line);
	if (textstream_close(line, &text))
		error = write_clean(out, output, text, true);
	free(text);
	return error;
}

/* ---- performance data ---- */

static void write_label(FILE *out, const struct service_result *result)
{
	fprintf(out, "'%s%s%s'=", result->check->name, result->alias ? ":" : "",
		result->alias ? result->alias : "");
}

/* Checkmk's names of metrics have letters, digits and underscores. */
static void write_metric(FILE *out, const struct service_result *result)
{
	fputs(result->check->name, out);
	if (result->alias)
		fputc('_', out);
	for (const char *c = result->alias; c && *c; c++)
		fputc(isalnum((unsigned char)*c) ? *c : '_', out);
	fputc('=', out);
}

/* Checkmk knows an upper level, or a lower and an upper one. */
static const char *checkmk_level(const char *text)
{
	struct range range;
	const char *colon;

	if (!text || range_parse(text, &range) || range.is_inside || isinf(range.high))
		return "";
	colon = strchr(text, ':');
	return colon && (isinf(range.low) || !(fabs(range.low) > 0)) ? colon + 1 : text;
}

/* An unknown number has no value. Returns false if nothing was written. */
static bool write_performance(FILE *out, const struct service_output *output,
			      const struct service_result *result, const char *separator)
{
	if (result->amount.is_absent || result->amount.more > 0)
		return false;
	fputs(separator, out);
	if (output->is_checkmk)
		write_metric(out, result);
	else
		write_label(out, result);
	fprintf(out, "%.10g%s;", result->amount.count,
		output->is_checkmk ? "" : result->check->unit);
	if (output->is_checkmk)
		fprintf(out, "%s;%s", checkmk_level(result->warning),
			checkmk_level(result->critical));
	else
		fprintf(out, "%s;%s", result->warning ? result->warning : "",
			result->critical ? result->critical : "");
	fputs(";0", out);
	return true;
}

static void write_all_performance(FILE *out, const struct service_output *output,
				  const struct service *service)
{
	const char *separator = output->is_checkmk ? "" : " | ";
	bool any = false;

	for (size_t i = 0; i < service->count; i++)
		if (write_performance(out, output, &service->results[i], separator)) {
			separator = output->is_checkmk ? "|" : " ";
			any = true;
		}
	if (output->is_checkmk)
		fputs(any ? " " : "- ", out);
}

/* ---- the output ---- */

static void write_state(FILE *out, const struct service_output *output, enum service_state state)
{
	if (output->is_checkmk)
		fprintf(out, "%d \"" SERVICE_NAME "\" ", (int)state);
	else
		fprintf(out, "PCI %s - ", service_state_name(state));
}

int service_write(FILE *out, const struct service_output *output, const struct check_input *input,
		  const struct service *service)
{
	int error;

	write_state(out, output, service->state);
	if (output->is_checkmk)
		write_all_performance(out, output, service);
	error = write_first(out, output, input, service);
	if (!output->is_checkmk)
		write_all_performance(out, output, service);
	if (!error)
		error = write_lines(out, output, input, service);
	fputc('\n', out);
	return error;
}

int service_write_failure(FILE *out, const struct service_output *output)
{
	const struct strings *messages = output->messages;
	int error = messages && messages->count ? 0 : -ENOMEM;

	write_state(out, output, SERVICE_UNKNOWN);
	if (output->is_checkmk)
		fputs("- ", out);
	if (!error)
		error = write_clean(out, output, messages->items[0], true);
	if (error < 0)
		fputs("out of memory", out);
	else
		error = write_messages(out, output, 1);
	fputc('\n', out);
	return error;
}
