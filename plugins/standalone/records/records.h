/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a frontend has recorded about the PCI devices of a host, read from what its own client
 * printed. The frontend is not contacted. */
#ifndef PCIPROBE_STANDALONE_RECORDS_RECORDS_H
#define PCIPROBE_STANDALONE_RECORDS_RECORDS_H

#include "plugins/standalone/callerfile.h"
#include "probe/address.h"
#include "probe/strings.h"
#include "probe/sysfs/sysroot.h"

#include <stdbool.h>
#include <stddef.h>

/* Limits of a file and of the records of all files. */
#define RECORDS_SIZE_MAX (8u << 20)
#define RECORDS_MAX 65536

/* What a record says about a device. */
enum record_use {
	RECORD_FREE,	   /* no VM has it */
	RECORD_UNUSABLE,   /* known, but not assigned to VMs now, for whatever reason */
	RECORD_RUNNING,	   /* a running VM has it */
	RECORD_ASSIGNED,   /* a VM has it; nothing shows the VM on the host while it is stopped */
	RECORD_DEFINED,	   /* a VM has it; while it is stopped, libvirt still has its definition */
	RECORD_CONFIGURED, /* a VM gets it at its next start */
	RECORD_ORPHANED,   /* a VM has it that, by the same records, this host does not have */
};

/* Strings may contain anything; NULL: unknown. */
struct record {
	bool has_address;
	struct pci_address address; /* with mdev: of the parent */
	bool every_function;	    /* all functions of the slot */
	bool with_vfs;		    /* or one of the VFs of the device */
	bool is_alternative;	    /* one of several devices of which the VM gets one */
	const char *mdev;	    /* UUID of a mediated device of it; NULL: the device itself */
	enum record_use use;
	const char *vm_id, *vm_uuid, *vm_name; /* of the VM; all NULL: none */
	const char *item;	    /* the frontend's name of the record, for its commands */
	const char *host, *host_id; /* name and id of the host there */
};

struct correction;

struct records {
	struct record *items;
	size_t count;
	struct strings strings;		      /* of the records */
	size_t invalid;			      /* entries that could not be understood (logged) */
	const struct correction *corrections; /* if not those of the frontend; NULL: they are */
};

/* A file of records, or standard input. */
struct record_file {
	struct callerfile file;
	char *text; /* of LENGTH bytes, followed by a NUL */
	size_t length;
};

/* Reads PATH ("-": standard input) with the rights of the caller. RET must not move until it is
 * freed with record_file_free. Returns 0 or a negative errno (logged). */
int record_file_read(const char *path, const struct log *log, struct record_file *ret);
void record_file_free(struct record_file *file);

/* Parses FILE as JSON. The caller frees *ret with json_object_put. Returns 0, -ENOMEM, or -EBADMSG
 * (logged). */
struct json_object;
int record_file_parse_json(const struct record_file *file, struct json_object **ret);

/* Adds a copy of RECORD. Returns 0, -ENOMEM, or -EFBIG if there are too many. */
int records_add(struct records *records, const struct record *record);

/* Removes the records of hosts other than HOST, if there are those of several. Names are compared
 * without their domains. Returns 0, or -ENOENT (logged) if none is left. */
int records_choose_host(struct records *records, const char *host, const struct log *log);

void records_free(struct records *records);

/* Whether the record says that a VM has the device. */
bool record_has_vm(const struct record *record);

/* Parsers of a frontend's files. HOST is the name of this host. Return 0, -ENOMEM, or another
 * negative errno (logged, without the contents of the file). */
typedef int records_parse(struct records *records, const struct record_file *files, size_t count,
			  const char *host);
records_parse opennebula_records_parse, cloudstack_records_parse, nova_records_parse,
	proxmox_records_parse, libvirt_records_parse;

/* Reads Proxmox VE's own files below ROOT. LOG is for errors. Returns like records_parse. */
int proxmox_records_read(struct records *records, struct sysroot *root, const char *host,
			 const struct log *log);

/* Runs xml-records for FILE. The caller frees *ret, which is NUL-terminated. Returns 0 or a
 * negative errno (logged). */
int xml_records_run(const struct record_file *file, const char *kind, char **ret,
		    size_t *ret_length);

#endif
