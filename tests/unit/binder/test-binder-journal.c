/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "binder/commands/commands.h"
#include "binder/devices/boot-devices.h"
#include "binder/engine/journal.h"
#include "plugins/standalone/checks/unfinished.h"
#include "tests/unit/binder/smalldisk.h"
#include "tests/unit/fakesys.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct fakesys *fake;
static struct sysroot *root;
static struct log_capture captured;
static struct log log_;

static int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	captured = (struct log_capture){0};
	log_ = log_capture_add(&captured);
	assert_int_equal(sysroot_new(fake->path, &root), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sysroot_free(root);
	smalldisk_unmount(fake, "run");
	fakesys_free(fake);
	return 0;
}

static struct change make_change(const char *driver, const char *override)
{
	struct change change = {
		.address = {.domain = 0x10000, .bus = 0x81, .slot = 0x1f, .function = 7},
		.vendor = 0x10de,
		.device = 0x2204,
		.inode = 0xffffffffffffffffu,
		.state = CHANGE_ROLLING_BACK};

	assert_int_equal(binding_set(&change.origin, driver, override), 0);
	assert_int_equal(binding_set(&change.before, NULL, NULL), 0);
	assert_int_equal(binding_set_module(&change.origin, "nvgrace, gpu"), 0);
	change.wanted.autoprobe = true;
	return change;
}

static void a_written_journal_is_read_back(void **state)
{
	static const char *const overrides[] = {"vfio-pci", "-", "*", "a b,c%\x01\xff\"", "(none)"};
	struct changes read = {0};
	struct journal journal;

	(void)state;
	for (size_t i = 0; i < COUNT(overrides); i++) {
		struct change change = make_change("nvgrace-gpu-vfio-pci", overrides[i]);

		assert_int_equal(journal_open(root, &log_, 0, &journal), 0);
		assert_int_equal(journal_put(&journal, &change), 0);
		assert_int_equal(journal.changes.count, 1);
		assert_int_equal(journal_save(&journal), 0);
		journal_close(&journal);
		assert_int_equal(journal_read(root, &log_, &read), 0);
		assert_int_equal(read.count, 1);
		assert_int_equal(read.items[0].state, CHANGE_ROLLING_BACK);
		assert_int_equal(read.items[0].inode, change.inode);
		assert_int_equal(address_compare(&read.items[0].address, &change.address), 0);
		assert_true(binding_equal(&read.items[0].origin, &change.origin));
		assert_string_equal(read.items[0].origin.module, "nvgrace, gpu");
		assert_null(read.items[0].before.driver);
		assert_null(read.items[0].before.module);
		assert_true(read.items[0].wanted.autoprobe);
		changes_free(&read);
		change_free_members(&change);
	}
}

static void a_long_journal_is_read_back(void **state)
{
	struct change change = make_change("nvgrace-gpu-vfio-pci", "-");
	struct changes read = {0};
	struct journal journal;
	struct stat status;
	char path[256];

	(void)state;
	assert_int_equal(journal_open(root, &log_, 0, &journal), 0);
	for (unsigned i = 0; i < 1000; i++) {
		change.address.bus = (uint8_t)(i / 32);
		change.address.slot = (uint8_t)(i % 32);
		assert_int_equal(journal_put(&journal, &change), 0);
	}
	assert_int_equal(journal_save(&journal), 0);
	journal_close(&journal);
	snprintf(path, sizeof(path), "%s/" JOURNAL_PATH, fake->path);
	assert_int_equal(stat(path, &status), 0);
	assert_true(status.st_size > 65536);
	assert_int_equal(journal_read(root, &log_, &read), 0);
	assert_int_equal(read.count, 1000);
	assert_string_equal(captured.text, "");
	changes_free(&read);
	change_free_members(&change);
}

