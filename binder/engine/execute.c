/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/engine/execute.h"

#include "probe/driver.h"

#include <errno.h>
#include <string.h>

#define PAUSE 50
#define PAUSES_MAX (5000 / PAUSE)

/* What the kernel means by it. Source: its drivers/base/bus.c, dd.c, drivers/pci/pci-driver.c,
 * iov.c, drivers/vfio. */
static const struct {
	enum step_kind kind;
	int error;
	const char *meaning;
} MEANINGS[] = {
	{STEP_LOAD, ENOENT, "there is no such module for this kernel"},
	{STEP_LOAD, EPERM, "the kernel is locked down, or wants modules to be signed"},
	{STEP_OVERRIDE, ENOENT, "this kernel has no driver_override (it came with 3.16)"},
	{STEP_UNBIND, EBUSY, "a driver has it all the same"},
	{STEP_BIND, ENODEV,
	 "the driver doesn't take this device: it isn't made for it, something else has changed driver_override, or "
	 "sriov_drivers_autoprobe of its physical function is 0"},
	{STEP_BIND, EBUSY,
	 "another driver has taken it meanwhile, it has virtual functions, or its IOMMU group is a VM's"},
	{STEP_BIND, EINVAL, "it has no IOMMU group, or is a bridge"},
	{STEP_BIND, EAGAIN, "its driver waits for something else to appear first"},
	{STEP_PROBE, EINVAL,
	 "its IOMMU group is a VM's, or its driver waits for something else to appear first"},
	{STEP_VFS, EBUSY,
	 "its driver is using the VFs, or somebody has changed their number meanwhile"},
	{STEP_VFS, ENOENT,
	 "its driver can't make VFs; vfio-pci does with its parameter enable_sriov"},
	{STEP_VFS, ERANGE, "that is more than it can have"},
	{STEP_VFS, ENOMEM,
	 "there is not enough address space for them (bus numbers or memory; see the firmware's settings)"},
};

static const char *meaning_of(enum step_kind kind, int error)
{
	if (error == -ETIMEDOUT)
		return "the kernel has not finished";
	for (size_t i = 0; i < sizeof(MEANINGS) / sizeof(*MEANINGS); i++)
		if (MEANINGS[i].kind == kind && MEANINGS[i].error == -error)
			return MEANINGS[i].meaning;
	return NULL;
}

static void log_step_failure(const struct kernel *kernel, const struct change *change,
			     const struct step *step, int error)
{
	const char *meaning = meaning_of(step->kind, error),
		   *what = error == -ETIMEDOUT ? "no answer in time" : strerror(-error);
	char address[ADDRESS_SIZE];

	address_format(&change->address, address);
	if (step->kind == STEP_LOAD)
		log_error(kernel->log, "%s: module %s: %s%s%s", address, step->bytes, what,
			  meaning ? ": " : "", meaning ? meaning : "");
	else
		log_error(kernel->log, "%s: writing %s to %s/%s: %s%s%s", address,
			  strcmp(step->bytes, "\n") == 0 ? "a newline" : step->bytes,
			  sysroot_path(kernel->root), step->path, what, meaning ? ": " : "",
			  meaning ? meaning : "");
}

/* Reads the device into a copy. Returns 0, -ENODEV when it is gone, or another negative errno. */
static int read_again(struct kernel *kernel, const struct change *change, struct change *ret)
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

/* The kernel may cut a text, or another may have written in between. */
static int check_override(struct kernel *kernel, const struct change *change)
{
	struct change now;
	int error = read_again(kernel, change, &now);

	if (error < 0)
		return error;
	if (!text_same(now.now.override, change->wanted.override))
		error = -EIO;
	change_free_members(&now);
	return error;
}

/* Whether no driver has the device any more, which is all that unbinding was to bring about. */
static int check_unbound(struct kernel *kernel, const struct change *change, int error)
{
	struct change now;

	if (error != 0 && error != -ENODEV && error != -ENOENT)
		return error;
	error = read_again(kernel, change, &now);
	if (error < 0)
		return error;
	if (now.now.driver)
		error = -EBUSY;
	change_free_members(&now);
	return error;
}

int execute_step(struct kernel *kernel, const struct change *change, const struct step *step)
{
	int error;

	log_debug(kernel->log, "%s%s%s%s", step->kind == STEP_LOAD ? "loading " : "writing ",
		  strcmp(step->bytes, "\n") == 0 ? "a newline" : step->bytes,
		  step->kind == STEP_LOAD ? "" : " to /", step->path);
	if (step->kind == STEP_LOAD)
		error = kernel->load(kernel, step->bytes);
	else
		error = kernel->write(kernel, &change->address, step->path, step->bytes);
	if (step->kind == STEP_OVERRIDE && !error)
		error = check_override(kernel, change);
	if (step->kind == STEP_UNBIND)
		error = check_unbound(kernel, change, error);
	if (error < 0)
		log_step_failure(kernel, change, step, error);
	return error;
}

static bool has_node(const struct kernel *kernel, const struct change *change)
{
	_cleanup_sysdir_ struct sysdir dir = {.fd = -1};

	if (!change->now.driver || !driver_is_vfio(change->now.driver))
		return true;
	return change->group && sysdir_open(sysroot_dir(kernel->root), "dev/vfio", &dir) == 0 &&
	       sysdir_has(&dir, change->group);
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
		log_error(kernel->log, "%s: it has %u VFs instead of %u", address, change->vfs_now,
			  change->vfs_wanted);
	else if (change->wanted.any && driver)
		log_error(
			kernel->log,
			"%s: %s has taken it again: its ids were given to that driver, by new_id or by its parameter ids "
			"('options %s ids=...' in modprobe.d, or the kernel's command line)",
			address, driver, driver);
	else if (change_is_applied(change))
		log_error(
			kernel->log,
			"%s: has %s, but there is no %s/dev/vfio/%s; is udev, or a devtmpfs, at work?",
			address, driver, sysroot_path(kernel->root),
			change->group ? change->group : "");
	else
		log_error(kernel->log, "%s: %s%s instead of %s", address,
			  driver ? "it has " : "it has no driver", driver ? driver : "",
			  change->wanted.driver ? change->wanted.driver : "none");
	return -EIO;
}

int execute_verify(struct kernel *kernel, struct change *change)
{
	char address[ADDRESS_SIZE];
	int error;

	for (unsigned i = 0;; i++) {
		error = change_read(kernel, change);
		if (!error && change->is_gone)
			error = -ENODEV;
		if (error < 0) {
			log_error(kernel->log, "%s: %s", address_format(&change->address, address),
				  error == -ENODEV ? "it was taken out" : strerror(-error));
			return error;
		}
		if (!change_is_applied(change))
			return log_verify_failure(kernel, change);
		if (has_node(kernel, change) && has_vfs(kernel, change))
			return 0;
		if (i == PAUSES_MAX)
			return log_verify_failure(kernel, change);
		kernel->pause(kernel, PAUSE);
	}
}
