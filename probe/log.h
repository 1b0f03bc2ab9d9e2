/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages for people. The core never prints: it hands each message to whoever made the probe. */
#ifndef PCIPROBE_LOG_H
#define PCIPROBE_LOG_H

enum message_level {
	MESSAGE_ERROR,	 /* what was asked for could not be done */
	MESSAGE_WARNING, /* it was done, but something is not as it should be */
	MESSAGE_DEBUG,
};

/* Takes one message, without a newline at its end. TEXT may hold anything that was read from
 * outside, control characters included: clean it where it leaves the process. */
struct log {
	void (*emit)(void *data, enum message_level level, const char *text);
	void *data;
};

/* A message of any length is cut at 1,023 bytes. LOG may be NULL or have no emit: nothing happens
 * then. */
void log_error(const struct log *log, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void log_warning(const struct log *log, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void log_debug(const struct log *log, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
