/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/smartcols.h"

#include "probe/dynlib.h"

#define SMARTCOLS_SYMBOL(function) {#function, NULL, offsetof(struct smartcols, function)},
static const struct dynlib_symbol SYMBOLS[] = {SMARTCOLS_FUNCTIONS(SMARTCOLS_SYMBOL)};

int smartcols_load(const struct log *log, struct smartcols *ret)
{
	return dynlib_load("libsmartcols.so.1", SYMBOLS, sizeof(SYMBOLS) / sizeof(*SYMBOLS), ret,
			   log);
}
