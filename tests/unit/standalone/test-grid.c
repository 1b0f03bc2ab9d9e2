/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "common/grid.h"

#include <locale.h>

/* The visible texts of a row (-1: the headings), separated by |. */
static const char *row_text(const struct grid *grid, ssize_t row)
{
	static char line[512];

	line[0] = '\0';
	for (size_t i = 0; i < grid->column_count; i++) {
		const char *text = row < 0 ? grid->columns[i].heading
					   : grid->rows[row].cells[i].text;

		if (!grid->columns[i].hidden)
			snprintf(line + strlen(line), sizeof(line) - strlen(line), "%s%s",
				 *line ? "|" : "", text ? text : "-");
	}
	return line;
}

static void add_column(struct grid *grid, const char *heading, bool flexible, unsigned rank)
{
	struct grid_column *column = grid_add_column(grid, heading);

	assert_non_null(column);
	column->flexible = flexible;
	column->rank = rank;
}

/* A grid with one row. */
static struct grid device_grid(const char *driver, const char *owner, const char *name)
{
	struct grid grid = {0};
	const char *texts[] = {"01:00.0", driver, owner, name};

	add_column(&grid, "ADDRESS", false, 0);
	add_column(&grid, "DRIVER", false, 2);
	add_column(&grid, "OWNER", true, 1);
	add_column(&grid, "NAME", true, 0);
	assert_int_equal(grid_add_row(&grid, -1), 0);
	for (size_t i = 0; i < 4; i++)
		grid.rows[0].cells[i].text = texts[i] ? strdup(texts[i]) : NULL;
	return grid;
}

/* The headings and the row of device_grid(...) when fitted to WIDTH. */
#define assert_fits(width, headings, texts, ...)                     \
	do {                                                         \
		struct grid grid_ = device_grid(__VA_ARGS__);        \
		assert_int_equal(grid_fit(&grid_, width), 0);        \
		assert_string_equal(row_text(&grid_, -1), headings); \
		assert_string_equal(row_text(&grid_, 0), texts);     \
		grid_free_members(&grid_);                           \
	} while (0)

#define NAME "GA102GL [RTX A6000 with a long name]"

static void without_a_width_only_empty_columns_are_hidden(void **state)
{
	(void)state;
	setlocale(LC_CTYPE, "C.UTF-8");
	assert_fits(0, "ADDRESS|DRIVER|OWNER|NAME", "01:00.0|vfio-pci|web|" NAME, "vfio-pci", "web",
		    NAME);
	assert_fits(0, "ADDRESS|DRIVER|NAME", "01:00.0|vfio-pci|" NAME, "vfio-pci", NULL, NAME);
}

static void an_empty_column_that_must_be_kept_is_shown(void **state)
{
	struct grid grid = device_grid("vfio-pci", NULL, NAME);

	(void)state;
	grid.columns[2].keep_empty = true;
	assert_int_equal(grid_fit(&grid, 0), 0);
	assert_string_equal(row_text(&grid, 0), "01:00.0|vfio-pci|-|" NAME);
	grid_free_members(&grid);
}

static void long_texts_are_truncated_before_columns_are_hidden(void **state)
{
	(void)state;
	setlocale(LC_CTYPE, "C.UTF-8");
	/* 7 + 1 + 8 + 1 + 5 + 1 + 36 */
	assert_fits(59, "ADDRESS|DRIVER|OWNER|NAME", "01:00.0|vfio-pci|web|" NAME, "vfio-pci",
		    "web", NAME);
	assert_fits(58, "ADDRESS|DRIVER|OWNER|NAME",
		    "01:00.0|vfio-pci|web|GA102GL [RTX A6000 with a long nam…", "vfio-pci", "web",
		    NAME);
	assert_fits(43, "ADDRESS|DRIVER|OWNER|NAME", "01:00.0|vfio-pci|web|GA102GL [RTX A6000 …",
		    "vfio-pci", "web", NAME);
	assert_fits(42, "ADDRESS|OWNER|NAME", "01:00.0|web|GA102GL [RTX A6000 with a l…",
		    "vfio-pci", "web", NAME);
	assert_fits(33, "ADDRESS|NAME", "01:00.0|GA102GL [RTX A6000 with …", "vfio-pci", "web",
		    NAME);
	assert_fits(33, "ADDRESS|DRIVER|NAME", "01:00.0|e1000e|short", "e1000e", NULL, "short");
}

