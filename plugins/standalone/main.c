/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/program.h"
#include "plugins/standalone/options.h"

static void print_message(void *data, enum message_level level, const char *message)
{
	const struct options *options = data;

	program_log("pciprobe", level, message, options->quiet, options->verbose);
}

int main(int argc, char **argv)
{
	struct options options = {.log = {.emit = print_message, .data = &options}};
	bool pipe_ignored = program_begin();
	int status = STATUS_USAGE;

	if (options_parse(argc, argv, &options, &status) == 0)
		status = options.subcommand->run(&options);
	options_free(&options);
	return program_end(&options.log, status, STATUS_FAILED, pipe_ignored);
}
