/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nova's lines for the selected devices. What Nova itself makes of them the conformance tests ask
 * it. */
#include "tests/unit/test.h"

#include "plugins/standalone/formats/writer.h"
#include "plugins/standalone/nova/novacover.h"
#include "tests/unit/fakesys.h"

#define DEVICES_MAX 7

/* ---- random hosts, against all that is possible ---- */

struct host {
	struct pci_device devices[DEVICES_MAX];
	struct inventory inventory;
};

/* What Nova does with {"vendor_id", "product_id", "address"}, written down once more: FIXED are the
 * parts that aren't "*", in the order vendor, product, domain, bus, slot, function; ALONE is an
 * address that isn't looked up as a PF. */
static bool nova_takes(const struct host *host, unsigned fixed, const long *values, bool alone,
		       const struct pci_device *device)
{
	const struct pci_address *pf = device->present & HAS_PF ? &device->sriov.pf : NULL;
	const struct pci_address *own = &device->address;
	long parts[] = {device->vendor, device->device, own->domain,
			own->bus,	own->slot,	own->function};
	bool same = true, is_pf = false;

	for (unsigned i = 0; i < 2; i++)
		if ((fixed & 1u << i) && values[i] != parts[i])
			return false;
	for (unsigned i = 2; i < 6; i++)
		same = same && (!(fixed & 1u << i) || values[i] == parts[i]);
	if (same)
		return true;
	for (size_t i = 0; i < host->inventory.count; i++) {
		const struct pci_address *a = &host->devices[i].address;

		is_pf = is_pf ||
			(values[2] == a->domain && values[3] == a->bus && values[4] == a->slot &&
			 values[5] == a->function && host->devices[i].sriov.vfs_total);
	}
	return (fixed >> 2) == 15 && !alone && is_pf && pf && values[2] == pf->domain &&
	       values[3] == pf->bus && values[4] == pf->slot && values[5] == pf->function;
}

static unsigned taken_by(const struct host *host, unsigned fixed, const long *values, bool alone)
{
	unsigned taken = 0;

	for (size_t i = 0; i < host->inventory.count; i++)
		if (nova_takes(host, fixed, values, alone, &host->devices[i]))
			taken |= 1u << i;
	return taken;
}

static unsigned wanted_of(const struct host *host)
{
	unsigned wanted = 0;

	for (size_t i = 0; i < host->inventory.count; i++)
		if (host->devices[i].selected)
			wanted |= 1u << i;
	return wanted;
}

/* The ids of one device with the address of another: all that can be asked for. */
static void list_possible(const struct host *host, bool possible[static 1 << DEVICES_MAX])
{
	size_t count = host->inventory.count;

	memset(possible, 0, 1 << DEVICES_MAX);
	for (size_t vendor = 0; vendor < count; vendor++)
		for (size_t product = 0; product < count; product++)
			for (size_t address = 0; address < count; address++) {
				const struct pci_address *a = &host->devices[address].address;
				const long values[] = {host->devices[vendor].vendor,
						       host->devices[product].device,
						       a->domain,
						       a->bus,
						       a->slot,
						       a->function};

				for (unsigned fixed = 0; fixed < 64; fixed++) {
					possible[taken_by(host, fixed, values, false)] = true;
					possible[taken_by(host, fixed, values, true)] = true;
				}
			}
}

static size_t find_fewest(const struct host *host, unsigned wanted)
{
	bool possible[1 << DEVICES_MAX];
	size_t fewest[1 << DEVICES_MAX];

	list_possible(host, possible);
	for (unsigned set = 0; set < 1u << host->inventory.count; set++) {
		fewest[set] = set ? SIZE_MAX : 0;
		for (unsigned spec = 1; spec < 1u << host->inventory.count && set; spec++)
			if (possible[spec] && !(spec & ~wanted) && (spec & set) &&
			    fewest[set & ~spec] + 1 < fewest[set] + !fewest[set])
				fewest[set] = fewest[set & ~spec] + 1;
	}
	return fewest[wanted];
}

static unsigned draw(unsigned below)
{
	return (unsigned)rand() % below;
}

static int compare(const void *a, const void *b)
{
	return address_compare(&((const struct pci_device *)a)->address,
			       &((const struct pci_device *)b)->address);
}

