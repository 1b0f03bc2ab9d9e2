/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vfio-bind check without devices: whether this host can assign devices to VMs. */
#include "binder/commands/commands.h"
#include "binder/readiness/readiness.h"
#include "common/jsonvalue.h"
#include "common/text.h"
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void print_finding(const struct readiness_finding *finding)
{
	printf("%-7s %-17s ", finding_result_name(finding->result), finding->name);
	text_write_plain(stdout, finding->seen);
	putchar('\n');
	if (finding->remedy)
		printf("%-7s %-17s -> %s\n", "", "", finding->remedy);
}

static unsigned count_results(const struct readiness *readiness, enum finding_result result)
{
	unsigned count = 0;

	for (size_t i = 0; i < readiness->count; i++)
		count += readiness->items[i].result == result;
	return count;
}

static const char *verdict(int status)
{
	switch (status) {
	case BIND_DONE:
		return "this host can assign devices to VMs";
	case BIND_UNAVAILABLE:
		return "this host cannot assign devices to VMs";
	default:
		return "whether this host can assign devices to VMs is unknown";
	}
}

static int print_text(const struct readiness *readiness, int status)
{
	unsigned warnings = count_results(readiness, FINDING_WARN);

	for (size_t i = 0; i < readiness->count; i++)
		print_finding(&readiness->items[i]);
	printf("%s: %u passed, %u warning%s, %u failed, %u unknown\n", verdict(status),
	       count_results(readiness, FINDING_PASS), warnings, warnings == 1 ? "" : "s",
	       count_results(readiness, FINDING_FAIL), count_results(readiness, FINDING_UNKNOWN));
	return 0;
}

static void append_finding(struct json_object *list, const struct readiness_finding *finding,
			   int *error)
{
	struct json_object *object = json_object_new_object();

	jsonvalue_add_string(object, "name", finding->name, error);
	jsonvalue_add_string(object, "result", finding_result_name(finding->result), error);
	jsonvalue_add_string(object, "observed", finding->seen, error);
	if (finding->remedy)
		jsonvalue_add_string(object, "remedy", finding->remedy, error);
	jsonvalue_append(list, object, error);
}

static int print_json(const struct readiness *readiness, int status)
{
	struct json_object *object = json_object_new_object(), *list = json_object_new_array();
	int error = 0;

	jsonvalue_add_string(object, "version", PACKAGE_VERSION, &error);
	jsonvalue_add_string(object, "subcommand", "check", &error);
	jsonvalue_add(object, "status", json_object_new_int(status), &error);
	for (size_t i = 0; i < readiness->count; i++)
		append_finding(list, &readiness->items[i], &error);
	jsonvalue_add(object, "findings", list, &error);
	return jsonvalue_write_pretty(stdout, object, error);
}

int run_check_host(struct bind_options *options)
{
	struct readiness readiness = {0};
	struct sysroot *root;
	int status = BIND_FAILED,
	    error = sysroot_new(options->sysroot ? options->sysroot : "/", &root);

	if (error < 0) {
		log_error(&options->log, "%s: %s", options->sysroot ? options->sysroot : "/",
			  strerror(-error));
		return BIND_FAILED;
	}
	if (readiness_read(root, &options->log, &readiness) == 0) {
		status = readiness_status(&readiness);
		error = (options->json ? print_json : print_text)(&readiness, status);
		if (error < 0) {
			log_error(&options->log, "out of memory");
			status = BIND_FAILED;
		}
	}
	readiness_free(&readiness);
	sysroot_free(root);
	return status;
}
