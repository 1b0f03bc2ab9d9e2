/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses arbitrary bytes as pci.conf and applies the rules to a few devices. */
#include "probe/config/config.h"
#include "probe/expect/finding.h"
#include "probe/select/selection.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <sys/mman.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define HOST "gpu-1.example.org"

static const struct pci_device DEVICES[] = {
	{.address = {0, 0x00, 0x02, 0}, .vendor = 0x8086, .device = 0x10d3, .class = 0x0200},
	{.address = {0, 0x81, 0x1f, 7}, .vendor = 0x10de, .device = 0x2204, .class = 0x0300},
	{.address = {1, 0x03, 0x00, 0},
	 .vendor = 0x144d,
	 .device = 0xa808,
	 .class = 0x0108,
	 .prog_if = 2},
	{.address = {0x10000, 0xe1, 0x00, 1},
	 .vendor = 0xffff,
	 .device = 0,
	 .class = 0xffff,
	 .prog_if = 0xff},
};

static const char LIST[] =
	"10de  NVIDIA Corporation\n\t2204  GA102 [GeForce RTX 3090]\n"
	"144d  Samsung Electronics Co Ltd\n\ta808  NVMe \xc3\xa9\xff Controller aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\n"
	"8086  Intel Corporation\n\t10d3  82574L Gigabit Network Connection\n";

static struct names *make_names(void)
{
	static const struct log no_log;
	struct names *names;
	char path[32];
	int fd = memfd_create("pci.ids", MFD_CLOEXEC);

	hold(fd >= 0 && write(fd, LIST, sizeof(LIST) - 1) == (ssize_t)sizeof(LIST) - 1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	hold(names_new(path, false, &no_log, &names) == 0);
	hold(names_device(names, 0x10de, 0x2204));
	close(fd);
	return names;
}

static void check_list(const struct rule_list *list)
{
	hold(!list->count || (list->restricts && list->key && *list->location));
	for (size_t i = 0; i < list->count; i++)
		hold((*rule_text(list->rules[i]) || list->kind == RULE_NAME) &&
		     *rule_location(list->rules[i]));
}

static bool has_only_exclusions(const struct rule_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (!rule_excludes(list->rules[i]))
			return false;
	return list->count;
}

static void apply(const struct config *config, struct names *names, const struct log *log,
		  const struct message_count *messages)
{
	struct selection selection = {0};
	struct verdict verdict;
	int error;

	selection_add(&selection, &config->filters);
	selection_add(&selection, &config->addresses);
	selection_add(&selection, &config->names);
	for (size_t i = 0; i < COUNT(DEVICES); i++) {
		unsigned errors = messages->errors;

		error = selection_apply(&selection, names, &DEVICES[i], log, &verdict);
		hold(error == 0 || error == -ELOOP);
		hold((error < 0) == (messages->errors > errors));
		if (error)
			continue;
		hold(!verdict.excluded_by ||
		     (verdict.rejected_by && rule_excludes(verdict.excluded_by)));
		for (size_t n = 0; n < selection.count; n++) {
			if (verdict.rejected_by == selection.lists[n])
				hold(selection.lists[n]->restricts && !verdict.matched[n]);
			else if (!verdict.rejected_by)
				hold((selection.lists[n]->restricts &&
				      !has_only_exclusions(selection.lists[n])) ==
				     (verdict.matched[n] != NULL));
		}
	}
}

/* Each finding has its place, and says what it is about. */
static void compare(const struct config *config, struct names *names, const struct log *log)
{
	struct pci_device devices[COUNT(DEVICES)];
	struct inventory inventory = {.devices = devices, .count = COUNT(DEVICES)};
	int error;

	memcpy(devices, DEVICES, sizeof(devices));
	devices[1].incomplete = true;
	devices[2].selected = true;
	error = expectations_mark(&config->expectations, config->aliases, config->alias_count,
				  names, log, &inventory);
	hold(error == 0 || error == -ELOOP);
	hold(findings_read(&config->expectations, &inventory) == 0);
	hold(inventory.compared || !inventory.finding_count);
	for (size_t i = 0; i < inventory.finding_count; i++) {
		const struct finding *finding = &inventory.findings[i];

		hold(finding->location && *finding->location);
		hold(finding->devices && (finding->expected || finding->seen));
		hold((finding->kind == FINDING_UNKNOWN) == (finding->reason != FINDING_NO_REASON));
		hold(finding->has_address || finding->expectation);
		hold(finding_same(finding, finding));
	}
	findings_free(inventory.findings, inventory.finding_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct names *names;
	struct message_count messages = {0};
	struct log log = {.emit = count_message, .data = &messages};
	struct config *config = NULL;
	char *text = malloc(size); /* not NUL-terminated: config_parse is given the length */
	int error;

	if (!names)
		names = make_names();
	hold(text || !size);
	if (size)
		memcpy(text, data, size);
	error = config_parse("pci.conf", size ? text : "", size, HOST, &log, &config);
	free(text);
	hold(error == 0 || error == -EINVAL);
	hold((error < 0) == (messages.errors > 0));
	hold((error < 0) == !config);
	if (error)
		return 0;
	check_list(&config->filters);
	check_list(&config->addresses);
	check_list(&config->names);
	apply(config, names, &log, &messages);
	compare(config, names, &log);
	config_free(config);
	return 0;
}
