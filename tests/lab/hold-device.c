/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds a device as a VMM would, in one of many ways, until it is killed; or only looks as if it
 * did. Prints "held PID..." once it does: the processes that have a descriptor, or "held -" where
 * none has.
 *
 * What to do is in the environment, HOLD="KIND WAY ADDRESS [UID]", so that the command line can be
 * that of any VMM:
 *
 *   HOLD="container plain 0000:01:00.0" exec -a qemu-system-x86_64 hold-device -name guest=one-42
 * ...
 *
 * ADDRESS is a PCI device's, or the UUID of a mediated device.
 * KIND, what is opened:
 *   group      /dev/vfio/GROUP
 *   container  the same, in a container, and the device
 *   device     likewise, but another process opened them, passed on the device's descriptor alone
 * and ended cdev       /dev/vfio/devices/vfioN, bound to /dev/iommu cdev-open  the same, not bound
 *   opath      the node with O_PATH only: holds nothing
 *   file       a regular file of the node's name, in a mount namespace of its own: holds nothing
 *   null       /dev/null under the node's name, likewise: holds nothing
 *   none       nothing
 *   crowd      UID's processes, 40 of 20000 descriptors of /dev/null: hold nothing
 * WAY, how:
 *   plain      by the process, under the node's name
 *   unlinked   the node is unlinked afterwards
 *   recreated  and made again, as udev does
 *   chroot     from within a chroot
 *   elsewhere  by a name in another directory, on which the node is bind-mounted
 *   detached   the file system of the node is unmounted lazily
 *   thread     by a thread with a descriptor table of its own
 *   leader     by a process whose main thread has ended
 *   forked     by the process and three workers that it forked
 *   passed     by the process and another, to which it passed its descriptor
 *   flight     by nothing but a message in a socket
 *   uring      by nothing but a ring of io_uring
 *   pidns      by a process in a PID namespace of its own
 * UID: becomes this user, before anything is opened.
 * The calls are those of Linux, Documentation/driver-api/vfio.rst and include/uapi/linux/vfio.h. */
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
#define CROWD_PROCESSES 40
#define CROWD_DESCRIPTORS 20000

#define NODE_SIZE 300

struct descriptors {
	int items[3];
	size_t count;
};

static const char *kind, *way;
static char address[40];
static char node[NODE_SIZE]; /* the name it is opened by */

static bool kind_is(const char *name)
{
	return strcmp(kind, name) == 0;
}
static bool way_is(const char *name)
{
	return strcmp(way, name) == 0;
}

static int must_open(const char *path, int flags)
{
	int file = open(path, flags);

	if (file < 0)
		err(1, "open %s", path);
	return file;
}

static int must_call(int result, const char *what)
{
	if (result < 0)
		err(1, "%s", what);
	return result;
}

static void add(struct descriptors *descriptors, int file)
{
	descriptors->items[descriptors->count++] = file;
}

/* The name of the device's node: of its group, or its own where that is wanted or groups have none.
 */
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
	must_call(mknod(path, S_IFCHR | 0600, number), path);
}

/* Puts the node where the way wants it. */
static void move_node(void)
{
	static const char chroot_place[] = "/run/jail", other_place[] = "/run/elsewhere",
			  tmpfs_place[] = "/run/detached";
	struct stat status;
	char path[NODE_SIZE];

	must_call(stat(node, &status), node);
	if (way_is("chroot")) {
		mkdir(chroot_place, 0755);
		snprintf(path, sizeof(path), "%s/dev", chroot_place);
		mkdir(path, 0755);
		snprintf(path, sizeof(path), "%s/dev/vfio", chroot_place);
		mkdir(path, 0755);
		/* The container's node is wanted too. */
		must_call(mount("/dev/vfio", path, NULL, MS_BIND, NULL), "mount");
		must_call(chroot(chroot_place), "chroot");
		must_call(chdir("/"), "chdir");
	} else if (way_is("elsewhere")) {
		int file = open(other_place, O_CREAT | O_WRONLY, 0600);

		must_call(file, other_place);
		close(file);
		must_call(mount(node, other_place, NULL, MS_BIND, NULL), "mount");
		strcpy(node, other_place);
	} else if (way_is("detached")) {
		mkdir(tmpfs_place, 0755);
		must_call(mount("tmpfs", tmpfs_place, "tmpfs", 0, NULL), "mount");
		snprintf(path, sizeof(path), "%s/node", tmpfs_place);
		make_node(path, status.st_rdev);
		strcpy(node, path);
	}
}

