/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/checks/input.h"

#include "common/textstream.h"
#include "plugins/standalone/checks/unfinished.h"
#include "plugins/standalone/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNTERS_FILE "errors"
#define COUNTERS_SIZE_MAX (16u << 20)
#define ANSWERS_PATH "var/lib/pciprobe/opennebula"
#define ANSWER_PREFIX "pciprobe.answer"

/* ---- errors ---- */

static bool has_error_counters(const struct inventory *inventory)
{
	inventory_foreach(inventory, device)
		if (device_has_error_counters(device))
			return true;
	return false;
}

/* An invalid file is replaced: then the errors until now are not recent. */
static int load(int directory, struct error_counters *ret)
{
	char *text = NULL;
	ssize_t length = state_read(directory, COUNTERS_FILE, COUNTERS_SIZE_MAX, &text, NULL);
	int error = length < 0 ? (int)length : error_counters_parse(text, ret);

	free(text);
	return error == -ENOENT || error == -EBADMSG ? 0 : error;
}

static int save(int directory, const struct error_counters *counters)
{
	char *text = NULL;
	FILE *out = textstream_open(&text);
	int error;

	if (!out)
		return -ENOMEM;
	error_counters_write(counters, out);
	if (!textstream_close(out, &text))
		return -ENOMEM;
	error = state_write(directory, COUNTERS_FILE, text, strlen(text));
	free(text);
	return error;
}

/* Returns 0, or a negative errno if the counts could not be kept. */
static int update_errors(int directory, const struct inventory *inventory,
			 struct error_counters *counters)
{
	bool changed = false;
	int error = load(directory, counters);

	if (!error)
		error = error_counters_update(counters, inventory, &changed);
	return !error && changed ? save(directory, counters) : error;
}

static int read_errors(const char *sysroot, const struct inventory *inventory,
		       struct check_input *ret)
{
	char *path = NULL;
	bool changed;
	int directory, error;

	if (!has_error_counters(inventory))
		return 0;
	directory = state_open(sysroot, CHECK_STATE, true, &path);
	if (directory == -ENOENT && *sysroot) /* a recording has no earlier counts */
		error = error_counters_update(&ret->errors, inventory, &changed);
	else
		error = directory < 0 ? directory
				      : update_errors(directory, inventory, &ret->errors);
	if (directory >= 0)
		close(directory);
	if (!error)
		ret->has_errors = true;
	else if (error != -ENOMEM &&
		 asprintf(&ret->errors_reason,
			  "%s: %s; the directory must belong to the user who runs this, or to root",
			  path ? path : STATE_DIRECTORY, strerror(-error)) < 0) {
		ret->errors_reason = NULL;
		error = -ENOMEM;
	}
	free(path);
	return error == -ENOMEM ? error : 0;
}

/* ---- the host ---- */

static int set_reason(const struct sysroot *root, const char *path, int error, char **ret)
{
	if (error == -ENOMEM)
		return error;
	if (error == -EBADMSG
		    ? asprintf(ret, "%s/%s: not a journal of vfio-bind", sysroot_path(root), path) <
			      0
		    : asprintf(ret, "%s/%s: %s", sysroot_path(root), path, strerror(-error)) < 0) {
		*ret = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int read_unfinished(struct sysroot *root, const struct inventory *inventory,
			   struct check_input *ret)
{
	int error = unfinished_read(root, inventory->time.tv_sec, &ret->unfinished);

	return error ? set_reason(root, UNFINISHED_PATH, error, &ret->unfinished_reason) : 0;
}

/* Two hypervisors on one host have an answer each: the older one counts. Returns 0 or a negative
 * errno. */
static int read_answer(struct sysroot *root, const struct inventory *inventory,
		       struct check_input *ret)
{
	_cleanup_sysdir_ struct sysdir directory = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	int error = sysdir_open(sysroot_dir(root), ANSWERS_PATH, &directory);
	struct dirent *entry;
	struct stat status;

	if (!error)
		error = sysdir_list(&directory, ".", &list);
	if (error < 0)
		return error == -ENOENT || error == -ENOTDIR ? 0 : error;
	while ((entry = sysdir_next(list))) {
		double age;

		if (strncmp(entry->d_name, ANSWER_PREFIX, strlen(ANSWER_PREFIX)) != 0)
			continue;
		error = sysdir_stat(&directory, entry->d_name, &status);
		if (error < 0)
			return error;
		age = difftime(inventory->time.tv_sec, status.st_mtime);
		if (!ret->has_answer || age > ret->answer_age)
			ret->answer_age = age > 0 ? age : 0;
		ret->has_answer = true;
	}
	return -errno;
}

int check_input_read(struct probe *probe, const char *sysroot, const struct inventory *inventory,
		     bool with_errors, struct check_input *ret)
{
	struct sysroot *root = probe_sysroot(probe);
	int error;

	*ret = (struct check_input){.config = probe_config(probe), .inventory = inventory};
	error = with_errors ? read_errors(sysroot, inventory, ret) : 0;
	if (!error)
		error = read_unfinished(root, inventory, ret);
	if (!error) {
		error = read_answer(root, inventory, ret);
		if (error < 0)
			error = set_reason(root, ANSWERS_PATH, error, &ret->answer_reason);
	}
	if (error < 0)
		check_input_free(ret);
	return error;
}

void check_input_free(struct check_input *input)
{
	error_counters_free(&input->errors);
	strings_free(&input->unfinished);
	free(input->errors_reason);
	free(input->unfinished_reason);
	free(input->answer_reason);
	*input = (struct check_input){0};
}
