/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds a device as a VMM would, in one of many ways, until it is killed, or only pretends to. Once
 * it does, prints "held PID..." with the processes that have a descriptor, or "held -" if none has.
 *
 * What to do is in the environment, HOLD="KIND METHOD ADDRESS [UID]", so that the command line can
 * be that of any VMM:
 *
 *   HOLD="group plain 0000:01:00.0" exec -a qemu-system-x86_64 hold-device -name guest=one-42
 *
 * ADDRESS: PCI address, or UUID of a mediated device.
 *
 * KIND: what is opened.
 *   group      /dev/vfio/GROUP
 *   container  the group, attached to a container, and the device
 *   device     like container, but opened by another process, which passed only the device's
 *              descriptor and exited
 *   cdev       /dev/vfio/devices/vfioN, bound to /dev/iommu
 *   cdev-open  the same, not bound
 *   opath      the node with O_PATH only: does not hold the device
 *   file       a regular file under the node's name in a private mount namespace: does not hold it
 *   null       /dev/null under the node's name, likewise
 *   none       nothing
 *   load       40 processes of UID with 20000 descriptors of /dev/null each: do not hold it
 *
 * METHOD: how it is held.
 *   plain      by the process, opened under the node's name
 *   unlinked   the node is unlinked after opening
 *   recreated  the node is unlinked and created again, as udev does
 *   chroot     opened inside a chroot
 *   elsewhere  opened under another name, where the node is bind-mounted
 *   detached   the file system of the node is unmounted lazily
 *   thread     by a thread with its own descriptor table
 *   leader     by a process whose main thread has exited
 *   forked     by the process and three forked workers
 *   passed     by the process and another one that received its descriptor
 *   flight     only by a message queued in a socket
 *   uring      only by an io_uring instance
 *   pidns      by a process in its own PID namespace
 *
 * UID: switch to this user before opening anything.
 *
 * Sources of the ioctls: Linux, Documentation/driver-api/vfio.rst, include/uapi/linux/vfio.h. */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define VFIO_SET_IOMMU 0x3b66
#define VFIO_GROUP_SET_CONTAINER 0x3b68
#define VFIO_GROUP_GET_DEVICE_FD 0x3b6a
#define VFIO_DEVICE_BIND_IOMMUFD 0x3b76
#define VFIO_TYPE1_IOMMU 1
#define LOAD_PROCESSES 40
#define LOAD_DESCRIPTORS 20000

#define NODE_SIZE 300

struct descriptors {
	int items[3];
	size_t count;
};

static const char *kind, *method;
static char address[40];
static char node[NODE_SIZE]; /* the path to open */

static bool kind_is(const char *name)
{
	return strcmp(kind, name) == 0;
}
static bool method_is(const char *name)
{
	return strcmp(method, name) == 0;
}

static int open_or_exit(const char *path, int flags)
{
	int file = open(path, flags);

	if (file < 0)
		err(1, "open %s", path);
	return file;
}

static int check_call(int result, const char *what)
{
	if (result < 0)
		err(1, "%s", what);
	return result;
}

static void add(struct descriptors *descriptors, int file)
{
	descriptors->items[descriptors->count++] = file;
}

/* Finds the node to open: of the group, or of the device for cdev kinds and kernels without group
 * nodes. */
static void find_node(void)
{
	char path[PATH_MAX], target[PATH_MAX];
	struct dirent *entry;
	ssize_t length;
	DIR *directory;
	const char *bus = strchr(address, ':') ? "pci" : "mdev";

	if (strncmp(kind, "cdev", 4) != 0 && access("/dev/vfio/vfio", F_OK) == 0) {
		snprintf(path, sizeof(path), "/sys/bus/%s/devices/%s/iommu_group", bus, address);
		length = readlink(path, target, sizeof(target) - 1);
		if (length < 0)
			err(1, "%s", path);
		target[length] = '\0';
		snprintf(node, sizeof(node), "/dev/vfio/%.16s", strrchr(target, '/') + 1);
		return;
	}
	snprintf(path, sizeof(path), "/sys/bus/%s/devices/%s/vfio-dev", bus, address);
	directory = opendir(path);
	if (!directory)
		err(1, "%s", path);
	while ((entry = readdir(directory)))
		if (strncmp(entry->d_name, "vfio", 4) == 0)
			snprintf(node, sizeof(node), "/dev/vfio/devices/%.255s", entry->d_name);
	closedir(directory);
	if (!node[0])
		errx(1, "%s has no vfioN", path);
}