static void vfs_and_driver_of_a_device_are_separate_changes(void **state)
{
	struct change driver = make_change("ixgbe", NULL), vfs = make_change(NULL, NULL);
	struct journal journal;

	(void)state;
	vfs.is_vfs = true;
	vfs.vfs_before = 2;
	vfs.vfs_wanted = 63;
	vfs.vf_before = 0xfffffffffffffffeu;
	vfs.vfs_lost = strdup("0000:81:00.1 bound to vfio-pci, MAC 52:54:00:12:34:56");
	assert_int_equal(journal_open(root, &log_, 0, &journal), 0);
	assert_int_equal(journal_put(&journal, &driver), 0);
	assert_int_equal(journal_put(&journal, &vfs), 0);
	assert_int_equal(journal_save(&journal), 0);
	journal_close(&journal);
	assert_int_equal(journal_open(root, &log_, 0, &journal), 0);
	assert_int_equal(journal.changes.count, 2);
	assert_int_equal(journal_find(&journal.changes, &vfs.address, true)->vfs_wanted, 63);
	assert_int_equal(journal_find(&journal.changes, &vfs.address, true)->vf_before,
			 vfs.vf_before);
	assert_string_equal(journal_find(&journal.changes, &vfs.address, true)->vfs_lost,
			    vfs.vfs_lost);
	assert_string_equal(journal_find(&journal.changes, &vfs.address, false)->origin.driver,
			    "ixgbe");
	journal_remove(&journal, &vfs);
	assert_null(journal_find(&journal.changes, &vfs.address, true));
	assert_non_null(journal_find(&journal.changes, &vfs.address, false));
	journal_close(&journal);
	change_free_members(&driver);
	change_free_members(&vfs);
}

static void settings_of_vfs_are_read_back(void **state)
{
	static const struct vf_entry entries[] = {
		{.interface = 0x7fffffff,
		 .name = "a b:;%-\xff",
		 .vf = {.index = 255,
			.mac = {0x52, 0x54, 0, 0xff, 0x34, 0x56},
			.mac_length = 6,
			.vlan = 4095,
			.vlan_priority = 7,
			.vlan_protocol = 0x88a8,
			.min_rate = 1,
			.max_rate = 0xffffffff,
			.link_state = 2,
			.spoof_check = SWITCH_ON,
			.trust = SWITCH_UNSUPPORTED,
			.rss_query = SWITCH_OFF}},
		{.interface = 3, .name = "-", .vf = {.mac = {1, [19] = 0xab}, .mac_length = 20}},
	};
	struct change vfs = make_change(NULL, NULL), *read;
	struct journal journal;

	(void)state;
	vfs.is_vfs = true;
	for (size_t i = 0; i < COUNT(entries); i++)
		assert_int_equal(vf_list_add(&vfs.settings, &entries[i]), 0);
	assert_int_equal(journal_open(root, &log_, 0, &journal), 0);
	assert_int_equal(journal_put(&journal, &vfs), 0);
	assert_int_equal(journal_save(&journal), 0);
	journal_close(&journal);
	assert_int_equal(journal_open(root, &log_, 0, &journal), 0);
	read = journal_find(&journal.changes, &vfs.address, true);
	assert_int_equal(read->settings.count, COUNT(entries));
	for (size_t i = 0; i < COUNT(entries); i++) {
		const struct vf_entry *entry = &read->settings.items[i];

		assert_int_equal(entry->interface, entries[i].interface);
		assert_string_equal(entry->name, entries[i].name);
		assert_int_equal(entry->vf.index, entries[i].vf.index);
		assert_int_equal(entry->vf.mac_length, entries[i].vf.mac_length);
		assert_memory_equal(entry->vf.mac, entries[i].vf.mac, sizeof(entry->vf.mac));
		assert_int_equal(entry->vf.spoof_check, entries[i].vf.spoof_check);
		for (unsigned s = 0; s < RTNETLINK_SETTINGS; s++)
			assert_false(vf_setting_differs(&entry->vf, &entries[i].vf, s));
	}
	journal_close(&journal);
	change_free_members(&vfs);
}

/* An interrupted run of a version that did not save them is recovered without. */
static void a_journal_without_settings_of_vfs_is_read(void **state)
{
	struct changes changes = {0};

	(void)state;
	fakesys_file(fake, JOURNAL_PATH,
		     "vfio-bind 1\ndoing-vfs 0000:01:00.0 8086:10d3 7 1 2 8 MAC%20x\n");
	assert_int_equal(journal_read(root, &log_, &changes), 0);
	assert_int_equal(changes.items[0].vfs_wanted, 2);
	assert_int_equal(changes.items[0].settings.count, 0);
	changes_free(&changes);
}

