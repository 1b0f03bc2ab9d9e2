/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Log messages. The core never prints: each message goes to the caller's callback. */
#ifndef PCIPROBE_LOG_H
#define PCIPROBE_LOG_H

enum message_level {
	MESSAGE_ERROR,	 /* the request failed */
	MESSAGE_WARNING, /* the request succeeded, but something is wrong */
	MESSAGE_DEBUG,
};

/* Receives one message, without a trailing newline. TEXT may contain anything read from outside,
 * including control characters: sanitize it before it leaves the process. */
struct log {
	void (*emit)(void *data, enum message_level level, const char *text);
	void *data;
};

/* Messages are truncated to 1,023 bytes. If LOG is NULL or has no emit, nothing happens. */
void log_error(const struct log *log, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void log_warning(const struct log *log, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void log_debug(const struct log *log, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
