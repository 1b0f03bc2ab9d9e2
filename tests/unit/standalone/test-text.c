/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "common/text.h"
#include "common/textstream.h"

static const char *written(void (*write)(FILE *, const char *), const char *text)
{
	static char result[256];
	FILE *out = fmemopen(result, sizeof(result), "w");

	assert_non_null(out);
	write(out, text);
	fputc('\0', out);
	fclose(out);
	return result;
}

static void utf8_is_decoded_strictly(void **state)
{
	static const struct {
		const char *text;
		size_t length;
		uint32_t character;
	} cases[] = {
		{"a", 1, 'a'},
		{"\xc3\xa9", 2, 0xe9},
		{"\xe2\x82\xac", 3, 0x20ac},
		{"\xf0\x9f\x98\x80", 4, 0x1f600},
		{"", 0, 0},
		{"\x80", 0, 0},
		{"\xc0\x80", 0, 0},
		{"\xc1\xbf", 0, 0},
		{"\xe0\x80\xaf", 0, 0},
		{"\xed\xa0\x80", 0, 0},
		{"\xf4\x90\x80\x80", 0, 0},
		{"\xf8\x88\x80\x80\x80", 0, 0},
		{"\xc3", 0, 0},
		{"\xe2\x82", 0, 0},
		{"\xff", 0, 0},
		{"\xc3"
		 "a",
		 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint32_t character = 0;

		assert_int_equal(text_decode(cases[i].text, &character), cases[i].length);
		assert_int_equal(character, cases[i].character);
	}
}

static void plain_text_has_no_control_characters(void **state)
{
	(void)state;
	assert_string_equal(written(text_write_plain, "a\x1b[2J\nb\x7f\xc2\x9b\xff"
						      "c\xc3\xa9"),
			    "a?[2J?b???c\xc3\xa9");
}

static void invalid_utf8_becomes_a_replacement_character(void **state)
{
	(void)state;
	assert_string_equal(written(text_write_utf8, "a\xff\n\xc3\xa9"), "a\xef\xbf\xbd\n\xc3\xa9");
}

static void a_text_stream_has_all_that_is_written(void **state)
{
	enum { LINES = 20000 };
	char *string;
	FILE *out = textstream_open(&string);

	(void)state;
	assert_int_equal(ftell(out), 0);
	for (int i = 0; i < LINES; i++)
		fprintf(out, "%06d\n", i);
	assert_int_equal(ftell(out), LINES * 7);
	assert_non_null(textstream_close(out, &string));
	assert_int_equal(strlen(string), LINES * 7);
	assert_string_equal(string + (LINES - 1) * 7, "019999\n");
	free(string);
	assert_string_equal(textstream_close(textstream_open(&string), &string), "");
	free(string);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_is_decoded_strictly),
		cmocka_unit_test(plain_text_has_no_control_characters),
		cmocka_unit_test(invalid_utf8_becomes_a_replacement_character),
		cmocka_unit_test(a_text_stream_has_all_that_is_written),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