static void an_invalid_journal_is_rejected(void **state)
{
#define VFS "vfio-bind 1\ndoing-vfs 0000:01:00.0 8086:10d3 7 1 2 8"
#define GOOD "bound 0000:01:00.0 8086:10d3 7 a,- a,- b,b\n"
	static const char *const journals[] = {
		"",
		"vfio-bind 2\n",
		"vfio-bind 1\nbound\n",
		"vfio-bind 1\nfound 0000:01:00.0 8086:10d3 7 a,- a,- b,b\n",
		"vfio-bind 1\nbound 01:00.0 8086:10d3 7 a,- a,- b,b\n",
		"vfio-bind 1\nbound 0000:01:00.0 8086:10d3x 7 a,- a,- b,b\n",
		"vfio-bind 1\nbound 0000:01:00.0 8086:10d3 x a,- a,- b,b\n",
		"vfio-bind 1\nbound 0000:01:00.0 8086:10d3 7 a,- a,-\n",
		"vfio-bind 1\nbound 0000:01:00.0 8086:10d3 7 a,- a,- b,b more\n",
		"vfio-bind 1\nbound 0000:01:00.0 8086:10d3 7 a a,- b,b\n",
		"vfio-bind 1\nbound 0000:01:00.0 8086:10d3 7 a%2,- a,- b,b\n",
		"vfio-bind 1\nbound 0000:01:00.0 8086:10d3 7 a%zz,- a,- b,b\n",
		"vfio-bind 1\nbound 0000:01:00.0 8086:10d3 7 ,- a,- b,b\n",
		"vfio-bind 1\nbound 0000:01:00.0 8086:10d3 7 a,-, a,- b,b\n",
		"vfio-bind 1\nbound 0000:01:00.0 8086:10d3 7 a,-,m,n a,- b,b\n",
		"vfio-bind 1\ndoing-vfs 0000:01:00.0 8086:10d3 7 1 x 8 -\n",
		"vfio-bind 1\ndoing-vfs 0000:01:00.0 8086:10d3 7 1 2 x -\n",
		"vfio-bind 1\ndoing-vfs 0000:01:00.0 8086:10d3 7 1 2\n",
		"vfio-bind 1\ndoing-vfs 0000:01:00.0 8086:10d3 7 1 2 8 - more\n",
		"vfio-bind 1\ndoing-vf 0000:01:00.0 8086:10d3 7 1 2 8 -\n",
		VFS " - 3:eth0:0:525400123456:5:0:33024:0:0:0:2:1;\n",
		VFS " - 3:eth0:0:525400123456:5:0:33024:0:0:0:2:1:0:0;\n",
		VFS " - 3:eth0:0:525400123456:5:0:33024:0:0:0:3:1:0;\n",
		VFS " - 3:eth0:0:5254:5:0:33024:0:0:0:2:1:x;\n",
		VFS " - 3:eth0:0:52540012345:5:0:33024:0:0:0:2:1:0;\n",
		VFS " - 3:eth0:0::5:0:33024:0:0:0:2:1:0;\n",
		VFS " - 3:eth0:0:zz:5:0:33024:0:0:0:2:1:0;\n",
		VFS " - 3:-:0:5254:5:0:33024:0:0:0:2:1:0;\n",
		VFS " - 3:sixteen-letters-:0:5254:5:0:33024:0:0:0:2:1:0;\n",
		VFS " - 3:eth0:65536:5254:5:0:33024:0:0:0:2:1:0;\n",
		VFS " - 4294967295:eth0:0:5254:5:0:33024:0:0:0:2:1:0;\n",
		VFS " - 3:eth0:0:5254:4294967296:0:33024:0:0:0:2:1:0;\n",
		VFS
		" - 3:eth0:0:525252525252525252525252525252525252525252:5:0:33024:0:0:0:2:1:0;\n",
		VFS " - -3:eth0:0:5254:5:0:33024:0:0:0:2:1:0;\n",
		VFS " - 3:eth0:0:525400123456:5:0:33024:0:0:0:2:1:0; more\n",
		"vfio-bind 1\n" GOOD "bound nonsense\n",
	};
	struct changes changes = {0};

	(void)state;
	fakesys_file(fake, JOURNAL_PATH, "vfio-bind 1\n" GOOD);
	assert_int_equal(journal_read(root, &log_, &changes), 0);
	assert_int_equal(changes.count, 1);
	changes_free(&changes);
	fakesys_file(fake, JOURNAL_PATH, VFS " - 3:eth0:0:525400123456:5:0:33024:0:0:0:2:1:0;\n");
	assert_int_equal(journal_read(root, &log_, &changes), 0);
	changes_free(&changes);
	for (size_t i = 0; i < COUNT(journals); i++) {
		fakesys_file(fake, JOURNAL_PATH, journals[i]);
		assert_int_equal(journal_read(root, &log_, &changes), -EBADMSG);
		assert_int_equal(changes.count, 0);
	}
	fakesys_bytes(fake, JOURNAL_PATH, "vfio-bind 1\n\0", 13);
	assert_int_equal(journal_read(root, &log_, &changes), -EBADMSG);
}

