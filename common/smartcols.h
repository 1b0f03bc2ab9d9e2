/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libsmartcols, which is loaded only to print tables. Call its functions through the structure. */
#ifndef PCIPROBE_COMMON_SMARTCOLS_H
#define PCIPROBE_COMMON_SMARTCOLS_H

#include "probe/log.h"

#include <libsmartcols.h>

#define SMARTCOLS_FUNCTIONS(FUNCTION)           \
	FUNCTION(scols_cell_set_color)          \
	FUNCTION(scols_line_get_cell)           \
	FUNCTION(scols_line_refer_data)         \
	FUNCTION(scols_new_table)               \
	FUNCTION(scols_print_table)             \
	FUNCTION(scols_table_enable_colors)     \
	FUNCTION(scols_table_enable_export)     \
	FUNCTION(scols_table_enable_noheadings) \
	FUNCTION(scols_table_enable_raw)        \
	FUNCTION(scols_table_get_line)          \
	FUNCTION(scols_table_new_column)        \
	FUNCTION(scols_table_new_line)          \
	FUNCTION(scols_table_remove_lines)      \
	FUNCTION(scols_table_set_stream)        \
	FUNCTION(scols_table_set_termforce)     \
	FUNCTION(scols_unref_table)

#define SMARTCOLS_MEMBER(function) typeof(function) *function;
struct smartcols {
	SMARTCOLS_FUNCTIONS(SMARTCOLS_MEMBER)
};
#undef SMARTCOLS_MEMBER

/* Loads the library. Returns 0; -ENOMEM; or -ELIBACC if it is missing, which is logged. */
int smartcols_load(const struct log *log, struct smartcols *ret);

#endif
