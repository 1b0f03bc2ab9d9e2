/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/ownership/fixture.h"

#include "probe/details/details.h"

struct fakesys *fake;
const char *libvirt_helper;
unsigned sources = OWNER_ALL;
struct rule_list slots = {.key = "-s", .kind = RULE_SLOT};
unsigned more_details;
struct log_capture captured;
struct inventory *inventory;
struct read_trace seen;

static struct probe *probe;

static void free_inventory(void)
{
	inventory_free(inventory);
	probe_free(probe);
	inventory = NULL;
	probe = NULL;
}

int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	libvirt_helper = NULL;
	captured = (struct log_capture){0};
	PROCESS(1, "/sbin/init");
	fakesys_add_process(fake, 2, "", 0);
	return 0;
}

int teardown(void **state)
{
	(void)state;
	free_inventory();
	fakesys_free(fake);
	return 0;
}

void add_descriptor(unsigned pid, unsigned fd, const char *target)
{
	fakesys_descriptor(fake, pid, fd, target);
}

void read_inventory(void)
{
	struct probe_options options = {
		.slots = &slots,
		.log = log_capture_add(&captured),
		.sysroot = fake->path,
		.details = DETAIL_OWNERSHIP | DETAIL_DRIVER | DETAIL_IOMMU_GROUP | more_details,
		.owners = &sources,
		.libvirt_helper = libvirt_helper,
		.observer = trace_read,
		.observer_data = &seen,
	};

	free_inventory();
	seen.text[0] = '\0';
	assert_int_equal(probe_new(&options, &probe), 0);
	assert_int_equal(probe_read(probe, &inventory), 0);
}

const struct pci_device *device_at(const char *string)
{
	struct pci_address address;
	const struct pci_device *device;

	assert_int_equal(address_parse(string, &address), 0);
	device = inventory_find(inventory, &address);
	assert_non_null(device);
	return device;
}

const char *state_of(const char *address)
{
	return ownership_name(device_at(address)->ownership);
}

const char *frontend_of(const char *address)
{
	static char text[256];
	const struct owner *owner = &device_at(address)->owners[0];

	assert_int_equal(device_at(address)->owner_count, 1);
	snprintf(text, sizeof(text), "%s %s", owner->frontend ? owner->frontend : "-",
		 owner->frontend_id ? owner->frontend_id : "-");
	return text;
}
