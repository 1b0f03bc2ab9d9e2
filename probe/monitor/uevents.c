/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/monitor/uevents.h"

#include "config.h"

#include <errno.h>
#include <stdlib.h>

#ifdef HAVE_LIBUDEV

#include <libudev.h>

/* For some ten thousand messages. They use it only while nobody reads them. */
#define QUEUE_SIZE (32 << 20)

struct uevents {
	struct udev *udev;
	struct udev_monitor *monitor;
};

static int start(struct uevents *uevents)
{
	static const char *const subsystems[] = {"pci", "mdev", "vfio", "vfio-dev"};
	int error = 0;

	uevents->udev = udev_new();
	if (!uevents->udev)
		return -ENOMEM;
	uevents->monitor = udev_monitor_new_from_netlink(uevents->udev, "kernel");
	if (!uevents->monitor)
		return -errno;
	for (size_t i = 0; i < sizeof(subsystems) / sizeof(*subsystems) && error == 0; i++)
		error = udev_monitor_filter_add_match_subsystem_devtype(uevents->monitor,
									subsystems[i], NULL);
	if (error < 0)
		return error;
	/* an unprivileged process keeps the smaller default */
	udev_monitor_set_receive_buffer_size(uevents->monitor, QUEUE_SIZE);
	return udev_monitor_enable_receiving(uevents->monitor);
}

int uevents_new(struct uevents **ret)
{
	struct uevents *uevents = calloc(1, sizeof(*uevents));
	int error;

	if (!uevents)
		return -ENOMEM;
	error = start(uevents);
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
	udev_monitor_unref(uevents->monitor);
	udev_unref(uevents->udev);
	free(uevents);
}

int uevents_fd(const struct uevents *uevents)
{
	return udev_monitor_get_fd(uevents->monitor);
}

void uevents_read(struct uevents *uevents, bool *ret_relevant, bool *ret_lost)
{
	struct udev_device *device;

	*ret_relevant = *ret_lost = false;
	for (;;) {
		errno = 0;
		device = udev_monitor_receive_device(uevents->monitor);
		if (device)
			*ret_relevant = true;
		else if (errno == ENOBUFS)
			*ret_lost = true;
		else if (errno != EINTR)
			return;
		udev_device_unref(device);
	}
}

#else

int uevents_new(struct uevents **ret)
{
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
