/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Creates a small machine from the input, reads it with all details and writes it in one format:
 * that of its record W, or else one that depends on its size.
 *
 * The input consists of records. A record starts with a line "%KC NAME": K is a letter of KINDS, C
 * the number of the device, NAME the name of the file if KINDS has a "*". The contents of the file,
 * or the target of the link, follow up to the next line that starts with %. */
#include "config.h"
#ifdef HAVE_JSON_C
#include "common/jsonvalue.h"
#endif
#include "plugins/standalone/columns.h"
#include "plugins/standalone/formats/writer.h"
#include "plugins/standalone/rows.h"
#include "probe/details/details.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/memoryfs.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define CONFIG (&CONFIG_HOME[1]) /* below ROOT */
#define PATH_SIZE 1024
#define RECORDS_MAX 128
#define SECRET "no-link-leads-here"

#define BASE "/dev/shm/machine"
#define ROOT BASE "/root"

enum thing {
	THING_FILE,
	THING_LINK,
	THING_DIRECTORY,
	THING_FIFO,
	THING_DEVICE,
	THING_NAMES,
	THING_LOCALE,
	THING_FORMAT
};

/* Below the device's directory where PATH begins with @; * is the record's NAME. */
static const struct kind {
	char letter;
	enum thing thing;
	const char *path;
} KINDS[] = {
	{'u', THING_FILE, "@/uevent"},
	{'v', THING_FILE, "@/vendor"},
	{'d', THING_FILE, "@/device"},
	{'c', THING_FILE, "@/class"},
	{'S', THING_FILE, "@/subsystem_vendor"},
	{'s', THING_FILE, "@/subsystem_device"},
	{'n', THING_FILE, "@/numa_node"},
	{'r', THING_FILE, "@/revision"},
	{'m', THING_FILE, "@/modalias"},
	{'R', THING_FILE, "@/reset_method"},
	{'p', THING_FILE, "@/power_state"},
	{'P', THING_FILE, "@/power/runtime_status"},
	{'l', THING_FILE, "@/label"},
	{'t', THING_FILE, "@/sriov_totalvfs"},
	{'T', THING_FILE, "@/sriov_numvfs"},
	{'1', THING_FILE, "@/max_link_speed"},
	{'2', THING_FILE, "@/max_link_width"},
	{'3', THING_FILE, "@/current_link_speed"},
	{'4', THING_FILE, "@/current_link_width"},
	{'5', THING_FILE, "@/aer_dev_correctable"},
	{'6', THING_FILE, "@/aer_dev_nonfatal"},
	{'7', THING_FILE, "@/aer_dev_fatal"},
	{'i', THING_FILE, "@/net/*/address"},
	{'I', THING_FILE, "@/net/*/phys_port_name"},
	{'V', THING_FILE, "@/virtio0/net/*/address"},
	{'N', THING_FILE, "@/nvidia/creatable_vgpu_types"},
	{'k', THING_FILE, "@/drm/*/dev"},
	{'j', THING_FILE, "@/vdpa0/*/dev"},
	{'g', THING_LINK, "@/iommu_group"},
	{'D', THING_LINK, "@/driver"},
	{'f', THING_LINK, "@/physfn"},
	{'F', THING_LINK, "@/virtfn0"},
	/* of a type that the kernel would not create */
	{'>', THING_LINK, "@/*"},
	{'/', THING_DIRECTORY, "@/*"},
	{'|', THING_FIFO, "@/*"},
	/* elsewhere */
	{'@', THING_DEVICE, "sys/bus/pci/devices/*"},
	{'M', THING_DIRECTORY, "sys/class/mdev_bus/0000:01:00.0/mdev_supported_types/*"},
	{'b', THING_LINK, "sys/block/*"},
	{'w', THING_LINK, "sys/class/drm/*"},
	{'z', THING_FILE, "sys/bus/pci/slots/*/address"},
	{'h', THING_FILE, "proc/sys/kernel/hostname"},
	{'X', THING_FILE, "netlink/vf-settings"},
	{'C', THING_FILE, CONFIG},
	{'U', THING_FILE, "etc/udev/rules.d/99-rename.rules"},
	{'K', THING_FILE, "var/lib/pciprobe/opennebula/pci_net_names/*"},
	/* owners; without process 1 the machine is a recording */
	{'B', THING_DIRECTORY, "proc/1/fd"},
	{'q', THING_FILE, "proc/*/cmdline"},
	{'a', THING_FILE, "proc/*/stat"},
	{'o', THING_LINK, "proc/42/fd/*"},
	{'O', THING_LINK, "proc/43/fd/*"},
	{'A', THING_FILE, "proc/42/fdinfo/*"},
	{'Z', THING_FILE, "proc/43/fdinfo/*"},
	{'e', THING_LINK, "sys/bus/mdev/devices/*"},
	{'Y', THING_LINK, "sys/class/vfio-dev/*"},
	{'J', THING_LINK, "sys/bus/vdpa/devices/*"},
	{'H', THING_FILE, "proc/driver/nvidia/gpus/*/information"},
	{'Q', THING_FILE, "numbers/*"},
	{'y', THING_FILE, "dev/vfio/*"},
	{'G', THING_LINK, "sys/kernel/iommu_groups/17/devices/*"},
	{'x', THING_FILE, "run/qemu-server/pci-id-reservations"},
	{'L', THING_NAMES, "../names"},
	{'E', THING_LOCALE, ""},
	{'W', THING_FORMAT, ""},
};

