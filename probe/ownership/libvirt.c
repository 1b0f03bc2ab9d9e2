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

#define DIRECTORY "run/libvirt"
#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))

/* ---- what the helper printed ---- */

enum { HOW, KIND, DEVICE, GUEST, UUID, NAME, FRONTEND, FRONTEND_ID, FIELDS };

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

/* Puts the bytes that % stands for in place. */
static bool unescape(char *text)
{
	char *out = text;

	for (; *text; text++) {
		if (*text <= ' ' || *text > '~')
			return false;
		if (*text != '%') {
			*out++ = *text;
			continue;
		}
		if (hex_value(text[1]) < 0 || hex_value(text[2]) < 0)
			return false;
		*out = (char)(hex_value(text[1]) << 4 | hex_value(text[2]));
		if (!*out++)
			return false;
		text += 2;
	}
	*out = '\0';
	return true;
}

static bool is_uuid(const char *text)
{
	size_t i = 0;

	for (; text[i] && i < 36; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? text[i] != '-'
							    : hex_value(text[i]) < 0)
			return false;
	return i == 36 && !text[i];
}

/* Exactly FIELDS of them, none empty; one that is absent becomes NULL. */
static bool split(char *line, char *fields[FIELDS])
{
	for (size_t i = 0; i < FIELDS; i++) {
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

	if (!fields[KIND] || !fields[DEVICE])
		return false;
	device->is_mdev = strcmp(fields[KIND], "mdev") == 0;
	if (device->is_mdev ? !is_uuid(fields[DEVICE])
			    : strcmp(fields[KIND], "pci") != 0 ||
				      address_parse_full(fields[DEVICE], &device->address) < 0)
		return false;
	if (device->is_mdev)
		memcpy(device->mdev, fields[DEVICE], sizeof(device->mdev));
	if (!fields[GUEST])
		return true;
	if (address_parse_full(fields[GUEST], &address) < 0)
		return false;
	/* no guest has such domains */
	if (strlen(address_format(&address, guest)) < sizeof(device->guest_address))
		strcpy(device->guest_address, guest);
	return true;
}

/* Its metadata tell better than its name, which anybody can give. */
static int read_frontend(char *const fields[FIELDS], struct domain_device *device)
{
	static const char *const known[] = {"opennebula", "nova", "kubevirt"};

	if (!fields[FRONTEND] != !fields[FRONTEND_ID])
		return -EBADMSG;
	if (!fields[FRONTEND]) {
		device->frontend = frontend_find(device->name, device->uuid, NULL,
						 &device->frontend_id);
		return 0;
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

	if (!split(line, fields) || !read_device(fields, &device->device))
		return -EBADMSG;
	if (!fields[HOW] || !fields[NAME] || !fields[UUID] || !is_uuid(fields[UUID]))
		return -EBADMSG;
	device->runs = strcmp(fields[HOW], "runs") == 0;
	if (!device->runs && strcmp(fields[HOW], "defined") != 0)
		return -EBADMSG;
	device->name = strdup(fields[NAME]);
	device->uuid = strdup(fields[UUID]);
	return device->name && device->uuid ? read_frontend(fields, device) : -ENOMEM;
}

static int add_device(struct domain_devices *devices, char *line)
{
	struct domain_device device = {0}, *more;
	int error = read_line(line, &device);

	more = error ? NULL : realloc(devices->items, (devices->count + 1) * sizeof(*more));
	if (!more) {
		free_members(&device);
		return error ? error : -ENOMEM;
	}
	devices->items = more;
	more[devices->count++] = device;
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

/* TEXT is taken apart. */
static int read_lines(char *text, struct domain_devices *devices)
{
	char *line, end[32];
	int error;

	while ((line = strsep(&text, "\n")) && text) {
		snprintf(end, sizeof(end), "end %zu", devices->count + devices->unread);
		if (strcmp(line, end) == 0)
			return *text ? -EBADMSG : 0;
		error = strncmp(line, "unread ", 7) == 0 ? add_unread(devices, line)
							 : add_device(devices, line);
		if (error < 0)
			return error;
	}
	return -EBADMSG;
}

int domain_devices_parse(const char *text, size_t length, struct domain_devices *ret)
{
	struct domain_devices devices = {0};
	char *copy = malloc(length + 1);
	int error;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, length);
	copy[length] = '\0';
	error = strlen(copy) == length ? read_lines(copy, &devices) : -EBADMSG;
	free(copy);
	if (error < 0)
		domain_devices_free(&devices);
	else
		*ret = devices;
	return error;
}

/* ---- asking ---- */

/* A socket itself: a link could lead out of the root. */
static bool is_socket(const struct sysdir *at, const char *name)
{
	struct stat status;

	return fstatat(at->fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(status.st_mode);
}

/* Finds the one to be asked. */
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

static int ask(const struct sysdir *directory, const char *helper, const char *socket,
	       struct domain_devices *ret, char *why)
{
	const struct helper run = {
		.path = helper,
		.argument = socket,
		/* there the name alone leads to the socket that the door has shown, through no
		   link, and however long the way is */
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
			 error == -EBADMSG ? "the answer can't be made out" : strerror(-error));
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
		error = -ENOSYS, strcpy(reason, "this build can't ask libvirt");
	else if (!error)
		error = ask(&directory, helper, socket, ret, reason);
	else if (error == -EOPNOTSUPP)
		strcpy(reason, "no socket is read-only, and no other is asked");
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
