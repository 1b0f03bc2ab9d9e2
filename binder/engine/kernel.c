/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only file that writes to /sys, and through which network interfaces are changed. */
#include "binder/engine/kernel.h"

#include "binder/engine/journal.h"
#include "binder/host/deadline.h"
#include "probe/dynlib.h"

#include <errno.h>
#include <fcntl.h>
#include <libkmod.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 512

struct kmod_functions {
	typeof(kmod_list_next) *list_next;
	typeof(kmod_module_get_module) *module_get_module;
	typeof(kmod_module_new_from_lookup) *module_new_from_lookup;
	typeof(kmod_module_probe_insert_module) *module_probe_insert_module;
	typeof(kmod_module_unref) *module_unref;
	typeof(kmod_module_unref_list) *module_unref_list;
	typeof(kmod_new) *new;
	typeof(kmod_unref) *unref;
};

/* A call made in a child process. */
struct call {
	struct host_kernel *host;
	const struct pci_address *device; /* for messages, and whose lock a write holds */
	ssize_t (*run)(void *call, void *result, size_t size);
	const char *path; /* or the module's name */
	const char *bytes;
	struct kmod_functions kmod; /* to load a module */
};

/* ---- locks of devices ---- */

/* A child that blocks in the kernel cannot be killed and may outlive this process. Its lock on the
 * byte of its device in this file shows this and later runs that it still exists. The file is never
 * removed, and made before the first change: a full disk does not prevent a rollback. */
