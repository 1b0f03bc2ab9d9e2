/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tree DIRECTORY COUNT: generates the /sys of a machine with COUNT devices below DIRECTORY, which
 * is new or empty, for pciprobe --sysroot DIRECTORY and lspci -O sysfs.path=DIRECTORY/sys/bus/pci.
 * The same COUNT generates the same machine. Files with equal contents are hard links: each inode
 * takes a page of the tmpfs, and 10,000 devices have half a million files. */
#include "models.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUS_LAST 0xe0 /* a domain is full when its next bus would exceed this one */
#define PORTS_PER_ROOT 4
#define SWITCH_EVERY 5 /* every fifth root port leads to a switch */
#define SWITCH_PORTS 4
#define VF_FIRST 0x10 /* devfn of the first VF of a device */

struct machine {
	unsigned left;	  /* devices still to be generated */
	unsigned domains; /* started so far */
	unsigned domain;  /* the last one: 0, 1, 2, then 0x10000 and up, as of Intel's VMD */
	unsigned bus;	  /* the next free bus of the domain */
	unsigned ports, devices, interfaces, disks, gpus, groups, slots;
};

/* A function and its location. PF is the name of its physical function, or NULL. */
struct function {
	const struct model *model;
	unsigned domain, bus, devfn, number; /* NUMBER: index of the function */
	const char *pf;
	char name[32], path[PATH_MAX]; /* "0000:01:00.0"; its directory: "sys/..." */
};

static void __attribute__((noreturn)) fail(const char *path)
{
	fprintf(stderr, "tree: %s: %s\n", path, strerror(errno));
	exit(1);
}

static void __attribute__((format(printf, 2, 3)))
format(char path[static PATH_MAX], const char *form, ...)
{
	va_list args;

	va_start(args, form);
	if (vsnprintf(path, PATH_MAX, form, args) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		fail(path);
	}
	va_end(args);
}

/* ---- files, directories and links ---- */

/* With its parents. */
static void make_directory(const char *path)
{
	char parent[PATH_MAX], *slash;

	if (mkdir(path, 0755) == 0 || errno == EEXIST)
		return;
	format(parent, "%s", path);
	slash = strrchr(parent, '/');
	if (errno != ENOENT || !slash)
		fail(path);
	*slash = '\0';
	make_directory(parent);
	if (mkdir(path, 0755) < 0)
		fail(path);
}

struct contents {
	size_t length;
	const char *bytes;
	char *path; /* a file with these contents */
};

static int compare_contents(const void *a, const void *b)
{
	const struct contents *x = a, *y = b;

	if (x->length != y->length)
		return x->length < y->length ? -1 : 1;
	return memcmp(x->bytes, y->bytes, x->length);
}

static void write_file(const char *path, const void *bytes, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, bytes, length) != (ssize_t)length || close(fd) < 0)
		fail(path);
}

static void add_contents(void **known, const char *path, const void *bytes, size_t length)
{
	struct contents *contents = malloc(sizeof(*contents));
	char *copy = malloc(length + 1);

	if (!contents || !copy)
		fail(path);
	memcpy(copy, bytes, length);
	*contents = (struct contents){length, copy, strdup(path)};
	if (!contents->path || !tsearch(contents, known, compare_contents))
		fail(path);
}

static void put_bytes(const char *directory, const char *name, const void *bytes, size_t length)
{
	static void *known;
	const struct contents key = {length, bytes, NULL};
	struct contents **found = tfind(&key, &known, compare_contents);
	char path[PATH_MAX];

	format(path, "%s/%s", directory, name);
	if (found && link((*found)->path, path) == 0)
		return;
	if (found && errno != EMLINK)
		fail(path);
	write_file(path, bytes, length);
	if (!found) {
		add_contents(&known, path, bytes, length);
		return;
	}
	free((*found)->path); /* too many links; the next ones refer to this file */
	(*found)->path = strdup(path);
	if (!(*found)->path)
		fail(path);
}

