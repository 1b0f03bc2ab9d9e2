/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/libvirt.h"

#include "probe/ownership/frontend.h"
#include "probe/ownership/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uuid/uuid.h>

#define DIRECTORY "run/libvirt"
#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))

/* ---- the helper's output ---- */

enum { STATE, KIND, DEVICE, GUEST, UUID, NAME, FRONTEND, FRONTEND_ID, MAC, VLAN, FIELDS };

static void free_members(struct domain_device *device)
{
	free(device->name);
	free(device->uuid);
	free(device->frontend_id);
}

void domain_devices_free(struct domain_devices *devices)
{
	for (size_t i = 0; i < devices->count; i++)
		free_members(&devices->items[i]);
	free(devices->items);
	*devices = (struct domain_devices){0};
}

static int hex_value(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = c ? strchr(digits, c) : NULL;

	return p ? (int)(p - digits) : -1;
}

/* Decodes % escapes in place. */
static bool unescape(char *string)
{
	char *out = string;

	for (; *string; string++) {
		if (*string <= ' ' || *string > '~')
			return false;
		if (*string != '%') {
			*out++ = *string;
			continue;
		}
		if (hex_value(string[1]) < 0 || hex_value(string[2]) < 0)
			return false;
		*out = (char)(hex_value(string[1]) << 4 | hex_value(string[2]));
		if (!*out++)
			return false;
		string += 2;
	}
	*out = '\0';
	return true;
}

/* Splits LINE into exactly FIELDS nonempty fields; absent ones become NULL. Only interfaces have
 * the last two. */
static bool split(char *line, char *fields[FIELDS])
{
	fields[MAC] = fields[VLAN] = NULL;
	for (size_t i = 0; i < FIELDS; i++) {
		if (i == MAC && !line)
			return true;
		fields[i] = strsep(&line, " ");
		if (!fields[i] || !*fields[i])
			return false;
		if (strcmp(fields[i], "-") == 0)
			fields[i] = NULL;
		else if (!unescape(fields[i]))
			return false;
	}
	return !line;
}

static bool read_device(char *const fields[FIELDS], struct vmm_device *device)
{
	char guest[ADDRESS_SIZE];
	struct pci_address address;
	uuid_t uuid;

	if (!fields[KIND] || !fields[DEVICE])
		return false;
	device->is_mdev = strcmp(fields[KIND], "mdev") == 0;
	if (device->is_mdev ? uuid_parse(fields[DEVICE], uuid) < 0
			    : strcmp(fields[KIND], "pci") != 0 ||
				      address_parse_full(fields[DEVICE], &device->address) < 0)
		return false;
	if (device->is_mdev)
		memcpy(device->mdev, fields[DEVICE], sizeof(device->mdev));
	if (!fields[GUEST])
		return true;
	if (address_parse_full(fields[GUEST], &address) < 0)
		return false;
	/* a guest address has no domain of more than four digits */
	if (strlen(address_format(&address, guest)) < sizeof(device->guest_address))
		strcpy(device->guest_address, guest);
	return true;
}

static bool is_mac(const char *string)
{
	for (size_t i = 0; i < strlen("52:54:00:00:00:01"); i++)
		if (i % 3 == 2 ? string[i] != ':' : hex_value(string[i]) < 0)
			return false;
	return !string[strlen("52:54:00:00:00:01")];
}

static bool read_interface(char *const fields[FIELDS], struct domain_device *device)
{
	if (fields[MAC]) {
		if (!is_mac(fields[MAC]))
			return false;
		strcpy(device->mac, fields[MAC]);
	}
	if (fields[VLAN]) {
		size_t length = strlen(fields[VLAN]);

		if (length > 4 || strspn(fields[VLAN], "0123456789") != length)
			return false;
		device->has_vlan = true;
		device->vlan = (unsigned)strtoul(fields[VLAN], NULL, 10);
	}
	return true;
}

/* Metadata take precedence over the name, which can be chosen freely. */
static int read_frontend(char *const fields[FIELDS], struct domain_device *device)
{
	static const char *const known[] = {"opennebula", "nova", "kubevirt"};

	if (!fields[FRONTEND] != !fields[FRONTEND_ID])
		return -EBADMSG;
	if (!fields[FRONTEND]) {
		errno = 0;
		device->frontend = frontend_find(device->name, device->uuid, NULL,
						 &device->frontend_id);
		return !device->frontend && errno == ENOMEM ? -ENOMEM : 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(fields[FRONTEND], known[i]) == 0)
			device->frontend = known[i];
	if (!device->frontend)
		return -EBADMSG;
	device->frontend_id = strdup(fields[FRONTEND_ID]);
	return device->frontend_id ? 0 : -ENOMEM;
}