static void after_open(void)
{
	struct stat status;

	if (way_is("unlinked") || way_is("recreated")) {
		must_call(stat(node, &status), node);
		must_call(unlink(node), node);
		if (way_is("recreated"))
			make_node(node, status.st_rdev);
	} else if (way_is("detached")) {
		must_call(umount2("/run/detached", MNT_DETACH), "umount");
	} else if (way_is("elsewhere")) {
		must_call(umount2("/run/elsewhere", MNT_DETACH), "umount");
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
	must_call((int)sendmsg(socket, &message, 0), "sendmsg");
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
		errx(1, "no descriptor came");
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
	int group = must_open(node, O_RDWR), container = must_open("/dev/vfio/vfio", O_RDWR);

	must_call(ioctl(group, VFIO_GROUP_SET_CONTAINER, &container), "VFIO_GROUP_SET_CONTAINER");
	must_call(ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU), "VFIO_SET_IOMMU");
	add(&descriptors,
	    must_call(ioctl(group, VFIO_GROUP_GET_DEVICE_FD, address), "VFIO_GROUP_GET_DEVICE_FD"));
	add(&descriptors, group);
	add(&descriptors, container);
	return descriptors;
}

/* Another process opens the device, passes it on and ends. */
static struct descriptors receive_device(void)
{
	struct descriptors descriptors;
	int ends[2];
	pid_t opener;

	must_call(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	opener = fork();
	must_call(opener, "fork");
	if (opener == 0) {
		descriptors = open_container();
		descriptors.count = 1;
		send_descriptors(ends[1], &descriptors);
		_exit(0);
	}
	/* Else a failed opener would be waited for. */
	close(ends[1]);
	descriptors = receive_descriptors(ends[0]);
	close(ends[0]);
	waitpid(opener, NULL, 0);
	return descriptors;
}

static struct descriptors open_cdev(bool binds)
{
	struct {
		uint32_t argsz, flags;
		int32_t iommufd;
		uint32_t out_devid;
	} bind = {.argsz = sizeof(bind)};
	struct descriptors descriptors = {0};

