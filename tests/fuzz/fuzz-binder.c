/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random plans and faults: devices are bound, given back and recovered while the kernel's side
 * fails in every way it can.
 *
 * The input is read four bytes at a time: what to do, with which devices, which fault, at which
 * write. What must hold: no device is left with an override and no driver unless the journal knows
 * of it, success is said only of what is so, and when the faults are over everything is put in
 * order and every device that is there can be given back to the driver it had. */
#include "binder/commands/commands.h"
#include "binder/engine/journal.h"
#include "binder/hazards/hazard.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/binder/fakekernel.h"

#include <errno.h>

#define DEVICE_COUNT 5
#define TURNS_MAX 8

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
static struct fakekernel kernel;
static struct log_capture captured;

static void make_machine(void)
{
	fake = fakesys_new();
	fakekernel_init(&kernel, fake);
	for (size_t i = 0; i < DEVICE_COUNT; i++)
		fakekernel_pci(&kernel, DEVICES[i].address, .vendor = 0x8086,
			       .device = 0x1000 + (unsigned)i, .class = 0x020000,
			       .group = DEVICES[i].group, .driver = DEVICES[i].driver);
	fakekernel_driver(&kernel, "vfio-pci");
	fakekernel_driver(&kernel, "thief");
}

static int run(int (*subcommand)(struct bind_options *), unsigned mask, unsigned flags)
{
	const char *words[DEVICE_COUNT + 1] = {NULL};
	struct bind_options options;
	size_t count = 0;

	for (size_t i = 0; i < DEVICE_COUNT; i++)
		if (mask & 1u << i)
			words[count++] = DEVICES[i].address;
	options = fakekernel_options(&kernel, &captured, words);
	options.allowed = ~0u;
	options.group = flags & 1;
	if (flags & 2)
		options.driver = "pci-stub";
	captured = (struct log_capture){0};
	kernel.writes = 0;
	kernel.written[0] = '\0';
	return subcommand(&options);
}

/* Faults that stay until they are taken away. */
static void set_place(const char *directory, const char *name, const char *text, bool there)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/model/%s/%s", fake->path, directory, name);
	if (access(path, F_OK) == 0)
		fakesys_remove(fake, path + strlen(fake->path) + 1);
	if (there)
		fakesys_file(fake, path + strlen(fake->path) + 1, text);
}

static void set_faults(unsigned bits)
{
	set_place("probe", "vfio-pci", "5\n", bits & 1);
	set_place("probe", "e1000e", "16\n", bits & 2);
	set_place("probe", "pci-stub", "11\n", bits & 4);
	set_place("held", DEVICES[3].address, "", bits & 8);
	set_place("ids", DEVICES[0].address, "vfio-pci", bits & 16);
}

static bool is_remembered(const char *text)
{
	struct changes changes = {0};
	struct pci_address address;
	struct sysroot *root;
	struct change *change;
	bool remembered;

	hold(address_parse(text, &address) == 0 && sysroot_new(fake->path, &root) == 0);
	hold(journal_read(root, NULL, &changes) == 0);
	change = journal_find(&changes, &address, false);
	remembered = change && change->state != CHANGE_BOUND;
	changes_free(&changes);
	sysroot_free(root);
	return remembered;
}

/* No device is left with an override and no driver, or with a driver that got in between, unless
 * the journal knows of it. */
static void check_devices(void)
{
	char state[256];

	for (size_t i = 0; i < DEVICE_COUNT; i++) {
		fakekernel_state(&kernel, DEVICES[i].address, state);
		if (strncmp(state, "thief ", 6) == 0 ||
		    (strncmp(state, "- ", 2) == 0 && strcmp(state, "- -") != 0))
			hold(is_remembered(DEVICES[i].address));
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

static void take_turn(const uint8_t turn[static 4])
{
	static int (*const verbs[])(struct bind_options *) = {run_bind, run_release, run_recover,
							      run_bind_each};
	static const int errors[] = {-EBUSY, -ENODEV, -EINVAL, -EAGAIN,
				     -EIO,   -ENOENT, -EPERM,  -ENOMEM};
	static const enum fault faults[] = {FAULT_NONE,	     FAULT_ERROR, FAULT_VANISH, FAULT_HANG,
					    FAULT_HANG_DONE, FAULT_THIEF, FAULT_CUT,	FAULT_NONE};
	int (*subcommand)(struct bind_options *) = verbs[turn[0] & 3];
	unsigned mask = turn[1] & 31;
	int status;

	if (turn[0] & 4)
		set_faults(turn[2] >> 3);
	for (size_t i = 0; (turn[0] & 8) && i < DEVICE_COUNT; i++)
		fakekernel_wake(&kernel, DEVICES[i].address);
	kernel.fault = faults[turn[2] & 7];
	kernel.fault_at = turn[3] & 15;
	kernel.error = errors[turn[3] >> 4 & 7];
	status = run(subcommand, mask, turn[0] >> 4);
	kernel.fault = FAULT_NONE;
	check_devices();
	if (status == BIND_DONE)
		check_success(subcommand, mask);
	else
		hold(captured.errors > 0);
}

static void put_in_order(void)
{
	char state[256];
	unsigned there = 0;

	set_faults(0);
	for (size_t i = 0; i < DEVICE_COUNT; i++)
		fakekernel_wake(&kernel, DEVICES[i].address);
	hold(run(run_recover, 0, 0) == BIND_DONE);
	check_devices();
	for (size_t i = 0; i < DEVICE_COUNT; i++)
		if (strcmp(fakekernel_state(&kernel, DEVICES[i].address, state), "gone") != 0)
			there |= 1u << i;
	hold(!there || run(run_release, there, 0) == BIND_DONE);
	for (size_t i = 0; i < DEVICE_COUNT; i++) {
		char wanted[64];

		snprintf(wanted, sizeof(wanted), "%s -",
			 DEVICES[i].driver ? DEVICES[i].driver : "-");
		fakekernel_state(&kernel, DEVICES[i].address, state);
		hold(!(there & 1u << i) || strcmp(state, wanted) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int descriptor = next_descriptor();

	make_machine();
	for (size_t i = 0; i + 4 <= size && i / 4 < TURNS_MAX; i += 4)
		take_turn(data + i);
	put_in_order();
	fakesys_free(fake);
	hold(next_descriptor() == descriptor);
	return 0;
}
