/* SPDX-License-Identifier: GPL-2.0-or-later */
/* processes COUNT DESCRIPTORS COMMAND [ARGUMENT...]: runs the command while COUNT idle processes,
 * with DESCRIPTORS descriptors each, exist. Returns the command's exit status. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs until the write end of standard input, a pipe, is closed. */
static void idle(int ready, unsigned descriptors)
{
	unsigned count = 3; /* standard ones included */
	char byte = 0;

	while (count < descriptors && open("/dev/null", O_RDONLY) >= 0)
		count++;
	if (write(ready, &byte, 1) != 1)
		_exit(1);
	close(ready);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	_exit(0);
}

/* Returns the descriptor that keeps them running until it is closed. */
static int start(unsigned processes, unsigned descriptors)
{
	int ready[2], alive[2];
	char byte;

	if (pipe(ready) < 0 || pipe(alive) < 0) {
		perror("processes: pipe");
		exit(1);
	}
	for (unsigned i = 0; i < processes; i++) {
		pid_t pid = fork();

		if (pid < 0) {
			perror("processes: fork");
			exit(1);
		}
		if (pid == 0) {
			dup2(alive[0], STDIN_FILENO);
			close(alive[0]);
			close(alive[1]);
			close(ready[0]);
			idle(ready[1], descriptors);
		}
	}
	close(alive[0]);
	fcntl(alive[1], F_SETFD, FD_CLOEXEC);
	close(ready[1]);
	for (unsigned i = 0; i < processes; i++)
		if (read(ready[0], &byte, 1) != 1) {
			fprintf(stderr, "processes: a process failed to start\n");
			exit(1);
		}
	close(ready[0]);
	return alive[1];
}

int main(int argc, char **argv)
{
	int status = 0, alive;
	pid_t pid;

	if (argc < 4) {
		fprintf(stderr, "Usage: processes COUNT DESCRIPTORS COMMAND [ARGUMENT...]\n");
		return 2;
	}
	alive = start((unsigned)strtoul(argv[1], NULL, 10), (unsigned)strtoul(argv[2], NULL, 10));
	pid = fork();
	if (pid == 0) {
		execvp(argv[3], argv + 3);
		perror(argv[3]);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	/* processes that still exit would be inspected by the next measurement */
	close(alive);
	while (wait(NULL) > 0)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
