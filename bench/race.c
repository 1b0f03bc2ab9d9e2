/* SPDX-License-Identifier: GPL-2.0-or-later */
/* race ROUNDS COMMAND [ARGUMENT...] [, COMMAND [ARGUMENT...]]...: runs the commands alternately, so
 * that other load affects all of them alike; ROUNDS times, after one warm-up round. Prints one line
 * per run: the number of the command (from 0), its duration in nanoseconds, its peak memory in KiB,
 * and its CPU time in nanoseconds. The commands' output and errors go to /dev/null.
 *
 * It is a separate, small program because Linux adds the memory of the caller at execve(2) to the
 * command's: started from a large process, even true(1) seems large. */
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

struct cost {
	int64_t time, cpu; /* nanoseconds */
	long memory;	   /* KiB */
};

static int64_t nanoseconds(const struct timeval *time)
{
	return time->tv_sec * INT64_C(1000000000) + time->tv_usec * INT64_C(1000);
}

/* Returns 0 if the command exited with status 0. */
static int run(char **command, const posix_spawn_file_actions_t *actions, struct cost *ret)
{
	int64_t start = now();
	struct rusage usage;
	int status, error;
	pid_t pid;

	error = posix_spawnp(&pid, command[0], actions, NULL, command, environ);
	if (error) {
		fprintf(stderr, "race: %s: %s\n", command[0], strerror(error));
		return -1;
	}
	if (wait4(pid, &status, 0, &usage) != pid) {
		perror("race: wait4");
		return -1;
	}
	*ret = (struct cost){
		.time = now() - start,
		.cpu = nanoseconds(&usage.ru_utime) + nanoseconds(&usage.ru_stime),
		.memory = usage.ru_maxrss,
	};
	if (status == 0)
		return 0;
	fprintf(stderr, "race: %s: failed (wait status %#x)\n", command[0], (unsigned)status);
	return -1;
}

/* Splits ARGUMENTS at the commas and returns the number of COMMANDS, an array as long as
 * ARGUMENTS. */
static int split(char **arguments, char ***commands)
{
	int count = 0;

	for (char **first = arguments; *arguments; arguments++) {
		if (arguments == first)
			commands[count++] = first;
		if (strcmp(*arguments, ",") == 0) {
			*arguments = NULL;
			first = arguments + 1;
		}
	}
	return count;
}

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? atoi(argv[1]) : 0, count;
	char ***commands = calloc((size_t)argc, sizeof(*commands));
	posix_spawn_file_actions_t actions;
	struct cost cost;

	if (rounds < 1 || !commands || posix_spawn_file_actions_init(&actions) ||
	    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0) ||
	    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)) {
		fprintf(stderr,
			"Usage: race ROUNDS COMMAND [ARGUMENT...] [, COMMAND [ARGUMENT...]]...\n");
		return 2;
	}
	count = split(argv + 2, commands);
	for (int round = 0; round <= rounds; round++)
		for (int i = 0; i < count; i++) {
			if (run(commands[i], &actions, &cost) < 0)
				return 1;
			if (round)
				printf("%d %" PRId64 " %ld %" PRId64 "\n", i, cost.time,
				       cost.memory, cost.cpu);
		}
	posix_spawn_file_actions_destroy(&actions);
	free(commands);
	return 0;
}