static void make_node(const char *path, dev_t number)
{
	check_call(mknod(path, S_IFCHR | 0600, number), path);
}

/* Makes the node available where the method opens it. */
static void move_node(void)
{
	static const char chroot_path[] = "/run/jail", other_path[] = "/run/elsewhere",
			  tmpfs_path[] = "/run/detached";
	struct stat status;
	char path[NODE_SIZE];

	check_call(stat(node, &status), node);
	if (method_is("chroot")) {
		mkdir(chroot_path, 0755);
		snprintf(path, sizeof(path), "%s/dev", chroot_path);
		mkdir(path, 0755);
		snprintf(path, sizeof(path), "%s/dev/vfio", chroot_path);
		mkdir(path, 0755);
		/* The whole directory, as the container's node is needed, too. */
		check_call(mount("/dev/vfio", path, NULL, MS_BIND, NULL), "mount");
		check_call(chroot(chroot_path), "chroot");
		check_call(chdir("/"), "chdir");
	} else if (method_is("elsewhere")) {
		int file = open(other_path, O_CREAT | O_WRONLY, 0600);

		check_call(file, other_path);
		close(file);
		check_call(mount(node, other_path, NULL, MS_BIND, NULL), "mount");
		strcpy(node, other_path);
	} else if (method_is("detached")) {
		mkdir(tmpfs_path, 0755);
		check_call(mount("tmpfs", tmpfs_path, "tmpfs", 0, NULL), "mount");
		snprintf(path, sizeof(path), "%s/node", tmpfs_path);
		make_node(path, status.st_rdev);
		strcpy(node, path);
	}
}

static void after_open(void)
{
	struct stat status;

	if (method_is("unlinked") || method_is("recreated")) {
		check_call(stat(node, &status), node);
		check_call(unlink(node), node);
		if (method_is("recreated"))
			make_node(node, status.st_rdev);
	} else if (method_is("detached")) {
		check_call(umount2("/run/detached", MNT_DETACH), "umount");
	} else if (method_is("elsewhere")) {
		check_call(umount2("/run/elsewhere", MNT_DETACH), "umount");
	}
}

static void send_descriptors(int socket, const struct descriptors *descriptors)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(descriptors->items))];
	} control = {0};
	char byte = 0;
	struct iovec vector = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control};
	size_t size = descriptors->count * sizeof(int);

	message.msg_controllen = CMSG_SPACE(size);
	control.header = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(size), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(&control.header), descriptors->items, size);
	check_call((int)sendmsg(socket, &message, 0), "sendmsg");
}

static struct descriptors receive_descriptors(int socket)
{
	struct descriptors descriptors = {0};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(descriptors.items))];
	} control = {0};
	char byte;
	struct iovec vector = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {.msg_iov = &vector,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};

	if (recvmsg(socket, &message, 0) != 1 || message.msg_controllen == 0)
		errx(1, "no descriptor received");
	descriptors.count = (control.header.cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(descriptors.items, CMSG_DATA(&control.header), descriptors.count * sizeof(int));
	return descriptors;
}

static void close_all(const struct descriptors *descriptors)
{
	for (size_t i = 0; i < descriptors->count; i++)
		close(descriptors->items[i]);
}

static struct descriptors open_container(void)
{
	struct descriptors descriptors = {0};
	int group = open_or_exit(node, O_RDWR), container = open_or_exit("/dev/vfio/vfio", O_RDWR);

	check_call(ioctl(group, VFIO_GROUP_SET_CONTAINER, &container), "VFIO_GROUP_SET_CONTAINER");
	check_call(ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU), "VFIO_SET_IOMMU");
	add(&descriptors, check_call(ioctl(group, VFIO_GROUP_GET_DEVICE_FD, address),
				     "VFIO_GROUP_GET_DEVICE_FD"));
	add(&descriptors, group);
	add(&descriptors, container);
	return descriptors;
}

/* A child opens the device, passes on its descriptor and exits. */
static struct descriptors receive_device(void)
{
	struct descriptors descriptors;
	int pair[2];
	pid_t opener;

