/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/details/attribute.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool is_absent(int error)
{
	switch (error) {
	case -ENOENT:
	case -ENOTDIR:
	case -ENODEV: /* the card or its driver is going */
	case -ENXIO:
	case -EINVAL: /* "this card can't": link attributes, netdev attributes */
	case -EOPNOTSUPP:
		return true;
	default:
		return false;
	}
}

void card_failed(struct card *card, const char *name, const char *why)
{
	log_warning(card->log, "%s/%s/%s: %s", sysroot_path(card->dir.root), card->dir.path, name, why);
	card->device->incomplete = true;
}

bool card_text(struct card *card, const char *name, char text[static ATTRIBUTE_SIZE])
{
	ssize_t length = sysdir_read(&card->dir, name, text, ATTRIBUTE_SIZE);

	if (length >= 0 && strlen(text) == (size_t)length)
		return true;
	if (length >= 0)
		card_failed(card, name, "not a text");
	else if (!is_absent((int)length))
		card_failed(card, name, length == -EFBIG ? "larger than any attribute" : strerror((int)-length));
	return false;
}

char *card_strdup(struct card *card, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		card->no_memory = true;
	return copy;
}

char *card_string(struct card *card, const char *name)
{
	char text[ATTRIBUTE_SIZE];

	return card_text(card, name, text) && *text ? card_strdup(card, text) : NULL;
}

bool card_number(struct card *card, const char *name, int base, unsigned long max, unsigned long *ret)
{
	char text[ATTRIBUTE_SIZE], *end;
	unsigned long value;

	if (!card_text(card, name, text))
		return false;
	if (*text == '-') /* numa_node is -1 where the firmware told none */
		return false;
	errno = 0;
	value = strtoul(text, &end, base);
	if (!isxdigit((unsigned char)*text) || end == text || *end || errno || value > max) {
		card_failed(card, name, "not a number that it can be");
		return false;
	}
	*ret = value;
	return true;
}

bool card_link_name(struct card *card, const char *name, char *buffer, size_t size)
{
	int error = sysdir_link_name(&card->dir, name, buffer, size);

	if (error == -EBADMSG)
		card_failed(card, name, "points to nothing that it can be");
	else if (error < 0 && !is_absent(error))
		card_failed(card, name, strerror(-error));
	return error == 0;
}
