/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading Proxmox VE's configurations, from a file system that may hang. */
#include "tests/unit/test.h"

#include "probe/ownership/pvefiles.h"
#include "tests/unit/fakesys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Documentation/admin-guide/devices.txt */
#define FUSE_MINOR 229

static struct fakesys *fake;
static struct sysroot *root;
static struct pve_files files;

static int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	fakesys_process(fake, 1, "/sbin/init");
	return sysroot_new(fake->path, &root);
}

/* Leaves no child. */
static int teardown(void **state)
{
	(void)state;
	pve_files_free(&files);
	sysroot_free(root);
	fakesys_free(fake);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	return 0;
}

static int read_files(void)
{
	pve_files_free(&files);
	return pve_files_read(root, &files);
}

static const struct pve_file *find(const char *name)
{
	for (size_t i = 0; i < files.count; i++)
		if (strcmp(files.items[i].name, name) == 0)
			return &files.items[i];
	fail_msg("%s was not read", name);
	return NULL;
}

static void files_are_read_completely(void **state)
{
	char text[5001];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	fakesys_file(fake, "etc/pve/qemu-server/105.conf", text);
	fakesys_bytes(fake, "etc/pve/qemu-server/106.conf", "a\0b", 3);
	fakesys_file(fake, "etc/pve/qemu-server/x.conf", "");
	fakesys_file(fake, "etc/pve/qemu-server/107.conf.tmp", "");
	fakesys_file(fake, "etc/pve/mapping/pci.cfg", "gpu\n");
	assert_int_equal(read_files(), 0);
	assert_int_equal(files.count, 3);
	assert_int_equal(find("105.conf")->length, 5000);
	assert_string_equal(find("105.conf")->text, text);
	assert_int_equal(find("106.conf")->length, 3);
	assert_string_equal(find("pci.cfg")->text, "gpu\n");
}

static void without_proxmox_there_are_no_files(void **state)
{
	(void)state;
	assert_int_equal(read_files(), -ENOENT);
	fakesys_directory(fake, "etc/pve");
	assert_int_equal(read_files(), -ENOENT);
	assert_int_equal(files.count, 0);
}

static void no_child_is_started_while_an_earlier_one_hangs(void **state)
{
	(void)state;
	fakesys_file(fake, "etc/pve/qemu-server/105.conf", "name: web\n");
	fakesys_process(fake, 77, "/usr/bin/pciprobe");
	fakesys_file(fake, "proc/77/comm", PVE_CHILD "\n");
	assert_int_equal(read_files(), -ETIMEDOUT);
	assert_int_equal(files.count, 0);
	/* another user's process of that name */
	fakesys_user(fake, 77, "65534\t65534\t65534\t65534");
	assert_int_equal(read_files(), 0);
	/* a zombie */
	fakesys_user(fake, 77, "0\t0\t0\t0");
	fakesys_file(fake, "proc/77/stat",
		     "77 (a) Z 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 1077 0 0");
	assert_int_equal(read_files(), 0);
	assert_int_equal(files.count, 1);
}

static void *remove_soon(void *data)
{
	const struct timespec pause = {.tv_nsec = 100000000};

	nanosleep(&pause, NULL);
	fakesys_remove(fake, "proc/77/comm");
	return data;
}

static void another_reader_is_waited_for(void **state)
{
	pthread_t thread;

	(void)state;
	fakesys_file(fake, "etc/pve/qemu-server/105.conf", "name: web\n");
	fakesys_process(fake, 77, "/usr/bin/pciprobe");
	fakesys_file(fake, "proc/77/comm", PVE_CHILD "\n");
	assert_int_equal(pthread_create(&thread, NULL, remove_soon, NULL), 0);
	assert_int_equal(read_files(), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(files.count, 1);
}

/* ---- a file system whose daemon reads requests and doesn't answer ---- */

#define NOT_PERMITTED 77
#define TEST_SECONDS 60

static int fuse;
static atomic_bool stopped;

/* The daemon is a thread of the test program, so that all requests end with the program. */
static void *fuse_daemon(void *data)
{
	static _Alignas(8) char request[FUSE_MIN_READ_BUFFER + 65536];
	const struct fuse_in_header *in = (const void *)request;
	struct pollfd polled = {.fd = fuse, .events = POLLIN};

	while (!stopped) {
		struct {
			struct fuse_out_header header;
			struct fuse_init_out init;
		} answer = {
			.header = {.len = sizeof(answer)},
			.init = {.major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 4096},
		};

		if (poll(&polled, 1, 100) <= 0 || read(fuse, request, sizeof(request)) <= 0)
			continue;
		answer.header.unique = in->unique;
		if (in->opcode == FUSE_INIT && write(fuse, &answer, sizeof(answer)) < 0)
			break;
	}
	return data;
}

/* Mounts in a mount namespace of its own, so that nothing is left. Returns false if that is not
 * permitted. */
static bool mount_hanging(void)
{
	char path[128], options[96];

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return false;
	snprintf(path, sizeof(path), "%s/proc", fake->path);
	if (mount("/proc", path, NULL, MS_BIND, NULL) < 0)
		return false;
	snprintf(path, sizeof(path), "%s/etc/pve", fake->path);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other",
		 fuse);
	if (mount("silent", path, "fuse", 0, options) < 0)
		return false;
	close(fuse);
	/* the old root is open in the other namespace */
	sysroot_free(root);
	return sysroot_new(fake->path, &root) == 0;
}

