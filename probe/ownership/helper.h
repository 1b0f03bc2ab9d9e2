/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a helper program with a deadline. Nothing else in the core starts a program: it is run
 * without a shell, with a clean environment, and killed when its time is up. */
#ifndef PCIPROBE_OWNERSHIP_HELPER_H
#define PCIPROBE_OWNERSHIP_HELPER_H

#include <stddef.h>

/* Size of an error message, one line. */
#define HELPER_WHY_SIZE 256

/* Maximum size of its output, in bytes. */
#define HELPER_OUTPUT_MAX (4u << 20)

struct helper {
	const char *path;
	const char *argument; /* the only one */
	int directory;	      /* its working directory: a descriptor, may be O_PATH */
	int input;	      /* its standard input: a descriptor above 2; 0: /dev/null */
	int milliseconds;     /* time limit */
};

/* Runs the helper and sets *ret_text to its output: *ret_length bytes and a terminating NUL; the
 * caller frees it. At the deadline the helper and its process group are killed; the call takes at
 * most half a second longer than HELPER->milliseconds. May be called from any thread, also while
 * SIGCHLD is ignored or other code reaps children; the exit status is unknown then, so the output
 * must show whether it is complete.
 *
 * Returns 0 or, with WHY set,
 *   -ENOSYS        the program does not exist
 *   -ETIMEDOUT     timeout
 *   -EFBIG         more output than HELPER_OUTPUT_MAX
 *   -ECONNREFUSED  nonzero exit status; WHY is the last line of its standard error
 *   -EBADMSG       killed by a signal
 * or another negative errno if it could not be run. */
int helper_run(const struct helper *helper, char **ret_text, size_t *ret_length,
	       char why[HELPER_WHY_SIZE]);

/* Handles a line of a helper's output, which it may modify. Returns 0 or a negative errno. */
typedef int helper_line(void *data, char *line);

/* Calls PARSE with each line of the LENGTH bytes of OUTPUT. The last line must be "end" with the
 * number of lines before it: it shows that the output is complete. Returns 0, -EBADMSG if it is
 * not or contains a NUL, -ENOMEM, or what PARSE returned. No I/O. */
int helper_parse(const char *output, size_t length, helper_line *parse, void *data);

#endif
