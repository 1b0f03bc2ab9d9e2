/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vfio-bind recover. */
#include "binder/commands/commands.h"
#include "binder/engine/transaction.h"
#include "binder/job.h"

#include <stdio.h>

int run_recover(struct bind_options *options)
{
	struct job job;
	size_t count = 0;
	int status = job_begin_recovery(&job, options);

	if (status == BIND_DONE)
		status = bind_status_of_transaction(
			transaction_recover(job.kernel, &job.journal, options->timeout, &count));
	if (status == BIND_DONE && !options->quiet && count)
		printf("recovered %zu device%s\n", count, count == 1 ? "" : "s");
	else if (status == BIND_DONE && !options->quiet)
		printf("nothing to recover\n");
	job_end(&job);
	return status;
}
