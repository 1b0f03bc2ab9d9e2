/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/engine/execute.h"

#include "binder/engine/devicenodes.h"
#include "binder/engine/state.h"
#include "probe/driver.h"
#include "probe/strings.h"

#include <errno.h>
#include <string.h>

#define PAUSE_MS 50
#define PAUSES_MAX (5000 / PAUSE_MS)

/* What an error of the kernel means. Source: Linux drivers/base/bus.c, drivers/base/dd.c,
 * drivers/pci/pci-driver.c, drivers/pci/iov.c, drivers/vfio. */
static const struct {
	enum step_kind kind;
	int error;
	const char *meaning;
} MEANINGS[] = {
	{STEP_LOAD, ENOENT, "no such module for this kernel"},
	{STEP_LOAD, EPERM, "the kernel is locked down or requires signed modules"},
	{STEP_OVERRIDE, ENOENT, "this kernel has no driver_override (added in Linux 3.16)"},
	{STEP_UNBIND, EBUSY, "still bound to a driver"},
	{STEP_BIND, ENODEV,
	 "the driver rejects the device: it does not support it, driver_override was changed by another program, or sriov_drivers_autoprobe of the physical function is 0"},
	{STEP_BIND, EBUSY,
	 "another driver was bound meanwhile, the device has virtual functions, or its IOMMU group is in use by a VM"},
	{STEP_BIND, EINVAL, "the device has no IOMMU group or is a bridge"},
	{STEP_BIND, EAGAIN, "the driver deferred its probe: it waits for another device or driver"},
	{STEP_PROBE, EBUSY, "driver_override was changed by another program"},
	{STEP_PROBE, EINVAL, "its IOMMU group is in use by a VM, or the driver deferred its probe"},
	{STEP_VFS, EBUSY,
	 "the driver is using the VFs, or their number was changed by another program"},
	{STEP_VFS, ENOENT,
	 "the driver does not support SR-IOV (vfio-pci: only with its parameter enable_sriov)"},
	{STEP_VFS, ERANGE, "more VFs than the device supports"},
	{STEP_VFS, ENOMEM,
	 "not enough bus numbers or address space for the VFs; check the firmware settings"},
};

static const char *find_meaning(enum step_kind kind, int error)
{
	if (error == -ETIMEDOUT)
		return "the kernel has not finished";
	for (size_t i = 0; i < sizeof(MEANINGS) / sizeof(*MEANINGS); i++)
		if (MEANINGS[i].kind == kind && MEANINGS[i].error == -error)
			return MEANINGS[i].meaning;
	return NULL;
}

static bool is_load(const struct step *step)
{
	return step->kind == STEP_LOAD || step->kind == STEP_LOAD_ALIAS;
}

static void log_step_failure(const struct kernel *kernel, const struct change *change,
			     const struct step *step, int error)
{
	const char *meaning = find_meaning(step->kind, error),
		   *what = error == -ETIMEDOUT ? "timed out" : strerror(-error);
	char address[ADDRESS_SIZE];

	address_format(&change->address, address);
	if (is_load(step))
		log_error(kernel->log, "%s: module %s: %s%s%s", address, step->bytes, what,
			  meaning ? ": " : "", meaning ? meaning : "");
	else
		log_error(kernel->log, "%s: writing %s to %s/%s: %s%s%s", address,
			  strcmp(step->bytes, "\n") == 0 ? "a newline" : step->bytes,
			  sysroot_path(kernel->root), step->path, what, meaning ? ": " : "",
			  meaning ? meaning : "");
}

/* Reads the device into a copy of CHANGE. Returns 0, -ENODEV if it is gone, or another negative
 * errno. */
static int read_copy(struct kernel *kernel, const struct change *change, struct change *ret)
{
	int error;

	*ret = (struct change){0};
	error = change_copy(ret, change);
	if (!error)
		error = change_read(kernel, ret);
	if (!error && ret->is_gone)
		error = -ENODEV;
	if (error < 0)
		change_free_members(ret);
	return error;
}

/* Another program may have changed the override meanwhile, as udev's rules of driverctl do. NOW is
 * the device's current binding. Returns 1 if the override has been set again, 0 if it is as wanted,
 * or a negative errno. */
static int set_override_again(struct kernel *kernel, const struct change *change,
			      const struct binding *now)
{
	char address[ADDRESS_SIZE], path[DEVICE_PATH_SIZE];
	int error;

	if (change->is_vfs || text_same(now->override, change->wanted.override))
		return 0;
	log_warning(kernel->log,
		    "%s: another program has changed driver_override to %s; setting it again",
		    address_format(&change->address, address),
		    now->override ? now->override : "none");
	error = kernel->write(kernel, &change->address,
			      device_path(&change->address, "driver_override", path),
			      binding_override_bytes(&change->wanted));
	return error ? error : 1;
}

/* The kernel may have truncated the override. */
static int check_override(struct kernel *kernel, const struct change *change)
{
	struct change copy;
	int error = read_copy(kernel, change, &copy);

	if (error < 0)
		return error;
	error = set_override_again(kernel, change, &copy.now);
	if (error == 1)
		error = change_read(kernel, &copy);
	if (!error && !text_same(copy.now.override, change->wanted.override))
		error = -EIO;
	change_free_members(&copy);
	return error;
}

/* ERROR is the result of the write. -ENODEV and -ENOENT are success if the device has no driver:
 * another program has unbound it. */
