/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random subcommands and faults: devices are bound, released and recovered while calls of the
 * kernel fail.
 *
 * Each four bytes of the input are one run: subcommand, devices, fault, number of the write.
 * Invariants: a device with an override and no driver is in the journal; a run succeeds only if its
 * changes are applied; without further faults recovery succeeds, and every device that is present
 * can be released to its former driver. */
#include "binder/commands/commands.h"
#include "binder/engine/journal.h"
#include "binder/hazards/hazard.h"
#include "probe/names/names.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/memoryfs.h"
#include "tests/unit/binder/fakekernel.h"

#include <errno.h>

#define DEVICE_COUNT 5
#define RUNS_MAX 6
#define NAMES "/dev/shm/pci.ids"

static const struct {
	const char *address, *group, *driver;
} DEVICES[DEVICE_COUNT] = {
	{"0000:01:00.0", "1", "e1000e"},
	{"0000:02:00.0", "2", "nouveau"},
	{"0000:02:00.1", "2", "snd_hda_intel"},
	{"0000:03:00.0", "3", "nvme"},
	{"0000:04:00.0", "4", NULL},
};

static struct fakesys *fake;
static struct fakekernel kernel, initial;
static struct log_capture captured;

/* Not the names of the machine that the fuzzer runs on, of which there are many. */
WRAP(int, names_new, const char *list, bool hwdb, const struct log *log, struct names **ret)
{
	hold(!list);
	(void)hwdb;
	return real_names_new(NAMES, false, log, ret);
}

/* The tree and the model as they are before each input. */
static void make_machine(void)
{
	FILE *names = fopen(NAMES, "we");

	hold(names && fputs("8086  Intel Corporation\n", names) >= 0 && fclose(names) == 0);
	fake = fakesys_new();
	fakekernel_init(&kernel, fake);
	for (size_t i = 0; i < DEVICE_COUNT; i++)
		fakekernel_pci(&kernel, DEVICES[i].address, .vendor = 0x8086,
			       .device = 0x1000 + (unsigned)i, .class = 0x020000,
			       .group = DEVICES[i].group, .driver = DEVICES[i].driver);
	fakekernel_driver(&kernel, "vfio-pci");
	fakekernel_driver(&kernel, "other-driver");
	memoryfs_keep();
	initial = kernel;
}

static int run(int (*subcommand)(struct bind_options *), unsigned mask, unsigned flags)
{
	const char *arguments[DEVICE_COUNT + 1] = {NULL};
	struct bind_options options;
	size_t count = 0;

	for (size_t i = 0; i < DEVICE_COUNT; i++)
		if (mask & 1u << i)
			arguments[count++] = DEVICES[i].address;
	options = fakekernel_options(&kernel, &captured, arguments);
	options.allowed = ~0u;
	options.group = flags & 1;
	if (flags & 2)
		options.driver = "pci-stub";
	captured = (struct log_capture){0};
	kernel.writes = 0;
	kernel.written[0] = '\0';
	return subcommand(&options);
}

/* A condition of the model, see fakekernel.h, that persists until it is removed. */
static void set_condition(const char *directory, const char *name, const char *value, bool set)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/model/%s/%s", fake->path, directory, name);
	if (access(path, F_OK) == 0)
		fakesys_remove(fake, path + strlen(fake->path) + 1);
	if (set)
		fakesys_file(fake, path + strlen(fake->path) + 1, value);
}

static void set_conditions(unsigned bits)
{
	set_condition("probe", "vfio-pci", "5\n", bits & 1);
	set_condition("probe", "e1000e", "16\n", bits & 2);
	set_condition("probe", "pci-stub", "11\n", bits & 4);
	set_condition("held", DEVICES[3].address, "", bits & 8);
	set_condition("ids", DEVICES[0].address, "vfio-pci", bits & 16);
}

static bool is_pending(const char *name)
{
	struct changes changes = {0};
	struct pci_address address;
	struct sysroot *root;
	struct change *change;
	bool pending;

	hold(address_parse(name, &address) == 0 && sysroot_new(fake->path, &root) == 0);
	hold(journal_read(root, NULL, &changes) == 0);
	change = journal_find(&changes, &address, false);
	pending = change && change->state != CHANGE_BOUND;
	changes_free(&changes);
	sysroot_free(root);
	return pending;
}

