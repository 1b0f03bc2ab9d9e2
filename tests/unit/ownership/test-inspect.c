/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inspection of a process of the host, this one, with threads. */
#include "tests/unit/test.h"

#include "probe/ownership/deadline.h"
#include "probe/ownership/inspect.h"
#include "probe/ownership/vfiofile.h"
#include "probe/ownership/vmm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* In place of a node of VFIO. */
#define NODE "/dev/full"

#define SHARING 3

static pthread_barrier_t ready, done;
static pid_t unshared;

static void *share(void *data)
{
	pthread_barrier_wait(&ready);
	pthread_barrier_wait(&done);
	return data;
}

/* Opens the node in a descriptor table of its own, which is a copy. */
static void *unshare_files(void *data)
{
	if (unshare(CLONE_FILES) == 0 && open(NODE, O_RDONLY | O_CLOEXEC) >= 0)
		unshared = (pid_t)syscall(SYS_gettid);
	pthread_barrier_wait(&ready);
	pthread_barrier_wait(&done);
	return data;
}

static bool may_read(void *data, pid_t pid)
{
	(void)data, (void)pid;
	return false;
}

static void set_known(void *data, const struct holder *holder)
{
	(void)data, (void)holder;
}

static void inspect(struct holder *holder, struct holders *holders)
{
	struct vfio_node node = {
		.kind = VFIO_NODE_GROUP, .has_number = true, .number = makedev(1, 7)};
	const struct vfio_nodes nodes = {.items = &node, .count = 1};
	struct vfio_numbers numbers;
	struct process_users users = {0};
	struct inspection inspection = {
		.depth = HOLDERS_THREADS,
		.numbers = &numbers,
		.users = &users,
		.deadline = deadline_in(600000),
		.may_read_cmdline = may_read,
		.set_known = set_known,
	};
	_cleanup_sysdir_ struct sysdir process = {.fd = -1};
	char *buffer = malloc(VMM_CMDLINE_MAX), path[32];
	struct sysroot *root;

	assert_non_null(buffer);
	snprintf(path, sizeof(path), "proc/%d", getpid());
	assert_int_equal(sysroot_new("/", &root), 0);
	assert_int_equal(sysdir_open(sysroot_dir(root), path, &process), 0);
	assert_int_equal(vfio_numbers_read(&nodes, &numbers), 0);
	holder->pid = getpid();
	assert_int_equal(inspect_process(&inspection, &process, buffer, holder, holders), 1);
	free(buffer);
	sysroot_free(root);
}

static void only_descriptor_tables_that_are_not_shared_are_read_again(void **state)
{
	struct holder holder = {0};
	struct holders holders = {0};
	pthread_t threads[SHARING + 1];
	size_t of_process = 0, of_thread = 0;
	int fd;

	(void)state;
	if (syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILES, 0, 0) < 0) {
		print_message("# kcmp: %s\n", strerror(errno));
		skip();
	}
	fd = open(NODE, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	pthread_barrier_init(&ready, NULL, SHARING + 2);
	pthread_barrier_init(&done, NULL, SHARING + 2);
	for (size_t i = 0; i < SHARING + 1; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						i == SHARING ? unshare_files : share, NULL),
				 0);
	pthread_barrier_wait(&ready);
	inspect(&holder, &holders);
	pthread_barrier_wait(&done);
	for (size_t i = 0; i < SHARING + 1; i++)
		pthread_join(threads[i], NULL);
	close(fd);

	assert_true(unshared > 0);
	for (size_t i = 0; i < holder.file_count; i++) {
		of_process += holder.files[i].thread == getpid();
		of_thread += holder.files[i].thread == unshared;
	}
	assert_int_equal(of_process, 1);
	assert_int_equal(of_thread, 2);
	assert_int_equal(holder.file_count, 3);
	holder_free(&holder);
	holders_free(&holders);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_descriptor_tables_that_are_not_shared_are_read_again),
	};

	return cmocka_run_group_tests_name("inspect", tests, NULL, NULL);
}
