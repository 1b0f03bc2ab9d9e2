/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads arbitrary bytes as the XML of libvirt's domains; what the helper prints is read as by the
 * probe.
 *
 * The input consists of lines "%N NAME", "%L" and "%I": a domain of this name, and the live and the
 * inactive XML of the last one, which follow up to the next line that starts with %. After "%E" the
 * domain has no inactive XML. */
#include "tests/unit/ownership/fakelibvirt.h"

#include "probe/ownership/libvirt.h"
#include "tests/fuzz/fuzz.h"

#define DOMAINS_MAX 4

/* Terminates the record at TEXT and returns the next, or NULL. */
static char *split_record(char *text)
{
	char *end = strstr(text, "\n%");

	if (!end)
		return NULL;
	*end = '\0';
	return end + 1;
}

static int read_domains(char *text, struct _virDomain domains[static DOMAINS_MAX])
{
	int count = 0;

	for (char *record = text, *next; record; record = next) {
		char *content = strchr(record, '\n');

		next = split_record(record);
		content = content && (!next || content < next - 1) ? content + 1
								   : record + strlen(record);
		if (strncmp(record, "%N ", 3) == 0 && count < DOMAINS_MAX) {
			record[strcspn(record, "\n")] = '\0';
			if (!record[3])
				continue;
			domains[count++] = (struct _virDomain){.name = record + 3, .xml = ""};
		} else if (count && strncmp(record, "%L", 2) == 0) {
			domains[count - 1].xml = content;
		} else if (count && strncmp(record, "%I", 2) == 0) {
			domains[count - 1].inactive = content;
		} else if (count && strncmp(record, "%E", 2) == 0) {
			domains[count - 1].error_inactive = VIR_ERR_NO_DOMAIN;
		}
	}
	return count;
}

/* No allocation fails here. */
void fail_allocation_pause(bool pause)
{
	(void)pause;
}

static bool has_domain(const struct _virDomain *domains, int count, const char *name)
{
	for (int i = 0; i < count; i++)
		if (strcmp(domains[i].name, name) == 0)
			return true;
	return false;
}

static void check_device(const struct domain_device *device, const struct _virDomain *domains,
			 int count)
{
	hold(has_domain(domains, count, device->name));
	hold(strcmp(device->uuid, UUID) == 0);
	hold(!device->frontend == !device->frontend_id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct _virDomain domains[DOMAINS_MAX] = {{0}};
	struct domain_devices devices;
	char *text = copy_string(data, size), *output;
	int count = read_domains(text, domains);
	size_t length;

	output = print_fakes(domains, count);
	length = strlen(output);
	for (size_t i = 0; i < length; i++)
		hold(output[i] == '\n' || (output[i] >= ' ' && output[i] <= '~'));
	hold(domain_devices_parse(output, length, &devices) == 0);
	hold(devices.count + devices.unread <= printed);
	for (size_t i = 0; i < devices.count; i++)
		check_device(&devices.items[i], domains, count);
	domain_devices_free(&devices);
	free(output);
	free(text);
	return 0;
}
