/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine made for one test: a directory that looks like "/". Each test shows its whole machine.
 * Any failure of making one ends the test program. */
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
	const char *pf;	    /* it is a VF of this device, of number vf */
	unsigned vf;
	bool no_modalias; /* it has to be read from uevent */
	bool no_uevent;	  /* nor is that there: only the single files */
};

struct fakesys *fakesys_new(void);
void fakesys_free(struct fakesys *fake);

/* Adds a device; its directory is reached by fakesys_file(fake, "sys/bus/pci/devices/ADDRESS/...").
 */
#define fakesys_pci(fake, address, ...) \
	fakesys_add(fake, address, (struct fakesys_device){__VA_ARGS__})
void fakesys_add(struct fakesys *fake, const char *address, struct fakesys_device device);

/* Adds a process with these words on its command line, a NUL between two, that started PID + 1000
 * ticks after boot; and a descriptor of one, which brings the node of the group with it where it is
 * one's. */
#define fakesys_process(fake, pid, words) fakesys_add_process(fake, pid, words, sizeof(words))
void fakesys_add_process(struct fakesys *fake, unsigned pid, const char *words, size_t length);
void fakesys_descriptor(struct fakesys *fake, unsigned pid, unsigned fd, const char *target);

/* Makes IDS, four numbers with tabs between them, the process's user ids; they are root's at first.
 */
void fakesys_user(struct fakesys *fake, unsigned pid, const char *ids);

/* Adds VFIO's node of a group, /dev/vfio/GROUP, which a device on a VFIO driver brings with it; or
 * that of a device, /dev/vfio/devices/vfio<NUMBER>, where DEVICE is its directory's part behind the
 * root bus ("0000:01:00.0", or with a mediated device's UUID behind it). */
void fakesys_group_node(struct fakesys *fake, const char *group);
void fakesys_device_node(struct fakesys *fake, unsigned number, const char *device);

/* Loads vfio as a module with two that depend on it, and so many further references: 2 of an open
 * group or device node, 1 of a device opened by way of its group. Without it vfio is built into the
 * kernel. */
void fakesys_vfio_count(struct fakesys *fake, unsigned references);

/* Writes a file, makes a link or a directory; directories on the way are made. Links in the path
 * are followed. */
void fakesys_file(struct fakesys *fake, const char *path, const char *text);
void fakesys_bytes(struct fakesys *fake, const char *path, const void *bytes, size_t size);
void fakesys_link(struct fakesys *fake, const char *path, const char *target);
void fakesys_directory(struct fakesys *fake, const char *path);
void fakesys_socket(struct fakesys *fake, const char *path); /* nobody listens */
void fakesys_remove(struct fakesys *fake, const char *path);

/* A log that remembers. */
struct log_capture {
	char text[8192]; /* the messages, a line each, "error: " or "warning: " before each; debug
			    messages aren't kept */
	unsigned errors, warnings;
};
struct log log_capture_add(struct log_capture *captured);

/* A sysroot_observer that remembers the paths of files and links that were read, a line each; DATA
 * is a struct seen. */
struct seen {
	char text[65536];
};
void see(void *data, enum sysroot_kind thing, const char *path, const char *text, size_t length);

#endif
