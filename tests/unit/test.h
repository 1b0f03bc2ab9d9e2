/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every unit test includes: cmocka and what it needs before it. */
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

/* after those */
#include <cmocka.h>

#define assert_contains(text, part) assert_non_null(strstr(text, part))
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#endif
