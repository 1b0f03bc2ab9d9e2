/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/collectd/settings.h"

#include "probe/ownership/sources.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* An option that takes one of some words; its value is the word's place in the list. */
static int find_word(const char *text, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcasecmp(text, words[i]) == 0)
			return (int)i;
	return -EINVAL;
}

static int set_text(char **to, const char *text)
{
	char *copy = *text ? strdup(text) : NULL;

	if (!copy)
		return *text ? -ENOMEM : -EINVAL;
	free(*to);
	*to = copy;
	return 0;
}

static int set_truth(bool *to, const char *text)
{
	static const char *const words[] = {"false", "no", "off", "true", "yes", "on"};
	int found = find_word(text, words, COUNT(words));

	if (found < 0)
		return found;
	*to = found >= 3;
	return 0;
}

static int set_config_file(struct settings *settings, const char *text, const struct log *log)
{
	(void)log;
	return set_text(&settings->config_file, text);
}

static int set_sysroot(struct settings *settings, const char *text, const struct log *log)
{
	(void)log;
	return set_text(&settings->sysroot, text);
}

static int set_device(struct settings *settings, const char *text, const struct log *log)
{
	int error = rule_list_add(&settings->devices, text, "Device", log);

	settings->faults += error == -EINVAL; /* which has been told */
	return error == -EINVAL ? 0 : error;
}

static int set_ignore_selected(struct settings *settings, const char *text, const struct log *log)
{
	(void)log;
	return set_truth(&settings->devices.inverted, text);
}

static int set_owners(struct settings *settings, const char *text, const struct log *log)
{
	int error = sources_parse(text, "Owners", log, &settings->owners);

	settings->has_owners = true;
	settings->faults += error == -EINVAL; /* which has been told */
	return error == -EINVAL ? 0 : error;
}

static int set_report(struct settings *settings, const char *text, const struct log *log)
{
	static const char *const words[] = {"link", "aer", "owner", "sriov", "pools"};
	int found = find_word(text, words, COUNT(words));

	(void)log;
	if (found < 0)
		return found;
	if (!settings->has_report)
		settings->report = 0;
	settings->has_report = true;
	settings->report |= 1u << found;
	return 0;
}

static int set_format(struct settings *settings, const char *text, const struct log *log)
{
	static const char *const words[] = {"address", "alias", "vm"};
	int found = find_word(text, words, COUNT(words));

	(void)log;
	if (found < 0)
		return found;
	settings->format = (enum instance_format)found;
	return 0;
}

static int set_notify(struct settings *settings, const char *text, const struct log *log)
{
	(void)log;
	return set_truth(&settings->notify, text);
}

static int set_persistent(struct settings *settings, const char *text, const struct log *log)
{
	(void)log;
	return set_truth(&settings->persistent, text);
}

static const struct option {
	const char *name;
	bool several;	   /* values */
	const char *right; /* what it takes, for people */
	int (*set)(struct settings *settings, const char *text,
		   const struct log *log); /* 0, -EINVAL or -ENOMEM */
} OPTIONS[] = {
	{"ConfigFile", false, "the path of a pci.conf", set_config_file},
	{"Device", true, "slots as lspci -s takes them: \"81:00.*\"", set_device},
	{"IgnoreSelected", false, "true or false", set_ignore_selected},
	{"Notify", false, "true or false", set_notify},
	{"Owners", true, "sources of ownership: all, none or some of those in pci.conf(5)",
	 set_owners},
	{"PersistentNotifications", false, "true or false", set_persistent},
	{"PluginInstanceFormat", false, "address, alias or vm", set_format},
	{"Report", true, "any of link, aer, owner, sriov and pools", set_report},
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
	log_error(log, "unknown option '%s'; there are %s", name, names);
}

/* The daemon gives true and false without quotes as what they are; numbers nobody takes. */
static const char *text_of(const oconfig_value_t *value, char *number, size_t size)
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
	const char *text = text_of(value, number, sizeof(number));
	int error = option->set(settings, text, log);

	if (error == -EINVAL)
		log_error(log, "option '%s': '%s' won't do; it takes %s", option->name, text,
			  option->right);
	else if (error < 0)
		log_error(log, "option '%s': %s", option->name, strerror(-error));
	settings->faults += error < 0;
}

static void read_option(struct settings *settings, const oconfig_item_t *item,
			const struct log *log)
{
	const struct option *option = find_option(item->key);

	if (!option) {
		log_unknown_option(item->key, log);
		settings->faults++;
		return;
	}
	if (item->children_num || !item->values_num || (item->values_num > 1 && !option->several)) {
		log_error(log, "option '%s': takes %s", option->name, option->right);
		settings->faults++;
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
