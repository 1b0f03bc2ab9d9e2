/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The specs and aliases for the selected devices. The conformance tests check them with Nova
 * itself. */
#include "tests/unit/test.h"

#include "plugins/standalone/formats/writer.h"
#include "plugins/standalone/nova/cover.h"
#include "plugins/standalone/nova/release.h"
#include "tests/unit/fakesys.h"

#define DEVICES_MAX 7

/* ---- random hosts, compared with an exhaustive search ---- */

struct host {
	struct pci_device devices[DEVICES_MAX];
	struct inventory inventory;
};

/* An independent implementation of Nova's {"vendor_id", "product_id", "address"}. Bits of FIXED are
 * the parts that are not "*", in the order vendor, product, domain, bus, slot, function. ALONE: the
 * address does not match the VFs of a PF. */
static bool nova_matches(const struct host *host, unsigned fixed, const long *values, bool alone,
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

static unsigned matched_by(const struct host *host, unsigned fixed, const long *values, bool alone)
{
	unsigned matched = 0;

	for (size_t i = 0; i < host->inventory.count; i++)
		if (nova_matches(host, fixed, values, alone, &host->devices[i]))
			matched |= 1u << i;
	return matched;
}

static unsigned selected_of(const struct host *host)
{
	unsigned selected = 0;

	for (size_t i = 0; i < host->inventory.count; i++)
		if (host->devices[i].selected)
			selected |= 1u << i;
	return selected;
}

/* Combines the ids of each device with the address of each. */
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
					possible[matched_by(host, fixed, values, false)] = true;
					possible[matched_by(host, fixed, values, true)] = true;
				}
			}
}

static size_t smallest_cover(const struct host *host, unsigned selected)
{
	bool possible[1 << DEVICES_MAX];
	size_t fewest[1 << DEVICES_MAX];

	list_possible(host, possible);
	for (unsigned set = 0; set < 1u << host->inventory.count; set++) {
		fewest[set] = set ? SIZE_MAX : 0;
		for (unsigned spec = 1; spec < 1u << host->inventory.count && set; spec++)
			if (possible[spec] && !(spec & ~selected) && (spec & set) &&
			    fewest[set & ~spec] + 1 < fewest[set] + !fewest[set])
				fewest[set] = fewest[set & ~spec] + 1;
	}
	return fewest[selected];
}

static unsigned random_below(unsigned limit)
{
	return (unsigned)rand() % limit;
}

static int compare(const void *a, const void *b)
{
	return address_compare(&((const struct pci_device *)a)->address,
			       &((const struct pci_device *)b)->address);
}

/* Few distinct values, so that devices have many in common. VFs may have the ids of their PF. */
static void make_random_host(struct host *host)
{
	size_t count = 2 + random_below(DEVICES_MAX - 1), kept = 0;

	*host = (struct host){.inventory = {.devices = host->devices}};
	for (size_t i = 0; i < count; i++)
		host->devices[i] = (struct pci_device){
			.address = {.domain = random_below(8) ? random_below(2) : 0x10000,
				    .bus = (uint8_t)random_below(2),
				    .slot = (uint8_t)random_below(2),
				    .function = (uint8_t)random_below(2)},
			.vendor = random_below(2) ? 0x8086 : 0x15b3,
			.device = (uint16_t)random_below(3),
			.present = HAS_SRIOV | HAS_VFS_TOTAL,
			.sriov = {.role = SRIOV_PF, .vfs_total = random_below(2)},
			.selected = random_below(2),
		};
	qsort(host->devices, count, sizeof(*host->devices), compare);
	for (size_t i = 0; i < count; i++)
		if (!kept || compare(&host->devices[kept - 1], &host->devices[i]) != 0)
			host->devices[kept++] = host->devices[i];
	for (size_t i = 1; i < kept; i++)
		if (host->devices[0].sriov.vfs_total && random_below(2)) {
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

static void remove_devices_nova_ignores(struct host *host)
{
	size_t kept = 0;

	for (size_t i = 0; i < host->inventory.count; i++)
		if (host->devices[i].address.domain <= 0xffff)
			host->devices[kept++] = host->devices[i];
	host->inventory.count = kept;
}

static void the_smallest_set_matches_exactly_the_selected_devices(void **state)
{
	struct nova_spec *specs;
	struct host host;
	size_t count, several = 0;

	(void)state;
	srand(1);
	for (int round = 0; round < 4000; round++) {
		unsigned matched = 0, selected;

		make_random_host(&host);
		assert_int_equal(nova_cover(&host.inventory, NULL, &specs, &count), 0);
		remove_devices_nova_ignores(&host);
		selected = selected_of(&host);
		for (size_t i = 0; i < count; i++)
			matched |= matched_by(&host, specs[i].fixed, specs[i].values,
					      !specs[i].with_vfs);
		assert_int_equal(matched, selected);
		assert_int_equal(count, smallest_cover(&host, selected));
		several += count > 1;
		free(specs);
	}
	/* enough hosts need more than one spec */
	assert_true(several > 500);
}

/* The search is bounded. */
static void a_large_irregular_selection_is_matched_exactly(void **state)
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
			.selected = random_below(12) == 0,
		};
		inventory.selected += devices[i].selected;
	}
	assert_int_equal(nova_cover(&inventory, NULL, &specs, &count), 0);
	assert_true(count <= inventory.selected);
	for (size_t i = 0; i < COUNT(devices); i++) {
		bool matched = false;

		for (size_t j = 0; j < count; j++)
			matched = matched || nova_spec_matches(&specs[j], &devices[i]);
		assert_int_equal(matched, devices[i].selected);
	}
	free(specs);
}

/* ---- the format nova ---- */

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

