/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The journal, /run/vfio-bind/journal: the devices that vfio-bind has bound with their former
 * bindings, and the changes of a run that has not finished. It is written to a new file, which then
 * replaces the old one, so that a reader sees either. The state of devices ends with the kernel: a
 * journal with another boot id than the running kernel's is empty.
 *
 * While a change is pending, the file ends in spaces, and a second one, journal.new, has the space
 * that the next save needs. For its content see journalformat.h. */
#ifndef PCIPROBE_BINDER_ENGINE_JOURNAL_H
#define PCIPROBE_BINDER_ENGINE_JOURNAL_H

#include "binder/engine/change.h"
#include "probe/log.h"
#include "probe/sysfs/sysroot.h"

#define JOURNAL_DIRECTORY "run/vfio-bind"
#define JOURNAL_PATH JOURNAL_DIRECTORY "/journal"
#define JOURNAL_LOCKS_PATH JOURNAL_DIRECTORY "/busy" /* see kernel.c */

/* With the terminating NUL, as in /proc/sys/kernel/random/boot_id. */
#define JOURNAL_BOOT_SIZE 37

/* While the driver of a device is changed, the directory has a file of this name followed by its
 * address, for udev's rules: see binder/hostfiles/udev.c. It exists before the first write and
 * until the journal has no pending change of the device. */
#define JOURNAL_MARKER "changing-"

/* Reads the journal below ROOT without locking it. A missing file is an empty journal, and so is
 * one from before the last boot (a warning is logged if it has entries). Returns 0;
 * -ENOMEM; or, logged to LOG, -EBADMSG if it is invalid, or the negative errno of reading it. The
 * caller frees *ret with changes_free. */
int journal_read(struct sysroot *root, const struct log *log, struct changes *ret);

/* The locked journal. */
struct journal {
	struct sysroot *root;
	const struct log *log;
	int directory, lock;
	struct changes changes;
};

/* Creates the journal's directory if necessary, locks and reads the journal below ROOT, and drops
 * bound devices that were removed. Waits at most SECONDS for another run to finish. Returns 0; or,
 * logged to LOG, -EAGAIN if the other run has not finished, -EACCES if the directory belongs to
 * another user or others may write to it, -EBADMSG as above, or another negative errno. Close
 * the journal with journal_close in either case. */
int journal_open(struct sysroot *root, const struct log *log, unsigned seconds,
		 struct journal *ret);
void journal_close(struct journal *journal);

/* Reserves the space that the journal and its markers will need when CHANGES are added to it,
 * applied or rolled back: until none of them is pending any more, journal_save does not fail for
 * lack of space. Returns 0 or a negative errno (logged). */
int journal_reserve(struct journal *journal, const struct changes *changes);

/* Removes the markers of devices without a pending change, as of a run that was killed before it
 * had written the journal. */
void journal_remove_markers(const struct journal *journal);

/* Writes the changes, syncs them to disk and updates the markers. Returns 0 or a negative errno
 * (logged). */
int journal_save(struct journal *journal);

/* Finds the change of a device's driver, or if VFS, of its number of VFs. Returns NULL if there is
 * none. */
struct change *journal_find(const struct changes *changes, const struct pci_address *address,
			    bool vfs);

/* Adds a copy of CHANGE, or replaces the change of the same device and kind. Returns 0 or -ENOMEM.
 */
int journal_put(struct journal *journal, const struct change *change);

/* Removes the change of the same device and kind as CHANGE, if there is one. */
void journal_remove(struct journal *journal, const struct change *change);

#endif
