/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which devices libvirt's domains have or are defined with. libvirt is asked by a program of its
 * own, helper/libvirt-domains, and only where one of its sockets is; one that hangs costs a
 * time-out. What couldn't be asked isn't known: a device that only libvirt could know to be
 * reserved is unknown then, not free. */
#ifndef PCIPROBE_OWNERSHIP_LIBVIRT_H
#define PCIPROBE_OWNERSHIP_LIBVIRT_H

#include "probe/ownership/vmm.h"
#include "probe/sysfs/sysroot.h"

#include <stdbool.h>
#include <stddef.h>

/* In which libvirt must have answered, about all of its domains. */
#define LIBVIRT_MILLISECONDS 2000

/* Room for a reason, on one line. */
#define LIBVIRT_WHY_SIZE 512
#define DOMAIN_WHY_SIZE 128

/* A device, or a mediated device of one, that a domain has or is defined with. */
struct domain_device {
	bool runs;		  /* the domain runs with it; else it is only defined with it */
	struct vmm_device device; /* the guest's address is as the XML has it: its bus is libvirt's
				     number of a controller */
	char *name, *uuid;	  /* of the domain; always there */
	const char *frontend;	  /* "opennebula", ...; NULL: neither metadata nor name tell */
	char *frontend_id;	  /* what that calls the VM; NULL with frontend */
};

struct domain_devices {
	struct domain_device *items;
	size_t count;
	size_t unread;			  /* domains whose devices could not all be read */
	char unread_why[DOMAIN_WHY_SIZE]; /* why, of the first of them; plain ASCII */
};

/* Asks the libvirt daemon whose read-only socket is in run/libvirt below ROOT: virtqemud's, or
 * where there is none that of libvirtd or its proxy. HELPER is the path of libvirt-domains; NULL:
 * it wasn't built. Free what it gives with domain_devices_free. Takes no longer than
 * LIBVIRT_MILLISECONDS and half a second. Returns 0, also with domains that could not be read: then
 * WHY is set and their number is in ret->unread; -ENOENT when there is no socket: nobody is asked
 * then; or, with WHY set, -ENOSYS        there is a socket, but HELPER isn't there -EOPNOTSUPP
 * there is only a socket that isn't read-only -ETIMEDOUT     no answer in time: it hangs, or has
 * too much to tell -ECONNREFUSED  libvirt, or its client library, said no -EBADMSG, -EFBIG  the
 * answer can't be made out or another errno. */
int libvirt_read(struct sysroot *root, const char *helper, struct domain_devices *ret,
		 char why[LIBVIRT_WHY_SIZE]);

/* Reads the LENGTH bytes at TEXT that libvirt-domains printed: a line for each device of a domain,
 * of eight fields with one blank between them, and behind all lines "end" and their number:
 *
 *   runs pci 0000:81:00.2 0000:05:00.0 2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1 one-42 opennebula 42
 *   defined mdev 4b20d080-1b54-4048-85b3-a6a62d165c01 - 11111111-2222-3333-4444-555555555555
 * a%20name - - unread web internal%20error end 3
 *
 * An unread line names a domain whose devices could not all be read, and the reason. The fields of
 * the others are how the domain has it; the kind; the host's address or the mediated device's UUID;
 * the guest's address; the domain's UUID and name; the frontend by its metadata, and its id there.
 * - stands for none. In a text any byte but letters, digits, and _ . : - is written as % and two
 * hex digits, and so is a - at its beginning.
 * Returns 0, -EBADMSG when anything is not like that, or -ENOMEM. No I/O. */
int domain_devices_parse(const char *text, size_t length, struct domain_devices *ret);
void domain_devices_free(struct domain_devices *devices);

#endif