static const struct location {
	const char *address, *directory;
} DEVICES[] = {
	{"0000:00:01.0", "sys/devices/pci0000:00/0000:00:01.0"},
	{"0000:01:00.0", "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0"},
	{"0000:01:00.1", "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.1"},
};

static const char LIST[] =
	"10de  NVIDIA Corporation\n\t2204  GA102 \"[GeForce]\\ RTX 3090]]>\\\n"
	"8086  Intel \x1b[31mCorporation\n\t10d3  82574L \xff\xfe \xe2\x80\xae Network\n"
	"C 02  Network controller\n\t00  Ethernet controller\nC 03  Display controller\n";

/* Below BASE, root/ is the machine; nothing may read the file secret beside it. */
static bool other_names;
static const struct writer *format;
static bool secret_is_known; /* the input contains it: the fuzzer learns what is compared */

WRAP(int, names_new, const char *list, bool hwdb, const struct log *log, struct names **ret)
{
	hold(!list && !hwdb);
	return real_names_new(other_names ? BASE "/names" : BASE "/pci.ids", false, log, ret);
}

static void write_file(int at, const char *name, const char *text, size_t size)
{
	int fd = openat(at, name,
			O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);

	if (fd < 0)
		return; /* it exists as a directory, link or pipe */
	hold(write(fd, text, size) == (ssize_t)size);
	close(fd);
}

/* Opens the parent directory of PATH without following links, so that nothing is created outside.
 * Returns -1 if it cannot be created. */
