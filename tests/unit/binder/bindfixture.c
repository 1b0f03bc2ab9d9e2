/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/binder/bindfixture.h"

#include "binder/engine/journal.h"
#include "probe/names/libpci.h"

#include <sys/mman.h>
#include <unistd.h>

struct fakesys *fake;
struct fakekernel kernel;
struct log_capture captured;

const char *__wrap_libpci_list_path(void);

/* The names of devices are those of the machine: every run would read the host's long list. */
const char *__wrap_libpci_list_path(void)
{
	static char path[sizeof(fake->path) + sizeof("/pci.ids")];

	snprintf(path, sizeof(path), "%s/pci.ids", fake->path);
	return path;
}

int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	captured = (struct log_capture){0};
	fakekernel_init(&kernel, fake);
	fakesys_file(fake, "pci.ids", "8086  Intel Corporation\n");
	fakekernel_pci(&kernel, NIC, .vendor = 0x8086, .device = 0x10d3, .class = 0x020000,
		       .group = "1", .driver = "e1000e");
	fakekernel_interface(&kernel, NIC, "eth0");
	fakekernel_pci(&kernel, PAIR0, .vendor = 0x10de, .device = 0x2204, .class = 0x030000,
		       .group = "2", .driver = "nouveau");
	fakekernel_pci(&kernel, PAIR1, .vendor = 0x10de, .device = 0x1aef, .class = 0x040300,
		       .group = "2", .driver = "snd_hda_intel");
	fakekernel_pci(&kernel, DISK, .vendor = 0x1b36, .device = 0x0010, .class = 0x010802,
		       .group = "3", .driver = "nvme");
	fakekernel_pci(&kernel, BRIDGE, .vendor = 0x8086, .device = 0x1234, .class = 0x060400,
		       .group = "2", .driver = "pcieport");
	return 0;
}

int teardown(void **state)
{
	(void)state;
	fakesys_free(fake);
	return 0;
}

int run(int (*subcommand)(struct bind_options *), const char *const *arguments)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, arguments);

	kernel.written[0] = kernel.loaded[0] = '\0';
	return subcommand(&options);
}

int run_printing(struct bind_options *options, const char *name, char output[static OUTPUT_SIZE])
{
	int file = memfd_create("output", 0), saved = dup(STDOUT_FILENO), status;
	const struct bind_subcommand *subcommand = BIND_SUBCOMMANDS;
	ssize_t length;

	while (strcmp(subcommand->name, name) != 0)
		subcommand++;
	options->subcommand = subcommand;
	options->quiet = false;
	assert_true(file >= 0 && saved >= 0);
	fflush(stdout);
	dup2(file, STDOUT_FILENO);
	status = subcommand->run(options);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	length = pread(file, output, OUTPUT_SIZE - 1, 0);
	assert_true(length >= 0);
	output[length] = '\0';
	close(file);
	close(saved);
	return status;
}

char *states(char ret[static 1024])
{
	static const char *const devices[] = {NIC, PAIR0, PAIR1, DISK, BRIDGE};
	char state[256];

	ret[0] = '\0';
	for (size_t i = 0; i < COUNT(devices); i++) {
		strcat(ret, fakekernel_state(&kernel, devices[i], state));
		strcat(ret, "\n");
	}
	return ret;
}

size_t journal_size(void)
{
	struct changes changes = {0};
	struct sysroot *root;
	size_t count;

	assert_int_equal(sysroot_new(fake->path, &root), 0);
	assert_int_equal(journal_read(root, NULL, &changes), 0);
	count = changes.count;
	changes_free(&changes);
	sysroot_free(root);
	return count;
}

void prepare_pf(void)
{
	fakesys_file(fake, "sys/bus/pci/devices/" NIC "/sriov_totalvfs", "4\n");
	fakesys_file(fake, "sys/bus/pci/devices/" NIC "/sriov_numvfs", "0\n");
}

void prepare_nothing(void)
{
	fakekernel_driver(&kernel, "vfio-pci");
}

void prepare_module(void)
{
}

void prepare_bound(void)
{
	prepare_nothing();
	assert_int_equal(BIND(NIC, PAIR0, PAIR1), BIND_DONE);
}

void prepare_foreign(void)
{
	prepare_bound();
	fakesys_remove(fake, JOURNAL_PATH);
}

void prepare_vfs(void)
{
	prepare_pf();
	assert_int_equal(run(run_vfs, ARGS(NIC, "2")), BIND_DONE);
}
