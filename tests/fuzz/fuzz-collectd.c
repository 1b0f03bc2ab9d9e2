/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of the collectd plugin, and the values and notifications of two inventories.
 *
 * Each line of the input is one of
 *   = KEY VALUE ...          an option; true, false and numbers are converted as by the daemon
 *   < FIELD TAB FIELD ...    a device of the first inventory
 *   > FIELD TAB FIELD ...    a device of the second
 * with the FIELDs bus, inode and bits of the device, each a character; driver, runtime status,
 * alias, the owner's name, program, UUID and frontend id. */
#include "plugins/collectd/instance.h"
#include "plugins/collectd/notice.h"
#include "plugins/collectd/settings.h"
#include "plugins/collectd/values.h"
#include "probe/config/config.h"
#include "tests/fuzz/fuzz.h"

#include <ctype.h>
#include <math.h>

#define DEVICES_MAX 4
#define VALUES_MAX 8
#define FIELDS_MAX 10

static unsigned values;

/* ---- what goes to the daemon ---- */

static bool is_printable(const char *string)
{
	for (; *string; string++)
		if (*string < ' ' || *string > '~')
			return false;
	return true;
}

/* The daemon builds file names and identifiers of instances. */
static void check_instance(const char *instance)
{
	hold(*instance && strlen(instance) < INSTANCE_SIZE);
	hold(is_printable(instance) && !strpbrk(instance, " /\"\\=,;"));
}

void dispatch_value(const struct value *value)
{
	check_instance(value->instance);
	hold(*value->type && *value->type_instance && !strchr(value->type_instance, '/'));
	hold(value->kind == VALUE_GAUGE ? isnan(value->gauge) || isfinite(value->gauge)
					: value->derive >= 0);
	values++;
}

/* Words KEY=VALUE, with a space between them. */
static void check_message(const char *p)
{
	hold(strncmp(p, "event=", 6) == 0 && is_printable(p) && strlen(p) < MESSAGE_SIZE);
	while (*p) {
		hold(islower((unsigned char)*p));
		while (islower((unsigned char)*p) || *p == '_')
			p++;
		hold(*p++ == '=' && *p && *p != ' ');
		while (*p && *p != ' ')
			hold(!strchr("\"'\\=", *p++));
		hold(!*p || (*++p && *p != ' '));
	}
}

static void check_notice(const struct notice *notice)
{
	char start[MESSAGE_SIZE];

	check_instance(notice->instance);
	hold(notice->severity <= SEVERITY_OKAY);
	check_message(notice->message);
	snprintf(start, sizeof(start), "event=%s", notice->type_instance);
	hold(strncmp(notice->message, start, strlen(start)) == 0);
}

static void notify(void *data, const struct event *event)
{
	const struct pci_device *device = event->is ? event->is : event->was;
	char start[MESSAGE_SIZE], address[ADDRESS_SIZE];
	struct notice notice;

	(void)data;
	notice_of_event(event, &notice);
	check_notice(&notice);
	address_format(&device->address, address);
	hold(strcmp(notice.instance, address) == 0);
	snprintf(start, sizeof(start), "event=%s address=%s model=%04x:%04x", notice.type_instance,
		 address, device->vendor, device->device);
	hold(strncmp(notice.message, start, strlen(start)) == 0);
}

/* ---- options ---- */

static void parse_value(char *string, oconfig_value_t *ret)
{
	char *end;
	double number = strtod(string, &end);

	*ret = (oconfig_value_t){.value.string = string, .type = OCONFIG_TYPE_STRING};
	if (strcmp(string, "true") == 0 || strcmp(string, "false") == 0)
		*ret = (oconfig_value_t){.value.boolean = *string == 't',
					 .type = OCONFIG_TYPE_BOOLEAN};
	else if (end != string && !*end)
		*ret = (oconfig_value_t){.value.number = number, .type = OCONFIG_TYPE_NUMBER};
}

/* A value that ends with { begins a block. */
static void read_option(struct settings *settings, char *line)
{
	struct message_count messages = {0};
	struct log log = {.emit = count_message, .data = &messages};
	oconfig_value_t option_values[VALUES_MAX];
	oconfig_item_t child = {.key = line}, option = {.values = option_values},
		       block = {.children = &option, .children_num = 1};
	unsigned errors = settings->errors;
	char *word;

	option.key = strsep(&line, " ");
	while (option.values_num < VALUES_MAX && (word = strsep(&line, " ")))
		parse_value(word, &option_values[option.values_num++]);
	if (option.values_num && strchr(option.key, '{')) {
		option.children = &child;
		option.children_num = 1;
	}
	settings_read(settings, &block, &log);
	hold((settings->errors > errors) == (messages.errors > 0));
}

