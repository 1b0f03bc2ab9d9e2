/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/records/corrections.h"

#include "common/textstream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* onedb fsck frees the devices of VMs that are not on the host. A VM that is powered off keeps its
 * devices; one that is undeployed frees them. A monitoring cycle adds new devices and removes those
 * that have gone and have no VM. */
const struct correction OPENNEBULA_CORRECTIONS[DIFFERENCE_COUNT] = {
	[DIFFERENCE_VM_GONE] = {"onevm undeploy {vm}", "onedb fsck"},
	[DIFFERENCE_OTHER_VM] = {"onevm poweroff {holder}", "onehost disable {host}"},
	[DIFFERENCE_NOT_RECORDED] = {"onevm poweroff {holder}", "onehost disable {host}"},
	[DIFFERENCE_DEVICE_GONE] = {"onevm undeploy {vm}", "onehost forceupdate {host}"},
	[DIFFERENCE_NEW_DEVICE] = {NULL, "onehost forceupdate {host}"},
	[DIFFERENCE_TWO_VMS] = {"onevm undeploy {vm}", "onedb fsck"},
	[DIFFERENCE_NOT_OFFERED] = {"onevm undeploy {vm}", "onehost forceupdate {host}"},
};

/* A discovery takes over what gpudiscovery.sh says of each device, and disables missing ones. */
const struct correction CLOUDSTACK_CORRECTIONS[DIFFERENCE_COUNT] = {
	[DIFFERENCE_VM_GONE] = {"cmk discover gpudevices id={host}",
				"cmk discover gpudevices id={host}"},
	[DIFFERENCE_OTHER_VM] = {"cmk discover gpudevices id={host}",
				 "cmk discover gpudevices id={host}"},
	[DIFFERENCE_NOT_RECORDED] = {"cmk discover gpudevices id={host}",
				     "cmk discover gpudevices id={host}"},
	[DIFFERENCE_DEVICE_GONE] = {"cmk stop virtualmachine id={vm}",
				    "cmk delete gpudevice ids={item}"},
	[DIFFERENCE_NEW_DEVICE] = {NULL, "cmk discover gpudevices id={host}"},
	[DIFFERENCE_TWO_VMS] = {"cmk stop virtualmachine id={vm}",
				"cmk discover gpudevices id={host}"},
	[DIFFERENCE_NOT_OFFERED] = {"cmk stop virtualmachine id={vm}",
				    "cmk unmanage gpudevice ids={item}"},
};

/* When nova-compute starts, it lists the devices again and frees those of instances that no longer
 * exist. A hard reboot defines an instance with the devices that are recorded for it. */
const struct correction NOVA_CORRECTIONS[DIFFERENCE_COUNT] = {
	[DIFFERENCE_VM_GONE] = {"openstack server reboot --hard {vm}",
				"systemctl restart nova-compute"},
	[DIFFERENCE_OTHER_VM] = {"openstack server reboot --hard {holder}",
				 "openstack compute service set --disable {node} nova-compute"},
	[DIFFERENCE_NOT_RECORDED] = {"openstack server reboot --hard {holder}",
				     "openstack compute service set --disable {node} nova-compute"},
	[DIFFERENCE_DEVICE_GONE] = {"openstack server migrate {vm}",
				    "systemctl restart nova-compute"},
	[DIFFERENCE_NEW_DEVICE] = {NULL, "systemctl restart nova-compute"},
	[DIFFERENCE_TWO_VMS] = {"openstack server migrate {vm}", "systemctl restart nova-compute"},
	[DIFFERENCE_NOT_OFFERED] = {"openstack server migrate {vm}",
				    "systemctl restart nova-compute"},
};

const struct correction PLACEMENT_CORRECTIONS[DIFFERENCE_COUNT] = {
	[DIFFERENCE_VM_GONE] = {"nova-manage placement audit --delete --resource_provider {item}",
				"nova-manage placement audit --delete --resource_provider {item}"},
	[DIFFERENCE_OTHER_VM] = {"openstack server reboot --hard {holder}",
				 "openstack compute service set --disable {node} nova-compute"},
	[DIFFERENCE_NOT_RECORDED] = {"nova-manage placement heal_allocations --instance {holder}",
				     "openstack compute service set --disable {node} nova-compute"},
	[DIFFERENCE_DEVICE_GONE] = {"openstack server migrate {vm}",
				    "systemctl restart nova-compute"},
	[DIFFERENCE_NEW_DEVICE] = {NULL, "systemctl restart nova-compute"},
	[DIFFERENCE_TWO_VMS] = {"nova-manage placement audit --delete --resource_provider {item}",
				"nova-manage placement audit --delete --resource_provider {item}"},
	[DIFFERENCE_NOT_OFFERED] = {"openstack server migrate {vm}",
				    "systemctl restart nova-compute"},
};