/* ---- reboots ---- */

#define BOOT_PATH "proc/sys/kernel/random/boot_id"
#define BOOT "2f1a8c3e-5b7d-4e0f-9a6b-1c2d3e4f5a6b"
#define OTHER_BOOT "0e4d1f9a-3c2b-4a5d-8e7f-6b5a4c3d2e1f"

static size_t count_entries(void)
{
	struct changes changes = {0};
	size_t count;

	captured = (struct log_capture){0};
	assert_int_equal(journal_read(root, &log_, &changes), 0);
	count = changes.count;
	changes_free(&changes);
	return count;
}

static void a_journal_of_an_earlier_boot_is_dropped(void **state)
{
	struct journal journal;

	(void)state;
	fakesys_file(fake, BOOT_PATH, BOOT "\n");
	fakesys_file(fake, JOURNAL_PATH, "vfio-bind 1\nboot " BOOT "\n" GOOD);
	assert_int_equal(count_entries(), 1);
	fakesys_file(fake, JOURNAL_PATH, "vfio-bind 1\nboot " OTHER_BOOT "\n" GOOD);
	assert_int_equal(count_entries(), 0);
	assert_contains(captured.text, "journal: from before the last boot; dropped 1 device\n");
	/* it is not known to be of another boot */
	fakesys_file(fake, BOOT_PATH, "?\n");
	assert_int_equal(count_entries(), 1);
	fakesys_file(fake, BOOT_PATH, BOOT "\n");
	fakesys_file(fake, JOURNAL_PATH, "vfio-bind 1\n" GOOD);
	assert_int_equal(count_entries(), 1);
	/* the one that is read next is of this boot */
	fakesys_file(fake, JOURNAL_PATH, "vfio-bind 1\nboot " OTHER_BOOT "\n" GOOD);
	assert_int_equal(journal_open(root, &log_, 0, &journal), 0);
	assert_int_equal(journal.changes.count, 0);
	journal_close(&journal);
	assert_int_equal(count_entries(), 0);
	assert_string_equal(captured.text, "");
}

/* ---- space ---- */

#define CHANGES 100

/* Changes whose lines get longer when they are recorded as bound. */
static void add_changes(struct changes *changes)
{
	for (uint32_t i = 0; i < CHANGES; i++) {
		struct change *change = changes_add(changes,
						    &(struct pci_device){.address = {.domain = i}});

		assert_non_null(change);
		assert_int_equal(binding_set(&change->origin, "a", NULL), 0);
		assert_int_equal(binding_set(&change->before, NULL, NULL), 0);
		assert_int_equal(binding_set(&change->wanted, "nvgrace-gpu-vfio-pci",
					     "nvgrace-gpu-vfio-pci"),
				 0);
	}
}

static int save_all(struct journal *journal, struct changes *changes, enum change_state state)
{
	for (size_t i = 0; i < changes->count; i++) {
		struct change *change = &changes->items[i];

		change->state = state;
		if (state == CHANGE_BOUND)
			assert_int_equal(binding_copy(&change->before, &change->wanted), 0);
		assert_int_equal(journal_put(journal, change), 0);
	}
	return journal_save(journal);
}

static off_t size_of(const char *path)
{
	char full[256];
	struct stat status;

	snprintf(full, sizeof(full), "%s/%s", fake->path, path);
	return stat(full, &status) < 0 ? -1 : status.st_size;
}

