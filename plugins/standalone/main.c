/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/program.h"
#include "plugins/standalone/commands/check.h"
#include "plugins/standalone/options.h"

static void print_message(void *data, enum message_level level, const char *message)
{
	struct options *options = data;

	if (options->is_plugin)
		check_keep_message(options, level, message);
	else
		program_log("pciprobe", level, message, options->quiet, options->verbose);
}

int main(int argc, char **argv)
{
	struct options options = {.log = {.emit = print_message, .data = &options}};
	bool pipe_ignored = program_begin();
	int status = STATUS_USAGE, failed;

	if (options_parse(argc, argv, &options, &status) == 0)
		status = options.subcommand->run(&options);
	else if (options.is_plugin)
		/* of help and version, too, so that no service is OK by mistake */
		status = status == STATUS_OK ? (int)SERVICE_UNKNOWN : check_failed(&options);
	options_free(&options);
	failed = options.is_plugin ? (int)SERVICE_UNKNOWN : STATUS_FAILED;
	options.is_plugin = false;
	return program_end(&options.log, status, failed, pipe_ignored);
}
