/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which frontend made a VM, and what it calls it, told by the names that frontends give. No I/O. */
#ifndef PCIPROBE_OWNERSHIP_FRONTEND_H
#define PCIPROBE_OWNERSHIP_FRONTEND_H

#include <stdbool.h>

/* NAME, UUID and VMID (Proxmox's -id) may be NULL. Returns the frontend's name, which is a
 * constant, and at *ret_id what it calls the VM, to be freed; or NULL, with *ret_id untouched, when
 * no frontend is known by such a name (or without memory).
 *
 *   one-42             OpenNebula's VM 42
 *   i-2-385-VM         CloudStack's instance, known by just this name
 *   instance-0000001f  Nova's; people know the UUID
 *   -id 105            Proxmox's VM 105
 *   sandbox-<64 hex>   Kata Containers' sandbox */
const char *frontend_find(const char *name, const char *uuid, const char *vmid, char **ret_id);

/* The same from TEXT, that of /proc/<pid>/cgroup: in a Kubernetes pod, a VM named
 * <namespace>_<name> is KubeVirt's, which calls it <namespace>/<name>. Elsewhere such a name is an
 * ordinary one. */
const char *frontend_from_cgroup(const char *text, const char *name, char **ret_id);

/* The same from PATH, which a VM monitor was started with (struct vmm). NAME may be NULL.
 *
 *   /run/incus/web/qemu.conf            Incus's instance default/web
 *   /var/log/lxd/shop_web/qemu.conf     LXD's instance web of the project shop: shop/web
 *   /run/vc/vm/<64 hex>/clh-api.sock    Kata Containers' sandbox
 *
 * Sources: Incus's and LXD's driver_qemu.go, Kata Containers' clh.go. */
const char *frontend_from_path(const char *path, const char *name, char **ret_id);

/* Sets RET to the UID of the Kubernetes pod that TEXT, that of /proc/<pid>/cgroup, names. Returns
 * false, with RET untouched, when there is none. */
bool frontend_find_pod(const char *text, char ret[static 37]);

#endif