/* A reboot of the VM itself starts it with the devices of its configuration. */
const struct correction PROXMOX_CORRECTIONS[DIFFERENCE_COUNT] = {
	[DIFFERENCE_VM_GONE] = {"qm set {vm} --delete {item}", NULL},
	[DIFFERENCE_OTHER_VM] = {"qm set {vm} --delete {item}", "qm set {vm} --delete {item}"},
	[DIFFERENCE_NOT_RECORDED] = {"qm reboot {holder}", NULL},
	[DIFFERENCE_DEVICE_GONE] = {"qm set {vm} --delete {item}", NULL},
	[DIFFERENCE_TWO_VMS] = {"qm set {vm} --delete {item}", NULL},
};

const struct correction LIBVIRT_CORRECTIONS[DIFFERENCE_COUNT] = {
	[DIFFERENCE_VM_GONE] = {"virsh dumpxml {vm}", NULL},
	[DIFFERENCE_OTHER_VM] = {"virsh edit {vm}", "virsh edit {vm}"},
	[DIFFERENCE_NOT_RECORDED] = {"virsh dumpxml {holder}", NULL},
	[DIFFERENCE_DEVICE_GONE] = {"virsh edit {vm}", NULL},
	[DIFFERENCE_TWO_VMS] = {"virsh edit {vm}", NULL},
};

static bool concerns_holder(enum difference_kind kind)
{
	return kind == DIFFERENCE_OTHER_VM || kind == DIFFERENCE_NOT_RECORDED;
}

/* Returns the command with placeholders, or NULL. */
static const char *find_command(const struct comparison *comparison,
				const struct difference *difference)
{
	const struct correction *corrections = comparison->records->corrections;
	const struct record *record = difference->stale ? difference->stale : difference->record;
	bool is_known;

	if (!corrections)
		corrections = comparison->frontend->corrections;
	if (concerns_holder(difference->kind))
		is_known = difference->owner &&
			   frontend_vm_id(comparison->frontend, difference->owner);
	else if (difference->kind == DIFFERENCE_TWO_VMS && !difference->stale)
		return NULL; /* no command is right for either */
	else
		is_known = record && record_has_vm(record) && record->use != RECORD_ORPHANED;
	return is_known ? corrections[difference->kind].command
			: corrections[difference->kind].other;
}

/* Any record of the same host has its id. */
static const char *find_host_id(const struct comparison *comparison,
				const struct difference *difference)
{
	if (difference->record)
		return difference->record->host_id;
	return comparison->records->count ? comparison->records->items[0].host_id : NULL;
}

static const char *find_value(const struct comparison *comparison,
			      const struct difference *difference, const char *name,
			      char address[static ADDRESS_SIZE])
{
	const struct record *record = difference->stale ? difference->stale : difference->record;

	if (strcmp(name, "vm") == 0)
		return record ? record->vm_id : NULL;
	if (strcmp(name, "holder") == 0)
		return difference->owner ? frontend_vm_id(comparison->frontend, difference->owner)
					 : NULL;
	if (strcmp(name, "item") == 0)
		return record ? record->item : NULL;
	if (strcmp(name, "host") == 0)
		return find_host_id(comparison, difference);
	if (strcmp(name, "node") == 0)
		return comparison->inventory->host;
	if (strcmp(name, "address") == 0 && difference->device)
		return address_format(&difference->device->address, address);
	return NULL;
}

/* Writes VALUE for a shell. Returns false if it cannot be printed on a terminal, or would be an
 * option. */
static bool write_quoted(FILE *out, const char *value)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_.:/@%+,-";

	if (!value || !*value || *value == '-')
		return false;
	for (const char *p = value; *p; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
			return false;
	if (strspn(value, plain) == strlen(value)) {
		fputs(value, out);
		return true;
	}
	fputc('\'', out);
	for (; *value; value++)
		if (*value == '\'')
			fputs("'\\''", out);
		else
			fputc(*value, out);
	fputc('\'', out);
	return true;
}

char *correction_format(const struct comparison *comparison, const struct difference *difference)
{
	const char *command = find_command(comparison, difference);
	char *text = NULL, name[16], address[ADDRESS_SIZE];
	bool complete = true;
	FILE *out;

	errno = 0;
	if (!command)
		return NULL;
	out = textstream_open(&text);
	if (!out) {
		errno = ENOMEM;
		return NULL;
	}
	while (*command && complete) {
		size_t length = strcspn(command, "{");

		fwrite(command, 1, length, out);
		command += length;
		if (!*command)
			break;
		length = strcspn(command, "}");
		snprintf(name, sizeof(name), "%.*s", (int)length - 1, command + 1);
		complete = write_quoted(out, find_value(comparison, difference, name, address));
		command += length + 1;
	}
	if (!textstream_close(out, &text)) {
		free(text);
		errno = ENOMEM;
		return NULL;
	}
	errno = 0;
	if (complete)
		return text;
	free(text);
	return NULL;
}