	check_call(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
	opener = fork();
	check_call(opener, "fork");
	if (opener == 0) {
		descriptors = open_container();
		descriptors.count = 1;
		send_descriptors(pair[1], &descriptors);
		_exit(0);
	}
	/* So that recvmsg() ends if the child fails. */
	close(pair[1]);
	descriptors = receive_descriptors(pair[0]);
	close(pair[0]);
	waitpid(opener, NULL, 0);
	return descriptors;
}

static struct descriptors open_cdev(bool bind_iommufd)
{
	struct {
		uint32_t argsz, flags;
		int32_t iommufd;
		uint32_t out_devid;
	} bind = {.argsz = sizeof(bind)};
	struct descriptors descriptors = {0};

	add(&descriptors, open_or_exit(node, O_RDWR));
	if (bind_iommufd) {
		bind.iommufd = open_or_exit("/dev/iommu", O_RDWR);
		check_call(ioctl(descriptors.items[0], VFIO_DEVICE_BIND_IOMMUFD, &bind),
			   "VFIO_DEVICE_BIND_IOMMUFD");
		add(&descriptors, bind.iommufd);
	}
	return descriptors;
}

static struct descriptors open_device(void)
{
	struct descriptors descriptors = {0};

	if (kind_is("container"))
		descriptors = open_container();
	else if (kind_is("device"))
		descriptors = receive_device();
	else if (kind_is("cdev") || kind_is("cdev-open"))
		descriptors = open_cdev(kind_is("cdev"));
	else if (kind_is("group"))
		add(&descriptors, open_or_exit(node, O_RDWR));
	else
		errx(1, "HOLD: unknown kind %s", kind);
	after_open();
	return descriptors;
}

/* In its own user and mount namespaces an unprivileged user can put anything at the node's path. */
static int open_fake_node(void)
{
	unsigned uid = getuid(), gid = getgid();
	char map[64];
	int file;

	check_call(unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare");
	file = open_or_exit("/proc/self/setgroups", O_WRONLY);
	check_call((int)write(file, "deny", 4), "setgroups");
	close(file);
	file = open_or_exit("/proc/self/uid_map", O_WRONLY);
	check_call((int)write(file, map, (size_t)snprintf(map, sizeof(map), "0 %u 1", uid)),
		   "uid_map");
	close(file);
	file = open_or_exit("/proc/self/gid_map", O_WRONLY);
	check_call((int)write(file, map, (size_t)snprintf(map, sizeof(map), "0 %u 1", gid)),
		   "gid_map");
	close(file);
	check_call(mount("tmpfs", "/dev/vfio", "tmpfs", 0, NULL), "mount");
	file = open(node, O_CREAT | O_RDWR, 0600);
	check_call(file, node);
	if (kind_is("file"))
		return file;
	check_call(mount("/dev/null", node, NULL, MS_BIND, NULL), "mount");
	close(file);
	return open_or_exit(node, O_RDWR);
}

static void print_held(pid_t pid, pid_t other)
{
	if (pid && other)
		printf("held %d %d\n", pid, other);
	else if (pid)
		printf("held %d\n", pid);
	else
		puts("held -");
	fflush(stdout);
}

static _Noreturn void hold(void)
{
	for (;;)
		pause();
}

static void *hold_in_thread(void *unused)
{
	(void)unused;
	if (method_is("thread"))
		check_call(unshare(CLONE_FILES), "unshare");
	else
		/* Wait for the main thread to exit. */
		usleep(100000);
	open_device();
	print_held(getpid(), 0);
	hold();
}

/* The child is killed with its parent. */
static pid_t fork_child(void)
{
	pid_t parent = getpid(), child = fork();

	check_call(child, "fork");
	if (child == 0) {
		check_call(prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
		if (getppid() != parent)
			_exit(1);
	}
	return child;
}

static void hold_in_namespace(void)
{
	pid_t child;
	int pipe_ends[2];
	char byte;

	check_call(pipe(pipe_ends), "pipe");
	check_call(unshare(CLONE_NEWPID), "unshare");
	child = fork();
	check_call(child, "fork");
	if (child == 0) {
		check_call(prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
		open_device();
		check_call((int)write(pipe_ends[1], "", 1), "write");
		hold();
	}
	close(pipe_ends[1]);
	if (read(pipe_ends[0], &byte, 1) != 1)
		errx(1, "the child has exited");
	/* The child's own getpid() is relative to its namespace. */
	print_held(child, 0);
	hold();
}

static void register_with_ring(const struct descriptors *descriptors)
{
	/* struct io_uring_params of include/uapi/linux/io_uring.h, all zero */
	uint64_t parameters[15] = {0};
	int ring = (int)syscall(SYS_io_uring_setup, 1, parameters);

	check_call(ring, "io_uring_setup");
	/* IORING_REGISTER_FILES */
	check_call((int)syscall(SYS_io_uring_register, ring, 2, descriptors->items,
				(unsigned)descriptors->count),
		   "io_uring_register");
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit = {.rlim_cur = LOAD_DESCRIPTORS + 10,
			       .rlim_max = LOAD_DESCRIPTORS + 10};

	check_call(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
}

static void open_many_descriptors(void)
{
	int file = open_or_exit("/dev/null", O_RDONLY);

	for (int i = 0; i < LOAD_DESCRIPTORS; i++)
		check_call(dup(file), "dup");
	for (int i = 1; i < LOAD_PROCESSES; i++)
		if (fork_child() == 0)
			hold();
}

static void become_user(const char *arg)
{
	unsigned uid = (unsigned)strtoul(arg, NULL, 10);

	check_call(setgroups(0, NULL), "setgroups");
	check_call(setresgid(uid, uid, uid), "setresgid");
	check_call(setresuid(uid, uid, uid), "setresuid");
	/* Make its /proc files belong to the new user, as after execve(). */
	check_call(prctl(PR_SET_DUMPABLE, 1), "prctl");
}

static void hold_nothing(void)
{
	if (kind_is("opath"))
		open_or_exit(node, O_PATH);
	else if (kind_is("file") || kind_is("null"))
		open_fake_node();
	else if (kind_is("load"))
		open_many_descriptors();
	print_held(0, 0);
	hold();
}

static void hold_device(void)
{
	struct descriptors descriptors;
	int pair[2];
	pid_t child = 0;

	if (method_is("thread") || method_is("leader")) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, hold_in_thread, NULL))
			errx(1, "no thread");
		if (method_is("leader"))
			pthread_exit(NULL);
		hold();
	}
	if (method_is("pidns"))
		hold_in_namespace();
	descriptors = open_device();
	check_call(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
	if (method_is("flight")) {
		send_descriptors(pair[0], &descriptors);
		close_all(&descriptors);
		print_held(0, 0);
		hold();
	}
	if (method_is("uring")) {
		register_with_ring(&descriptors);
		close_all(&descriptors);
		print_held(0, 0);
		hold();
	}
	if (method_is("passed")) {
		send_descriptors(pair[0], &descriptors);
		child = fork_child();
		if (child == 0) {
			close_all(&descriptors);
			receive_descriptors(pair[1]);
			hold();
		}
	}
	for (int i = 0; method_is("forked") && i < 3; i++) {
		child = fork_child();
		if (child == 0)
			hold();
	}
	print_held(getpid(), child);
	hold();
}

int main(int argc, char **argv)
{
	const char *name = argc ? strrchr(argv[0], '/') : NULL, *spec = getenv("HOLD");
	char kind_arg[16], method_arg[16], uid[16] = "";
	bool holds_nothing;

	if (!spec || sscanf(spec, "%15s %15s %39s %15s", kind_arg, method_arg, address, uid) < 3)
		errx(1, "HOLD is not \"KIND METHOD ADDRESS [UID]\"");
	kind = kind_arg;
	method = method_arg;
	if (argc)
		check_call(prctl(PR_SET_NAME, name ? name + 1 : argv[0]), "prctl");
	if (kind_is("load"))
		raise_descriptor_limit();
	find_node();
	holds_nothing = kind_is("opath") || kind_is("file") || kind_is("null") || kind_is("none") ||
			kind_is("load");
	if (!holds_nothing)
		move_node();
	if (uid[0])
		become_user(uid);
	if (holds_nothing)
		hold_nothing();
	hold_device();
	return 0;
}