static void reserved_space_is_enough_for_every_later_save(void **state)
{
	struct changes changes = {0};
	struct journal journal;
	off_t size;

	(void)state;
	fakesys_directory(fake, "run");
	if (!smalldisk_mount(fake, "run"))
		skip();
	add_changes(&changes);
	assert_int_equal(journal_open(root, &log_, 0, &journal), 0);
	assert_int_equal(journal_reserve(&journal, &changes), 0);
	smalldisk_fill(fake, "run");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(save_all(&journal, &changes, CHANGE_APPLYING), 0);
		assert_int_equal(save_all(&journal, &changes, CHANGE_ROLLING_BACK), 0);
		assert_int_equal(count_entries(), CHANGES);
	}
	size = size_of(JOURNAL_PATH);
	assert_int_equal(size_of(JOURNAL_PATH ".new"), size);
	assert_int_equal(save_all(&journal, &changes, CHANGE_BOUND), 0);
	assert_int_equal(count_entries(), CHANGES);
	/* the space is returned */
	assert_int_equal(size_of(JOURNAL_PATH ".new"), -1);
	assert_true(size_of(JOURNAL_PATH) < size);
	journal_close(&journal);
	changes_free(&changes);
}

static void a_journal_without_space_stays_as_it_was(void **state)
{
	struct changes changes = {0};
	struct journal journal;

	(void)state;
	fakesys_directory(fake, "run");
	if (!smalldisk_mount(fake, "run"))
		skip();
	fakesys_file(fake, JOURNAL_PATH, "vfio-bind 1\n" GOOD);
	add_changes(&changes);
	smalldisk_fill(fake, "run");
	assert_int_equal(journal_open(root, &log_, 0, &journal), -ENOSPC);
	journal_close(&journal);
	smalldisk_empty(fake, "run");
	assert_int_equal(journal_open(root, &log_, 0, &journal), 0);
	smalldisk_fill(fake, "run");
	assert_int_equal(journal_reserve(&journal, &changes), -ENOSPC);
	assert_contains(captured.text, "run/vfio-bind/journal: No space left on device");
	assert_int_equal(size_of(JOURNAL_PATH ".new"), -1);
	journal_close(&journal);
	changes_free(&changes);
}

/* After the first time that the journal is read. */
static void overwrite_once(void *data, enum sysroot_kind kind, const char *path, const char *text,
			   size_t length)
{
	bool *done = data;

	(void)kind, (void)text, (void)length;
	if (*done || strcmp(path, JOURNAL_PATH) != 0)
		return;
	fakesys_file(fake, JOURNAL_PATH, "vfio-bind 1\n" GOOD GOOD);
	*done = true;
}

/* It is read without a lock: a run that saves twice meanwhile overwrites what is being read. */
static void a_journal_that_changes_while_it_is_read_is_read_again(void **state)
{
	struct changes changes;
	bool done = false;

	(void)state;
	fakesys_file(fake, JOURNAL_PATH, "vfio-bind 1\nbound 0000:01");
	sysroot_watch(root, overwrite_once, &done);
	assert_int_equal(journal_read(root, &log_, &changes), 0);
	assert_int_equal(changes.count, 2);
	changes_free(&changes);
	assert_string_equal(captured.text, "");
}

/* ---- /etc/default/vfio-bind ---- */

static int parse(const char *content, struct strings *devices)
{
	char copy[512];

	snprintf(copy, sizeof(copy), "%s", content);
	return boot_devices_parse("/etc/default/vfio-bind", copy, &log_, devices);
}

