/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vfio-bind recover */
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
	if (status == BIND_DONE && !options->quiet)
		printf(count ? "%zu devices were put in order\n" : "there is nothing to recover\n",
		       count);
	job_end(&job);
	return status;
}