static int read_line(char *line, struct domain_device *device)
{
	char *fields[FIELDS];
	uuid_t uuid;

	if (!split(line, fields) || !read_device(fields, &device->device) ||
	    !read_interface(fields, device))
		return -EBADMSG;
	if (!fields[STATE] || !fields[NAME] || !fields[UUID] || uuid_parse(fields[UUID], uuid) < 0)
		return -EBADMSG;
	device->runs = strcmp(fields[STATE], "runs") == 0;
	if (!device->runs && strcmp(fields[STATE], "defined") != 0)
		return -EBADMSG;
	device->name = strdup(fields[NAME]);
	device->uuid = strdup(fields[UUID]);
	return device->name && device->uuid ? read_frontend(fields, device) : -ENOMEM;
}

static int add_device(struct domain_devices *devices, char *line)
{
	struct domain_device device = {0}, *grown;
	int error = read_line(line, &device);

	grown = error ? NULL : realloc(devices->items, (devices->count + 1) * sizeof(*grown));
	if (!grown) {
		free_members(&device);
		return error ? error : -ENOMEM;
	}
	devices->items = grown;
	grown[devices->count++] = device;
	return 0;
}

/* "unread NAME WHY"; only the first reason is kept. */
static int add_unread(struct domain_devices *devices, char *line)
{
	char *name, *reason;

	strsep(&line, " ");
	name = strsep(&line, " ");
	reason = strsep(&line, " ");
	if (!name || !*name || !reason || !*reason || line || !unescape(name) || !unescape(reason))
		return -EBADMSG;
	if (devices->unread++)
		return 0;
	snprintf(devices->unread_why, sizeof(devices->unread_why), "domain '%.40s': %s", name,
		 reason);
	for (char *p = devices->unread_why; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return 0;
}

static int add_line(void *data, char *line)
{
	return strncmp(line, "unread ", 7) == 0 ? add_unread(data, line) : add_device(data, line);
}

int domain_devices_parse(const char *output, size_t length, struct domain_devices *ret)
{
	struct domain_devices devices = {0};
	int error = helper_parse(output, length, add_line, &devices);

	if (error < 0)
		domain_devices_free(&devices);
	else
		*ret = devices;
	return error;
}

/* ---- the query ---- */

/* Symbolic links are rejected: they could lead out of the root. */
static bool is_socket(const struct sysdir *at, const char *name)
{
	struct stat status;

	return fstatat(at->fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(status.st_mode);
}

static int find_socket(const struct sysdir *directory, const char **ret)
{
	static const char *const sockets[] = {"virtqemud-sock-ro", "libvirt-sock-ro"};
	static const char *const writable[] = {"virtqemud-sock", "libvirt-sock"};

	for (size_t i = 0; i < ARRAY_SIZE(sockets); i++)
		if (is_socket(directory, sockets[i])) {
			*ret = sockets[i];
			return 0;
		}
	for (size_t i = 0; i < ARRAY_SIZE(writable); i++)
		if (is_socket(directory, writable[i]))
			return -EOPNOTSUPP;
	return -ENOENT;
}

static int query(const struct sysdir *directory, const char *helper, const char *socket,
		 struct domain_devices *ret, char *why)
{
	const struct helper run = {
		.path = helper,
		.argument = socket,
		/* relative to it, the name is the socket that was found, without symbolic links,
		   and however long its path is */
		.directory = directory->fd,
		.milliseconds = LIBVIRT_MILLISECONDS,
	};
	char *text = NULL;
	size_t length;
	int error;

	error = helper_run(&run, &text, &length, why);
	if (error < 0)
		return error;
	error = domain_devices_parse(text, length, ret);
	free(text);
	if (error < 0)
		snprintf(why, HELPER_WHY_SIZE, "%s",
			 error == -EBADMSG ? "malformed answer" : strerror(-error));
	return error;
}

int libvirt_read(struct sysroot *root, const char *helper, struct domain_devices *ret,
		 char why[LIBVIRT_WHY_SIZE])
{
	_cleanup_sysdir_ struct sysdir directory = {.fd = -1};
	char reason[HELPER_WHY_SIZE];
	const char *socket = "";
	int error;

	error = sysdir_open(sysroot_dir(root), DIRECTORY, &directory);
	if (!error)
		error = find_socket(&directory, &socket);
	if (error == -ENOENT)
		return error;
	if (!error && !helper)
		error = -ENOSYS, strcpy(reason, "built without libvirt support");
	else if (!error)
		error = query(&directory, helper, socket, ret, reason);
	else if (error == -EOPNOTSUPP)
		strcpy(reason, "no read-only socket; read-write sockets are not used");
	else
		snprintf(reason, sizeof(reason), "%s", strerror(-error));
	if (error < 0)
		snprintf(why, LIBVIRT_WHY_SIZE, "%s/" DIRECTORY "/%s: %s", sysroot_path(root),
			 socket, reason);
	else if (ret->unread)
		snprintf(why, LIBVIRT_WHY_SIZE,
			 "%s/" DIRECTORY "/%s: %zu domain(s) could not be read; %s",
			 sysroot_path(root), socket, ret->unread, ret->unread_why);
	return error;
}