static void the_environment_file_is_parsed(void **state)
{
	static const struct {
		const char *content;
		size_t count;
		const char *last;
	} files[] = {
		{"", 0, NULL},
		{"# comment\n; comment\n\n", 0, NULL},
		{"DEVICES=\"0000:04:00.0 0000:05:00.0 0000:84:00.0\"\n", 3, "0000:84:00.0"},
		{"DEVICES='0000:04:00.0'", 1, "0000:04:00.0"},
		{"DEVICES=0000:04:00.0\r\n", 1, "0000:04:00.0"},
		{"  DEVICES=\"\t0000:04:00.0\tnet:eth1 \"  \n", 2, "net:eth1"},
		{"DEVICES=\"a:b\"\nDEVICES=\"c:d\"\n", 1, "c:d"},
		{"DEVICES=\n", 0, NULL},
		{"OTHER=\"$x\"\nOPTIONS=\"--group\"\nDEVICES=a:b\n", 1, "a:b"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(files); i++) {
		struct strings devices = {0};

		assert_int_equal(parse(files[i].content, &devices), BIND_DONE);
		assert_int_equal(devices.count, files[i].count);
		if (files[i].last)
			assert_string_equal(devices.items[devices.count - 1], files[i].last);
		strings_free(&devices);
	}
	assert_int_equal(captured.errors, 0);
	assert_int_equal(captured.warnings, 1);
	assert_contains(captured.text, "/etc/default/vfio-bind:1: unknown setting OTHER");
}

static void syntax_errors_are_logged_with_their_line(void **state)
{
	static const char *const files[] = {
		"\nDEVICES=\"0000:04:00.0\n", "\nDEVICES=0000:04:00.0\"\n",
		"\nDEVICES=\"a\" \"b\"\n",    "\nDEVICES=\"$DEVICES\"\n",
		"\nDEVICES=\"`id`\"\n",	      "\n0000:04:00.0\n",
		"\nDEVICES=\"a:b \\\n",	      "\nDEVICES=\"\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(files); i++) {
		struct strings devices = {0};

		captured = (struct log_capture){0};
		assert_int_equal(parse(files[i], &devices), BIND_USAGE);
		assert_int_equal(captured.errors, 1);
		assert_contains(captured.text, "/etc/default/vfio-bind:2: ");
		assert_contains(captured.text, "DEVICES=\"0000:04:00.0 0000:05:00.0\"");
		strings_free(&devices);
	}
}

/* "pciprobe check" reads the journal by itself. */
static void pciprobe_recognizes_unfinished_changes(void **state)
{
	static const struct {
		enum change_state state;
		bool is_vfs;
		const char *text;
	} rows[] = {
		{CHANGE_BOUND, false, NULL},
		{CHANGE_APPLYING, false,
		 "10000:81:1f.7: vfio-bind did not finish changing its driver"},
		{CHANGE_ROLLING_BACK, false,
		 "10000:81:1f.7: vfio-bind did not finish changing its driver"},
		{CHANGE_APPLYING, true,
		 "10000:81:1f.7: vfio-bind did not finish changing its number of VFs"},
		{CHANGE_ROLLING_BACK, true,
		 "10000:81:1f.7: vfio-bind did not finish changing its number of VFs"},
	};
	time_t later = time(NULL) + UNFINISHED_AGE_MIN + 60;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct change change = make_change("nvme", "vfio-pci");
		struct strings found = {0};
		struct journal journal;

		change.state = rows[i].state;
		change.is_vfs = rows[i].is_vfs;
		assert_int_equal(journal_open(root, &log_, 0, &journal), 0);
		assert_int_equal(journal_put(&journal, &change), 0);
		assert_int_equal(journal_save(&journal), 0);
		assert_int_equal(unfinished_read(root, later, &found), 0);
		assert_int_equal(found.count, rows[i].text != NULL);
		if (rows[i].text)
			assert_string_equal(found.items[0], rows[i].text);
		strings_free(&found);
		journal_remove(&journal, &change);
		assert_int_equal(journal_save(&journal), 0);
		journal_close(&journal);
		change_free_members(&change);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pciprobe_recognizes_unfinished_changes, setup,
						teardown),
		TEST(a_written_journal_is_read_back),
		TEST(a_long_journal_is_read_back),
		TEST(vfs_and_driver_of_a_device_are_separate_changes),
		TEST(settings_of_vfs_are_read_back),
		TEST(a_journal_without_settings_of_vfs_is_read),
		TEST(an_invalid_journal_is_rejected),
		TEST(a_journal_of_an_earlier_boot_is_dropped),
		TEST(reserved_space_is_enough_for_every_later_save),
		TEST(a_journal_without_space_stays_as_it_was),
		TEST(a_journal_that_changes_while_it_is_read_is_read_again),
		TEST(the_environment_file_is_parsed),
		TEST(syntax_errors_are_logged_with_their_line),
	};

	smalldisk_init();
	return cmocka_run_group_tests_name("binder-journal", tests, NULL, NULL);
}