static int open_locks(const struct host_kernel *host, int flags)
{
	char path[PATH_SIZE];
	int fd;

	snprintf(path, sizeof(path), "%s/" JOURNAL_LOCKS_PATH, host->path);
	fd = open(path, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

static struct flock device_lock(const struct pci_address *device)
{
	return (struct flock){.l_type = F_WRLCK,
			      .l_whence = SEEK_SET,
			      .l_start = (off_t)device->domain << 16 | (off_t)device->bus << 8 |
					 (off_t)device->slot << 3 | device->function,
			      .l_len = 1};
}

/* Returns a descriptor whose copies hold the device's lock until the last one is closed, or
 * -ETIMEDOUT if an earlier call for the device has not finished. */
static int lock_device(const struct host_kernel *host, const struct pci_address *device)
{
	struct flock lock = device_lock(device);
	int fd = open_locks(host, O_RDWR | O_CREAT), error;

	if (fd < 0 || fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return fd;
	error = errno == EAGAIN || errno == EACCES ? -ETIMEDOUT : -errno;
	close(fd);
	return error;
}

/* If it can't be determined, the device is busy; but a user who may not open the file may not
 * change devices either. */
static bool is_busy(struct kernel *kernel, const struct pci_address *device)
{
	struct flock lock = device_lock(device);
	int fd = open_locks((struct host_kernel *)kernel, O_RDONLY);
	bool busy;

	if (fd < 0)
		return fd != -ENOENT && fd != -ENOTDIR && fd != -EACCES;
	busy = fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type != F_UNLCK;
	close(fd);
	return busy;
}

/* ---- the child ---- */

static ssize_t run_write(void *data, void *result, size_t size)
{
	const struct call *call = data;
	char path[PATH_SIZE];
	size_t length = strlen(call->bytes);
	ssize_t written;
	int fd;

	(void)result, (void)size;
	if (strncmp(call->path, "sys/bus/pci/", strlen("sys/bus/pci/")) != 0 ||
	    strstr(call->path, ".."))
		return -EPERM;
	snprintf(path, sizeof(path), "%s/%s", call->host->path, call->path);
	fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	written = write(fd, call->bytes, length);
	return written < 0 ? -errno : (size_t)written == length ? 0 : -EIO;
}

static ssize_t run_read(void *data, void *result, size_t size)
{
	const struct call *call = data;

	return sysdir_read(sysroot_dir(call->host->kernel.root), call->path, result, size);
}

/* libkmod needs libcrypto, which takes most of the time that linking vfio-bind took. */
static int load_libkmod(struct kmod_functions *ret, const struct log *log)
{
	static const struct dynlib_symbol symbols[] = {
		{"kmod_list_next", NULL, offsetof(struct kmod_functions, list_next)},
		{"kmod_module_get_module", NULL,
		 offsetof(struct kmod_functions, module_get_module)},
		{"kmod_module_new_from_lookup", NULL,
		 offsetof(struct kmod_functions, module_new_from_lookup)},
		{"kmod_module_probe_insert_module", NULL,
		 offsetof(struct kmod_functions, module_probe_insert_module)},
		{"kmod_module_unref", NULL, offsetof(struct kmod_functions, module_unref)},
		{"kmod_module_unref_list", NULL,
		 offsetof(struct kmod_functions, module_unref_list)},
		{"kmod_new", NULL, offsetof(struct kmod_functions, new)},
		{"kmod_unref", NULL, offsetof(struct kmod_functions, unref)},
	};

	return dynlib_load("libkmod.so.2", symbols, sizeof(symbols) / sizeof(*symbols), ret, log);
}

/* Ignores install commands of modprobe.d, which libkmod would run in a shell. */
static int insert_modules(const struct kmod_functions *kmod, struct kmod_ctx *context,
			  const char *name)
{
	unsigned flags = KMOD_PROBE_IGNORE_COMMAND |
			 (strchr(name, ':') ? KMOD_PROBE_APPLY_BLACKLIST : 0);
	struct kmod_list *modules = NULL;
	int error = kmod->module_new_from_lookup(context, name, &modules);

	if (!error && !modules)
		error = -ENOENT;
	for (struct kmod_list *item = modules; item; item = kmod->list_next(modules, item)) {
		struct kmod_module *module = kmod->module_get_module(item);
		int result = kmod->module_probe_insert_module(module, flags, NULL, NULL, NULL,
							      NULL);

		if (result < 0) /* it is positive for an excluded module */
			error = result;
		kmod->module_unref(module);
	}
	kmod->module_unref_list(modules);
	return error;
}

static ssize_t run_load(void *data, void *result, size_t size)
{
	const struct call *call = data;
	struct kmod_ctx *context = call->kmod.new(NULL, NULL);
	int error;

	(void)result, (void)size;
	if (!context)
		return -ENOMEM;
	error = insert_modules(&call->kmod, context, call->path);
	call->kmod.unref(context);
	return error;
}

/* ---- the parent ---- */

void kernel_report_wait(const struct log *log, const struct pci_address *device, const char *what,
			unsigned seconds, const char *why)
{
	char address[ADDRESS_SIZE];

	if (device)
		address_format(device, address);
	log_warning(log, "%s%swaiting for %s, at most %u second%s longer%s%s",
		    device ? address : "", device ? ": " : "", what, seconds,
		    seconds == 1 ? "" : "s", *why ? "; " : "", why);
}

/* The owner of the device when the run began, or else the kernel function that the child is blocked
 * in. */
static void find_cause(const struct kernel *kernel, const struct call *call, pid_t child, char *why,
		       size_t size)
{
	const struct pci_device *device = kernel->inventory
						  ? inventory_find(kernel->inventory, call->device)
						  : NULL;
	char path[32], function[ATTRIBUTE_SIZE];

	*why = '\0';
	for (size_t i = 0; device && i < device->owner_count; i++) {
		const struct owner *owner = &device->owners[i];

		if (owner->reserves || !owner->pid)
			continue;
		snprintf(why, size, "in use by %s%.64s%s process %d", owner->name ? "VM '" : "",
			 owner->name	  ? owner->name
			 : owner->program ? owner->program
					  : "",
			 owner->name ? "'," : ",", owner->pid);
		return;
	}
	snprintf(path, sizeof(path), "proc/%d/wchan", (int)child);
	if (sysdir_read(sysroot_dir(kernel->root), path, function, sizeof(function)) > 1)
		snprintf(why, size, "the kernel is in %.64s", function);
}

static void report_wait(void *data, pid_t child)
{
	const struct call *call = data;
	const struct kernel *kernel = &call->host->kernel;
	const char *name = strrchr(call->path, '/') ? strrchr(call->path, '/') + 1 : call->path;
	char what[128], why[192];

	if (call->run == run_load)
		snprintf(what, sizeof(what), "the kernel to load the module %.64s", name);
	else if (call->run == run_read)
		snprintf(what, sizeof(what), "the kernel to report %.64s", name);
	else if (strcmp(name, "unbind") == 0)
		snprintf(what, sizeof(what), "the kernel to unbind it from its driver");
	else if (strcmp(name, "bind") == 0 || strcmp(name, "drivers_probe") == 0)
		snprintf(what, sizeof(what), "the kernel to bind it to a driver");
	else
		snprintf(what, sizeof(what), "the kernel to set %.64s", name);
	find_cause(kernel, call, child, why, sizeof(why));
	kernel_report_wait(kernel->log, call->device, what, kernel->timeout - KERNEL_QUIET_SECONDS,
			   why);
}

static ssize_t call_in_child(struct call *call, void *result, size_t size)
{
	const struct deadline_call timed = {.run = call->run,
					    .report = report_wait,
					    .data = call,
					    .timeout_ms = call->host->kernel.timeout * 1000,
					    .quiet_ms = KERNEL_QUIET_SECONDS * 1000};

	return deadline_call(&timed, result, size);
}

/* The child inherits the lock, which thus outlives this process if the child does: there is no
 * moment at which a change is still to come and the device is not locked. */
static int change_in_child(struct call *call)
{
	int lock = lock_device(call->host, call->device), result;

	if (lock < 0)
		return lock;
	result = (int)call_in_child(call, NULL, 0);
	close(lock);
	return result;
}

static int host_write(struct kernel *kernel, const struct pci_address *device, const char *path,
		      const char *bytes)
{
	struct call call = {.host = (struct host_kernel *)kernel,
			    .device = device,
			    .run = run_write,
			    .path = path,
			    .bytes = bytes};

	return change_in_child(&call);
}

static ssize_t host_read(struct kernel *kernel, const struct pci_address *device, const char *path,
			 char buffer[static ATTRIBUTE_SIZE])
{
	struct call call = {.host = (struct host_kernel *)kernel,
			    .device = device,
			    .run = run_read,
			    .path = path};
	ssize_t length = is_busy(kernel, device) ? -ETIMEDOUT
						 : call_in_child(&call, buffer, ATTRIBUTE_SIZE);

	if (length >= 0)
		buffer[length] = '\0';
	return length;
}

static int host_load(struct kernel *kernel, const struct pci_address *device, const char *module)
{
	struct call call = {.host = (struct host_kernel *)kernel,
			    .device = device,
			    .run = run_load,
			    .path = module};
	int error = load_libkmod(&call.kmod, kernel->log);

	if (error < 0)
		return error;
	return change_in_child(&call);
}

/* What a wait for a change of an interface is reported for. */
struct link_wait {
	const struct log *log;
	const struct pci_address *device;
};

static void report_link_wait(const void *data, unsigned left)
{
	const struct link_wait *wait = data;

	kernel_report_wait(wait->log, wait->device, "the kernel to set its virtual functions", left,
			   "a driver may hold the RTNL lock");
}

/* As in change_in_child, the child inherits the lock. */
static int host_set_link(struct kernel *kernel, const struct pci_address *device,
			 const struct nlmsghdr *request, netlink_receiver *receive, void *data)
{
	const struct link_wait wait = {kernel->log, device};
	struct host_netlink netlink;
	int lock = lock_device((struct host_kernel *)kernel, device), result;

	if (lock < 0)
		return lock;
	host_netlink_init(&netlink, kernel->timeout);
	netlink.report = report_link_wait;
	netlink.data = &wait;
	netlink.quiet = KERNEL_QUIET_SECONDS;
	netlink.kept = lock;
	result = netlink.netlink.query(&netlink.netlink, NULL, request, receive, data);
	close(lock);
	return result;
}

/* Does not open the node: only one process at a time can have a VFIO group open. */
static int host_chown(struct kernel *kernel, const char *path, uid_t user, gid_t group)
{
	const struct host_kernel *host = (const struct host_kernel *)kernel;
	char full[PATH_SIZE];
	struct stat status;

	snprintf(full, sizeof(full), "%s/%s", host->path, path);
	if (lstat(full, &status) < 0)
		return -errno;
	if (!S_ISCHR(status.st_mode))
		return -ENODEV;
	return lchown(full, user, group) < 0 || chmod(full, 0660) < 0 ? -errno : 0;
}

static void host_pause(struct kernel *kernel, unsigned milliseconds)
{
	(void)kernel;
	usleep(milliseconds * 1000);
}

void host_kernel_init(struct host_kernel *kernel, struct sysroot *root, const struct log *log,
		      unsigned timeout)
{
	*kernel = (struct host_kernel){
		.kernel = {.root = root,
			   .log = log,
			   .timeout = timeout,
			   .write = host_write,
			   .read = host_read,
			   .set_link = host_set_link,
			   .is_busy = is_busy,
			   .load = host_load,
			   .chown = host_chown,
			   .pause = host_pause},
		.path = sysroot_path(root),
	};
}
