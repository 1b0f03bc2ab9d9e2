/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciprobe check: a plugin for Nagios, Icinga and others, by the guidelines of Monitoring Plugins
 * (https://www.monitoring-plugins.org/doc/guidelines.html). */
#include "plugins/standalone/commands/check.h"

#include "common/textstream.h"
#include "plugins/standalone/aliasname.h"
#include "plugins/standalone/checks/input.h"
#include "plugins/standalone/checks/serviceoutput.h"
#include "plugins/standalone/help.h"
#include "probe/pool.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Printed when the time is over: a signal handler can only write a text that is there. */
static char timeout_text[160];

static void time_over(int signal)
{
	ssize_t written = write(STDOUT_FILENO, timeout_text, strlen(timeout_text));

	(void)signal;
	(void)written;
	_exit(SERVICE_UNKNOWN);
}

static struct service_output output_of(const struct options *options)
{
	return (struct service_output){.is_checkmk = options->checkmk,
				       .is_verbose = options->verbose,
				       .messages = &options->messages};
}

static int write_timeout(FILE *out, const struct options *options)
{
	char message[80], *item = message;
	struct strings messages = {&item, 1};
	struct service_output output = output_of(options);

	snprintf(message, sizeof(message), "no result after %u second%s (-t)", options->timeout,
		 options->timeout == 1 ? "" : "s");
	output.messages = &messages;
	return service_write_failure(out, &output);
}

static void start_timeout(const struct options *options)
{
	FILE *out = fmemopen(timeout_text, sizeof(timeout_text), "w");

	if (out) {
		write_timeout(out, options);
		fclose(out);
	}
	signal(SIGALRM, time_over);
	alarm(options->timeout);
}

void check_keep_message(struct options *options, enum message_level level, const char *message)
{
	if ((level == MESSAGE_WARNING && options->quiet) ||
	    (level == MESSAGE_DEBUG && !options->verbose))
		return;
	strings_add(&options->messages, message);
}

int check_failed(const struct options *options)
{
	struct service_output output = output_of(options);

	service_write_failure(stdout, &output);
	return SERVICE_UNKNOWN;
}

/* Whether each of the NAMES is one that can be judged. */
static bool check_names(const struct options *options)
{
	for (char **name = options->arguments; *name; name++) {
		const struct service_check *check = service_check_find(*name, &options->log);

		if (!check)
			return false;
		if (!check->range &&
		    !thresholds_find(&options->thresholds, check, NULL, SERVICE_WARNING) &&
		    !thresholds_find(&options->thresholds, check, NULL, SERVICE_CRITICAL)) {
			log_error(&options->log,
				  "check: '%s' is reported, not judged, without -w or -c %s=RANGE",
				  *name, *name);
			return false;
		}
	}
	return true;
}

/* A mistyped alias would have no devices, of which none is ever wrong. */
static bool check_aliases(const struct options *options, const struct config *config)
{
	for (size_t i = 0; i < options->thresholds.count; i++) {
		const char *alias = options->thresholds.items[i].alias;

		if (alias && !aliasname_check(alias, config, &options->log))
			return false;
	}
	return true;
}

static bool is_requested(const struct options *options, const struct service_check *check)
{
	bool named = !options->argument_count;

	for (char **name = options->arguments; *name && !named; name++)
		named = strcmp(*name, check->name) == 0;
	for (size_t i = 0; i < options->thresholds.count && !named; i++)
		named = options->thresholds.items[i].check == check;
	return named;
}

static unsigned details_of(const struct options *options)
{
	unsigned details = DETAIL_POOLS;

	for (size_t i = 0; i < SERVICE_CHECK_COUNT; i++)
		if (is_requested(options, &SERVICE_CHECKS[i]))
			details |= SERVICE_CHECKS[i].details;
	return details;
}

/* Returns the output, or NULL if out of memory; the caller frees it. */
static char *make_output(const struct options *options, const struct check_input *input,
			 enum service_state *ret_state)
{
	const struct service_output output = output_of(options);
	struct service service = {0};
	char *text = NULL;
	FILE *out = textstream_open(&text);
	int error = out ? service_judge(input, &options->thresholds, options->arguments, &service)
			: -ENOMEM;

	if (!error)
		error = service_write(out, &output, input, &service);
	*ret_state = service.state;
	service_free(&service);
	if (out && !textstream_close(out, &text))
		error = -ENOMEM;
	if (!error)
		return text;
	free(text);
	return NULL;
}

/* Returns the state; SERVICE_UNKNOWN without an output is logged. */
static enum service_state check_host(struct options *options, struct probe *probe, char **ret)
{
	struct inventory *inventory = NULL;
	enum service_state state = SERVICE_UNKNOWN;
	struct check_input input = {0};
	unsigned details = details_of(options);
	int error;

	if (!check_aliases(options, probe_config(probe)) || probe_read(probe, &inventory) < 0)
		return SERVICE_UNKNOWN;
	error = check_input_read(probe, options->sysroot ? options->sysroot : "", inventory,
				 details & DETAIL_AER, &input);
	if (!error)
		*ret = make_output(options, &input, &state);
	if (!*ret)
		log_error(&options->log, "out of memory");
	check_input_free(&input);
	inventory_free(inventory);
	return state;
}

int run_service_check(struct options *options)
{
	enum service_state state = SERVICE_UNKNOWN;
	struct probe *probe = NULL;
	char *output = NULL;

	if (options->argument_count == 1 && strcmp(*options->arguments, "help") == 0)
		return help_print_values('w', &options->log) == STATUS_OK ? SERVICE_OK
									  : SERVICE_UNKNOWN;
	/* the state's directory is shared with other users; Icinga's umask is 0007 */
	umask(022);
	start_timeout(options);
	if (check_names(options) && options_probe(options, details_of(options), &probe) == 0)
		state = check_host(options, probe, &output);
	alarm(0);
	if (!output)
		check_failed(options);
	else
		fputs(output, stdout);
	free(output);
	probe_free(probe);
	return output ? (int)state : (int)SERVICE_UNKNOWN;
}
