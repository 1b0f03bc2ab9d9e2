/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/commands/commands.h"
#include "common/program.h"

#include <stdlib.h>

static void print_message(void *data, enum message_level level, const char *message)
{
	const struct bind_options *options = data;

	program_log("vfio-bind", level, message, options->quiet, options->verbose);
}

int main(int argc, char **argv)
{
	struct bind_options options = {.log = {.emit = print_message, .data = &options}};
	bool pipe_ignored = program_begin();
	int status = BIND_USAGE;

	options.ssh_connection = getenv("SSH_CONNECTION");
	if (bind_options_parse(argc, argv, &options, &status) == 0)
		status = options.subcommand->run(&options);
	/* the status is that of the changes, even if the report cannot be written */
	return program_end(&options.log, status, status ? status : BIND_FAILED, pipe_ignored);
}
