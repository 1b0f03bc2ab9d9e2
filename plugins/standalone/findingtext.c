/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/findingtext.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Appends to BUFFER; what does not fit is cut off. */
static void __attribute__((format(printf, 2, 3)))
append(char buffer[static FINDING_TEXT_SIZE], const char *format, ...)
{
	size_t length = strlen(buffer);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(buffer + length, FINDING_TEXT_SIZE - length, format, arguments);
	va_end(arguments);
}

/* The device, or what the item says of the devices. */
static void append_subject(char buffer[static FINDING_TEXT_SIZE], const struct finding *finding)
{
	const struct expectation *item = finding->expectation;
	char address[ADDRESS_SIZE];

	if (finding->has_address)
		append(buffer, "%s", address_format(&finding->address, address));
	else if (item->short_address)
		append(buffer, "%s", item->short_address);
	if (finding->has_address || item->short_address)
		return;
	if (item->alias)
		append(buffer, "alias %s%s", item->alias, item->filter ? ", " : "");
	if (item->filter)
		append(buffer, "filter '%.200s'", item->filter);
}

static const char *reason_text(enum finding_reason reason)
{
	switch (reason) {
	case FINDING_SUSPENDED:
		return "the device is suspended";
	case FINDING_NOT_SELECTED:
		return "it is determined for selected devices only";
	case FINDING_OWNER:
		return "its owner could not be determined";
	case FINDING_UNREADABLE:
	case FINDING_NO_REASON:
		break;
	}
	return "not everything could be read";
}

static bool is_count(const struct finding *finding)
{
	return finding->property == EXPECT_COUNT || finding->property == EXPECT_MIN_COUNT;
}

static void append_count(char buffer[static FINDING_TEXT_SIZE], const struct finding *finding)
{
	append(buffer, "%s device%s, expected %s%s", finding->seen,
	       strcmp(finding->seen, "1") == 0 ? "" : "s",
	       finding->property == EXPECT_MIN_COUNT ? "at least " : "", finding->expected);
}

static void append_property(char buffer[static FINDING_TEXT_SIZE], const struct finding *finding)
{
	const char *unit = expect_property_unit(finding->property), *space = unit ? " " : "";

	unit = unit ? unit : "";
	if (finding->kind == FINDING_UNKNOWN)
		append(buffer, "%s unknown", expect_property_name(finding->property));
	else if (finding->seen)
		append(buffer, "%s %s%s%s", expect_property_name(finding->property), finding->seen,
		       space, unit);
	else
		append(buffer, "no %s", expect_property_name(finding->property));
	append(buffer, ", expected %s%s%s", finding->expected, space, unit);
}

static void append_difference(char buffer[static FINDING_TEXT_SIZE], const struct finding *finding)
{
	if (is_count(finding))
		append_count(buffer, finding);
	else if (finding->property == EXPECT_COMPLETE)
		append(buffer, "%s, which no item of :expect: matches", finding->seen);
	else if (finding->property != EXPECT_SHORT_ADDRESS)
		append_property(buffer, finding);
	else if (finding->kind == FINDING_MOVED)
		append(buffer, "expected at %s", finding->expected);
	else if (finding->kind == FINDING_CHANGED)
		append(buffer, "is %s, expected %s", finding->seen, finding->expected);
	else if (finding->kind == FINDING_MISSING)
		append(buffer, "no such device");
}

const char *finding_text(const struct finding *finding, char buffer[static FINDING_TEXT_SIZE])
{
	size_t length;

	snprintf(buffer, FINDING_TEXT_SIZE, "%s: ", finding_kind_name(finding->kind));
	append_subject(buffer, finding);
	append(buffer, ": ");
	length = strlen(buffer);
	append_difference(buffer, finding);
	if (finding->kind == FINDING_UNKNOWN)
		append(buffer, "%s%s", length < strlen(buffer) ? "; " : "",
		       reason_text(finding->reason));
	return buffer;
}
