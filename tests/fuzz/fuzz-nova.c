/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses arbitrary bytes as nova.conf and matches its lines against a few devices. */
#include "plugins/standalone/nova/line.h"
#include "plugins/standalone/nova/placement.h"
#include "probe/details/vpd.h"
#include "tests/fuzz/fuzz.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static struct interface interfaces[] = {{.name = (char[]){"eth0"}, .direct = true},
					{.name = (char[]){"ens3"}}};
static struct pci_device DEVICES[] = {
	{.address = {0, 0x03, 0, 0},
	 .vendor = 0x1af4,
	 .device = 0x1041,
	 .present = HAS_SRIOV,
	 .interfaces = &interfaces[1],
	 .interface_count = 1},
	{.address = {0, 0x81, 0, 0},
	 .vendor = 0x8086,
	 .device = 0x1521,
	 .present = HAS_SRIOV | HAS_VFS_TOTAL,
	 .sriov = {.role = SRIOV_PF, .vfs_total = 7},
	 .interfaces = interfaces,
	 .interface_count = 1},
	{.address = {0, 0x81, 0x10, 0},
	 .vendor = 0x8086,
	 .device = 0x1520,
	 .present = HAS_SRIOV | HAS_PF,
	 .sriov = {.role = SRIOV_VF, .pf = {0, 0x81, 0, 0}}},
	{.address = {0x10000, 0xe1, 0x00, 1}, .vendor = 0xffff, .device = 0, .present = HAS_SRIOV},
};
static const struct inventory INVENTORY = {.devices = DEVICES, .count = COUNT(DEVICES)};

static void match_lines(struct nova_conf *conf, const struct nova_lines *lines,
			const struct log *log)
{
	const struct nova_line *first[COUNT(DEVICES)] = {0};

	for (size_t i = 0; i < lines->count; i++) {
		const struct nova_line *line = &lines->lines[i];

		hold(line->line);
		for (size_t j = 0; j < COUNT(DEVICES) && !line->alias.name; j++) {
			bool matches = nova_spec_matches(&line->spec, &DEVICES[j]);

			hold(!matches || DEVICES[j].address.domain <= 0xffff);
			if (matches && !first[j])
				first[j] = line;
		}
	}
	for (size_t i = 0; i < lines->count; i++)
		for (size_t j = 0; j < COUNT(DEVICES) && lines->lines[i].alias.name; j++)
			if (first[j] && nova_alias_matches(&lines->lines[i].alias, &first[j]->tags,
							   &DEVICES[j]))
				hold(nova_placement_matches(conf->release, &lines->lines[i].alias,
							    first[j], &DEVICES[j]) >= 0);
	hold(nova_placement_check(conf, &INVENTORY, first, log) == 0);
}

/* The oldest rules and the newest. */
static const char *const RELEASES[] = {"2022.1", "2026.2"};

static void parse_for(const struct nova_release *release, const uint8_t *data, size_t size)
{
	struct message_count messages = {0};
	struct log log = {.emit = count_message, .data = &messages};
	struct nova_conf conf;
	struct nova_lines lines;
	char *text = malloc(size + 1);

	hold(text);
	if (size)
		memcpy(text, data, size);
	hold(nova_conf_parse("nova.conf", text, size, release, &log, &conf) == 0);
	free(text);
	for (size_t i = 0; i < conf.count; i++)
		hold(conf.options[i].line && conf.options[i].value);
	hold(nova_lines_parse(&conf, &INVENTORY, &log, &lines) == 0);
	hold(lines.count <= NOVA_LINES_MAX);
	match_lines(&conf, &lines, &log);
	hold(messages.errors ==
	     (conf.errors < NOVA_CONF_ERRORS_LOGGED ? conf.errors : NOVA_CONF_ERRORS_LOGGED));
	nova_lines_free(&lines);
	nova_conf_free(&conf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vpd_has_serial(data, size);
	for (size_t i = 0; i < COUNT(RELEASES); i++)
		parse_for(nova_release_find(RELEASES[i], NULL), data, size);
	return 0;
}