	add(&descriptors, must_open(node, O_RDWR));
	if (binds) {
		bind.iommufd = must_open("/dev/iommu", O_RDWR);
		must_call(ioctl(descriptors.items[0], VFIO_DEVICE_BIND_IOMMUFD, &bind),
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
		add(&descriptors, must_open(node, O_RDWR));
	else
		errx(1, "HOLD: no kind %s", kind);
	after_open();
	return descriptors;
}

/* In user and mount namespaces of its own an unprivileged user puts what it wants at the node's
 * name. */
static int open_forgery(void)
{
	unsigned uid = getuid(), gid = getgid();
	char text[64];
	int file;

	must_call(unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare");
	file = must_open("/proc/self/setgroups", O_WRONLY);
	must_call((int)write(file, "deny", 4), "setgroups");
	close(file);
	file = must_open("/proc/self/uid_map", O_WRONLY);
	must_call((int)write(file, text, (size_t)snprintf(text, sizeof(text), "0 %u 1", uid)),
		  "uid_map");
	close(file);
	file = must_open("/proc/self/gid_map", O_WRONLY);
	must_call((int)write(file, text, (size_t)snprintf(text, sizeof(text), "0 %u 1", gid)),
		  "gid_map");
	close(file);
	must_call(mount("tmpfs", "/dev/vfio", "tmpfs", 0, NULL), "mount");
	file = open(node, O_CREAT | O_RDWR, 0600);
	must_call(file, node);
	if (kind_is("file"))
		return file;
	must_call(mount("/dev/null", node, NULL, MS_BIND, NULL), "mount");
	close(file);
	return must_open(node, O_RDWR);
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
	if (way_is("thread"))
		must_call(unshare(CLONE_FILES), "unshare");
	else
		/* The main thread ends first. */
		usleep(100000);
	open_device();
	print_held(getpid(), 0);
	hold();
}

/* A child ends with its parent, which is the one that gets killed. */
static pid_t fork_child(void)
{
	pid_t parent = getpid(), child = fork();

	must_call(child, "fork");
	if (child == 0) {
		must_call(prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
		if (getppid() != parent)
			_exit(1);
	}
	return child;
}

static void hold_in_namespace(void)
{
	pid_t child;
	int ends[2];
	char byte;

	must_call(pipe(ends), "pipe");
	must_call(unshare(CLONE_NEWPID), "unshare");
	child = fork();
	must_call(child, "fork");
	if (child == 0) {
		must_call(prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
		open_device();
		must_call((int)write(ends[1], "", 1), "write");
		hold();
	}
	close(ends[1]);
	if (read(ends[0], &byte, 1) != 1)
		errx(1, "the child has ended");
	/* Its own getpid() is another. */
	print_held(child, 0);
	hold();
}

static void register_with_ring(const struct descriptors *descriptors)
{
	/* struct io_uring_params of include/uapi/linux/io_uring.h, all zero */
	uint64_t parameters[15] = {0};
	int ring = (int)syscall(SYS_io_uring_setup, 1, parameters);

	must_call(ring, "io_uring_setup");
	/* IORING_REGISTER_FILES */
	must_call((int)syscall(SYS_io_uring_register, ring, 2, descriptors->items,
			       (unsigned)descriptors->count),
		  "io_uring_register");
}

static void be_a_crowd(void)
{
	struct rlimit limit = {.rlim_cur = CROWD_DESCRIPTORS + 10,
			       .rlim_max = CROWD_DESCRIPTORS + 10};

	must_call(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
}

static void fill_crowd(void)
{
	int file = must_open("/dev/null", O_RDONLY);

	for (int i = 0; i < CROWD_DESCRIPTORS; i++)
		must_call(dup(file), "dup");
	for (int i = 1; i < CROWD_PROCESSES; i++)
		if (fork_child() == 0)
			hold();
}

static void become_user(const char *text)
{
	unsigned uid = (unsigned)strtoul(text, NULL, 10);

	must_call(setgroups(0, NULL), "setgroups");
	must_call(setresgid(uid, uid, uid), "setresgid");
	must_call(setresuid(uid, uid, uid), "setresuid");
	/* Its /proc files are its own again, as after an execve. */
	must_call(prctl(PR_SET_DUMPABLE, 1), "prctl");
}

static void hold_nothing(void)
{
	if (kind_is("opath"))
		must_open(node, O_PATH);
	else if (kind_is("file") || kind_is("null"))
		open_forgery();
	else if (kind_is("crowd"))
		fill_crowd();
	print_held(0, 0);
	hold();
}

static void hold_device(void)
{
	struct descriptors descriptors;
	int ends[2];
	pid_t child = 0;

	if (way_is("thread") || way_is("leader")) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, hold_in_thread, NULL))
			errx(1, "no thread");
		if (way_is("leader"))
			pthread_exit(NULL);
		hold();
	}
	if (way_is("pidns"))
		hold_in_namespace();
	descriptors = open_device();
	must_call(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	if (way_is("flight")) {
		send_descriptors(ends[0], &descriptors);
		close_all(&descriptors);
		print_held(0, 0);
		hold();
	}
	if (way_is("uring")) {
		register_with_ring(&descriptors);
		close_all(&descriptors);
		print_held(0, 0);
		hold();
	}
	if (way_is("passed")) {
		send_descriptors(ends[0], &descriptors);
		child = fork_child();
		if (child == 0) {
			close_all(&descriptors);
			receive_descriptors(ends[1]);
			hold();
		}
	}
	for (int i = 0; way_is("forked") && i < 3; i++) {
		child = fork_child();
		if (child == 0)
			hold();
	}
	print_held(getpid(), child);
	hold();
}

int main(int argc, char **argv)
{
	const char *name = argc ? strrchr(argv[0], '/') : NULL, *work = getenv("HOLD");
	char kind_text[16], way_text[16], uid[16] = "";
	bool nothing;

	if (!work || sscanf(work, "%15s %15s %39s %15s", kind_text, way_text, address, uid) < 3)
		errx(1, "HOLD is not \"KIND WAY ADDRESS [UID]\"");
	kind = kind_text;
	way = way_text;
	if (argc)
		must_call(prctl(PR_SET_NAME, name ? name + 1 : argv[0]), "prctl");
	if (kind_is("crowd"))
		be_a_crowd();
	find_node();
	nothing = kind_is("opath") || kind_is("file") || kind_is("null") || kind_is("none") ||
		  kind_is("crowd");
	if (!nothing)
		move_node();
	if (uid[0])
		become_user(uid);
	if (nothing)
		hold_nothing();
	hold_device();
	return 0;
}