static void check_settings(const struct settings *settings)
{
	hold(settings->report && (settings->report & ~(unsigned)REPORT_ALL) == 0);
	hold(settings->has_report || settings->report == REPORT_ALL);
	hold(settings->format <= INSTANCE_VM);
	hold(!settings->config_file || *settings->config_file);
	hold(!settings->sysroot || *settings->sysroot);
	hold(!settings->devices.count || settings->devices.restricts);
	hold(!settings->has_owners || settings->errors || settings->owners);
}

/* ---- devices ---- */

struct machine {
	struct pci_device devices[DEVICES_MAX];
	struct owner owners[DEVICES_MAX];
	char *aliases[DEVICES_MAX][1];
	struct inventory inventory;
};

static char *string_or_null(char *string)
{
	return string && *string ? string : NULL;
}

/* Adds a device after those before it: an inventory is sorted by address. */
static void add_device(struct machine *machine, char *line)
{
	size_t i = machine->inventory.count;
	struct pci_device *device = &machine->devices[i];
	struct owner *owner = &machine->owners[i];
	char *fields[FIELDS_MAX] = {NULL};
	unsigned char bus, bits;

	for (size_t n = 0; n < FIELDS_MAX; n++)
		fields[n] = strsep(&line, "\t");
	if (!fields[2])
		return;
	bus = (unsigned char)fields[0][0];
	bits = (unsigned char)fields[2][0];
	if (i && bus <= device[-1].address.bus)
		return;
	*device = (struct pci_device){
		.address = {.bus = bus},
		.vendor = 0x15b3,
		.device = bits & 1 ? 0x1016 : 0x1018,
		.class = 0x0200,
		.inode = (unsigned char)fields[1][0],
		.selected = !(bits & 2),
		.present = HAS_OWNERSHIP | HAS_AER_CORRECTABLE | HAS_AER_FATAL | HAS_LINK_SPEED |
			   HAS_LINK_WIDTH | HAS_LINK_LIMITS,
		.driver = string_or_null(fields[3]),
		.runtime_status = string_or_null(fields[4]),
		.link = {.speed = bits & 4 ? 8 : 16,
			 .max_speed = 16,
			 .port_speed = 16,
			 .width = bits & 8 ? 8 : 16,
			 .max_width = 16,
			 .port_width = 16},
		.aer = {.correctable = bits, .fatal = (uint64_t)bits << 57},
		.ownership = (enum ownership)(bits >> 4) % OWNERSHIP_COUNT,
	};
	if (string_or_null(fields[5])) {
		machine->aliases[i][0] = fields[5];
		device->aliases = (struct strings){machine->aliases[i], 1};
	}
	*owner = (struct owner){
		.source = "vfio+cmdline",
		.reserves = device->ownership == OWNERSHIP_RESERVED,
		.pid = bits & 4 ? 42 : 0,
		.started = bits,
		.name = string_or_null(fields[6]),
		.program = string_or_null(fields[7]),
		.uuid = string_or_null(fields[8]),
		.frontend = fields[9] ? "opennebula" : NULL,
		.frontend_id = fields[9],
	};
	if (device->ownership >= OWNERSHIP_RESERVED) {
		device->owners = owner;
		device->owner_count = 1;
	}
	machine->inventory.count++;
	machine->inventory.selected += device->selected;
}

static void check_instances(const struct pci_device *device)
{
	char address[ADDRESS_SIZE], instance[INSTANCE_SIZE];
	size_t length = strlen(address_format(&device->address, address));

	for (enum instance_format format = INSTANCE_ADDRESS; format <= INSTANCE_VM; format++) {
		hold(instance_of(device, format, instance) == instance);
		check_instance(instance);
		hold(strlen(instance) >= length);
		hold(strcmp(instance + strlen(instance) - length, address) == 0);
	}
}

static void read_line(struct settings *settings, struct machine *was, struct machine *is,
		      char *line)
{
	if (line[0] == '=' && line[1])
		read_option(settings, line + 2);
	else if (line[0] == '<' && line[1] && was->inventory.count < DEVICES_MAX)
		add_device(was, line + 2);
	else if (line[0] == '>' && line[1] && is->inventory.count < DEVICES_MAX)
		add_device(is, line + 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct config no_config;
	char *text = copy_string(data, size), *rest = text, *line;
	struct machine was = {.inventory.devices = was.devices},
		       is = {.inventory.devices = is.devices};
	struct settings settings;
	struct notice notice;

	settings_init(&settings);
	while ((line = strsep(&rest, "\n")))
		read_line(&settings, &was, &is, line);
	check_settings(&settings);
	values = 0;
	values_dispatch(&is.inventory, &no_config, &settings);
	hold(values);
	for (size_t i = 0; i < is.inventory.count; i++)
		check_instances(&is.devices[i]);
	events_find(&was.inventory, &is.inventory, settings.persistent, notify, NULL);
	for (int loaded = 0; settings.config_file && loaded < 2; loaded++) {
		notice_of_config(settings.config_file, loaded, &notice);
		check_notice(&notice);
	}
	settings_free(&settings);
	free(text);
	return 0;
}
