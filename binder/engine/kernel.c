/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only file that writes to /sys. */
#include "binder/engine/kernel.h"

#include "binder/engine/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <libkmod.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATH_SIZE 512

/* A call made in a child process. */
struct call {
	const struct pci_address *device; /* that it changes; NULL: none */
	const struct pci_address *about;  /* for messages; NULL: none */
	ssize_t (*run)(struct host_kernel *host, struct call *call);
	const char *path; /* or the module's name */
	const char *bytes;
	char value[ATTRIBUTE_SIZE]; /* result of a read */
};

static void busy_path(const struct host_kernel *host, const struct pci_address *device,
		      char path[static PATH_SIZE])
{
	char address[ADDRESS_SIZE];

	snprintf(path, PATH_SIZE, "%s/" JOURNAL_DIRECTORY "/busy-%s", host->path,
		 address_format(device, address));
}

/* A child that blocks in the kernel cannot be killed and may outlive this process. Its lock on this
 * file shows this and later runs that it still exists; the kernel releases the lock when the child
 * exits. The descriptor stays open until then. */
static int lock_busy_file(const struct host_kernel *host, const struct pci_address *device)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[PATH_SIZE];
	int fd;

	busy_path(host, device, path);
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0)
		return errno == EAGAIN || errno == EACCES ? -ETIMEDOUT : -errno;
	return 0;
}

static bool is_busy(struct kernel *kernel, const struct pci_address *device)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[PATH_SIZE];
	bool busy;
	int fd;

	busy_path((struct host_kernel *)kernel, device, path);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	busy = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	close(fd);
	return busy;
}

/* ---- the child ---- */

static void __attribute__((noreturn))
child_main(struct host_kernel *host, struct call *call, int pipe_fd)
{
	ssize_t result = 0;

	if (host->lock >= 0)
		close(host->lock);
	if (call->device)
		result = lock_busy_file(host, call->device);
	if (!result)
		result = call->run(host, call);
	if (write(pipe_fd, &result, sizeof(result)) == sizeof(result) && result > 0)
		while (write(pipe_fd, call->value, (size_t)result) < 0 && errno == EINTR)
			;
	_exit(0);
}

static ssize_t run_write(struct host_kernel *host, struct call *call)
{
	char path[PATH_SIZE];
	size_t length = strlen(call->bytes);
	ssize_t written;
	int fd;

	if (strncmp(call->path, "sys/bus/pci/", strlen("sys/bus/pci/")) != 0 ||
	    strstr(call->path, ".."))
		return -EPERM;
	snprintf(path, sizeof(path), "%s/%s", host->path, call->path);
	fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	written = write(fd, call->bytes, length);
	return written < 0 ? -errno : (size_t)written == length ? 0 : -EIO;
}

static ssize_t run_read(struct host_kernel *host, struct call *call)
{
	return sysdir_read(sysroot_dir(host->kernel.root), call->path, call->value,
			   sizeof(call->value));
}

/* Ignores install commands of modprobe.d, which libkmod would run in a shell. */
static int insert_modules(struct kmod_ctx *context, const char *name)
{
	struct kmod_list *modules = NULL, *item;
	int error = kmod_module_new_from_lookup(context, name, &modules);

	if (!error && !modules)
		error = -ENOENT;
	kmod_list_foreach(item, modules)
	{
		struct kmod_module *module = kmod_module_get_module(item);

		if (!error)
			error = kmod_module_probe_insert_module(module, KMOD_PROBE_IGNORE_COMMAND,
								NULL, NULL, NULL, NULL);
		kmod_module_unref(module);
	}
	kmod_module_unref_list(modules);
	return error;
}

static ssize_t run_load(struct host_kernel *host, struct call *call)
{
	struct kmod_ctx *context = kmod_new(NULL, NULL);
	int error;

	(void)host;
	if (!context)
		return -ENOMEM;
	error = insert_modules(context, call->path);
	kmod_unref(context);
	return error > 0 ? -EIO : error;
}

/* ---- the parent ---- */

static int milliseconds_left(const struct timespec *end)
{
	struct timespec now;
	long long left;

	clock_gettime(CLOCK_MONOTONIC, &now);
	left = (long long)(end->tv_sec - now.tv_sec) * 1000 +
	       (end->tv_nsec - now.tv_nsec) / 1000000;
	return left > 0 ? (int)left : 0;
}

/* Reads SIZE bytes before END. Returns 0, -ETIMEDOUT, or -EIO if the child exited before it has
 * written them. */
