/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists the devices that libvirt's domains use or are defined with. A helper program,
 * helper/libvirt-domains, queries libvirt, only if one of its sockets exists; a hanging daemon
 * costs a timeout. After a failed query a device that libvirt could have reserved is unknown, not
 * free. */
#ifndef PCIPROBE_OWNERSHIP_LIBVIRT_H
#define PCIPROBE_OWNERSHIP_LIBVIRT_H

#include "probe/ownership/vmm.h"
#include "probe/sysfs/sysroot.h"

#include <stdbool.h>
#include <stddef.h>

/* Time limit for the answer, about all domains. */
#define LIBVIRT_MILLISECONDS 2000

/* Sizes of error messages, one line each. */
#define LIBVIRT_WHY_SIZE 512
#define DOMAIN_WHY_SIZE 128

/* A device, or a mediated device, that a domain uses or is defined with. */
struct domain_device {
	bool runs;		  /* a running domain uses it; else it is only defined with it */
	struct vmm_device device; /* in the guest address, as in the XML, the bus is libvirt's index
				     of a controller */
	char *name, *uuid;	  /* of the domain; never NULL */
	const char *frontend;	  /* "opennebula", ..., by metadata or name; NULL: unknown */
	char *frontend_id;	  /* the frontend's id of the VM; NULL if frontend is */
	char mac[18];		  /* of a network interface: "52:54:00:00:00:01"; "": not stated */
	bool has_vlan;
	unsigned vlan; /* likewise; 0 for none */
};

struct domain_devices {
	struct domain_device *items;
	size_t count;
	size_t unread;			  /* domains whose devices could not all be read */
	char unread_why[DOMAIN_WHY_SIZE]; /* reason for the first of them; printable ASCII */
};

/* Queries the libvirt daemon by its read-only socket in run/libvirt below ROOT: virtqemud's, else
 * that of libvirtd or its proxy. HELPER is the path of libvirt-domains; NULL: not built. Takes at
 * most half a second longer than LIBVIRT_MILLISECONDS. The caller frees *ret with
 * domain_devices_free.
 *
 * Returns 0, also if some domains could not be read: then WHY is set and ret->unread is their
 * number. Returns -ENOENT if there is no socket; nothing is run then. Otherwise WHY is set:
 *   -ENOSYS        there is a socket, but no HELPER
 *   -EOPNOTSUPP    none of the sockets is read-only
 *   -ETIMEDOUT     no answer in time: libvirt hangs, or the answer takes too long
 *   -ECONNREFUSED  libvirt or its client library reported an error
 *   -EBADMSG       malformed answer, or the helper was killed by a signal
 *   -EFBIG         answer too long
 * or another negative errno. */
int libvirt_read(struct sysroot *root, const char *helper, struct domain_devices *ret,
		 char why[LIBVIRT_WHY_SIZE]);

/* Parses the LENGTH bytes of OUTPUT, as libvirt-domains prints it: a line of eight fields,
 * or ten of a network interface, separated by single spaces, for each device of a domain, and a
 * last line "end" with the number of
 * lines before it:
 *
 *   runs pci 0000:81:00.2 0000:05:00.0 2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1 one-42 opennebula 42
 *   defined mdev 4b20d080-1b54-4048-85b3-a6a62d165c01 - UUID a%20name - -
 *   runs pci 0000:82:10.1 - 2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1 a - - 52:54:00:00:00:01 100
 *   unread web internal%20error
 *   end 4
 *
 * The fields are: whether the domain runs with the device or is only defined with it; the kind; the
 * host address or the mediated device's UUID; the guest address; the domain's UUID and name; the
 * frontend in its metadata, and the frontend's id of the VM; the MAC address, in lower case, and
 * the VLAN id of the interface. "-" is an absent field. An unread line has the name of a domain
 * whose devices could not all be read, and the reason. In names and reasons any byte other than
 * letters, digits and "_.:-" is escaped as % and two hex digits, and so is a leading "-".
 *
 * Returns 0, -EBADMSG if OUTPUT is malformed or incomplete, or -ENOMEM. No I/O. */
int domain_devices_parse(const char *output, size_t length, struct domain_devices *ret);
void domain_devices_free(struct domain_devices *devices);

#endif