/* Whether another program may have bound the device before vfio-bind changed it: that driver is
 * then its former one. */
static bool may_have_other_driver(size_t device)
{
	return !DEVICES[device].driver;
}

/* A device with an override and no driver, or with the driver of another program, must have a
 * change in the journal. */
static void check_devices(void)
{
	char state[256];

	for (size_t i = 0; i < DEVICE_COUNT; i++) {
		fakekernel_state(&kernel, DEVICES[i].address, state);
		if ((strncmp(state, "other-driver ", 13) == 0 && !may_have_other_driver(i)) ||
		    (strncmp(state, "- ", 2) == 0 && strcmp(state, "- -") != 0))
			hold(is_pending(DEVICES[i].address));
	}
}

static void check_success(int (*subcommand)(struct bind_options *), unsigned mask)
{
	char state[256];

	for (size_t i = 0; i < DEVICE_COUNT; i++) {
		if (!(mask & 1u << i))
			continue;
		fakekernel_state(&kernel, DEVICES[i].address, state);
		if (subcommand == run_bind)
			hold(strncmp(state, "vfio-pci ", 9) == 0 ||
			     strncmp(state, "pci-stub ", 9) == 0);
		if (subcommand == run_release)
			hold(strstr(state, " -") && strncmp(state, "vfio-pci", 8) != 0);
	}
}

static void run_random(const uint8_t input[static 4])
{
	static int (*const subcommands[])(struct bind_options *) = {run_bind, run_release,
								    run_recover, run_bind_each};
	static const int errors[] = {-EBUSY, -ENODEV, -EINVAL, -EAGAIN,
				     -EIO,   -ENOENT, -EPERM,  -ENOMEM};
	static const enum fault faults[] = {FAULT_NONE,	    FAULT_ERROR,     FAULT_REMOVE,
					    FAULT_HANG,	    FAULT_HANG_DONE, FAULT_OTHER_DRIVER,
					    FAULT_TRUNCATE, FAULT_NONE};
	int (*subcommand)(struct bind_options *) = subcommands[input[0] & 3];
	unsigned mask = input[1] & 31;
	int status;

	if (input[0] & 4)
		set_conditions(input[2] >> 3);
	for (size_t i = 0; (input[0] & 8) && i < DEVICE_COUNT; i++)
		fakekernel_unblock(&kernel, DEVICES[i].address);
	kernel.fault = faults[input[2] & 7];
	kernel.fault_at = input[3] & 15;
	kernel.error = errors[input[3] >> 4 & 7];
	status = run(subcommand, mask, input[0] >> 4);
	kernel.fault = FAULT_NONE;
	check_devices();
	if (status == BIND_DONE)
		check_success(subcommand, mask);
	else
		hold(captured.errors > 0);
}

static void check_recovery(void)
{
	char state[256];
	unsigned present = 0;

	set_conditions(0);
	for (size_t i = 0; i < DEVICE_COUNT; i++)
		fakekernel_unblock(&kernel, DEVICES[i].address);
	hold(run(run_recover, 0, 0) == BIND_DONE);
	check_devices();
	for (size_t i = 0; i < DEVICE_COUNT; i++)
		if (strcmp(fakekernel_state(&kernel, DEVICES[i].address, state), "gone") != 0)
			present |= 1u << i;
	hold(!present || run(run_release, present, 0) == BIND_DONE);
	for (size_t i = 0; i < DEVICE_COUNT; i++) {
		char wanted[64];

		snprintf(wanted, sizeof(wanted), "%s -",
			 DEVICES[i].driver ? DEVICES[i].driver : "-");
		fakekernel_state(&kernel, DEVICES[i].address, state);
		hold(!(present & 1u << i) || strcmp(state, wanted) == 0 ||
		     (may_have_other_driver(i) && strcmp(state, "other-driver -") == 0));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int descriptor = next_descriptor();

	if (!fake)
		make_machine();
	kernel = initial;
	for (size_t i = 0; i + 4 <= size && i / 4 < RUNS_MAX; i += 4)
		run_random(data + i);
	check_recovery();
	memoryfs_reset();
	hold(next_descriptor() == descriptor);
	return 0;
}