/* Few values, so that devices have much in common. A PF can have VFs with its own ids. */
static void make_host(struct host *host)
{
	size_t count = 2 + draw(DEVICES_MAX - 1), kept = 0;

	*host = (struct host){.inventory = {.devices = host->devices}};
	for (size_t i = 0; i < count; i++)
		host->devices[i] = (struct pci_device){
			.address = {.domain = draw(8) ? draw(2) : 0x10000,
				    .bus = (uint8_t)draw(2),
				    .slot = (uint8_t)draw(2),
				    .function = (uint8_t)draw(2)},
			.vendor = draw(2) ? 0x8086 : 0x15b3,
			.device = (uint16_t)draw(3),
			.present = HAS_SRIOV | HAS_VFS_TOTAL,
			.sriov = {.role = SRIOV_PF, .vfs_total = draw(2)},
			.selected = draw(2),
		};
	qsort(host->devices, count, sizeof(*host->devices), compare);
	for (size_t i = 0; i < count; i++)
		if (!kept || compare(&host->devices[kept - 1], &host->devices[i]) != 0)
			host->devices[kept++] = host->devices[i];
	for (size_t i = 1; i < kept; i++)
		if (host->devices[0].sriov.vfs_total && draw(2)) {
			host->devices[i].sriov = (struct sriov){.role = SRIOV_VF,
								.pf = host->devices[0].address};
			host->devices[i].present = HAS_SRIOV | HAS_PF;
		}
	host->inventory.count = kept;
	for (size_t i = 0; i < kept; i++) {
		/* Nova sees none of these */
		if (host->devices[i].address.domain > 0xffff)
			host->devices[i].selected = false;
		host->inventory.selected += host->devices[i].selected;
	}
}

static void forget_unseen(struct host *host)
{
	size_t kept = 0;

	for (size_t i = 0; i < host->inventory.count; i++)
		if (host->devices[i].address.domain <= 0xffff)
			host->devices[kept++] = host->devices[i];
	host->inventory.count = kept;
}

static void the_fewest_take_just_the_selected(void **state)
{
	struct nova_spec *specs;
	struct host host;
	size_t count, seen = 0;

	(void)state;
	srand(1);
	for (int round = 0; round < 4000; round++) {
		unsigned taken = 0, wanted;

		make_host(&host);
		assert_int_equal(nova_cover(&host.inventory, &specs, &count), 0);
		forget_unseen(&host);
		wanted = wanted_of(&host);
		for (size_t i = 0; i < count; i++)
			taken |= taken_by(&host, specs[i].fixed, specs[i].values,
					  !specs[i].with_vfs);
		assert_int_equal(taken, wanted);
		assert_int_equal(count, find_fewest(&host, wanted));
		seen += count > 1;
		free(specs);
	}
	/* else it would say little */
	assert_true(seen > 500);
}

/* A large and odd selection still takes just what it should, and in no time. */
static void many_odd_devices_are_taken_exactly(void **state)
{
	static struct pci_device devices[2048];
	struct inventory inventory = {.devices = devices, .count = COUNT(devices)};
	struct nova_spec *specs;
	size_t count;

	(void)state;
	srand(2);
	for (size_t i = 0; i < COUNT(devices); i++) {
		devices[i] = (struct pci_device){
			.address = {.bus = (uint8_t)(i / 256),
				    .slot = i / 8 % 32,
				    .function = i % 8},
			.vendor = 0x8086,
			.device = 0x1520,
			.present = HAS_SRIOV,
			.selected = draw(12) == 0,
		};
		inventory.selected += devices[i].selected;
	}
	assert_int_equal(nova_cover(&inventory, &specs, &count), 0);
	assert_true(count <= inventory.selected);
	for (size_t i = 0; i < COUNT(devices); i++) {
		bool taken = false;

		for (size_t j = 0; j < count; j++)
			taken = taken || nova_spec_matches(&specs[j], &devices[i]);
		assert_int_equal(taken, devices[i].selected);
	}
	free(specs);
}

/* ---- what is written ---- */

static struct fakesys *fake;
static struct log_capture captured;

static int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	captured = (struct log_capture){0};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fakesys_free(fake);
	return 0;
}

static void assert_written(const char *config, const char *wanted)
{
	const struct writer *writer = writer_find("nova");
	struct probe_options options = {.log = log_capture_add(&captured),
					.sysroot = fake->path,
					.details = writer->details,
					.other_details = writer->other_details};
	struct inventory *inventory;
	struct report report = {.headings = true};
	char *text = NULL, path[128];
	size_t size;
	FILE *out;

	fakesys_file(fake, "pci.conf", config);
	snprintf(path, sizeof(path), "%s/pci.conf", fake->path);
	options.config = path;
	assert_int_equal(probe_new(&options, &report.probe), 0);
	assert_int_equal(probe_read(report.probe, &inventory), 0);
	report.inventory = inventory;
	out = open_memstream(&text, &size);
	assert_int_equal(writer->write(&report, out), 0);
	fclose(out);
	assert_string_equal(text, wanted);
	free(text);
	inventory_free(inventory);
	probe_free(report.probe);
}

