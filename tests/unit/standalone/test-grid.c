/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "plugins/standalone/formats/grid.h"

#include <locale.h>

/* What is shown of the row ROW (-1: the headings) of GRID: its texts with | between them. */
static const char *shown(const struct grid *grid, ssize_t row)
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

/* Devices with an address, a driver, an owner and a name. */
static struct grid devices(const char *driver, const char *owner, const char *name)
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

/* The headings and the row of devices(...) in WIDTH columns. */
#define assert_fits(width, headings, texts, ...)                  \
	do {                                                      \
		struct grid grid_ = devices(__VA_ARGS__);         \
		assert_int_equal(grid_fit(&grid_, width), 0);     \
		assert_string_equal(shown(&grid_, -1), headings); \
		assert_string_equal(shown(&grid_, 0), texts);     \
		grid_free_members(&grid_);                        \
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

static void an_empty_column_that_was_asked_for_is_shown(void **state)
{
	struct grid grid = devices("vfio-pci", NULL, NAME);

	(void)state;
	grid.columns[2].keep_empty = true;
	assert_int_equal(grid_fit(&grid, 0), 0);
	assert_string_equal(shown(&grid, 0), "01:00.0|vfio-pci|-|" NAME);
	grid_free_members(&grid);
}

static void long_texts_are_cut_before_columns_are_hidden(void **state)
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

static void the_narrowest_widths_are_kept_too(void **state)
{
	(void)state;
	setlocale(LC_CTYPE, "C.UTF-8");
	assert_fits(10, "ADDRESS|N…", "01:00.0|G…", "vfio-pci", "web", NAME);
	assert_fits(9, "ADDRESS|N", "01:00.0|G", "vfio-pci", "web", NAME);
	assert_fits(8, "ADDRESS", "01:00.0", "vfio-pci", "web", NAME);
	assert_fits(3, "AD…", "01…", "vfio-pci", "web", NAME);
	assert_fits(1, "A", "0", "vfio-pci", "web", NAME);
}

static void the_locale_chooses_the_mark(void **state)
{
	(void)state;
	setlocale(LC_CTYPE, "C");
	assert_fits(33, "ADDRESS|NAME", "01:00.0|GA102GL [RTX A6000 wit...", "vfio-pci", "web",
		    NAME);
	assert_fits(12, "ADDRESS|NAME", "01:00.0|G...", "vfio-pci", "web", NAME);
	assert_fits(11, "ADDRESS|NAM", "01:00.0|GA1", "vfio-pci", "web", NAME);
}

static void characters_are_measured_as_the_terminal_shows_them(void **state)
{
	(void)state;
	setlocale(LC_CTYPE, "C.UTF-8");
	assert_int_equal(grid_text_width("Zürich"), 6);
	assert_int_equal(grid_text_width("日本"), 4);
	assert_fits(14, "ADDRESS|NAME", "01:00.0|日本…", "vfio-pci", "web", "日本語の名前");
	assert_fits(13, "ADDRESS|NAME", "01:00.0|日本…", "vfio-pci", "web", "日本語の名前");
	assert_fits(12, "ADDRESS|NAME", "01:00.0|日…", "vfio-pci", "web", "日本語の名前");
	/* a text from outside can neither move the cursor nor break the encoding */
	assert_fits(0, "ADDRESS|DRIVER|OWNER|NAME", "01:00.0|a?[2J|b?|c??d", "a\033[2J", "b\xff",
		    "c\n\xc2"
		    "d");
	setlocale(LC_CTYPE, "C");
	assert_fits(0, "ADDRESS|DRIVER|OWNER|NAME", "01:00.0|a|b|Z??rich", "a", "b", "Zürich");
}

static void the_tree_needs_room_before_its_texts(void **state)
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
	assert_string_equal(shown(&grid, 2), "00:00.0|a n…");
	grid_free_members(&grid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_width_only_empty_columns_are_hidden),
		cmocka_unit_test(an_empty_column_that_was_asked_for_is_shown),
		cmocka_unit_test(long_texts_are_cut_before_columns_are_hidden),
		cmocka_unit_test(the_narrowest_widths_are_kept_too),
		cmocka_unit_test(the_locale_chooses_the_mark),
		cmocka_unit_test(characters_are_measured_as_the_terminal_shows_them),
		cmocka_unit_test(the_tree_needs_room_before_its_texts),
	};

	return cmocka_run_group_tests_name("grid", tests, NULL, NULL);
}
