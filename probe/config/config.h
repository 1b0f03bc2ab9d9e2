/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pci.conf to rules. The format is OpenNebula's: YAML with the keys :filter:, :short_address:,
 * :device_name: and :nvidia_vendors:, here also without the leading colon; of our own are :alias:
 * (alias.h), :owners:, the sources of ownership that are asked, and :hosts:, a map from host name
 * or glob to the same keys, which then stand instead of the general ones on that host. pci.conf(5)
 * has it all. */
#ifndef PCIPROBE_CONFIG_CONFIG_H
#define PCIPROBE_CONFIG_CONFIG_H

#include "probe/select/alias.h"
#include "probe/select/rule.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* No configuration is larger; one that is can't be read. */
#define CONFIG_SIZE_MAX (1u << 20)

struct config {
	char *path;
	bool is_empty; /* the file has no key at all */
	struct rule_list filters, addresses, names;
	uint16_t *nvidia_vendors;
	size_t nvidia_vendor_count;
	struct alias *aliases;
	size_t alias_count;
	unsigned owners; /* enum owner_source: those that are asked */
};

/* Reads the file at PATH for the host named HOST. Every fault is told through LOG as
 * "PATH:line:column: what is wrong and what would be right", all faults of the file at once; a key
 * that nobody knows is only warned of. Free the result with config_free. Returns 0, -EINVAL for a
 * file with faults, or the errno of reading it, also told. */
int config_load(const char *path, const char *host, const struct log *log, struct config **ret);

/* The same for what can be read from FD, which stays open; PATH is for messages. */
int config_load_fd(const char *path, int fd, const char *host, const struct log *log,
		   struct config **ret);

/* The same for a TEXT that has been read already; PATH is for messages. */
int config_parse(const char *path, const char *text, size_t length, const char *host,
		 const struct log *log, struct config **ret);

/* Reads a file of an operator's, by its path as he gave it, into BUFFER. Returns its length or a
 * negative errno: -EFBIG when it isn't less than SIZE. */
ssize_t config_read(const char *path, char *buffer, size_t size);

/* What holds without a file: every device. Returns 0 or -ENOMEM. */
int config_new_empty(struct config **ret);

void config_free(struct config *config);

#endif
