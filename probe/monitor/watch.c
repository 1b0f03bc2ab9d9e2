/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/monitor/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define OPENED (IN_OPEN | IN_CLOSE | IN_CREATE | IN_DELETE)
#define WRITTEN (IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE)

/* All are optional; one that is created later is watched from then on. */
static const struct {
	const char *path;
	uint32_t events;
} DIRECTORIES[] = {
	{"dev/vfio", OPENED},	       {"dev/vfio/devices", OPENED}, {"run/libvirt/qemu", WRITTEN},
	{"etc/libvirt/qemu", WRITTEN}, {"run/qemu-server", WRITTEN},
};
#define DIRECTORY_COUNT (sizeof(DIRECTORIES) / sizeof(*DIRECTORIES))

struct watch {
	struct sysroot *root;
	const struct log *log;
	int inotify;
	int descriptors[DIRECTORY_COUNT]; /* -1: not watched */
	char refcount[32];		  /* the kernel's count at the last check */
};

int watch_new(struct sysroot *root, const struct log *log, struct watch **ret)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	watch->root = root;
	watch->log = log;
	watch->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch->inotify < 0)
		log_warning(log, "inotify: %s; falling back to reading /proc each time",
			    strerror(errno));
	for (size_t i = 0; i < DIRECTORY_COUNT; i++)
		watch->descriptors[i] = -1;
	*ret = watch;
	return 0;
}

void watch_free(struct watch *watch)
{
	if (!watch)
		return;
	if (watch->inotify >= 0)
		close(watch->inotify);
	free(watch);
}

/* Adds the watch through the descriptor, so that it is on the directory that sysroot opened. */
static int add_watch(const struct watch *watch, size_t index)
{
	_cleanup_sysdir_ struct sysdir dir = {.fd = -1};
	char path[32];

	if (sysdir_open(sysroot_dir(watch->root), DIRECTORIES[index].path, &dir) < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir.fd);
	return inotify_add_watch(watch->inotify, path, DIRECTORIES[index].events | IN_ONLYDIR);
}

/* Returns whether a directory was added: earlier events in it are unknown. */
static bool add_missing(struct watch *watch)
{
	bool added = false;

	for (size_t i = 0; i < DIRECTORY_COUNT; i++) {
		if (watch->descriptors[i] >= 0)
			continue;
		watch->descriptors[i] = add_watch(watch, i);
		added |= watch->descriptors[i] >= 0;
	}
	return added;
}

static void mark_unwatched(struct watch *watch, int descriptor)
{
	for (size_t i = 0; i < DIRECTORY_COUNT; i++)
		if (watch->descriptors[i] == descriptor)
			watch->descriptors[i] = -1;
}

/* Returns whether there were any events, including a queue overflow. */
static bool read_events(struct watch *watch)
{
	_Alignas(struct inotify_event) char buffer[4096];
	const struct inotify_event *event;
	bool any = false;
	ssize_t length;

	while ((length = read(watch->inotify, buffer, sizeof(buffer))) > 0) {
		any = true;
		for (ssize_t at = 0; at < length; at += (ssize_t)(sizeof(*event) + event->len)) {
			event = (const struct inotify_event *)(const void *)(buffer + at);
			if (event->mask & IN_IGNORED)
				mark_unwatched(watch, event->wd);
		}
	}
	return any;
}

static bool refcount_changed(struct watch *watch)
{
	char text[sizeof(watch->refcount)] = "";

	sysdir_read(sysroot_dir(watch->root), "sys/module/vfio/refcnt", text, sizeof(text));
	if (strcmp(text, watch->refcount) == 0)
		return false;
	strcpy(watch->refcount, text);
	return true;
}

bool watch_happened(struct watch *watch)
{
	bool happened;

	if (watch->inotify < 0)
		return true;
	happened = read_events(watch);
	happened |= add_missing(watch);
	happened |= refcount_changed(watch);
	return happened;
}
