/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process that has VFIO files open, or is a VM monitor with devices; and lists of them. */
#ifndef PCIPROBE_OWNERSHIP_HOLDER_H
#define PCIPROBE_OWNERSHIP_HOLDER_H

#include "probe/ownership/vfiofile.h"
#include "probe/ownership/vmm.h"

#include <stdint.h>
#include <sys/types.h>

struct holder {
	pid_t pid;
	uint64_t started; /* clock ticks since boot */
	bool trusted;	  /* its user may assign devices: process_is_trusted */
	struct vmm vmm;
	const char *frontend; /* of a VM monitor: found by frontend.h; or NULL */
	char *frontend_id;    /* the frontend's id of the VM; NULL if frontend is */
	char pod[37];	      /* of a VM monitor: UID of its Kubernetes pod; "": none */
	struct vfio_file *files;
	size_t file_count;
	bool inspected; /* its descriptors were read; if not, it is listed for the devices on its
			   command line */
};

struct holders {
	struct holder *items;
	size_t count;
	size_t unseen; /* processes that could not be inspected, or not completely */
	int error;     /* the reason, a negative errno: -ETIMEDOUT if it is that of any of them,
			  otherwise that of the last */
};

void holder_free(struct holder *holder);
void holders_free(struct holders *holders);

/* The functions that return int return 0 or -ENOMEM, and change nothing then. */

int holder_add_file(struct holder *holder, const struct vfio_file *file);

/* Moves *HOLDER to the list, and clears it. */
int holders_add(struct holders *holders, struct holder *holder);

/* Adds a copy of what is known of HOLDER before its command line was read. */
int holders_add_known(struct holders *holders, const struct holder *holder);

/* Moves all of *FROM to *TO; without memory, what is left of it is freed. */
int holders_merge(struct holders *to, struct holders *from);

/* Counts COUNT processes that could not be inspected because of ERROR. */
void holders_add_unseen(struct holders *holders, size_t count, int error);

bool holder_has_node(const struct holder *holder, const struct vfio_node *node);
bool holder_has_group(const struct holder *holder, unsigned group);

#endif
