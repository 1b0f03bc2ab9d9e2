/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the frontend that manages a VM, and its id of the VM, by the frontend's naming scheme. No
 * I/O. */
#ifndef PCIPROBE_OWNERSHIP_FRONTEND_H
#define PCIPROBE_OWNERSHIP_FRONTEND_H

#include <stdbool.h>

/* NAME, UUID and VMID (Proxmox VE's -id) may be NULL. Returns the frontend's name, a constant, and
 * sets *ret_id to its id of the VM, which the caller frees. Returns NULL, with *ret_id untouched,
 * if the name matches no frontend or memory is exhausted.
 *
 *   one-42             OpenNebula's VM 42
 *   i-2-385-VM         CloudStack's instance; the id is this name
 *   instance-0000001f  Nova's instance; the id is the UUID
 *   -id 105            Proxmox VE's VM 105
 *   sandbox-<64 hex>   Kata Containers' sandbox
 *
 * Without memory these functions return NULL and set errno to ENOMEM, which they leave otherwise.
 */
const char *frontend_find(const char *name, const char *uuid, const char *vmid, char **ret_id);

/* Like frontend_find, from CGROUP, the contents of /proc/<pid>/cgroup: a VM named
 * <namespace>_<name> in a Kubernetes pod is KubeVirt's <namespace>/<name>. Outside of a pod such a
 * name has no meaning. */
const char *frontend_from_cgroup(const char *cgroup, const char *name, char **ret_id);

/* Like frontend_find, from PATH of a VM monitor's command line (struct vmm). NAME may be NULL.
 *
 *   /run/incus/web/qemu.conf            Incus's instance default/web
 *   /var/log/lxd/shop_web/qemu.conf     LXD's instance web of the project shop: shop/web
 *   /run/vc/vm/<64 hex>/clh-api.sock    Kata Containers' sandbox
 *
 * Sources: Incus's and LXD's driver_qemu.go, Kata Containers' clh.go. */
const char *frontend_from_path(const char *path, const char *name, char **ret_id);

/* Sets RET to the UID of the Kubernetes pod in CGROUP, the contents of /proc/<pid>/cgroup. Returns
 * false, with RET untouched, if there is none. */
bool frontend_find_pod(const char *cgroup, char ret[static 37]);

#endif
