/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small parsers and formatters: their results survive a round trip, and output is sanitized. */
#include "common/text.h"
#include "plugins/standalone/columns.h"
#include "plugins/standalone/commands/mask.h"
#include "probe/identity.h"
#include "probe/ownership/frontend.h"
#include "probe/ownership/libvirt.h"
#include "probe/ownership/pve.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>

#define MAC_LENGTH 17 /* 52:54:00:12:34:56 */
#define LINES_MAX 64

typedef void write_text(FILE *out, const char *text);

static char *write_to_string(write_text *write, const char *text, size_t *ret_size)
{
	char *buffer = NULL;
	FILE *out = open_memstream(&buffer, ret_size);

	hold(out);
	write(out, text);
	hold(fclose(out) == 0);
	return buffer;
}

/* Writing is idempotent. */
static void check_writer(write_text *write, const char *text, bool plain)
{
	size_t size, size_again;
	char *once = write_to_string(write, text, &size),
	     *again = write_to_string(write, once, &size_again);

	hold(size == strlen(once) && is_utf8(once, size, plain));
	hold(!plain || !strchr(once, '\n'));
	hold(strcmp(once, again) == 0);
	if (!plain && is_utf8(text, strlen(text), false))
		hold(strcmp(once, text) == 0);
	free(once);
	free(again);
}

static void check_address(const char *text)
{
	struct pci_address address = {.domain = 0x5a5a5a5a}, full, again;
	char buffer[ADDRESS_SIZE];

	if (address_parse(text, &address) < 0) {
		hold(address.domain == 0x5a5a5a5a);
		hold(address_parse_full(text, &full) < 0);
		return;
	}
	if (address_parse_full(text, &full) == 0)
		hold(address_compare(&full, &address) == 0);
	else
		hold(address.domain == 0);
	hold(address_parse_full(address_format(&address, buffer), &again) == 0);
	hold(address_compare(&address, &again) == 0);
	hold(address_parse(address_format_short(&address, buffer), &again) == 0);
	hold(address_compare(&address, &again) == 0);
}

static void check_identity(const char *text)
{
	char copy[PCI_PATH_SIZE + sizeof(PATH_PREFIX)];
	struct identity identity, again;

	if (identity_parse(text, &identity) < 0 || !identity.by_path)
		return;
	snprintf(copy, sizeof(copy), PATH_PREFIX "%s", identity.path);
	hold(identity_parse(copy, &again) == 0 && again.by_path);
	hold(strcmp(identity.path, again.path) == 0);
}

static void check_columns(const char *text)
{
	const struct field **columns = NULL, **again = NULL;
	size_t count = 0, count_again = 0, size;
	struct message_count messages = {0};
	struct log log = {.emit = count_message, .data = &messages};
	char *names = NULL;
	FILE *out;
	int error;

	error = columns_parse(text, "address,driver", &log, &columns, &count);
	hold(error == 0 || error == -EINVAL);
	hold((error < 0) == (messages.errors == 1) && (error < 0) == !count &&
	     (error < 0) == !columns);
	if (error)
		return;
	out = open_memstream(&names, &size);
	hold(out);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s,", columns[i]->name);
	hold(fclose(out) == 0);
	hold(columns_parse(names, "*", &log, &again, &count_again) == 0 && count_again == count);
	hold(memcmp(columns, again, count * sizeof(*columns)) == 0);
	free(names);
	free(columns);
	free(again);
}

static bool is_mac(const char *line)
{
	if (strlen(line) != MAC_LENGTH || strcmp(line, "00:00:00:00:00:00") == 0)
		return false;
	for (size_t i = 0; i < MAC_LENGTH; i++)
		if (i % 3 == 2 ? line[i] != ':' : !strchr("0123456789abcdefABCDEF", line[i]))
			return false;
	return true;
}

/* Masks each line of TEXT that is a MAC address. Equal addresses must stay equal, different ones
 * different. */
static void check_mask(const char *text)
{
	char *masked = strdup(text), *copy = strdup(text), *rest = copy, *line;
	size_t starts[LINES_MAX], count = 0, size = strlen(text);
	struct strings macs = {0};

	hold(masked && copy);
	while ((line = strsep(&rest, "\n"))) {
		hold(mask_add(&macs, line) == 0);
		if (is_mac(line) && count < LINES_MAX)
			starts[count++] = (size_t)(line - copy);
	}
	mask_text(&macs, masked, size);
	hold(strlen(masked) == size);
	for (size_t i = 0; i < count; i++) {
		hold(strncmp(masked + starts[i], "02:", 3) == 0);
		for (size_t n = 0; n < i; n++)
			hold(!strncasecmp(text + starts[i], text + starts[n], MAC_LENGTH) ==
			     !strncmp(masked + starts[i], masked + starts[n], MAC_LENGTH));
	}
	strings_free(&macs);
	free(masked);
	free(copy);
}

/* Parses TEXT, of SIZE bytes including NULs, as the output of libvirt's helper. */
static void check_domain_devices(const char *text, size_t size)
{
	struct domain_devices devices = {.count = 1};
	int error = domain_devices_parse(text, size, &devices);
	struct pci_address guest;

	hold(error == 0 || (error == -EBADMSG && devices.count == 1));
	for (const char *p = devices.unread_why; !error && *p; p++)
		hold(*p >= ' ' && *p <= '~');
	hold(error || !devices.unread == !*devices.unread_why);
	for (size_t i = 0; !error && i < devices.count; i++) {
		const struct domain_device *device = &devices.items[i];

		hold(device->name && *device->name && strlen(device->uuid) == 36);
		hold(!device->frontend == !device->frontend_id);
		hold(!device->device.is_mdev || strlen(device->device.mdev) == 36);
		hold(!*device->device.guest_address ||
		     address_parse_full(device->device.guest_address, &guest) == 0);
	}
	if (!error)
		domain_devices_free(&devices);
}

/* Parses TEXT as Proxmox's configuration and mappings, and as a process's cgroups and paths. */
static void check_frontends(const char *text)
{
	struct pve_vm vm;
	char *id = NULL, pod[37] = "";

	hold(pve_parse(text, text, "pve1", &vm) == 0);
	hold(!*vm.uuid || strlen(vm.uuid) == 36);
	pve_vm_free(&vm);
	hold(!frontend_from_cgroup(text, "a_b", &id) == !id);
	free(id);
	id = NULL;
	hold(!frontend_from_cgroup("/kubepods/pod2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1", text,
				   &id) == !id);
	free(id);
	id = NULL;
	hold(frontend_find_pod(text, pod) == (strlen(pod) == 36));
	hold(!frontend_from_path(text, text, &id) == !id);
	free(id);
	id = NULL;
	hold(!frontend_from_path("/run/incus/a_b/qemu.conf", text, &id) == !id);
	free(id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = copy_string(data, size);

	check_writer(text_write_plain, text, true);
	check_writer(text_write_utf8, text, false);
	check_address(text);
	check_identity(text);
	check_columns(text);
	check_mask(text);
	check_domain_devices(text, size);
	check_frontends(text);
	free(text);
	return 0;
}
