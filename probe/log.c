/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/log.h"

#include <stdarg.h>
#include <stdio.h>

static void __attribute__((format(printf, 3, 0)))
emit(const struct log *log, enum message_level level, const char *format, va_list args)
{
	char text[1024];

	if (!log || !log->emit)
		return;
	vsnprintf(text, sizeof(text), format, args);
	log->emit(log->data, level, text);
}

#define DEFINE_LOG(name, level)                                   \
	void name(const struct log *log, const char *format, ...) \
	{                                                         \
		va_list args;                                     \
                                                                  \
		va_start(args, format);                           \
		emit(log, level, format, args);                   \
		va_end(args);                                     \
	}

DEFINE_LOG(log_error, MESSAGE_ERROR)
DEFINE_LOG(log_warning, MESSAGE_WARNING)
DEFINE_LOG(log_debug, MESSAGE_DEBUG)
