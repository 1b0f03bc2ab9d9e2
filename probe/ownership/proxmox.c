/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The source proxmox: the file in which Proxmox VE notes which VM takes which card. A line is "ADDRESS VMID pid:PID" of a VM that
 * runs, or "ADDRESS VMID time:SECONDS" of one that is being started, good until then. Lines of VMs that have ended are left in
 * it. Source: qemu-server's PVE/QemuServer/PCI.pm. */
#include "probe/ownership/sources.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESERVATIONS "run/qemu-server/pci-id-reservations"
#define SIZE_MAX_READ (64u << 10)

static const struct holder *find_holder(const struct holders *holders, pid_t pid)
{
	for (size_t i = 0; i < holders->count; i++)
		if (holders->items[i].pid == pid)
			return &holders->items[i];
	return NULL;
}

/* A process that is there but can't be looked at is taken for the VM. */
static bool may_be_alive(const struct search *search, const struct holder *holder, pid_t pid)
{
	struct sysdir process;
	char path[32];

	if (holder || search->processes.state == SOURCE_OK)
		return holder;
	snprintf(path, sizeof(path), "proc/%d", pid);
	if (sysdir_open(sysroot_dir(search->root), path, &process) < 0)
		return false;
	sysdir_close(&process);
	return true;
}

static int claim_line(const struct search *search, const char *line)
{
	char address_text[ADDRESS_SIZE], vmid[11], kind[5];
	unsigned long long number;
	struct pci_address address;
	struct claim claim = {.source = OWNER_PROXMOX, .vmid = vmid};
	struct pci_device *device;
	int end = 0;

	if (sscanf(line, "%15s %10[0-9] %4[a-z]:%18llu%n", address_text, vmid, kind, &number, &end) != 4 || line[end] ||
	    address_parse(address_text, &address) < 0)
		return 0;
	device = inventory_find(search->inventory, &address);
	if (!device || !device->selected)
		return 0;
	if (strcmp(kind, "pid") == 0 && number <= INT32_MAX) {
		const struct holder *holder = find_holder(search->holders, (pid_t)number);

		if (!may_be_alive(search, holder, (pid_t)number))
			return 0;
		if (holder)
			claim = holder_claim(holder, OWNER_PROXMOX);
		claim.pid = (pid_t)number;
		claim.vmid = vmid;
		return device_claim(device, &claim);
	}
	claim.reserves = true;
	if (strcmp(kind, "time") == 0 && (long long)number > (long long)search->inventory->time.tv_sec)
		return device_claim(device, &claim);
	return 0;
}

int proxmox_claim(const struct search *search, struct source_report *report)
{
	char *text = malloc(SIZE_MAX_READ), *rest = text, *line;
	ssize_t length = -ENOMEM;
	int error = 0;

	if (text)
		length = sysdir_read(sysroot_dir(search->root), RESERVATIONS, text, SIZE_MAX_READ);
	if (length < 0) {
		report->state = length == -ENOENT ? SOURCE_ABSENT : SOURCE_FAILED;
		snprintf(report->why, sizeof(report->why), "/" RESERVATIONS ": %s", strerror((int)-length));
		error = length == -ENOMEM ? -ENOMEM : 0;
	}
	while (length >= 0 && !error && (line = strsep(&rest, "\n")))
		error = claim_line(search, line);
	free(text);
	return error;
}
