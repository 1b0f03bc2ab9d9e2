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

enum { HOW, KIND, CARD, GUEST, UUID, NAME, FRONTEND, FRONTEND_ID, FIELDS };

static void free_members(struct domain_card *card)
{
	free(card->name);
	free(card->uuid);
	free(card->frontend_id);
}

void domain_cards_free(struct domain_cards *cards)
{
	for (size_t i = 0; i < cards->count; i++)
		free_members(&cards->items[i]);
	free(cards->items);
	*cards = (struct domain_cards){0};
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
		if (i == 8 || i == 13 || i == 18 || i == 23 ? text[i] != '-' : hex_value(text[i]) < 0)
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

	if (!fields[KIND] || !fields[CARD])
		return false;
	device->is_mdev = strcmp(fields[KIND], "mdev") == 0;
	if (device->is_mdev ? !is_uuid(fields[CARD]) :
			      strcmp(fields[KIND], "pci") != 0 || address_parse_full(fields[CARD], &device->address) < 0)
		return false;
	if (device->is_mdev)
		memcpy(device->mdev, fields[CARD], sizeof(device->mdev));
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
static int read_frontend(char *const fields[FIELDS], struct domain_card *card)
{
	static const char *const known[] = {"opennebula", "nova", "kubevirt"};

	if (!fields[FRONTEND] != !fields[FRONTEND_ID])
		return -EBADMSG;
	if (!fields[FRONTEND]) {
		card->frontend = frontend_find(card->name, card->uuid, NULL, &card->frontend_id);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(fields[FRONTEND], known[i]) == 0)
			card->frontend = known[i];
	if (!card->frontend)
		return -EBADMSG;
	card->frontend_id = strdup(fields[FRONTEND_ID]);
	return card->frontend_id ? 0 : -ENOMEM;
}

static int read_card(char *line, struct domain_card *card)
{
	char *fields[FIELDS];

	if (!split(line, fields) || !read_device(fields, &card->device))
		return -EBADMSG;
	if (!fields[HOW] || !fields[NAME] || !fields[UUID] || !is_uuid(fields[UUID]))
		return -EBADMSG;
	card->runs = strcmp(fields[HOW], "runs") == 0;
	if (!card->runs && strcmp(fields[HOW], "defined") != 0)
		return -EBADMSG;
	card->name = strdup(fields[NAME]);
	card->uuid = strdup(fields[UUID]);
	return card->name && card->uuid ? read_frontend(fields, card) : -ENOMEM;
}

static int add_card(struct domain_cards *cards, char *line)
{
	struct domain_card card = {0}, *more;
	int error = read_card(line, &card);

	more = error ? NULL : realloc(cards->items, (cards->count + 1) * sizeof(*more));
	if (!more) {
		free_members(&card);
		return error ? error : -ENOMEM;
	}
	cards->items = more;
	more[cards->count++] = card;
	return 0;
}

/* "unread NAME WHY"; only the first reason is kept. */
static int add_unread(struct domain_cards *cards, char *line)
{
	char *name, *reason;

	strsep(&line, " ");
	name = strsep(&line, " ");
	reason = strsep(&line, " ");
	if (!name || !*name || !reason || !*reason || line || !unescape(name) || !unescape(reason))
		return -EBADMSG;
	if (cards->unread++)
		return 0;
	snprintf(cards->unread_why, sizeof(cards->unread_why), "domain '%.40s': %s", name, reason);
	for (char *p = cards->unread_why; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return 0;
}

/* TEXT is taken apart. */
static int read_lines(char *text, struct domain_cards *cards)
{
	char *line, end[32];
	int error;

	while ((line = strsep(&text, "\n")) && text) {
		snprintf(end, sizeof(end), "end %zu", cards->count + cards->unread);
		if (strcmp(line, end) == 0)
			return *text ? -EBADMSG : 0;
		error = strncmp(line, "unread ", 7) == 0 ? add_unread(cards, line) : add_card(cards, line);
		if (error < 0)
			return error;
	}
	return -EBADMSG;
}

int domain_cards_parse(const char *text, size_t length, struct domain_cards *ret)
{
	struct domain_cards cards = {0};
	char *copy = malloc(length + 1);
	int error;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, length);
	copy[length] = '\0';
	error = strlen(copy) == length ? read_lines(copy, &cards) : -EBADMSG;
	free(copy);
	if (error < 0)
		domain_cards_free(&cards);
	else
		*ret = cards;
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

static int ask(const struct sysdir *directory, const char *helper, const char *socket, struct domain_cards *ret, char *why)
{
	const struct helper run = {
		.path = helper,
		.argument = socket,
		/* there the name alone leads to the socket that the door has shown, through no link, and however long the way is */
		.directory = directory->fd,
		.milliseconds = LIBVIRT_MILLISECONDS,
	};
	char *text = NULL;
	size_t length;
	int error;

	error = helper_run(&run, &text, &length, why);
	if (error < 0)
		return error;
	error = domain_cards_parse(text, length, ret);
	free(text);
	if (error < 0)
		snprintf(why, HELPER_WHY_SIZE, "%s", error == -EBADMSG ? "the answer can't be made out" : strerror(-error));
	return error;
}

int libvirt_read(struct sysroot *root, const char *helper, struct domain_cards *ret, char why[LIBVIRT_WHY_SIZE])
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
		snprintf(why, LIBVIRT_WHY_SIZE, "%s/" DIRECTORY "/%s: %s", sysroot_path(root), socket, reason);
	else if (ret->unread)
		snprintf(why, LIBVIRT_WHY_SIZE, "%s/" DIRECTORY "/%s: %zu domain(s) could not be read; %s", sysroot_path(root),
			 socket, ret->unread, ret->unread_why);
	return error;
}