static void add_pf(const char *address, unsigned device)
{
	char path[128];

	fakesys_pci(fake, address, .vendor = 0x8086, .device = device, .class = 0x020000);
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/sriov_totalvfs", address);
	fakesys_file(fake, path, "7\n");
}

static void a_pf_and_its_vfs_are_told_apart(void **state)
{
	(void)state;
	add_pf("0000:81:00.0", 0x1521);
	fakesys_pci(fake, "0000:81:10.0", .vendor = 0x8086, .device = 0x1520, .class = 0x020000,
		    .pf = "0000:81:00.0");
	fakesys_pci(fake, "0000:81:10.4", .vendor = 0x8086, .device = 0x1520, .class = 0x020000,
		    .pf = "0000:81:00.0", .vf = 1);
	assert_written(
		":filter:\n:alias:\n - {name: vfs, role: vf}\n - {name: all, filter: '8086:*'}\n - {name: none, filter: '10de:'}\n",
		"[pci]\n"
		"device_spec = {\"vendor_id\":\"8086\",\"address\":\"0000:81:*.*\"}\n"
		"alias = {\"name\":\"vfs\",\"vendor_id\":\"8086\",\"product_id\":\"1520\",\"device_type\":\"type-VF\"}\n"
		"# alias all matches devices of several types, which Nova does not support; define one alias per type\n"
		"# alias none matches no device of this host\n");
	assert_written(
		":filter: '8086:1520'\n",
		"[pci]\ndevice_spec = {\"vendor_id\":\"8086\",\"product_id\":\"1520\",\"address\":\"0000:81:10.*\"}\n");
	assert_written(
		":filter: '8086:1521'\n",
		"[pci]\ndevice_spec = {\"vendor_id\":\"8086\",\"product_id\":\"1521\",\"address\":\"0000:81:00.0\"}\n");
	assert_written(":filter: '0:0'\n", "[pci]\n");
}

static void a_pf_like_its_vfs_has_an_address_of_its_own(void **state)
{
	(void)state;
	add_pf("0000:81:00.0", 0x0010);
	fakesys_pci(fake, "0000:81:00.1", .vendor = 0x8086, .device = 0x0010, .class = 0x020000,
		    .pf = "0000:81:00.0");
	assert_written(
		":filter:\n:short_address: ['81:00.0']\n",
		"[pci]\ndevice_spec = {\"vendor_id\":\"8086\",\"product_id\":\"0010\",\"address\":{\"domain\":\"0000\",\"bus\":\"81\","
		"\"slot\":\"00\",\"function\":\"[0]\"}}\n");
	assert_written(
		":filter:\n:short_address: ['81:00.1']\n",
		"[pci]\ndevice_spec = {\"vendor_id\":\"8086\",\"product_id\":\"0010\",\"address\":\"0000:81:00.1\"}\n");
}

static void what_nova_cannot_do_is_said(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", .vendor = 0x8086, .device = 0x0a54, .class = 0x010802);
	fakesys_pci(fake, "0000:02:00.0", .vendor = 0x8086, .device = 0x0a54, .class = 0x010802);
	fakesys_pci(fake, "10000:e1:00.0", .vendor = 0x8086, .device = 0x0a54, .class = 0x010802);
	assert_written(
		":filter:\n:alias:\n - {name: one, short_address: '01:00.0'}\n",
		"[pci]\n"
		"device_spec = {\"vendor_id\":\"8086\",\"product_id\":\"0a54\",\"address\":\"0000:*:00.0\"}\n"
		"# 10000:e1:00.0 omitted: Nova does not support PCI domains above ffff\n"
		"alias = {\"name\":\"one\",\"vendor_id\":\"8086\",\"product_id\":\"0a54\",\"device_type\":\"type-PCI\"}\n"
		"# alias one also matches 0000:02:00.0: Nova's aliases cannot exclude it\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_fewest_take_just_the_selected),
		cmocka_unit_test(many_odd_devices_are_taken_exactly),
		cmocka_unit_test_setup_teardown(a_pf_and_its_vfs_are_told_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(a_pf_like_its_vfs_has_an_address_of_its_own, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_nova_cannot_do_is_said, setup, teardown),
	};

	return cmocka_run_group_tests_name("nova", tests, NULL, NULL);
}