static void very_narrow_widths_are_respected(void **state)
{
	(void)state;
	setlocale(LC_CTYPE, "C.UTF-8");
	assert_fits(10, "ADDRESS|N…", "01:00.0|G…", "vfio-pci", "web", NAME);
	assert_fits(9, "ADDRESS|N", "01:00.0|G", "vfio-pci", "web", NAME);
	assert_fits(8, "ADDRESS", "01:00.0", "vfio-pci", "web", NAME);
	assert_fits(3, "AD…", "01…", "vfio-pci", "web", NAME);
	assert_fits(1, "A", "0", "vfio-pci", "web", NAME);
}

static void the_ellipsis_depends_on_the_locale(void **state)
{
	(void)state;
	setlocale(LC_CTYPE, "C");
	assert_fits(33, "ADDRESS|NAME", "01:00.0|GA102GL [RTX A6000 wit...", "vfio-pci", "web",
		    NAME);
	assert_fits(12, "ADDRESS|NAME", "01:00.0|G...", "vfio-pci", "web", NAME);
	assert_fits(11, "ADDRESS|NAM", "01:00.0|GA1", "vfio-pci", "web", NAME);
}

static void widths_are_measured_in_terminal_columns(void **state)
{
	(void)state;
	setlocale(LC_CTYPE, "C.UTF-8");
	assert_int_equal(grid_text_width("Zürich"), 6);
	assert_int_equal(grid_text_width("日本"), 4);
	assert_fits(14, "ADDRESS|NAME", "01:00.0|日本…", "vfio-pci", "web", "日本語の名前");
	assert_fits(13, "ADDRESS|NAME", "01:00.0|日本…", "vfio-pci", "web", "日本語の名前");
	assert_fits(12, "ADDRESS|NAME", "01:00.0|日…", "vfio-pci", "web", "日本語の名前");
	/* no escape sequences and no invalid UTF-8 */
	assert_fits(0, "ADDRESS|DRIVER|OWNER|NAME", "01:00.0|a?[2J|b?|c??d", "a\033[2J", "b\xff",
		    "c\n\xc2"
		    "d");
	setlocale(LC_CTYPE, "C");
	assert_fits(0, "ADDRESS|DRIVER|OWNER|NAME", "01:00.0|a|b|Z??rich", "a", "b", "Zürich");
}

static void the_width_of_the_tree_is_included(void **state)
{
	struct grid grid = {0};

	(void)state;
	setlocale(LC_CTYPE, "C.UTF-8");
	add_column(&grid, "ADDRESS", false, 0);
	add_column(&grid, "NAME", true, 0);
	for (ssize_t i = 0; i < 3; i++) {
		assert_int_equal(grid_add_row(&grid, i - 1), i);
		grid.rows[i].cells[0].text = strdup("00:00.0");
		grid.rows[i].cells[1].text = strdup("a name");
	}
	assert_int_equal(grid_fit(&grid, 16), 0);
	assert_int_equal(grid.columns[0].width, 11);
	assert_string_equal(row_text(&grid, 2), "00:00.0|a n…");
	grid_free_members(&grid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_width_only_empty_columns_are_hidden),
		cmocka_unit_test(an_empty_column_that_must_be_kept_is_shown),
		cmocka_unit_test(long_texts_are_truncated_before_columns_are_hidden),
		cmocka_unit_test(very_narrow_widths_are_respected),
		cmocka_unit_test(the_ellipsis_depends_on_the_locale),
		cmocka_unit_test(widths_are_measured_in_terminal_columns),
		cmocka_unit_test(the_width_of_the_tree_is_included),
	};

	return cmocka_run_group_tests_name("grid", tests, NULL, NULL);
}
