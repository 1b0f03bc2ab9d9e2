/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/monitor/watch.h"

#include "probe/monitor/uevents.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
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

#define VDPA_NODE "vhost-vdpa-"

struct watch {
	struct sysroot *root;
	const struct log *log;
	int inotify;
	int descriptors[DIRECTORY_COUNT]; /* -1: not watched */
	int newest_node;		  /* descriptor of inotify; the kernel counts upwards */
	char refcount[32];		  /* the kernel's count at the last check */
	/* from here on of watch_listen */
	struct uevents *uevents; /* NULL: not used */
	bool sees_devices;
	int epoll;
	const char *config;
	int config_directory; /* descriptor of inotify, -1: not watched */
};

int watch_new(struct sysroot *root, const struct log *log, struct watch **ret)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	watch->root = root;
	watch->log = log;
	watch->epoll = watch->config_directory = watch->newest_node = -1;
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
	uevents_free(watch->uevents);
	if (watch->epoll >= 0)
		close(watch->epoll);
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

/* The nodes of vDPA, each by itself: everything in /dev would be too much. Returns whether one was
 * added. */
static bool add_vdpa_nodes(struct watch *watch)
{
	_cleanup_sysdir_ struct sysdir vdpa = {.fd = -1}, dev = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	char path[32 + NAME_MAX];
	struct dirent *entry;
	int descriptor, newest = watch->newest_node;

	if (sysdir_open(sysroot_dir(watch->root), "sys/bus/vdpa", &vdpa) < 0 ||
	    sysdir_open(sysroot_dir(watch->root), "dev", &dev) < 0 ||
	    sysdir_list(&dev, ".", &list) < 0)
		return false;
	while ((entry = sysdir_next(list))) {
		if (strncmp(entry->d_name, VDPA_NODE, strlen(VDPA_NODE)) != 0)
			continue;
		/* not opened, which older kernels report even with O_PATH */
		snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dev.fd, entry->d_name);
		descriptor = inotify_add_watch(watch->inotify, path, OPENED | IN_DONT_FOLLOW);
		if (descriptor > newest)
			newest = descriptor;
	}
	if (newest == watch->newest_node)
		return false;
	watch->newest_node = newest;
	return true;
}

/* The directory, because a file that is replaced is another one. */
static void add_config(struct watch *watch)
{
	char path[PATH_MAX];

	if (!watch->config || watch->config_directory >= 0 || strlen(watch->config) >= PATH_MAX)
		return;
	strcpy(path, watch->config);
	watch->config_directory = inotify_add_watch(watch->inotify, dirname(path),
						    WRITTEN | IN_MOVED_FROM);
}

static void mark_unwatched(struct watch *watch, int descriptor)
{
	if (watch->config_directory == descriptor)
		watch->config_directory = -1;
	for (size_t i = 0; i < DIRECTORY_COUNT; i++)
		if (watch->descriptors[i] == descriptor)
			watch->descriptors[i] = -1;
}

static bool is_config(const struct watch *watch, const struct inotify_event *event)
{
	char path[PATH_MAX];

	if (event->wd != watch->config_directory || (event->mask & IN_IGNORED))
		return false;
	strcpy(path, watch->config);
	return event->len && strcmp(event->name, basename(path)) == 0;
}

/* Other files beside the configuration cause nothing. */
static unsigned cause_of(struct watch *watch, const struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW)
		return WATCH_FILES | WATCH_OVERFLOW;
	if (is_config(watch, event))
		return WATCH_CONFIG;
	if (event->wd == watch->config_directory && !(event->mask & IN_IGNORED))
		return 0;
	if (event->mask & IN_IGNORED)
		mark_unwatched(watch, event->wd);
	return WATCH_FILES;
}

static unsigned read_files(struct watch *watch)
{
	_Alignas(struct inotify_event) char buffer[4096];
	const struct inotify_event *event;
	unsigned causes = 0;
	ssize_t length;

	while ((length = read(watch->inotify, buffer, sizeof(buffer))) > 0)
		for (ssize_t at = 0; at < length; at += (ssize_t)(sizeof(*event) + event->len)) {
			event = (const struct inotify_event *)(const void *)(buffer + at);
			causes |= cause_of(watch, event);
		}
	return causes;
}

static unsigned read_uevents(struct watch *watch)
{
	bool relevant = false, lost = false;

	if (watch->uevents)
		uevents_read(watch->uevents, &relevant, &lost);
	return (relevant ? WATCH_UEVENT : 0) | (lost ? WATCH_UEVENT | WATCH_OVERFLOW : 0);
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

static int add_descriptor(const struct watch *watch, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	return epoll_ctl(watch->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int listen_to_uevents(struct watch *watch)
{
	int error = uevents_new(watch->log, &watch->uevents);

	if (error < 0)
		return error;
	watch->sees_devices = uevents_are_complete();
	return add_descriptor(watch, uevents_fd(watch->uevents));
}

int watch_listen(struct watch *watch, const char *config)
{
	int error;

	if (watch->epoll >= 0)
		return watch->epoll;
	watch->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (watch->epoll < 0)
		return -errno;
	if (watch->inotify >= 0) {
		error = add_descriptor(watch, watch->inotify);
		if (error < 0)
			return error;
		watch->config = config;
		add_config(watch);
	}
	/* the host's messages say nothing about a recording */
	error = sysroot_is_host(watch->root) ? listen_to_uevents(watch) : 0;
	if (error < 0)
		log_warning(watch->log, "uevents: %s; changed devices are noticed later",
			    error == -ENOTSUP ? "built without libudev" : strerror(-error));
	return watch->epoll;
}

bool watch_sees_devices(const struct watch *watch)
{
	return watch->sees_devices;
}

unsigned watch_read(struct watch *watch)
{
	unsigned causes = read_uevents(watch);
	bool added;

	if (watch->inotify < 0)
		return causes | WATCH_UNABLE;
	causes |= read_files(watch);
	added = add_missing(watch);
	added |= add_vdpa_nodes(watch);
	if (added)
		causes |= WATCH_FILES;
	add_config(watch);
	if (refcount_changed(watch))
		causes |= WATCH_USERS;
	return causes;
}
