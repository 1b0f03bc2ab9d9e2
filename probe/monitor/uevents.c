/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/monitor/uevents.h"

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Linux, lib/kobject_uevent.c, uevent_net_broadcast_untagged(), and include/linux/proc_ns.h,
 * PROC_USER_INIT_INO. If that namespace is above this process's, the ioctl fails with EPERM. */
#define INITIAL_USER_NAMESPACE 0xeffffffdu

bool uevents_are_complete(void)
{
	int network = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int user = network < 0 ? -1 : ioctl(network, NS_GET_USERNS);
	struct stat status;
	bool complete = user >= 0 && fstat(user, &status) == 0 &&
			status.st_ino == INITIAL_USER_NAMESPACE;

	if (user >= 0)
		close(user);
	if (network >= 0)
		close(network);
	return complete;
}

#ifdef HAVE_LIBUDEV

#include "probe/dynlib.h"

#include <libudev.h>

/* For some ten thousand messages. They use it only while nobody reads them. */
#define QUEUE_SIZE (32 << 20)

struct udev_functions {
	typeof(udev_new) *new;
	typeof(udev_unref) *unref;
	typeof(udev_device_unref) *device_unref;
	typeof(udev_monitor_enable_receiving) *monitor_enable_receiving;
	typeof(udev_monitor_filter_add_match_subsystem_devtype) *monitor_add_subsystem;
	typeof(udev_monitor_get_fd) *monitor_get_fd;
	typeof(udev_monitor_new_from_netlink) *monitor_new;
	typeof(udev_monitor_receive_device) *monitor_receive_device;
	typeof(udev_monitor_set_receive_buffer_size) *monitor_set_buffer_size;
	typeof(udev_monitor_unref) *monitor_unref;
};

static const struct dynlib_symbol SYMBOLS[] = {
	{"udev_new", NULL, offsetof(struct udev_functions, new)},
	{"udev_unref", NULL, offsetof(struct udev_functions, unref)},
	{"udev_device_unref", NULL, offsetof(struct udev_functions, device_unref)},
	{"udev_monitor_enable_receiving", NULL,
	 offsetof(struct udev_functions, monitor_enable_receiving)},
	{"udev_monitor_filter_add_match_subsystem_devtype", NULL,
	 offsetof(struct udev_functions, monitor_add_subsystem)},
	{"udev_monitor_get_fd", NULL, offsetof(struct udev_functions, monitor_get_fd)},
	{"udev_monitor_new_from_netlink", NULL, offsetof(struct udev_functions, monitor_new)},
	{"udev_monitor_receive_device", NULL,
	 offsetof(struct udev_functions, monitor_receive_device)},
	{"udev_monitor_set_receive_buffer_size", NULL,
	 offsetof(struct udev_functions, monitor_set_buffer_size)},
	{"udev_monitor_unref", NULL, offsetof(struct udev_functions, monitor_unref)},
};

struct uevents {
	struct udev_functions functions;
	struct udev *udev;
	struct udev_monitor *monitor;
};

static int start(struct uevents *uevents, const struct log *log)
{
	static const char *const subsystems[] = {"pci", "mdev", "vdpa", "vfio", "vfio-dev"};
	const struct udev_functions *functions = &uevents->functions;
	int error = dynlib_load("libudev.so.1", SYMBOLS, sizeof(SYMBOLS) / sizeof(*SYMBOLS),
				&uevents->functions, log);

	if (error < 0)
		return error;
	uevents->udev = functions->new ();
	if (!uevents->udev)
		return -ENOMEM;
	uevents->monitor = functions->monitor_new(uevents->udev, "kernel");
	if (!uevents->monitor)
		return -errno;
	for (size_t i = 0; i < sizeof(subsystems) / sizeof(*subsystems) && error == 0; i++)
		error = functions->monitor_add_subsystem(uevents->monitor, subsystems[i], NULL);
	if (error < 0)
		return error;
	/* an unprivileged process keeps the smaller default */
	functions->monitor_set_buffer_size(uevents->monitor, QUEUE_SIZE);
	return functions->monitor_enable_receiving(uevents->monitor);
}

int uevents_new(const struct log *log, struct uevents **ret)
{
	struct uevents *uevents = calloc(1, sizeof(*uevents));
	int error;

	if (!uevents)
		return -ENOMEM;
	error = start(uevents, log);
	if (error < 0) {
		uevents_free(uevents);
		return error;
	}
	*ret = uevents;
	return 0;
}

void uevents_free(struct uevents *uevents)
{
	if (!uevents)
		return;
	if (uevents->monitor)
		uevents->functions.monitor_unref(uevents->monitor);
	if (uevents->udev)
		uevents->functions.unref(uevents->udev);
	free(uevents);
}

int uevents_fd(const struct uevents *uevents)
{
	return uevents->functions.monitor_get_fd(uevents->monitor);
}

void uevents_read(struct uevents *uevents, bool *ret_relevant, bool *ret_lost)
{
	const struct udev_functions *functions = &uevents->functions;
	struct udev_device *device;

	*ret_relevant = *ret_lost = false;
	for (;;) {
		errno = 0;
		device = functions->monitor_receive_device(uevents->monitor);
		if (device) {
			*ret_relevant = true;
			functions->device_unref(device);
		} else if (errno == ENOBUFS) {
			*ret_lost = true;
		} else if (errno != EINTR) {
			return;
		}
	}
}

#else

int uevents_new(const struct log *log, struct uevents **ret)
{
	(void)log;
	(void)ret;
	return -ENOTSUP;
}

void uevents_free(struct uevents *uevents)
{
	(void)uevents;
}

int uevents_fd(const struct uevents *uevents)
{
	(void)uevents;
	return -1;
}

void uevents_read(struct uevents *uevents, bool *ret_relevant, bool *ret_lost)
{
	(void)uevents;
	*ret_relevant = *ret_lost = false;
}

#endif