static int read_pipe(int pipe_fd, void *buffer, size_t size, const struct timespec *end)
{
	struct pollfd wait = {.fd = pipe_fd, .events = POLLIN};
	ssize_t n;

	for (size_t done = 0; done < size; done += (size_t)n) {
		int ready = poll(&wait, 1, milliseconds_left(end));

		n = 0;
		if (ready == 0)
			return -ETIMEDOUT;
		if (ready < 0 && errno == EINTR)
			continue;
		n = read(pipe_fd, (char *)buffer + done, size - done);
		if (n == 0)
			return -EIO;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n < 0)
			n = 0;
	}
	return 0;
}

/* A child in D state cannot be killed; it is not waited for any longer. */
static void kill_child(pid_t child)
{
	kill(child, SIGKILL);
	for (unsigned i = 0; i < 20 && waitpid(child, NULL, WNOHANG) == 0; i++)
		usleep(10000);
}

/* Returns whether the child has written its result, or exited, before END. */
static bool wait_for_result(int pipe_fd, const struct timespec *end)
{
	struct pollfd wait = {.fd = pipe_fd, .events = POLLIN};
	int ready;

	do
		ready = poll(&wait, 1, milliseconds_left(end));
	while (ready < 0 && errno == EINTR);
	return ready != 0;
}

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
	const struct pci_device *device = kernel->inventory && call->about
						  ? inventory_find(kernel->inventory, call->about)
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

static void report_wait(const struct kernel *kernel, const struct call *call, pid_t child)
{
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
	kernel_report_wait(kernel->log, call->about, what, kernel->timeout - KERNEL_QUIET_SECONDS,
			   why);
}

static ssize_t read_result(const struct kernel *kernel, int pipe_fd, pid_t child, struct call *call)
{
	struct timespec end, quiet;
	ssize_t result;
	int error;

	clock_gettime(CLOCK_MONOTONIC, &end);
	quiet = end;
	quiet.tv_sec += KERNEL_QUIET_SECONDS;
	end.tv_sec += kernel->timeout;
	if (kernel->timeout > KERNEL_QUIET_SECONDS && !wait_for_result(pipe_fd, &quiet))
		report_wait(kernel, call, child);
	error = read_pipe(pipe_fd, &result, sizeof(result), &end);
	if (!error && result > 0 && result < (ssize_t)sizeof(call->value)) {
		error = read_pipe(pipe_fd, call->value, (size_t)result, &end);
		call->value[result] = '\0';
	} else if (!error && result == 0) {
		call->value[0] = '\0';
	}
	return error ? error : result;
}

/* Returns the result of the call, or -ETIMEDOUT. */
static ssize_t call_in_child(struct kernel *kernel, struct call *call)
{
	struct host_kernel *host = (struct host_kernel *)kernel;
	int ends[2];
	ssize_t result;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	child = fork();
	if (child == 0) {
		close(ends[0]);
		child_main(host, call, ends[1]);
	}
	result = child < 0 ? -errno : 0;
	close(ends[1]);
	if (child > 0) {
		result = read_result(kernel, ends[0], child, call);
		if (result == -ETIMEDOUT)
			kill_child(child);
		else
			waitpid(child, NULL, 0);
	}
	close(ends[0]);
	return result;
}

static int host_write(struct kernel *kernel, const struct pci_address *device, const char *path,
		      const char *bytes)
{
	struct call call = {
		.device = device, .about = device, .run = run_write, .path = path, .bytes = bytes};
	int result = (int)call_in_child(kernel, &call);
	char busy[PATH_SIZE];

	busy_path((struct host_kernel *)kernel, device, busy);
	if (result != -ETIMEDOUT)
		unlink(busy);
	return result;
}

static ssize_t host_read(struct kernel *kernel, const struct pci_address *device, const char *path,
			 char buffer[static ATTRIBUTE_SIZE])
{
	struct call call = {.about = device, .run = run_read, .path = path};
	ssize_t length = is_busy(kernel, device) ? -ETIMEDOUT : call_in_child(kernel, &call);

	if (length >= 0)
		memcpy(buffer, call.value, (size_t)length + 1);
	return length;
}

static int host_load(struct kernel *kernel, const char *module)
{
	struct call call = {.run = run_load, .path = module};

	return (int)call_in_child(kernel, &call);
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
			   .is_busy = is_busy,
			   .load = host_load,
			   .chown = host_chown,
			   .pause = host_pause},
		.path = sysroot_path(root),
		.lock = -1,
	};
}
