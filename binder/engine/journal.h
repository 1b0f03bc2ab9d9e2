/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What vfio-bind remembers between runs, in /run/vfio-bind: which devices it has bound and what
 * they had before, and what a run that has not come to its end was about. It is written whole, to a
 * new file that then takes the place of the old one, so that it is always either. A restart of the
 * host clears /run, and with it every driver_override: both begin anew.
 *
 *   vfio-bind 1
 *   bound 0000:01:00.0 8086:10d3 4711 e1000e,- e1000e,- vfio-pci,vfio-pci
 *   doing 0000:02:00.0 1b36:0010 4712 nvme,- nvme,- vfio-pci,vfio-pci
 *   doing-vfs 0000:03:00.0 8086:1572 4713 0 4
 *
 * In a line: the state, the device, its ids, the inode of its entry in sysfs, and driver,override
 * as it was at first, as it was before this change, and as it is wanted; or how many VFs there were
 * and are wanted. "-" is none, "*" the driver that the kernel picks; other bytes than letters,
 * digits, "_", "." and "-" are written as in a URL. */
#ifndef PCIPROBE_BINDER_ENGINE_JOURNAL_H
#define PCIPROBE_BINDER_ENGINE_JOURNAL_H

#include "binder/engine/change.h"

#define JOURNAL_DIRECTORY "run/vfio-bind"
#define JOURNAL_PATH JOURNAL_DIRECTORY "/journal"

/* Reads the journal below ROOT without locking. There being none is no error. Free the changes with
 * changes_free. Returns 0; or, told through LOG, -EBADMSG when it can't be understood, or the errno
 * of reading it. */
int journal_read(struct sysroot *root, const struct log *log, struct changes *ret);

/* The journal, locked. */
struct journal {
	struct sysroot *root;
	const struct log *log;
	int directory, lock;
	struct changes changes;
};

/* Locks the journal below ROOT for this run, making its directory where it isn't there yet, and
 * reads it. Waits SECONDS for another run to end. Close it with journal_close, in any case. Returns
 * 0; or, told through LOG, -EAGAIN when the other run is still at it, -EACCES, -EBADMSG as above,
 * or another negative errno. */
int journal_open(struct sysroot *root, const struct log *log, unsigned seconds,
		 struct journal *ret);
void journal_close(struct journal *journal);

/* Writes the changes: when this returns 0 they are on the disk. Returns a negative errno otherwise,
 * which was told. */
int journal_save(struct journal *journal);

/* The change of this device's driver, or where VFS of the number of its VFs; NULL: there is none.
 */
struct change *journal_find(const struct changes *changes, const struct pci_address *address,
			    bool vfs);

/* Puts a copy of CHANGE in the place of that device's, or behind the others. Returns 0 or -ENOMEM.
 */
int journal_put(struct journal *journal, const struct change *change);

/* Forgets what is known like CHANGE, if there is such. */
void journal_forget(struct journal *journal, const struct change *change);

#endif
