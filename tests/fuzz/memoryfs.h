/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tree of files in memory for the fuzz targets: everything below /dev/shm. The linker replaces
 * the system calls of the program and of the tests (see WRAP), so that neither is changed; other
 * paths and descriptors reach the kernel.
 *
 * Modelled are directories, regular files, symbolic links, FIFOs and sockets, with the errors that
 * open(2), openat2(2) and the others document for them. There are no permissions, times or other
 * processes: a lock succeeds and a FIFO has no other end. A link out of the tree leads nowhere. */
#ifndef PCIPROBE_TESTS_FUZZ_MEMORYFS_H
#define PCIPROBE_TESTS_FUZZ_MEMORYFS_H

/* Defines the function that replaces NAME in everything that is linked; Makefile.am
 * passes --wrap=NAME for each line that begins with it. real_NAME is what is replaced. */
#define WRAP(type, name, ...)                                   \
	type real_##name(__VA_ARGS__) __asm__("__real_" #name); \
	type wrap_##name(__VA_ARGS__) __asm__("__wrap_" #name); \
	type wrap_##name(__VA_ARGS__)

/* Keeps the tree as it is now, for memoryfs_reset. */
void memoryfs_keep(void);

/* Restores the kept tree, with its inode numbers. A descriptor that is still open was leaked: that
 * ends the program. */
void memoryfs_reset(void);

#endif
