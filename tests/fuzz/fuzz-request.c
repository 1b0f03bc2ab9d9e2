/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses each line of the input as an argument of 'pciprobe request' and serves them together. */
#include "probe/select/request.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define REQUESTS_MAX 8

#define ALL_READ (HAS_OWNERSHIP | HAS_IOMMU_GROUP)
#define FREE .selected = true, .present = ALL_READ, .ownership = OWNERSHIP_FREE
#define VFIO               \
	.driver = (char[]) \
	{                  \
		"vfio-pci" \
	}
static char *of_a1[] = {(char[]){"a1"}}, *of_both[] = {(char[]){"a1"}, (char[]){"gpu"}};

/* Sorted by address, as in every inventory. */
static struct pci_device DEVICES[] = {
	{.address = {0, 0x02, 0, 0},
	 .vendor = 0x8086,
	 .device = 0x10d3,
	 .class = 0x0200,
	 .aliases = {of_a1, COUNT(of_a1)},
	 FREE,
	 VFIO},
	{.address = {0, 0x02, 0, 1},
	 .vendor = 0x8086,
	 .device = 0x10d3,
	 .class = 0x0200,
	 .aliases = {of_a1, COUNT(of_a1)},
	 FREE,
	 VFIO,
	 .group_held = true},
	{.address = {0, 0x07, 0, 0},
	 .vendor = 0x10de,
	 .device = 0x2204,
	 .class = 0x0300,
	 .path = (char[]){"0000:00:01.0/00.0"},
	 .aliases = {of_both, COUNT(of_both)},
	 FREE,
	 VFIO},
	{.address = {0, 0x81, 0x1f, 7},
	 .vendor = 0x10de,
	 .device = 0x2204,
	 .class = 0x0302,
	 .prog_if = 2,
	 FREE},
	{.address = {0x10000, 0xe1, 0, 1},
	 .vendor = 0x144d,
	 .device = 0xa808,
	 .class = 0x0108,
	 .prog_if = 2,
	 .selected = true,
	 .present = ALL_READ,
	 .ownership = OWNERSHIP_HELD,
	 VFIO},
	{.address = {0x10000, 0xe1, 1, 0}, .vendor = 0x144d, .device = 0xa808, .class = 0x0108},
};
static const struct inventory INVENTORY = {
	.devices = DEVICES, .count = COUNT(DEVICES), .selected = COUNT(DEVICES) - 1};

static bool is_available(const struct pci_device *device)
{
	return device->selected && device_unavailable_reason(device) == UNAVAILABLE_NONE;
}

static void check_request(const struct request *request)
{
	hold(request->count >= 1 && request->count <= REQUEST_COUNT_MAX);
	hold(!request->alias || *request->alias);
	hold(!request->alias || !(request->filters.count || request->addresses.count));
	hold(request->alias || request->filters.restricts || request->addresses.restricts);
}

/* Each device is chosen once, for a request that it fits. */
static void check_served(const struct request *requests, size_t count, const unsigned *served,
			 const struct pci_device **chosen, size_t chosen_count)
{
	size_t total = 0, fits;

	for (size_t i = 0; i < count; i++) {
		hold(served[i] == requests[i].count);
		total += served[i];
		fits = 0;
		for (size_t n = 0; n < chosen_count; n++)
			fits += request_fits(&requests[i], chosen[n]);
		hold(fits >= served[i]);
	}
	hold(total == chosen_count);
	for (size_t n = 0; n < chosen_count; n++) {
		hold(is_available(chosen[n]) && (!n || chosen[n] > chosen[n - 1]));
		fits = 0;
		for (size_t i = 0; i < count; i++)
			fits += request_fits(&requests[i], chosen[n]);
		hold(fits);
	}
}

/* A request cannot be served only if the devices that fit it are too few or are needed by others.
 */
static void check_unserved(const struct request *requests, size_t count, const unsigned *served)
{
	bool has_unserved = false;

	for (size_t i = 0; i < count; i++) {
		size_t available = 0;

		for (size_t n = 0; n < COUNT(DEVICES); n++)
			available += is_available(&DEVICES[n]) &&
				     request_fits(&requests[i], &DEVICES[n]);
		hold(served[i] <= requests[i].count && served[i] <= available);
		hold(count > 1 || served[i] == available);
		has_unserved = has_unserved || served[i] < requests[i].count;
	}
	hold(has_unserved);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request requests[REQUESTS_MAX];
	unsigned served[REQUESTS_MAX];
	const struct pci_device **chosen = NULL;
	char *text = copy_string(data, size), *rest = text, *line;
	size_t count = 0, chosen_count = 0;
	int result;

	while (count < REQUESTS_MAX && (line = strsep(&rest, "\n"))) {
		struct message_count messages = {0};
		struct log log = {.emit = count_message, .data = &messages};

		result = request_parse(line, &log, &requests[count]);
		hold(result == 0 || result == -EINVAL);
		hold(messages.errors == (result < 0));
		if (result < 0)
			continue;
		check_request(&requests[count]);
		count++;
	}
	result = requests_serve(requests, count, &INVENTORY, served, &chosen, &chosen_count);
	hold(result == 0 || result == 1);
	if (result)
		check_served(requests, count, served, chosen, chosen_count);
	else
		check_unserved(requests, count, served);
	free(chosen);
	for (size_t i = 0; i < count; i++)
		request_free(&requests[i]);
	free(text);
	return 0;
}