static int open_parent(const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	int root = open(ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char part[PATH_SIZE];
	long fd;

	snprintf(part, sizeof(part), "%.*s", (int)(strrchr(path, '/') - path), path);
	fd = syscall(SYS_openat2, root, part, &how, sizeof(how));
	for (const char *slash = strchr(path, '/'); fd < 0 && slash;
	     slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		fd = syscall(SYS_openat2, root, part, &how, sizeof(how));
		if (fd < 0 && errno == ENOENT) {
			hold(mkdirat(root, part, 0755) == 0);
			fd = syscall(SYS_openat2, root, part, &how, sizeof(how));
		}
		if (fd < 0 || !strchr(slash + 1, '/'))
			break;
		close((int)fd);
		fd = -1;
	}
	close(root);
	return (int)fd;
}

static void make_parents(const char *path)
{
	int fd = open_parent(path);

	hold(fd >= 0);
	close(fd);
}

/* A device exists if the input has a record of it. */
static void link_device(const struct location *device)
{
	char path[PATH_SIZE], target[PATH_SIZE];

	snprintf(path, sizeof(path), ROOT "/sys/bus/pci/devices/%s", device->address);
	snprintf(target, sizeof(target), "../../../%s", device->directory + strlen("sys/"));
	hold(symlink(target, path) == 0 || errno == EEXIST);
}

static void make_base(void)
{
	char path[PATH_SIZE];

	hold(mkdir(BASE, 0755) == 0 && mkdir(ROOT, 0755) == 0);
	write_file(AT_FDCWD, BASE "/pci.ids", LIST, sizeof(LIST) - 1);
	write_file(AT_FDCWD, BASE "/secret", SECRET, strlen(SECRET));
	make_parents("sys/bus/pci/devices/");
	make_parents("proc/sys/kernel/");
	for (size_t i = 0; i < COUNT(DEVICES); i++) {
		snprintf(path, sizeof(path), "%s/power/", DEVICES[i].directory);
		make_parents(path);
	}
	memoryfs_keep();
}

/* ---- records ---- */

struct record {
	const struct kind *kind;
	const struct location *device;
	char name[NAME_MAX + 1];
	const char *text;
	size_t size;
};

/* Sets a file name; anything but a path that leads out. Returns false if it is invalid. */
static bool set_name(struct record *record, const char *name, size_t length)
{
	while (length && *name == ' ')
		name++, length--;
	if (length > NAME_MAX)
		length = NAME_MAX;
	for (size_t i = 0; i < length; i++)
		record->name[i] = (char)(name[i] == '/' || !name[i] ? '!' : name[i]);
	record->name[length] = '\0';
	return length && strcmp(record->name, ".") != 0 && strcmp(record->name, "..") != 0;
}

static void fill_in_path(const struct record *record, char path[static PATH_SIZE])
{
	const char *pattern = record->kind->path, *star;
	const char *start = *pattern == '@' ? record->device->directory : "";

	pattern += *pattern == '@';
	star = strchr(pattern, '*');
	if (star)
		snprintf(path, PATH_SIZE, "%s%.*s%s%s", start, (int)(star - pattern), pattern,
			 record->name, star + 1);
	else
		snprintf(path, PATH_SIZE, "%s%s", start, pattern);
}

/* The target of a link, which must not be empty. */
static char *link_target(const struct record *record)
{
	size_t length = record->size;
	char *target;

	if (length && record->text[length - 1] == '\n')
		length--;
	target = copy_string((const uint8_t *)record->text,
			     length < PATH_MAX - 1 ? length : PATH_MAX - 1);
	if (*target)
		return target;
	free(target);
	return strdup("?");
}

static void make_thing(const struct record *record)
{
	char path[PATH_SIZE], *target;
	const char *last;
	int parent, failed = 0;

	fill_in_path(record, path);
	parent = open_parent(path);
	if (parent < 0)
		return;
	last = strrchr(path, '/') + 1;
	if (record->kind->thing == THING_DEVICE)
		unlinkat(parent, last, 0);
	switch (record->kind->thing) {
	case THING_FILE:
		write_file(parent, last, record->text, record->size);
		break;
	case THING_DIRECTORY:
		failed = mkdirat(parent, last, 0755);
		break;
	case THING_FIFO:
		failed = mkfifoat(parent, last, 0644);
		break;
	default:
		target = link_target(record);
		hold(target);
		failed = symlinkat(target, parent, last);
		free(target);
	}
	hold(!failed || errno == EEXIST);
	close(parent);
}

static void make_names(const struct record *record)
{
	write_file(AT_FDCWD, BASE "/names", record->text, record->size);
	other_names = true;
}

/* Creates the file of the record from LINE ("KC NAME") to END. */
static void make_record(const char *line, const char *end)
{
	const char *line_end = memchr(line, '\n', (size_t)(end - line));
	struct record record = {0};

	if (end - line < 2)
		return;
	for (size_t i = 0; i < COUNT(KINDS); i++)
		if (KINDS[i].letter == line[0])
			record.kind = &KINDS[i];
	if (!record.kind)
		return;
	record.device = &DEVICES[(unsigned char)line[1] % COUNT(DEVICES)];
	record.text = line_end ? line_end + 1 : end;
	record.size = (size_t)(end - record.text);
	if (!line_end)
		line_end = end;
	if (line_end < line + 2)
		return;
	if (!set_name(&record, line + 2, (size_t)(line_end - line - 2)) &&
	    strchr(record.kind->path, '*'))
		return;
	if (*record.kind->path == '@')
		link_device(record.device);
	if (record.kind->thing == THING_FORMAT)
		format = &WRITERS[(unsigned char)line[1] % WRITER_COUNT];
	else if (record.kind->thing == THING_LOCALE)
		setenv("LC_ALL", "C", 1);
	else if (record.kind->thing == THING_NAMES)
		make_names(&record);
	else
		make_thing(&record);
}

static void make_machine(const char *text, size_t size)
{
	const char *end = text + size, *next;
	unsigned records = 0;

	for (const char *p = text; p < end && records++ < RECORDS_MAX; p = next) {
		for (next = p; next < end;
		     next = memchr(next, '\n', (size_t)(end - next)), next = next ? next + 1 : end)
			if (next > p && *next == '%')
				break;
		if (*p == '%')
			make_record(p + 1, next);
	}
}

/* ---- checks of the output ---- */

/* " NAME = "value" " with \" as the only escape; returns the position after it. */
static const char *check_attribute(const char *p)
{
	hold(*p++ == ' ');
	hold(isupper((unsigned char)*p));
	while (isupper((unsigned char)*p) || *p == '_')
		p++;
	hold(strncmp(p, " = \"", 4) == 0);
	for (p += 4; *p != '"'; p++) {
		hold(*p && *p != '\n');
		if (*p == '\\')
			hold(*++p == '"');
	}
	hold(p[1] == ' ');
	return p + 2;
}

static void check_opennebula(const char *p, size_t size)
{
	hold(strlen(p) == size && is_utf8(p, size, true) && !strstr(p, "]]>"));
	while (*p) {
		hold(strncmp(p, "PCI = [\n", 8) == 0);
		for (p = check_attribute(p + 8); *p == ','; p = check_attribute(p + 2))
			hold(p[1] == '\n');
		hold(strncmp(p, "\n]\n", 3) == 0);
		p += 3;
	}
}

/* COLUMNS space-separated KEY="value" pairs per line, with \xHH as the only escape. */
static void check_export(const char *p, size_t columns)
{
	while (*p) {
		for (size_t i = 0; i < columns; i++) {
			while (isupper((unsigned char)*p) || isdigit((unsigned char)*p) ||
			       *p == '_')
				p++;
			hold(p[0] == '=' && p[1] == '"');
			for (p += 2; *p != '"'; p++) {
				hold(*p && *p != '\n');
				if (*p == '\\')
					hold(p[1] == 'x' && isxdigit((unsigned char)p[2]) &&
					     isxdigit((unsigned char)p[3]));
			}
			p++;
			hold(*p++ == (i + 1 < columns ? ' ' : '\n'));
		}
	}
}

/* COLUMNS space-separated words per line. */
static void check_raw(const char *p, size_t columns)
{
	while (*p) {
		for (size_t i = 0; i < columns; i++) {
			hold(*p && *p != ' ' && *p != '\n');
			p += strcspn(p, " \n");
			hold(*p++ == (i + 1 < columns ? ' ' : '\n'));
		}
	}
}

#ifdef HAVE_JSON_C
/* Parallel lists, in which missing items are null or empty. */
static bool is_parallel_list(const char *key)
{
	static const char *const keys[] = {"macs",     "vm_ids",     "owners",		"vm_names",
					   "vm_uuids", "frontends",  "programs",	"pids",
					   "mdevs",    "pid_starts", "guest_addresses", "pods"};

	for (size_t i = 0; i < COUNT(keys); i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return false;
}

/* Those requirements of etc/pciprobe.schema.json on a device's properties that hostile input could
 * violate. */
static void check_property(const char *key, struct json_object *value)
{
	struct json_object *item;

	switch (json_object_get_type(value)) {
	case json_type_string:
		hold(json_object_get_string_len(value) > 0);
		break;
	case json_type_int:
		hold(strncmp(key, "aer_", 4) == 0 || json_object_get_uint64(value) <= UINT32_MAX);
		if (strstr(key, "link_width"))
			hold(json_object_get_int64(value) <= 32);
		break;
	case json_type_double:
		hold(json_object_get_double(value) > 0);
		break;
	case json_type_array:
		hold(strcmp(key, "reset_methods") == 0 || json_object_array_length(value) > 0);
		for (size_t i = 0; i < json_object_array_length(value); i++) {
			item = json_object_array_get_idx(value, i);
			hold(is_parallel_list(key) || json_object_get_string_len(item) > 0);
			hold(item || strncmp(key, "pid", 3) == 0);
		}
		break;
	case json_type_boolean:
		break;
	default:
		hold(!key); /* a type that the schema does not allow */
	}
}

/* Parses one value. */
static struct json_object *parse_json(const char *text, size_t size)
{
	struct json_object *object = NULL;
	struct jsonvalue_error error;

	hold(strlen(text) == size && is_utf8(text, size, false));
	hold(jsonvalue_parse(text, &object, &error) == 0 && object);
	return object;
}

static void check_json(const char *text, size_t size)
{
	struct json_object *object = parse_json(text, size), *devices, *device;

	hold(json_object_object_get_ex(object, "devices", &devices));
	for (size_t i = 0; i < json_object_array_length(devices); i++) {
		device = json_object_array_get_idx(devices, i);
		json_object_object_foreach(device, key, value) check_property(key, value);
	}
	json_object_put(object);
}
#endif

static bool has_closed_quotes(const char *line, size_t length)
{
	bool quoted = false;

	for (size_t i = 0; i < length; i++) {
		if (quoted && line[i] == '\\')
			i++;
		else if (line[i] == '"')
			quoted = !quoted;
	}
	return !quoted;
}

/* A newline or a quote in a name would start a new line. */
static void check_line(const char *line, size_t length, bool has_quotes)
{
	static const char *const begins[] = {"# HELP pciprobe_", "# TYPE pciprobe_",
					     "# UNIT pciprobe_", "# EOF\n",
					     "pciprobe",	 "PUTVAL \"",
					     "PUTNOTIF "};
	bool known = false;

	hold(!has_quotes || has_closed_quotes(line, length));
	for (size_t i = 0; i < sizeof(begins) / sizeof(*begins); i++)
		known |= strncmp(line, begins[i], strlen(begins[i])) == 0;
	hold(known);
}

/* Formats for databases. */
static void check_series(const char *text, bool has_quotes)
{
	for (const char *end; *text; text = end + 1) {
		end = strchr(text, '\n');
		hold(end);
		check_line(text, (size_t)(end - text), has_quotes);
	}
}

/* Each line ends with a statement or a brace. */
static void check_dot(const char *text)
{
	for (const char *end; *text; text = end + 1) {
		end = strchr(text, '\n');
		hold(end && end > text && strchr("{};", end[-1]));
		hold(has_closed_quotes(text, (size_t)(end - text)));
	}
}

/* A line of tags, with balanced quotes and no tag inside quotes. */
static void check_tags(const char *line, size_t length)
{
	size_t indent = strspn(line, " ");
	bool quoted = false;

	hold(indent < length && line[indent] == '<' && line[length - 1] == '>');
	for (size_t i = 0; i < length; i++) {
		hold(!quoted || line[i] != '<');
		if (line[i] == '\'')
			quoted = !quoted;
	}
	hold(!quoted);
}

/* Comments, each on one line, and lines of tags. */
static void check_libvirt(const char *text)
{
	while (*text) {
		const char *end;

		if (strncmp(text, "<!-- ", 5) == 0) {
			end = strstr(text + 4, "--");
			hold(end && end[-1] == ' ' && end[2] == '>');
			end += 3;
		} else {
			end = strchrnul(text, '\n');
			check_tags(text, (size_t)(end - text));
		}
		hold(*end == '\n');
		text = end + 1;
	}
}

/* Only comments have strings from outside, other lines may be indented by a tab. */
static void check_commented(const char *text, size_t size)
{
	hold(strlen(text) == size);
	for (const char *end; *text; text = end + 1) {
		end = strchr(text, '\n');
		hold(end);
		if (text[strspn(text, " ")] == '#') {
			hold(is_utf8(text, (size_t)(end - text), true));
			continue;
		}
		for (; text < end; text++)
			hold(*text == '\t' || (*text >= ' ' && *text < 0x7f));
	}
}

static void check_output(const struct writer *writer, const char *text, size_t size, size_t columns)
{
	hold(secret_is_known || !strstr(text, SECRET));
	if (strcmp(writer->name, "opennebula") == 0) {
		check_opennebula(text, size);
		return;
	}
#ifdef HAVE_JSON_C
	if (strcmp(writer->name, "json") == 0) {
		check_json(text, size);
		return;
	}
	if (strcmp(writer->name, "cloudstack") == 0 || strcmp(writer->name, "zabbix-lld") == 0) {
		json_object_put(parse_json(text, size));
		return;
	}
#endif
	if (strncmp(writer->name, "proxmox", 7) == 0 || strcmp(writer->name, "kubevirt") == 0 ||
	    strcmp(writer->name, "incus") == 0) {
		check_commented(text, size);
		return;
	}
	hold(strlen(text) == size && is_utf8(text, size, true));
	if (strcmp(writer->name, "export") == 0)
		check_export(text, columns);
	else if (strcmp(writer->name, "raw") == 0)
		check_raw(text, columns);
	else if (strcmp(writer->name, "prometheus") == 0 ||
		 strcmp(writer->name, "openmetrics") == 0 || strcmp(writer->name, "collectd") == 0)
		check_series(text, true);
	else if (strcmp(writer->name, "dot") == 0)
		check_dot(text);
	else if (strcmp(writer->name, "libvirt") == 0)
		check_libvirt(text);
	else if (strcmp(writer->name, "influx") == 0)
		check_series(text, false); /* quotes are not special in tags */
}

static void write_format(struct probe *probe, const struct inventory *inventory,
			 const struct log *log)
{
	struct report report = {.probe = probe,
				.inventory = inventory,
				.devices = rows_sort(&(struct rows){0}, inventory),
				.details = DETAIL_ALL,
				.headings = true,
				.format.teaming = true,
				.format.iommufd = true};
	char *text;
	size_t size;
	FILE *out;

	hold(report.devices);
	if (format->columns)
		hold(columns_parse(NULL, "*", log, &report.columns, &report.column_count) == 0);
	report.headings = strcmp(format->name, "raw") == 0;
	out = open_memstream(&text, &size);
	hold(out);
	hold(format->write(&report, out) == 0);
	hold(fclose(out) == 0);
	check_output(format, text, size, report.column_count);
	free(text);
	free(report.columns);
	free(report.devices);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message_count messages = {0};
	struct probe_options options = {
		.log = {.emit = count_message, .data = &messages},
		.sysroot = ROOT,
		.details = DETAIL_ALL,
		.config_home = CONFIG_HOME,
	};
	static bool is_made;
	struct inventory *inventory = NULL;
	struct probe *probe = NULL;
	int descriptor = next_descriptor();

	if (!is_made)
		make_base();
	is_made = true;
	other_names = false;
	format = &WRITERS[size % WRITER_COUNT];
	secret_is_known = memmem(data, size, SECRET, strlen(SECRET));
	make_machine((const char *)data, size);
	if (probe_new(&options, &probe) < 0 || probe_read(probe, &inventory) < 0)
		hold(messages.errors);
	else
		write_format(probe, inventory, &options.log);
	inventory_free(inventory);
	probe_free(probe);
	hold(next_descriptor() == descriptor);
	memoryfs_reset();
	unsetenv("LC_ALL");
	return 0;
}