static void __attribute__((format(printf, 3, 4)))
put(const char *directory, const char *name, const char *form, ...)
{
	char text[4096];
	va_list args;
	int length;

	va_start(args, form);
	length = vsnprintf(text, sizeof(text), form, args);
	va_end(args);
	put_bytes(directory, name, text, (size_t)length);
}

/* Makes the link DIRECTORY/NAME to TARGET; both paths start with "sys/". */
static void put_link(const char *directory, const char *name, const char *target)
{
	char path[PATH_MAX], relative[PATH_MAX] = "";

	for (const char *p = directory; (p = strchr(p, '/')); p++)
		strcat(relative, "../");
	strcat(relative, target + strlen("sys/"));
	format(path, "%s/%s", directory, name);
	if (symlink(relative, path) < 0)
		fail(path);
}

/* ---- attributes of the PCI core ---- */

static void put_ids(const struct function *f)
{
	const struct model *m = f->model;
	unsigned device = f->pf ? m->vf_device : m->device;
	const char *driver = f->pf ? m->vf_driver : m->driver;

	put(f->path, "vendor", "0x%04x\n", m->vendor);
	put(f->path, "device", "0x%04x\n", device);
	put(f->path, "class", "0x%06x\n", m->class);
	put(f->path, "revision", "0x%02x\n", m->revision);
	put(f->path, "subsystem_vendor", "0x%04x\n", m->subsystem_vendor);
	put(f->path, "subsystem_device", "0x%04x\n", m->subsystem_device);
	put(f->path, "modalias", "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n", m->vendor, device,
	    m->subsystem_vendor, m->subsystem_device, m->class >> 16, m->class >> 8 & 0xff,
	    m->class & 0xff);
	put(f->path, "uevent",
	    "%s%s%sPCI_CLASS=%04X\nPCI_ID=%04X:%04X\nPCI_SUBSYS_ID=%04X:%04X\nPCI_SLOT_NAME=%s\n"
	    "MODALIAS=pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n",
	    driver ? "DRIVER=" : "", driver ? driver : "", driver ? "\n" : "", m->class, m->vendor,
	    device, m->subsystem_vendor, m->subsystem_device, f->name, m->vendor, device,
	    m->subsystem_vendor, m->subsystem_device, m->class >> 16, m->class >> 8 & 0xff,
	    m->class & 0xff);
}

