/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads files in /etc for modules and the initramfs, and prints what 'vfio-bind check' finds.
 *
 * The input consists of records. A record starts with a line "%K NAME": K is a letter of KINDS,
 * NAME the name of the file if its path ends with a slash. The contents follow up to the next line
 * that starts with %. */
#include "binder/commands/commands.h"
#include "binder/host/bootfiles.h"
#include "binder/host/kernelinfo.h"
#include "binder/readiness/checks.h"
#include "common/jsonvalue.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/memoryfs.h"
#include "tests/unit/fakesys.h"

#include <limits.h>

#define RECORDS_MAX 32

static const struct {
	char letter;
	const char *path;
} KINDS[] = {
	{'m', "etc/modprobe.d/"},
	{'l', "etc/modules-load.d/"},
	{'e', "etc/modules"},
	{'i', "etc/initramfs-tools/modules"},
	{'h', "etc/initramfs-tools/hooks/"},
	{'d', "etc/dracut.conf.d/"},
	{'k', "etc/mkinitcpio.conf"},
	{'u', "etc/udev/rules.d/"},
	{'c', "proc/cmdline"},
	{'b', "lib/modules/6.1.0/modules.builtin"},
	{'D', "lib/modules/6.1.0/modules.dep"},
	{'S', "lib/modules/6.1.0/modules.softdep"},
};

static struct fakesys *fake;

static void make_machine(void)
{
	fake = fakesys_new();
	fakesys_file(fake, "proc/sys/kernel/osrelease", "6.1.0\n");
	fakesys_file(fake, "proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu vmx\n\n");
	fakesys_file(fake, "proc/self/limits",
		     "Limit                     Soft Limit           Hard Limit           Units\n"
		     "Max locked memory         unlimited            unlimited            bytes\n");
	fakesys_pci(fake, "0000:00:01.0", .vendor = 0x8086, .device = 0x3420, .class = 0x060400,
		    .driver = "pcieport", .group = "1");
	fakesys_pci(fake, "0000:01:00.0", .vendor = 0x10de, .device = 0x2204, .class = 0x030000,
		    .driver = "nouveau", .group = "2");
	memoryfs_keep();
}

static void make_record(const char *line, const char *end)
{
	const char *line_end = memchr(line, '\n', (size_t)(end - line));
	char path[NAME_MAX + 64];
	size_t kind = 0, length;

	while (kind < sizeof(KINDS) / sizeof(*KINDS) && KINDS[kind].letter != *line)
		kind++;
	if (!line_end || line_end < line + 2 || kind == sizeof(KINDS) / sizeof(*KINDS))
		return;
	snprintf(path, sizeof(path), "%s", KINDS[kind].path);
	length = strlen(path);
	if (path[length - 1] == '/') {
		snprintf(path + length, NAME_MAX, "%.*s", (int)(line_end - line - 2), line + 2);
		for (char *p = path + length; *p; p++)
			*p = *p == '/' ? '!' : *p;
		if (!path[length] || strcmp(path + length, ".") == 0 ||
		    strcmp(path + length, "..") == 0)
			return;
	}
	fakesys_bytes(fake, path, line_end + 1, (size_t)(end - line_end - 1));
}

static void make_files(const char *text, size_t size)
{
	const char *end = text + size, *next;
	unsigned records = 0;

	for (const char *p = text; p < end && records++ < RECORDS_MAX; p = next) {
		for (next = p + 1; next < end && !(*next == '%' && next[-1] == '\n'); next++)
			;
		if (*p == '%' && next > p + 1)
			make_record(p + 1, next);
	}
}

struct previous {
	char path[512];
	unsigned number;
};

/* Calls bootline_has_word for each word of LINE. */
static void check_words(const char *line)
{
	static const char delimiters[] = " \t\r\"'+=(),";
	char word[64], changed[64];

	while (*(line += strspn(line, delimiters))) {
		size_t length = strcspn(line, delimiters);

		if (length < sizeof(word)) {
			snprintf(word, sizeof(word), "%.*s", (int)length, line);
			hold(bootline_has_word(line, word));
			snprintf(changed, sizeof(changed), "%s", word);
			for (char *p = changed; *p; p++)
				*p = *p == '-' ? '_' : *p == '_' ? '-' : *p;
			hold(bootline_has_word(line, changed));
		}
		line += length;
	}
}

static int check_line(void *data, const struct bootline *line)
{
	struct previous *previous = data;

	hold(*line->text && !strchr(" \t#", *line->text) && !strchr(line->text, '\n'));
	hold(strncmp(line->path, "etc/", 4) == 0);
	hold(line->number > (strcmp(previous->path, line->path) == 0 ? previous->number : 0));
	snprintf(previous->path, sizeof(previous->path), "%s", line->path);
	previous->number = line->number;
	check_words(line->text);
	return 0;
}

static void check_bootfiles(struct sysroot *root, const struct log *log,
			    const struct message_count *messages)
{
	struct previous previous = {0};
	unsigned unreadable;

	hold(bootfiles_read(root, log, check_line, &previous, &unreadable) == 0);
	hold(messages->warnings == unreadable);
}

static void check_bootconfig(struct sysroot *root, const struct log *log)
{
	struct kernelinfo kernel;
	struct bootconfig boot;

	hold(kernelinfo_read(root, &kernel) == 0);
	hold(bootconfig_read(root, log, &kernel, &boot) == 0);
	hold(boot.ids.count == boot.locations.count);
	hold(!boot.vfio_pci == !boot.vfio_pci_path);
	bootconfig_free(&boot);
	kernelinfo_free(&kernel);
}

/* What 'vfio-bind check' prints is free of control characters; in JSON they are escaped, except
 * DEL. */
static void check_output(bool json)
{
	struct message_count messages = {0};
	struct bind_options options = {.sysroot = fake->path,
				       .json = json,
				       .log = {.emit = count_message, .data = &messages}};
	FILE *original_stdout = stdout;
	struct json_object *object;
	struct jsonvalue_error error;
	char *text = NULL;
	size_t size;
	int status;

	stdout = open_memstream(&text, &size);
	hold(stdout);
	status = run_check_host(&options);
	hold(fclose(stdout) == 0);
	stdout = original_stdout;
	hold(status == BIND_DONE || status == BIND_FAILED || status == BIND_UNAVAILABLE);
	hold(size && strlen(text) == size && is_utf8(text, size, !json));
	if (json) {
		hold(jsonvalue_parse(text, &object, &error) == 0 && object);
		json_object_put(object);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message_count messages = {0};
	struct log log = {.emit = count_message, .data = &messages};
	int descriptor = next_descriptor();
	struct sysroot *root;

	if (!fake)
		make_machine();
	make_files((const char *)data, size);
	hold(sysroot_new(fake->path, &root) == 0);
	check_bootfiles(root, &log, &messages);
	check_bootconfig(root, &log);
	sysroot_free(root);
	check_output(size & 1);
	memoryfs_reset();
	hold(next_descriptor() == descriptor);
	return 0;
}
