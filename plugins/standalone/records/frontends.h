/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frontends whose records can be verified. */
#ifndef PCIPROBE_STANDALONE_RECORDS_FRONTENDS_H
#define PCIPROBE_STANDALONE_RECORDS_FRONTENDS_H

#include "plugins/standalone/records/records.h"
#include "probe/device.h"

struct frontend {
	const char *name;    /* "opennebula", the argument of verify */
	const char *help;    /* what FILE is */
	const char *options; /* letters of the options that it accepts */
	const char *owner;   /* its name in struct owner */
	const char *files;   /* for messages: "FILE" */
	size_t max_files;    /* 0: any number */
	bool has_own_files;  /* without a file, those of this host are read */
	records_parse *parse;
	bool id_decides;     /* its VMs are known on the host by record.vm_id; else by UUID or
				name */
	bool lists_devices;  /* the records are a list of all devices, used or not */
	bool follows_config; /* its own monitor reads pci.conf */
	bool lists_pfs;	     /* with the VFs that are offered */
	const struct correction *corrections;
};

extern const struct frontend FRONTENDS[];
extern const size_t FRONTEND_COUNT;

/* Returns the frontend of that name, or NULL. */
const struct frontend *frontend_by_name(const char *name);

/* Whether OWNER is the VM of RECORD, by what FRONTEND identifies VMs with. */
bool frontend_is_vm(const struct frontend *frontend, const struct record *record,
		    const struct owner *owner);

/* Whether OWNER shows what frontend_is_vm needs. If not, it may be any VM. */
bool frontend_knows_vm(const struct frontend *frontend, const struct record *record,
		       const struct owner *owner);

/* What people know the VM of RECORD by, or NULL. */
const char *frontend_vm_label(const struct frontend *frontend, const struct record *record);

/* The frontend's id of the VM OWNER, or NULL if it is not one of its VMs. */
const char *frontend_vm_id(const struct frontend *frontend, const struct owner *owner);

#endif
