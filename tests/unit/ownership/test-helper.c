/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running a helper with a timeout. The helpers are shell scripts. */
#include "tests/unit/test.h"

#include "probe/ownership/helper.h"
#include "tests/unit/fakesys.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SHORT 300 /* milliseconds: for helpers that hang */
#define LONG 30000

/* The result of one run, and the time that it took. */
struct run {
	char *text;
	size_t length;
	char why[HELPER_WHY_SIZE];
	int error;
	double seconds;
};

static struct fakesys *fake;
static struct run last;
static int next_descriptor;

static int lowest_descriptor(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

static int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	next_descriptor = lowest_descriptor();
	return 0;
}

/* Leaves no child, alive or zombie, and no descriptor. */
static int teardown(void **state)
{
	(void)state;
	free(last.text);
	last = (struct run){0};
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	assert_int_equal(lowest_descriptor(), next_descriptor);
	fakesys_free(fake);
	return 0;
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void script(const char *name, const char *lines)
{
	char text[1024], path[128];

	snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", lines);
	fakesys_file(fake, name, text);
	snprintf(path, sizeof(path), "%s/%s", fake->path, name);
	assert_int_equal(chmod(path, 0755), 0);
}

static struct run run_script(const char *name, int milliseconds)
{
	char path[128];
	struct helper helper = {
		.path = path, .argument = "the argument", .milliseconds = milliseconds};
	struct run run = {0};
	double start = seconds_now();

	snprintf(path, sizeof(path), "%s/%s", fake->path, name);
	helper.directory = open(fake->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	run.error = helper_run(&helper, &run.text, &run.length, run.why);
	close(helper.directory);
	run.seconds = seconds_now() - start;
	return run;
}

/* Runs a script with these lines; the result is in last. */
static int run(const char *lines, int milliseconds)
{
	free(last.text);
	script("script", lines);
	last = run_script("script", milliseconds);
	return last.error;
}

static void assert_timeout_kept(void)
{
	assert_true(last.seconds >= SHORT / 1e3 - 0.01);
	assert_true(last.seconds < SHORT / 1e3 + 5); /* the machine may be busy */
}

/* Whether the process whose pid the script wrote to the file "pid" has ended or is a zombie. */
static bool is_dead(void)
{
	char path[128], state = 'Z';
	unsigned pid = 0;
	FILE *in;

	snprintf(path, sizeof(path), "%s/pid", fake->path);
	in = fopen(path, "r");
	assert_non_null(in);
	assert_int_equal(fscanf(in, "%u", &pid), 1);
	fclose(in);
	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	in = fopen(path, "r");
	if (in && fscanf(in, "%*u (%*[^)]) %c", &state) != 1)
		state = 'Z';
	if (in)
		fclose(in);
	return state == 'Z' || state == 'X';
}

/* A killed process may take a moment to end. */
static void assert_dead(void)
{
	for (int i = 0; i < 500 && !is_dead(); i++)
		usleep(10000);
	assert_true(is_dead());
}

static void the_output_is_returned(void **state)
{
	(void)state;
	assert_int_equal(
		run("echo \"$# $1\"; pwd; printf 'no newline\\0behind a NUL'; echo warned >&2",
		    LONG),
		0);
	assert_int_equal(last.length, strlen("1 the argument\n") + strlen(fake->path) + 1 +
					      strlen("no newline") + 1 + strlen("behind a NUL"));
	assert_memory_equal(last.text, "1 the argument\n", strlen("1 the argument\n"));
	assert_contains(last.text, fake->path);
	assert_int_equal(last.text[last.length], '\0');
	assert_int_equal(run(":", LONG), 0);
	assert_int_equal(last.length, 0);
	assert_string_equal(last.text, "");
}

static void the_helper_reads_its_input(void **state)
{
	struct helper helper = {.argument = "-", .milliseconds = LONG};
	char path[128];
	struct run result = {0};

	(void)state;
	script("script", "cat");
	fakesys_file(fake, "input", "some input");
	snprintf(path, sizeof(path), "%s/input", fake->path);
	helper.input = open(path, O_RDONLY | O_CLOEXEC);
	helper.directory = open(fake->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	snprintf(path, sizeof(path), "%s/script", fake->path);
	helper.path = path;
	assert_true(helper.input > 2);
	assert_int_equal(helper_run(&helper, &result.text, &result.length, result.why), 0);
	close(helper.input);
	close(helper.directory);
	assert_string_equal(result.text, "some input");
	free(result.text);
}

static void long_output_is_complete(void **state)
{
	(void)state;
	assert_int_equal(run("head -c 4000000 /dev/zero; echo; head -c 100000 /dev/zero >&2", LONG),
			 0);
	assert_int_equal(last.length, 4000001);
	assert_int_equal(last.text[4000000], '\n');
}

static void environment_signals_and_process_group_are_clean(void **state)
{
	unsigned long long blocks, ignores;
	sigset_t blocked, before;
	unsigned pid, group;
	const char *rest;

	(void)state;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	signal(SIGPIPE, SIG_IGN);
	setenv("LIBVIRT_DEBUG", "1", 1);
	assert_int_equal(
		run("export -p; cat; grep -E '^Sig(Blk|Ign):' /proc/self/status; cut -d' ' -f1,5 /proc/$$/stat",
		    LONG),
		0);
	unsetenv("LIBVIRT_DEBUG");
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	assert_null(strstr(last.text, "LIBVIRT_DEBUG"));
	assert_contains(last.text, "PATH='/usr/sbin:/usr/bin:/sbin:/bin'");
	rest = strstr(last.text, "SigBlk:");
	assert_non_null(rest);
	assert_int_equal(sscanf(rest, "SigBlk: %llx SigIgn: %llx %u %u", &blocks, &ignores, &pid,
				&group),
			 4);
	assert_int_equal(blocks, 0);
	assert_int_equal(ignores & 0x7fffffff,
			 0); /* the C library uses two signals above these itself */
	assert_int_equal(pid, group);
	assert_true(group != (unsigned)getpgrp());
}

static void a_hanging_helper_is_killed(void **state)
{
	(void)state;
	assert_int_equal(run("echo $$ >pid; echo begun; exec sleep 1000", SHORT), -ETIMEDOUT);
	assert_string_equal(last.why, "no answer in time");
	assert_timeout_kept();
	assert_dead();
}

static void a_helper_that_ignores_signals_is_killed(void **state)
{
	(void)state;
	assert_int_equal(run("trap '' TERM INT HUP; echo $$ >pid; while :; do sleep 1000; done",
			     SHORT),
			 -ETIMEDOUT);
	assert_timeout_kept();
	assert_dead();
	assert_int_equal(run("echo $$ >pid; kill -STOP $$", SHORT), -ETIMEDOUT);
	assert_timeout_kept();
	assert_dead();
}

static void slow_output_does_not_extend_the_timeout(void **state)
{
	(void)state;
	assert_int_equal(run("echo $$ >pid; while :; do echo more; sleep 0.01; done", SHORT),
			 -ETIMEDOUT);
	assert_timeout_kept();
	assert_dead();
}

static void endless_output_is_stopped(void **state)
{
	(void)state;
	assert_int_equal(run("echo $$ >pid; exec cat /dev/zero", LONG), -EFBIG);
	assert_string_equal(last.why, "answer too long");
	assert_dead();
	assert_int_equal(run("echo $$ >pid; exec cat /dev/zero >&2", LONG), -EFBIG);
	assert_dead();
}

static void a_helper_that_closes_its_streams_is_killed(void **state)
{
	(void)state;
	assert_int_equal(run("echo $$ >pid; echo all; exec sleep 1000 >&-", SHORT), -ETIMEDOUT);
	assert_timeout_kept();
	assert_dead();
	assert_int_equal(run("echo $$ >pid; echo all; exec sleep 1000 >&- 2>&-", LONG), -EBADMSG);
	assert_string_equal(last.why, "killed by signal 9");
	assert_dead();
}

static void children_of_the_helper_are_killed(void **state)
{
	(void)state;
	assert_int_equal(run("sleep 1000 & echo $! >pid; echo all", SHORT), -ETIMEDOUT);
	assert_timeout_kept();
	assert_dead();
}

static void a_failure_has_a_reason(void **state)
{
	(void)state;
	assert_int_equal(
		run("echo something; echo a warning >&2; printf 'the \\033[2Jreason\\r\\n\\n' >&2; exit 1",
		    LONG),
		-ECONNREFUSED);
	assert_string_equal(last.why, "the ?[2Jreason?");
	assert_int_equal(run("exit 42", LONG), -ECONNREFUSED);
	assert_string_equal(last.why, "exited with status 42, no error message");
	assert_int_equal(run("head -c 5000 /dev/zero | tr '\\0' x >&2; exit 1", LONG),
			 -ECONNREFUSED);
	assert_int_equal(strlen(last.why), HELPER_WHY_SIZE - 1);
	assert_int_equal(run("echo something; kill -SEGV $$", LONG), -EBADMSG);
	assert_string_equal(last.why, "killed by signal 11");
}

static void a_program_that_cannot_be_run_is_reported(void **state)
{
	(void)state;
	last = run_script("nothing", LONG);
	assert_int_equal(last.error, -ENOSYS);
	assert_contains(last.why, "/nothing: No such file or directory");
	fakesys_file(fake, "text", "no program");
	last = run_script("text", LONG);
	assert_int_equal(last.error, -EACCES);
	assert_contains(last.why, "/text: Permission denied");
}

/* ---- in a daemon ---- */

static void sigchld_may_be_ignored(void **state)
{
	(void)state;
	signal(SIGCHLD, SIG_IGN);
	assert_int_equal(run("echo all", LONG), 0);
	assert_string_equal(last.text, "all\n");
	assert_int_equal(run("echo $$ >pid; exec sleep 1000", SHORT), -ETIMEDOUT);
	assert_timeout_kept();
	assert_dead();
	signal(SIGCHLD, SIG_DFL);
}

static void reap(int signal_number)
{
	int saved = errno;

	(void)signal_number;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
	errno = saved;
}

static void other_code_may_reap_children(void **state)
{
	(void)state;
	signal(SIGCHLD, reap);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(run("echo all", LONG), 0);
		assert_string_equal(last.text, "all\n");
	}
	signal(SIGCHLD, SIG_DFL);
}

static void the_caller_may_have_no_standard_streams(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	script("script", "cat; echo all");
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct run run;

		close(0);
		close(1);
		close(2);
		run = run_script("script", LONG);
		_exit(run.error == 0 && strcmp(run.text, "all\n") == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void *run_hanging(void *data)
{
	for (int i = 0; i < 3; i++)
		if (run_script("hangs", SHORT).error != -ETIMEDOUT)
			*(bool *)data = true;
	return NULL;
}

/* A pipe that another thread's helper inherited would reach its end only when that helper ends. */
static void *run_quick(void *data)
{
	for (int i = 0; i < 30; i++) {
		struct run run = run_script("quick", LONG);

		if (run.error || strcmp(run.text, "all\n") != 0)
			*(bool *)data = true;
		free(run.text);
	}
	return NULL;
}

static void threads_do_not_interfere(void **state)
{
	pthread_t threads[6];
	bool failed[COUNT(threads)] = {0};

	(void)state;
	script("hangs", "echo $$; exec sleep 1000");
	script("quick", "echo all");
	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, i % 2 ? run_hanging : run_quick,
						&failed[i]),
				 0);
	for (size_t i = 0; i < COUNT(threads); i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_false(failed[i]);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_output_is_returned),
		TEST(the_helper_reads_its_input),
		TEST(long_output_is_complete),
		TEST(environment_signals_and_process_group_are_clean),
		TEST(a_hanging_helper_is_killed),
		TEST(a_helper_that_ignores_signals_is_killed),
		TEST(slow_output_does_not_extend_the_timeout),
		TEST(endless_output_is_stopped),
		TEST(a_helper_that_closes_its_streams_is_killed),
		TEST(children_of_the_helper_are_killed),
		TEST(a_failure_has_a_reason),
		TEST(a_program_that_cannot_be_run_is_reported),
		TEST(sigchld_may_be_ignored),
		TEST(other_code_may_reap_children),
		TEST(the_caller_may_have_no_standard_streams),
		TEST(threads_do_not_interfere),
	};

	return cmocka_run_group_tests_name("helper", tests, NULL, NULL);
}
