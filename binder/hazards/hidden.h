/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network interfaces of hardware that are in other network namespaces than the caller's, as those
 * that a container has for itself: /sys does not show them. */
#ifndef PCIPROBE_BINDER_HAZARDS_HIDDEN_H
#define PCIPROBE_BINDER_HAZARDS_HIDDEN_H

#include "common/netlink.h"
#include "probe/sysfs/sysroot.h"

#include <stdbool.h>

struct hidden_interface {
	char *name;
	char *path;	 /* "devices/pci0000:00/0000:00:04.0/net/eth0", relative to /sys */
	char *namespace; /* "process 1234 (nginx)", "/run/netns/blue" */
	bool is_up;
};

struct hidden_interfaces {
	struct hidden_interface *items;
	size_t count;
	bool is_denied; /* privileges are missing for some namespaces */
	int error; /* negative errno if some could not be searched for another reason; 0: none */
};

/* Searches the network namespaces of all processes, and those that are mounted, as by ip-netns(8).
 * Before Linux 5.14 the kernel does not report the device of an interface: none is found.
 * Returns 0 or -ENOMEM; free with hidden_interfaces_free either way. */
int hidden_interfaces_read(struct sysroot *root, struct netlink *netlink,
			   struct hidden_interfaces *ret);

void hidden_interfaces_free(struct hidden_interfaces *hidden);

#endif