/* This process's children. */
static unsigned count_children(void)
{
	char text[256];
	unsigned count = 0;
	FILE *file;

	snprintf(text, sizeof(text), "/proc/self/task/%d/children", getpid());
	file = fopen(text, "re");
	while (file && fscanf(file, "%255s", text) == 1)
		count++;
	if (file)
		fclose(file);
	return count;
}

/* Returns 0, or the number of the check that failed. */
static int read_hanging(void)
{
	int error = -ETIMEDOUT;
	char path[128];

	if (!mount_hanging())
		return NOT_PERMITTED;
	/* on a busy machine a child may be killed before it has asked the daemon */
	for (int i = 0; i < 3 || (i < 10 && count_children() == 0); i++) {
		if (read_files() != -ETIMEDOUT)
			return 1;
		if (count_children() > 1)
			return 2;
	}
	if (count_children() != 1)
		return 2;
	/* the daemon ends, and its pending request with it */
	snprintf(path, sizeof(path), "%s/etc/pve", fake->path);
	if (umount2(path, MNT_FORCE | MNT_DETACH) < 0)
		return 3;
	/* the child may need longer than a reading waits for it */
	for (int i = 0; i < 5 && error == -ETIMEDOUT; i++)
		error = read_files();
	if (error != -ENOENT)
		return 4;
	return count_children() == 0 ? 0 : 5;
}

/* Returns the exit status of PID, or -1 on timeout: it may be in uninterruptible sleep. */
static int wait_for(pid_t pid)
{
	const struct timespec pause = {.tv_nsec = 20000000};
	int status;

	for (int i = 0; i < TEST_SECONDS * 50; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		nanosleep(&pause, NULL);
	}
	return -1;
}

/* A container may have no /dev/fuse. */
static int open_fuse(void)
{
	char path[128];
	int file = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (file >= 0 || errno != ENOENT)
		return file;
	snprintf(path, sizeof(path), "%s/fuse", fake->path);
	if (mknod(path, S_IFCHR | 0600, makedev(10, FUSE_MINOR)) < 0)
		return -1;
	file = open(path, O_RDWR | O_CLOEXEC);
	unlink(path);
	return file;
}

static void children_do_not_pile_up(void **state)
{
	pthread_t thread;
	int result;
	pid_t pid;

	(void)state;
	fuse = open_fuse();
	assert_true(fuse >= 0);
	fakesys_directory(fake, "etc/pve");
	stopped = false;
	assert_int_equal(pthread_create(&thread, NULL, fuse_daemon, NULL), 0);
	pid = fork();
	if (pid == 0)
		_exit(read_hanging());
	result = pid < 0 ? -1 : wait_for(pid);
	stopped = true;
	pthread_join(thread, NULL);
	close(fuse);
	if (pid > 0 && result < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	assert_int_equal(result, 0);
}

static bool may_mount(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(unshare(CLONE_NEWNS) < 0);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(files_are_read_completely),
		TEST(without_proxmox_there_are_no_files),
		TEST(no_child_is_started_while_an_earlier_one_hangs),
		TEST(another_reader_is_waited_for),
		TEST(children_do_not_pile_up), /* needs permission to mount; must be the last */
	};

	return _cmocka_run_group_tests("pvefiles", tests, COUNT(tests) - !may_mount(), NULL, NULL);
}
