/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses pci.conf into rules. The format is that of OpenNebula: YAML with the keys :filter:,
 * :short_address:, :device_name: and :nvidia_vendors:, also without the leading colon. Additional
 * keys are :alias: (alias.h), :owners:, the enabled sources of ownership, :vf_defaults:, what is
 * normal for free VFs, :expect: (expect/expectation.h), and :hosts:, a map from host name or glob
 * to the same keys, which override the general ones on that host. See pci.conf(5). */
#ifndef PCIPROBE_CONFIG_CONFIG_H
#define PCIPROBE_CONFIG_CONFIG_H

#include "probe/expect/expectation.h"
#include "probe/leftover.h"
#include "probe/select/alias.h"
#include "probe/select/rule.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A configuration must be smaller than this, in bytes. */
#define CONFIG_SIZE_MAX (1u << 20)

struct config {
	char *path;
	bool is_empty; /* the file contains no keys */
	struct rule_list filters, addresses, names;
	uint16_t *nvidia_vendors;
	size_t nvidia_vendor_count;
	struct alias *aliases;
	size_t alias_count;
	unsigned owners; /* enum owner_source: enabled sources */
	struct vf_defaults vf_defaults;
	struct expectations expectations; /* each alias in them is one of aliases */
};

/* Reads the file at PATH for the host named HOST. All errors in the file are logged, as
 * "PATH:line:column: error and what is expected"; unknown keys are only warnings. Free the result
 * with config_free. Returns 0, -EINVAL if the file is invalid, or the negative errno of reading it
 * (logged). */
int config_load(const char *path, const char *host, const struct log *log, struct config **ret);

/* Like config_load, but reads from FD, which stays open; PATH is for messages. */
int config_load_fd(const char *path, int fd, const char *host, const struct log *log,
		   struct config **ret);

/* Like config_load, but parses LENGTH bytes at TEXT; PATH is for messages. */
int config_parse(const char *path, const char *text, size_t length, const char *host,
		 const struct log *log, struct config **ret);

/* Reads a file from FD into BUFFER. Returns its length or a negative errno: -EFBIG if it is not
 * smaller than SIZE. */
ssize_t config_read(int fd, char *buffer, size_t size);

/* The configuration without a file: selects all devices. Returns 0 or -ENOMEM. */
int config_new_empty(struct config **ret);

void config_free(struct config *config);

#endif