static int check_unbound(struct kernel *kernel, const struct change *change, int error)
{
	struct change copy;

	if (error != 0 && error != -ENODEV && error != -ENOENT)
		return error;
	error = read_copy(kernel, change, &copy);
	if (error < 0)
		return error;
	if (copy.now.driver)
		error = -EBUSY;
	change_free_members(&copy);
	return error;
}

static int run_step(struct kernel *kernel, const struct change *change, const struct step *step)
{
	int error;

	log_debug(kernel->log, "%s%s%s%s", is_load(step) ? "loading " : "writing ",
		  strcmp(step->bytes, "\n") == 0 ? "a newline" : step->bytes,
		  is_load(step) ? "" : " to /", step->path);
	if (is_load(step))
		return kernel->load(kernel, &change->address, step->bytes);
	error = kernel->write(kernel, &change->address, step->path, step->bytes);
	if (step->kind == STEP_OVERRIDE && !error)
		return check_override(kernel, change);
	if (step->kind == STEP_UNBIND)
		return check_unbound(kernel, change, error);
	return error;
}

/* The result of a step that depends on the override, if that was changed meanwhile. ERROR is its
 * result so far. */
static int repeat_step(struct kernel *kernel, const struct change *change, const struct step *step,
		       int error)
{
	struct change copy;
	int result = read_copy(kernel, change, &copy);

	if (result < 0)
		return error ? error : result;
	result = set_override_again(kernel, change, &copy.now);
	if (result < 0)
		error = result;
	else if (result == 1 && step->kind == STEP_PROBE && copy.now.driver &&
		 text_same(copy.now.driver, copy.now.override))
		error = -EBUSY; /* the kernel has chosen the driver of the other program */
	else if (result == 1 && !copy.now.driver)
		error = run_step(kernel, change, step);
	else if (change->wanted.driver && text_same(copy.now.driver, change->wanted.driver))
		error = 0; /* bound by another program */
	change_free_members(&copy);
	return error;
}

int execute_step(struct kernel *kernel, const struct change *change, const struct step *step)
{
	int error = run_step(kernel, change, step);

	if ((step->kind == STEP_BIND && (error == -ENODEV || error == -EBUSY)) ||
	    (step->kind == STEP_PROBE && !error))
		error = repeat_step(kernel, change, step, error);
	/* the driver may be built in; the device is returned even without one */
	if (step->kind == STEP_LOAD_ALIAS && error < 0 && error != -ETIMEDOUT) {
		if (error != -ENOENT)
			log_warning(kernel->log, "cannot load the modules for %s: %s", step->bytes,
				    strerror(-error));
		return 0;
	}
	if (error < 0)
		log_step_failure(kernel, change, step, error);
	return error;
}

/* A VM can use a device that is bound to VFIO when its group has a node, or the device itself has.
 */
static bool has_node(const struct kernel *kernel, const struct change *change)
{
	struct strings nodes = {0};
	bool found;

	if (!change->now.driver || !driver_is_vfio(change->now.driver))
		return true;
	found = device_nodes_list(kernel->root, &change->address, change->group, &nodes) == 0 &&
		nodes.count;
	strings_free(&nodes);
	return found;
}

static bool has_vfs(const struct kernel *kernel, const struct change *change)
{
	char name[32], path[DEVICE_PATH_SIZE], target[ADDRESS_SIZE];

	if (!change->is_vfs || !change->vfs_wanted)
		return true;
	snprintf(name, sizeof(name), "virtfn%u", change->vfs_wanted - 1);
	return sysdir_link_name(sysroot_dir(kernel->root),
				device_path(&change->address, name, path), target,
				sizeof(target)) == 0;
}

static int log_verify_failure(const struct kernel *kernel, const struct change *change)
{
	const char *driver = change->now.driver;
	char address[ADDRESS_SIZE];

	address_format(&change->address, address);
	if (change->is_vfs)
		log_error(kernel->log, "%s: has %u VFs, expected %u", address, change->vfs_now,
			  change->vfs_wanted);
	else if (change->wanted.autoprobe && driver)
		log_error(
			kernel->log,
			"%s: bound to %s again: its ids were added to that driver, by new_id or by the parameter ids ('options %s ids=...' in modprobe.d, or the kernel command line)",
			address, driver, driver);
	else if (change_is_applied(change))
		log_error(
			kernel->log,
			"%s: bound to %s, but neither its IOMMU group (%s) nor the device has a node in %s/dev/vfio; check that udev is running or /dev is a devtmpfs",
			address, driver, change->group ? change->group : "none",
			sysroot_path(kernel->root));
	else
		log_error(kernel->log, "%s: bound to %s, expected %s", address,
			  driver ? driver : "no driver",
			  change->wanted.driver ? change->wanted.driver : "no driver");
	return -EIO;
}

int execute_verify(struct kernel *kernel, struct change *change)
{
	char address[ADDRESS_SIZE];
	bool repeated = false;
	int error;

	for (unsigned i = 0;; i++) {
		error = change_read(kernel, change);
		if (!error && change->is_gone)
			error = -ENODEV;
		if (error < 0) {
			log_error(kernel->log, "%s: %s", address_format(&change->address, address),
				  error == -ENODEV ? "removed" : strerror(-error));
			return error;
		}
		if (!repeated && set_override_again(kernel, change, &change->now) == 1) {
			repeated = true;
			continue;
		}
		if (!change_is_applied(change))
			return log_verify_failure(kernel, change);
		if (has_node(kernel, change) && has_vfs(kernel, change))
			return 0;
		if (i == PAUSES_MAX)
			return log_verify_failure(kernel, change);
		kernel->pause(kernel, PAUSE_MS);
	}
}
