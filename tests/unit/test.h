/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Included by every unit test: cmocka and the headers it requires. */
#ifndef PCIPROBE_TESTS_UNIT_TEST_H
#define PCIPROBE_TESTS_UNIT_TEST_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* must come last */
#include <cmocka.h>

#define assert_contains(string, part) assert_non_null(strstr(string, part))
/* A string constant where an API takes a char * that it does not modify. */
#define MUTABLE(string) ((char *)(uintptr_t)(string))
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#endif
