/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/collectd/settings.h"

#include "probe/ownership/sources.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Returns the index of STRING in CHOICES, or -EINVAL. */
static int find_choice(const char *string, const char *const *choices, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcasecmp(string, choices[i]) == 0)
			return (int)i;
	return -EINVAL;
}

static int set_string(char **option, const char *value)
{
	char *copy;

	if (!*value)
		return -EINVAL;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(*option);
	*option = copy;
	return 0;
}

static int set_boolean(bool *option, const char *value)
{
	static const char *const choices[] = {"false", "no", "off", "true", "yes", "on"};
	int found = find_choice(value, choices, COUNT(choices));

	if (found < 0)
		return found;
	*option = found >= 3;
	return 0;
}

static int set_config_file(struct settings *settings, const char *value, const struct log *log)
{
	(void)log;
	return set_string(&settings->config_file, value);
}

static int set_sysroot(struct settings *settings, const char *value, const struct log *log)
{
	(void)log;
	return set_string(&settings->sysroot, value);
}

static int set_device(struct settings *settings, const char *value, const struct log *log)
{
	int error = rule_list_add(&settings->devices, value, "Device", log);

	settings->errors += error == -EINVAL; /* logged */
	return error == -EINVAL ? 0 : error;
}

static int set_ignore_selected(struct settings *settings, const char *value, const struct log *log)
{
	(void)log;
	return set_boolean(&settings->devices.inverted, value);
}

static int set_owners(struct settings *settings, const char *value, const struct log *log)
{
	int error = sources_parse(value, "Owners", log, &settings->owners);

	settings->has_owners = true;
	settings->errors += error == -EINVAL; /* logged */
	if (!error && !settings->owners)
		return -EINVAL;
	return error == -EINVAL ? 0 : error;
}

static int set_report(struct settings *settings, const char *value, const struct log *log)
{
	static const char *const choices[] = {"link", "aer", "owner", "sriov", "pools", "vf"};
	int found = find_choice(value, choices, COUNT(choices));

	(void)log;
	if (found < 0)
		return found;
	if (!settings->has_report)
		settings->report = 0;
	settings->has_report = true;
	settings->report |= 1u << found;
	return 0;
}

static int set_format(struct settings *settings, const char *value, const struct log *log)
{
	static const char *const choices[] = {"address", "alias", "vm"};
	int found = find_choice(value, choices, COUNT(choices));

	(void)log;
	if (found < 0)
		return found;
	settings->format = (enum instance_format)found;
	return 0;
}

static int set_notify(struct settings *settings, const char *value, const struct log *log)
{
	(void)log;
	return set_boolean(&settings->notify, value);
}

static int set_persistent(struct settings *settings, const char *value, const struct log *log)
{
	(void)log;
	return set_boolean(&settings->persistent, value);
}

static const struct option {
	const char *name;
	bool repeats; /* accepts several values */
	const char *expected;
	int (*set)(struct settings *settings, const char *value,
		   const struct log *log); /* returns 0, -EINVAL or -ENOMEM */
} OPTIONS[] = {
	{"ConfigFile", false, "the path of a pci.conf", set_config_file},
	{"Device", true, "slots as of lspci -s, e.g. \"81:00.*\"", set_device},
	{"IgnoreSelected", false, "true or false", set_ignore_selected},
	{"Notify", false, "true or false", set_notify},
	{"Owners", true, "ownership sources: all, none, or names listed in pci.conf(5)",
	 set_owners},
	{"PersistentNotifications", false, "true or false", set_persistent},
	{"PluginInstanceFormat", false, "address, alias or vm", set_format},
	{"Report", true, "any of link, aer, owner, sriov, pools and vf", set_report},
	{"SysRoot", false, "the path of a directory", set_sysroot},
};

static const struct option *find_option(const char *name)
{
	for (size_t i = 0; i < COUNT(OPTIONS); i++)
		if (strcasecmp(OPTIONS[i].name, name) == 0)
			return &OPTIONS[i];
	return NULL;
}

static void log_unknown_option(const char *name, const struct log *log)
{
	char names[256] = "";

	for (size_t i = 0; i < COUNT(OPTIONS); i++) {
		strcat(names, i ? ", " : "");
		strcat(names, OPTIONS[i].name);
	}
	log_error(log, "unknown option '%s'; valid options: %s", name, names);
}

/* The daemon's parser converts unquoted true, false and numbers. No option accepts a number. */
static const char *value_string(const oconfig_value_t *value, char *number, size_t size)
{
	switch (value->type) {
	case OCONFIG_TYPE_STRING:
		return value->value.string;
	case OCONFIG_TYPE_BOOLEAN:
		return value->value.boolean ? "true" : "false";
	default:
		snprintf(number, size, "%g", value->value.number);
		return number;
	}
}

static void read_value(struct settings *settings, const struct option *option,
		       const oconfig_value_t *value, const struct log *log)
{
	char number[32];
	const char *string = value_string(value, number, sizeof(number));
	int error = option->set(settings, string, log);

	if (error == -EINVAL)
		log_error(log, "option '%s': invalid value '%s', expected %s", option->name, string,
			  option->expected);
	else if (error < 0)
		log_error(log, "option '%s': %s", option->name, strerror(-error));
	settings->errors += error < 0;
}

static void read_option(struct settings *settings, const oconfig_item_t *item,
			const struct log *log)
{
	const struct option *option = find_option(item->key);

	if (!option) {
		log_unknown_option(item->key, log);
		settings->errors++;
		return;
	}
	if (item->children_num || !item->values_num || (item->values_num > 1 && !option->repeats)) {
		log_error(log, "option '%s': expected %s", option->name, option->expected);
		settings->errors++;
		return;
	}
	for (int i = 0; i < item->values_num; i++)
		read_value(settings, option, &item->values[i], log);
}

void settings_init(struct settings *settings)
{
	*settings = (struct settings){
		.devices = {.key = "Device", .kind = RULE_SLOT},
		.report = REPORT_ALL,
		.notify = true,
	};
}

void settings_read(struct settings *settings, const oconfig_item_t *block, const struct log *log)
{
	for (int i = 0; i < block->children_num; i++)
		read_option(settings, &block->children[i], log);
}

void settings_free(struct settings *settings)
{
	free(settings->config_file);
	free(settings->sysroot);
	rule_list_free(&settings->devices);
}
