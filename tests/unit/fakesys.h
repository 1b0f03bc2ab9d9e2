/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine made for one test: a directory with the files of "/" that pciprobe reads. Each test
 * shows its whole machine. A failure to create it exits the test program. */
#ifndef PCIPROBE_TESTS_UNIT_FAKESYS_H
#define PCIPROBE_TESTS_UNIT_FAKESYS_H

#include "probe/log.h"
#include "probe/sysfs/sysroot.h"

#include <stdbool.h>
#include <stddef.h>

struct fakesys {
	char path[64];
};

struct fakesys_device {
	unsigned vendor, device, class; /* class with the programming interface: 0x020000 */
	unsigned subsystem_vendor, subsystem_device;
	const char *driver; /* NULL: none */
	const char *group;  /* NULL: no IOMMU */
	const char *below;  /* the bridges above it: "0000:00:01.0/0000:01:00.0"; NULL: on the root
			       bus */
	const char *pf;	    /* NULL: not a VF; else its PF, and VF its number */
	unsigned vf;
	bool no_modalias; /* only uevent and the single files */
	bool no_uevent;	  /* only the single files */
};

struct fakesys *fakesys_new(void);
void fakesys_free(struct fakesys *fake);

/* Adds a device, as /sys/bus/pci/devices/ADDRESS. */
#define fakesys_pci(fake, address, ...) \
	fakesys_add(fake, address, (struct fakesys_device){__VA_ARGS__})
void fakesys_add(struct fakesys *fake, const char *address, struct fakesys_device device);

/* Writes an attribute of a device; ADDRESS/NAME may have a directory, as "net/eth0/address". */
void fakesys_attribute(struct fakesys *fake, const char *address, const char *name,
		       const char *text);

/* Adds a process with the NUL-separated arguments of CMDLINE, which started PID + 1000 ticks after
 * boot, as root. */
#define fakesys_process(fake, pid, cmdline) fakesys_add_process(fake, pid, cmdline, sizeof(cmdline))
void fakesys_add_process(struct fakesys *fake, unsigned pid, const char *cmdline, size_t length);

/* Adds an open file of a process. If TARGET is /dev/vfio/GROUP, adds the group's node too. */
void fakesys_descriptor(struct fakesys *fake, unsigned pid, unsigned fd, const char *target);

/* Sets the user ids of a process: four tab-separated numbers, as in /proc/PID/status. */
void fakesys_user(struct fakesys *fake, unsigned pid, const char *ids);

/* Adds the VFIO node of a group, /dev/vfio/GROUP (fakesys_pci adds it for a device bound to a VFIO
 * driver), or of a device, /dev/vfio/devices/vfio<NUMBER>. DEVICE is the path of the device below
 * its root bus: "0000:01:00.0", or with the UUID of a mediated device appended. */
void fakesys_group_node(struct fakesys *fake, const char *group);
void fakesys_device_node(struct fakesys *fake, unsigned number, const char *device);

/* Adds the module vfio, two modules that depend on it, and REFERENCES further references: 2 per
 * open group or device node, 1 per device opened through its group. Without this call vfio is built
 * into the kernel. */
void fakesys_vfio_count(struct fakesys *fake, unsigned references);

/* Write a file, or make a link, directory or socket. Missing parent directories are made; symbolic
 * links in PATH are followed. */
void fakesys_file(struct fakesys *fake, const char *path, const char *text);
void fakesys_bytes(struct fakesys *fake, const char *path, const void *bytes, size_t size);
void fakesys_link(struct fakesys *fake, const char *path, const char *target);
void fakesys_directory(struct fakesys *fake, const char *path);
void fakesys_socket(struct fakesys *fake, const char *path); /* without a listener */
void fakesys_remove(struct fakesys *fake, const char *path);

/* A log that keeps its messages. */
struct log_capture {
	char text[8192]; /* one line per message, with "error: " or "warning: " prepended; without
			    debug messages */
	unsigned errors, warnings;
};
struct log log_capture_add(struct log_capture *captured);

/* A sysroot_observer that keeps the paths of files and links that were read, one per line. DATA is
 * a struct read_trace. */
struct read_trace {
	char text[65536];
};
void trace_read(void *data, enum sysroot_kind kind, const char *path, const char *text,
		size_t length);

#endif