static void put_word(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

/* A VF's vendor and device read ffff:ffff, as the SR-IOV specification requires. */
static void put_config(const struct function *f)
{
	const struct model *m = f->model;
	uint8_t config[256] = {0};
	bool bridge = m->kind == BRIDGE;

	put_word(config, f->pf ? 0xffff : m->vendor);
	put_word(config + 0x02, f->pf ? 0xffff : m->device);
	put_word(config + 0x04, 0x0406);
	put_word(config + 0x06, 0x0010);
	config[0x08] = m->revision;
	config[0x09] = (uint8_t)m->class;
	put_word(config + 0x0a, m->class >> 8);
	config[0x0e] = (uint8_t)((bridge ? 1 : 0) | (m->functions > 1 ? 0x80 : 0));
	if (!bridge) {
		put_word(config + 0x2c, m->subsystem_vendor);
		put_word(config + 0x2e, m->subsystem_device);
	}
	put_bytes(f->path, "config", config, sizeof(config));
}

static void put_resource(const struct function *f)
{
	unsigned long start = 0x200000000000ul + f->number * 0x100000ul;
	int lines = f->model->kind == BRIDGE ? 17 : 13;
	char text[2048];
	int length;

	length = snprintf(text, sizeof(text), "0x%016lx 0x%016lx 0x%016x\n", start, start + 0xfffff,
			  0x140204);
	for (int i = 1; i < lines; i++)
		length += snprintf(text + length, sizeof(text) - (size_t)length,
				   "0x%016x 0x%016x 0x%016x\n", 0, 0, 0);
	put_bytes(f->path, "resource", text, (size_t)length);
}

static void put_rest(const struct function *f)
{
	static const char *const constant[][2] = {
		{"ari_enabled", "0\n"},
		{"broken_parity_status", "0\n"},
		{"consistent_dma_mask_bits", "64\n"},
		{"d3cold_allowed", "1\n"},
		{"dma_mask_bits", "64\n"},
		{"driver_override", "(null)\n"},
		{"enable", "1\n"},
		{"msi_bus", "1\n"},
		{"power/control", "on\n"},
		{"power/runtime_active_time", "0\n"},
		{"power/runtime_suspended_time", "0\n"},
	};
	bool suspended = f->model->kind == GPU && f->number % 2;
	char power[PATH_MAX];

	format(power, "%s/power", f->path);
	make_directory(power);
	for (size_t i = 0; i < sizeof(constant) / sizeof(*constant); i++)
		put(f->path, constant[i][0], "%s", constant[i][1]);
	put(f->path, "irq", "%u\n", f->pf ? 0 : 16 + f->number % 200);
	put(f->path, "numa_node", "%u\n", f->domain % 2);
	put(f->path, "local_cpulist", "%s\n", f->domain % 2 ? "32-63" : "0-31");
	put(f->path, "local_cpus", "%s\n",
	    f->domain % 2 ? "ffffffff,00000000" : "00000000,ffffffff");
	put(f->path, "power_state", "%s\n", suspended ? "D3hot" : "D0");
	put(power, "runtime_status", "%s\n", suspended ? "suspended" : "active");
}

static void put_errors(const struct function *f)
{
	static const char *const fatal[] = {"Undefined",     "DLP",
					    "SDES",	     "TLP",
					    "FCP",	     "CmpltTO",
					    "CmpltAbrt",     "UnxCmplt",
					    "RxOF",	     "MalfTLP",
					    "ECRC",	     "UnsupReq",
					    "ACSViol",	     "UncorrIntErr",
					    "BlockedTLP",    "AtomicOpBlocked",
					    "TLPBlockedErr", "PoisonTLPBlocked"};
	char text[1024];
	int length = 0;

	for (size_t i = 0; i < sizeof(fatal) / sizeof(*fatal); i++)
		length += snprintf(text + length, sizeof(text) - (size_t)length, "%s 0\n",
				   fatal[i]);
	put(f->path, "aer_dev_nonfatal", "%sTOTAL_ERR_NONFATAL 0\n", text);
	put(f->path, "aer_dev_fatal", "%sTOTAL_ERR_FATAL 0\n", text);
	put(f->path, "aer_dev_correctable",
	    "RxErr %u\nBadTLP 0\nBadDLLP 0\nRollover 0\nTimeout 0\nNonFatalErr 0\nCorrIntErr 0\nHeaderOF 0\n"
	    "TOTAL_ERR_COR %u\n",
	    f->number % 10, f->number % 10);
}

static void put_express(const struct function *f)
{
	const struct model *m = f->model;

	put(f->path, "max_link_speed", "%s GT/s PCIe\n", m->speed);
	put(f->path, "current_link_speed", "%s GT/s PCIe\n", m->speed);
	put(f->path, "max_link_width", "%u\n", m->width);
	put(f->path, "current_link_width", "%u\n", m->width);
	if (m->kind != BRIDGE)
		put(f->path, "reset_method", f->pf ? "flr\n" : "flr bus\n");
	if (!f->pf)
		put_errors(f);
}

static void put_links(struct machine *machine, const struct function *f)
{
	const char *driver = f->pf ? f->model->vf_driver : f->model->driver;
	char target[PATH_MAX];

	put_link("sys/bus/pci/devices", f->name, f->path);
	put_link(f->path, "subsystem", "sys/bus/pci");
	format(target, "sys/kernel/iommu_groups/%u", machine->groups++);
	put_link(f->path, "iommu_group", target);
	strcat(target, "/devices");
	make_directory(target);
	put_link(target, f->name, f->path);
	if (!driver)
		return;
	format(target, "sys/bus/pci/drivers/%s", driver);
	make_directory(target);
	put_link(f->path, "driver", target);
}

/* ---- attributes of drivers ---- */

static void put_interface(struct machine *machine, const struct function *f)
{
	unsigned n = machine->interfaces++;
	char path[PATH_MAX], name[32];

	snprintf(name, sizeof(name), "eth%u", n);
	format(path, "%s/net/%s", f->path, name);
	make_directory(path);
	put_link("sys/class/net", name, path);
	put(path, "address", "02:00:00:%02x:%02x:%02x\n", n >> 16, n >> 8 & 0xff, n & 0xff);
	put(path, "operstate", "up\n");
	put(path, "mtu", "1500\n");
}

static void put_disk(struct machine *machine, const struct function *f)
{
	unsigned n = machine->disks++;
	char path[PATH_MAX], name[32];

	snprintf(name, sizeof(name), "nvme%un1", n);
	format(path, "%s/nvme/nvme%u/%s", f->path, n, name);
	make_directory(path);
	put_link("sys/block", name, path);
}

static void put_drm(struct machine *machine, const struct function *f)
{
	unsigned n = machine->gpus++;
	char path[PATH_MAX], name[32];

	snprintf(name, sizeof(name), "card%u", n);
	format(path, "%s/drm/%s", f->path, name);
	make_directory(path);
	put_link("sys/class/drm", name, path);
}

static void put_children(struct machine *machine, const struct function *f)
{
	const char *driver = f->pf ? f->model->vf_driver : f->model->driver;

	if (!driver || strcmp(driver, "vfio-pci") == 0)
		return;
	if (f->model->kind == NET)
		put_interface(machine, f);
	else if (f->model->kind == NVME)
		put_disk(machine, f);
	else if (f->model->kind == GPU)
		put_drm(machine, f);
}

/* ---- topology ---- */

/* Fills in F and writes its files. Returns false if the machine is complete. */
static bool make_function(struct machine *machine, const char *parent, struct function *f)
{
	if (!machine->left)
		return false;
	machine->left--;
	f->domain = machine->domain;
	f->number = machine->devices++;
	snprintf(f->name, sizeof(f->name), "%04x:%02x:%02x.%x", f->domain, f->bus, f->devfn >> 3,
		 f->devfn & 7);
	format(f->path, "%s/%s", parent, f->name);
	make_directory(f->path);
	put_ids(f);
	put_config(f);
	put_resource(f);
	put_rest(f);
	if (f->model->speed)
		put_express(f);
	put_links(machine, f);
	put_children(machine, f);
	return true;
}

static void make_vfs(struct machine *machine, const char *parent, const struct function *pf,
		     unsigned first)
{
	unsigned count = pf->model->vfs < machine->left ? pf->model->vfs : machine->left;
	char name[32];

	if (!pf->model->max_vfs)
		return;
	put(pf->path, "sriov_totalvfs", "%u\n", pf->model->max_vfs);
	put(pf->path, "sriov_numvfs", "%u\n", count);
	put(pf->path, "sriov_offset", "%u\n", first);
	put(pf->path, "sriov_stride", "1\n");
	put(pf->path, "sriov_vf_device", "%x\n", pf->model->vf_device);
	put(pf->path, "sriov_drivers_autoprobe", "1\n");
	for (unsigned i = 0; i < count; i++) {
		struct function vf = {
			.model = pf->model, .bus = pf->bus, .devfn = first + i, .pf = pf->name};

		make_function(machine, parent, &vf);
		put_link(vf.path, "physfn", pf->path);
		snprintf(name, sizeof(name), "virtfn%u", i);
		put_link(pf->path, name, vf.path);
	}
}

/* All functions of the next device, and their VFs. */
static void make_device(struct machine *machine, const char *parent, unsigned bus)
{
	const struct model *model = &DEVICES[machine->slots % DEVICE_COUNT];
	char slot[PATH_MAX];

	if (!machine->left)
		return;
	format(slot, "sys/bus/pci/slots/%u", ++machine->slots);
	make_directory(slot);
	put(slot, "address", "%04x:%02x:00\n", machine->domain, bus);
	for (unsigned i = 0; i < model->functions; i++) {
		struct function f = {.model = model, .bus = bus, .devfn = i};

		if (!make_function(machine, parent, &f))
			return;
		make_vfs(machine, parent, &f, VF_FIRST + i * model->vfs);
	}
}

static void make_switch(struct machine *machine, const char *parent, unsigned bus)
{
	struct function upstream = {.model = &SWITCH_PORT, .bus = bus};
	unsigned inner = machine->bus++;

	if (!make_function(machine, parent, &upstream))
		return;
	for (unsigned i = 0; i < SWITCH_PORTS; i++) {
		struct function port = {.model = &SWITCH_PORT, .bus = inner, .devfn = (i + 1) << 3};

		if (!make_function(machine, upstream.path, &port))
			return;
		make_device(machine, port.path, machine->bus++);
	}
}

static void make_chipset(struct machine *machine, const char *root, unsigned bus)
{
	for (size_t i = 0; i < sizeof(CHIPSET) / sizeof(*CHIPSET); i++) {
		struct function f = {.model = &CHIPSET[i].model,
				     .bus = bus,
				     .devfn = CHIPSET[i].slot << 3 | CHIPSET[i].function};

		make_function(machine, root, &f);
	}
}

/* A root bus with its host bridge and ports; the first one of a domain has the chipset. */
static void make_root(struct machine *machine)
{
	unsigned bus, below;
	struct function bridge;
	char root[PATH_MAX];

	if (!machine->domains || machine->bus > BUS_LAST) {
		machine->domain = machine->domains < 3 ? machine->domains
						       : 0x10000 + machine->domains - 3;
		machine->domains++;
		machine->bus = 0;
	}
	bus = machine->bus++;
	bridge = (struct function){.model = &HOST_BRIDGE, .bus = bus};
	format(root, "sys/devices/pci%04x:%02x", machine->domain, bus);
	make_function(machine, root, &bridge);
	if (bus == 0)
		make_chipset(machine, root, bus);
	for (unsigned i = 0; i < PORTS_PER_ROOT; i++) {
		struct function port = {.model = &ROOT_PORT, .bus = bus, .devfn = (i + 1) << 3};

		if (!make_function(machine, root, &port))
			return;
		below = machine->bus++;
		if (++machine->ports % SWITCH_EVERY)
			make_device(machine, port.path, below);
		else
			make_switch(machine, port.path, below);
	}
}

static void make_machine(unsigned count)
{
	static const char *const directories[] = {"sys/bus/pci/devices", "sys/bus/pci/drivers",
						  "sys/bus/pci/slots",	 "sys/block",
						  "sys/class/drm",	 "sys/class/net",
						  "proc/sys/kernel"};
	struct machine machine = {.left = count};

	for (size_t i = 0; i < sizeof(directories) / sizeof(*directories); i++)
		make_directory(directories[i]);
	put("proc/sys/kernel", "hostname", "bench\n");
	while (machine.left)
		make_root(&machine);
}

int main(int argc, char **argv)
{
	char *end = NULL;
	unsigned long count = argc == 3 ? strtoul(argv[2], &end, 10) : 0;

	if (!count || *end || count > 100000) {
		fprintf(stderr, "Usage: tree DIRECTORY COUNT\n");
		return 2;
	}
	make_directory(argv[1]);
	if (chdir(argv[1]) < 0)
		fail(argv[1]);
	make_machine((unsigned)count);
	return 0;
}
