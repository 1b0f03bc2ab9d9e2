/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of the kernel, in a network namespace of the test: there root may have the kernel
 * broadcast a message, as if it came from a device. Messages of other senders are made with a
 * socket of the test. */
#include "tests/unit/test.h"

#include "config.h"
#include "probe/monitor/uevents.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PCI_DEVICE "/devices/pci0000:00/0000:00:02.0"

/* Of a kernel's message: the action and the path, then KEY=VALUE, each with a NUL. */
#define MESSAGE(action, subsystem)                                                                \
	action "@" PCI_DEVICE "\0ACTION=" action "\0DEVPATH=" PCI_DEVICE "\0SUBSYSTEM=" subsystem \
	       "\0PCI_SLOT_NAME=0000:00:02.0\0"

static struct uevents *uevents;
static int sender = -1;
static bool relevant, lost;

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		print_message("# %s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* Returns whether the test has a network namespace that it owns. */
static bool enter_namespace(void)
{
	char map[40];
	unsigned uid = geteuid();

	if (unshare(CLONE_NEWNET) == 0)
		return true;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return false;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	write_file("/proc/self/uid_map", map);
	return true;
}

/* Sends BYTES to the kernel, which appends a number and broadcasts them. */
static int broadcast(const char *bytes, size_t size)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct nlmsghdr header = {.nlmsg_len = (uint32_t)NLMSG_LENGTH(size),
				  .nlmsg_type = NLMSG_MIN_TYPE,
				  .nlmsg_flags = NLM_F_REQUEST};
	struct iovec parts[] = {{&header, sizeof(header)}, {(void *)(uintptr_t)bytes, size}};
	struct msghdr message = {.msg_name = &kernel,
				 .msg_namelen = sizeof(kernel),
				 .msg_iov = parts,
				 .msg_iovlen = 2};

	return sendmsg(sender, &message, 0) < 0 ? -errno : 0;
}

/* Sends BYTES to the group GROUP or the port PORT without the kernel. */
static void forge(const char *bytes, size_t size, unsigned group, unsigned port)
{
	struct sockaddr_nl to = {.nl_family = AF_NETLINK, .nl_groups = group, .nl_pid = port};

	sendto(sender, bytes, size, 0, (struct sockaddr *)&to, sizeof(to));
}

static unsigned port_of(int fd)
{
	struct sockaddr_nl address = {0};
	socklen_t size = sizeof(address);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	return address.nl_pid;
}

static int setup(void **state)
{
	(void)state;
	if (sender < 0) {
		if (!enter_namespace())
			return 0;
		sender = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	}
	return sender < 0 || uevents_new(&(struct log){0}, &uevents) < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	uevents_free(uevents);
	uevents = NULL;
	return 0;
}

static void skip_unless_allowed(void)
{
	if (!uevents || broadcast(MESSAGE("add", "block"), sizeof(MESSAGE("add", "block"))) < 0) {
		print_message("# needs root or user namespaces\n");
		skip();
	}
	uevents_read(uevents, &relevant, &lost);
}

static void messages_about_pci_and_vfio_devices_are_relevant(void **state)
{
	(void)state;
	skip_unless_allowed();
	uevents_read(uevents, &relevant, &lost);
	assert_false(relevant);
#define ASSERT_RELEVANT(action, subsystem)                                                         \
	assert_int_equal(                                                                          \
		broadcast(MESSAGE(action, subsystem), sizeof(MESSAGE(action, subsystem)) - 1), 0); \
	uevents_read(uevents, &relevant, &lost);                                                   \
	assert_true(relevant);                                                                     \
	assert_false(lost)
	ASSERT_RELEVANT("add", "pci");
	ASSERT_RELEVANT("remove", "pci");
	ASSERT_RELEVANT("bind", "pci");
	ASSERT_RELEVANT("unbind", "pci");
	ASSERT_RELEVANT("change", "pci");
	ASSERT_RELEVANT("add", "mdev");
	ASSERT_RELEVANT("add", "vfio");
	ASSERT_RELEVANT("bind", "vdpa");
	ASSERT_RELEVANT("add", "vfio-dev");
}

static void other_messages_are_not(void **state)
{
	static const char block[] = MESSAGE("add", "block"),
			  prefix[] = MESSAGE("add", "pci_express");

	(void)state;
	skip_unless_allowed();
	assert_int_equal(broadcast(block, sizeof(block) - 1), 0);
	assert_int_equal(broadcast(prefix, sizeof(prefix) - 1), 0);
	uevents_read(uevents, &relevant, &lost);
	assert_false(relevant);
	assert_false(lost);
}

static void malformed_messages_are_ignored(void **state)
{
	static const char *const texts[] = {"",
					    "@",
					    "add@",
					    "add@/devices",
					    "\xff\xfe",
					    "libudev",
					    "libudev\0\xfe\xed\xca\xfe",
					    "=",
					    "ACTION=add"};
	char long_text[3000];

	(void)state;
	skip_unless_allowed();
	memset(long_text, 'a', sizeof(long_text));
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		broadcast(texts[i], strlen(texts[i]) + 1);
	broadcast(long_text, sizeof(long_text));
	/* each may end a reading, but none the next message */
	assert_int_equal(broadcast(MESSAGE("add", "pci"), sizeof(MESSAGE("add", "pci")) - 1), 0);
	for (unsigned i = 0; i < 20 && !relevant; i++)
		uevents_read(uevents, &relevant, &lost);
	assert_true(relevant);
}

static void messages_of_other_senders_are_ignored(void **state)
{
	static const char text[] = MESSAGE("add", "pci");

	(void)state;
	skip_unless_allowed();
	forge(text, sizeof(text) - 1, 1, 0);
	forge(text, sizeof(text) - 1, 0, port_of(uevents_fd(uevents)));
	for (unsigned i = 0; i < 5; i++) {
		uevents_read(uevents, &relevant, &lost);
		assert_false(relevant);
	}
}

static void lost_messages_are_reported_once(void **state)
{
	static const char text[] = MESSAGE("add", "pci");
	int size = 4096;

	(void)state;
	skip_unless_allowed();
	assert_int_equal(
		setsockopt(uevents_fd(uevents), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	for (unsigned i = 0; i < 1000; i++)
		broadcast(text, sizeof(text) - 1);
	uevents_read(uevents, &relevant, &lost);
	assert_true(relevant);
	assert_true(lost);
	uevents_read(uevents, &relevant, &lost);
	assert_false(relevant);
	assert_false(lost);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(messages_about_pci_and_vfio_devices_are_relevant,
						setup, teardown),
		cmocka_unit_test_setup_teardown(other_messages_are_not, setup, teardown),
		cmocka_unit_test_setup_teardown(malformed_messages_are_ignored, setup, teardown),
		cmocka_unit_test_setup_teardown(messages_of_other_senders_are_ignored, setup,
						teardown),
		cmocka_unit_test_setup_teardown(lost_messages_are_reported_once, setup, teardown),
	};

	return cmocka_run_group_tests_name("uevents", tests, NULL, NULL);
}