static void assert_written_for(const char *release, const char *config, const char *expected)
{
	const struct writer *writer = writer_find("nova");
	struct probe_options options = {.log = log_capture_add(&captured),
					.sysroot = fake->path,
					.details = writer->details,
					.other_details = writer->other_details};
	struct inventory *inventory;
	struct report report = {.headings = true,
				.format.nova_release =
					release ? nova_release_find(release, &options.log) : NULL};
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
	assert_string_equal(text, expected);
	free(text);
	inventory_free(inventory);
	probe_free(report.probe);
}

static void assert_written(const char *config, const char *expected)
{
	assert_written_for(NULL, config, expected);
}

static void add_pf(const char *address, unsigned device)
{
	char path[128];

	fakesys_pci(fake, address, .vendor = 0x8086, .device = device, .class = 0x020000);
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/sriov_totalvfs", address);
	fakesys_file(fake, path, "7\n");
}

static void a_pf_is_distinguished_from_its_vfs(void **state)
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

static void a_pf_with_the_ids_of_its_vfs_is_matched_by_regular_expressions(void **state)
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

static void what_nova_cannot_express_is_a_comment(void **state)
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

#define NVME(address) \
	fakesys_pci(fake, address, .vendor = 0x8086, .device = 0x0a54, .class = 0x010802)

static void devices_have_the_tags_of_their_aliases(void **state)
{
	static const char config[] =
		":filter:\n:alias:\n"
		" - {name: fast, short_address: ['01:00.0', '02:00.0'], nova: {resource_class: NVME, traits: [a, b], managed: no, live_migratable: y}}\n"
		" - {name: net, short_address: '02:00.0', nova: {physical_network: physnet1, resource_class: x}}\n"
		" - {name: rest, filter: '8086:0a54'}\n";

	(void)state;
	NVME("0000:01:00.0");
	NVME("0000:02:00.0");
	NVME("0000:03:00.0");
	assert_written(
		config,
		"[pci]\n"
		"# 0000:02:00.0 has resource_class NVME, not x as the alias net: an earlier alias decides\n"
		"device_spec = {\"vendor_id\":\"8086\",\"product_id\":\"0a54\",\"address\":\"0000:01:00.0\",\"resource_class\":\"NVME\","
		"\"traits\":\"a,b\",\"managed\":\"no\",\"live_migratable\":\"yes\"}\n"
		"device_spec = {\"vendor_id\":\"8086\",\"product_id\":\"0a54\",\"address\":\"0000:02:00.0\",\"physical_network\":\"physnet1\","
		"\"resource_class\":\"NVME\",\"traits\":\"a,b\",\"managed\":\"no\",\"live_migratable\":\"yes\"}\n"
		"device_spec = {\"vendor_id\":\"8086\",\"product_id\":\"0a54\",\"address\":\"0000:03:00.0\"}\n"
		"alias = {\"name\":\"fast\",\"vendor_id\":\"8086\",\"product_id\":\"0a54\",\"device_type\":\"type-PCI\","
		"\"resource_class\":\"NVME\",\"traits\":\"a,b\",\"live_migratable\":\"yes\"}\n"
		"alias = {\"name\":\"net\",\"vendor_id\":\"8086\",\"product_id\":\"0a54\",\"device_type\":\"type-PCI\",\"resource_class\":\"x\"}\n"
		"# alias net also matches 0000:01:00.0: only pci_in_placement excludes it\n"
		"# alias net also matches 0000:03:00.0: only pci_in_placement excludes it\n"
		"alias = {\"name\":\"rest\",\"vendor_id\":\"8086\",\"product_id\":\"0a54\",\"device_type\":\"type-PCI\"}\n");
}

static void keys_unknown_to_the_release_are_omitted(void **state)
{
	static const char config[] =
		":filter:\n:alias: [{name: fast, filter: '8086:', nova: {resource_class: NVME, managed: no}}]\n";

	(void)state;
	NVME("0000:01:00.0");
	assert_written_for(
		"2022.2", config,
		"[pci]\n"
		"device_spec = {\"vendor_id\":\"8086\",\"product_id\":\"0a54\",\"address\":\"0000:01:00.0\",\"resource_class\":\"NVME\"}\n"
		"alias = {\"name\":\"fast\",\"vendor_id\":\"8086\",\"product_id\":\"0a54\",\"device_type\":\"type-PCI\"}\n"
		"# resource_class omitted from aliases: not known to Nova 2022.2\n"
		"# managed omitted: not known to Nova 2022.2\n");
	assert_written_for(
		"25", config,
		"[pci]\n"
		"passthrough_whitelist = {\"vendor_id\":\"8086\",\"product_id\":\"0a54\",\"address\":\"0000:01:00.0\"}\n"
		"alias = {\"name\":\"fast\",\"vendor_id\":\"8086\",\"product_id\":\"0a54\",\"device_type\":\"type-PCI\"}\n"
		"# resource_class omitted: not known to Nova 2022.1\n"
		"# managed omitted: not known to Nova 2022.1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_smallest_set_matches_exactly_the_selected_devices),
		cmocka_unit_test(a_large_irregular_selection_is_matched_exactly),
		cmocka_unit_test_setup_teardown(a_pf_is_distinguished_from_its_vfs, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			a_pf_with_the_ids_of_its_vfs_is_matched_by_regular_expressions, setup,
			teardown),
		cmocka_unit_test_setup_teardown(what_nova_cannot_express_is_a_comment, setup,
						teardown),
		cmocka_unit_test_setup_teardown(devices_have_the_tags_of_their_aliases, setup,
						teardown),
		cmocka_unit_test_setup_teardown(keys_unknown_to_the_release_are_omitted, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("nova", tests, NULL, NULL);
}
