/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/netlink.h"

#include "probe/ownership/child.h"
#include "probe/ownership/deadline.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's datagrams of a dump have at most 32 KiB (netlink_dump in net/netlink/af_netlink.c).
 */
#define DATAGRAM_SIZE 65536
#define CHILD_END_MILLISECONDS 200

/* The first message of the child. */
struct opened {
	int error; /* 0, or a negative errno */
	unsigned port;
};

/* ---- the child ---- */

static int enter_namespace(const char *namespace)
{
	int fd = open(namespace, O_RDONLY | O_NOCTTY | O_CLOEXEC), error = 0;

	if (fd < 0)
		return -errno;
	if (setns(fd, CLONE_NEWNET) < 0)
		error = -errno;
	close(fd);
	return error;
}

/* Returns a socket or a negative errno. Connected, it receives from the kernel only: in its
 * namespace root of a container could send to it. */
static int open_socket(unsigned *ret_port)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK};
	socklen_t length = sizeof(address);
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &length) < 0)
		return -errno;
	*ret_port = address.nl_pid;
	return fd;
}

/* Passes on datagrams until the parent has what it waits for and kills this process, or is killed
 * itself. */
static void relay(int from, int to)
{
	static char buffer[DATAGRAM_SIZE];
	struct pollfd wait[] = {{.fd = from, .events = POLLIN}, {.fd = to}};
	ssize_t length;

	for (;;) {
		if ((poll(wait, 2, -1) < 0 && errno != EINTR) || wait[1].revents)
			return;
		if (!wait[0].revents)
			continue;
		length = recv(from, buffer, sizeof(buffer), MSG_TRUNC);
		if (length < 0 && errno == EINTR)
			continue;
		if (length <= 0 || (size_t)length > sizeof(buffer) ||
		    send(to, buffer, (size_t)length, MSG_NOSIGNAL) < 0)
			return;
	}
}

/* The descriptors of the parent are closed, so that a child that hangs keeps no other lock of it
 * than KEPT. */
static void __attribute__((noreturn))
child_main(const char *namespace, const struct nlmsghdr *request, int out, int kept)
{
	struct opened opened = {0};
	int fd, first = STDIN_FILENO + 1;

	if (dup2(out, STDIN_FILENO) < 0 || (kept >= 0 && dup2(kept, first++) < 0))
		_exit(1);
	/* Linux before 5.9 does not have it */
	if (syscall(SYS_close_range, (unsigned)first, ~0u, 0u) < 0)
		for (fd = first; fd < 1024; fd++)
			close(fd);
	out = STDIN_FILENO;
	opened.error = namespace ? enter_namespace(namespace) : 0;
	fd = opened.error ? -1 : open_socket(&opened.port);
	if (!opened.error && fd < 0)
		opened.error = fd;
	if (send(out, &opened, sizeof(opened), MSG_NOSIGNAL) < 0 || opened.error)
		_exit(1);
	if (send(fd, request, request->nlmsg_len, 0) >= 0)
		relay(fd, out);
	_exit(1);
}

/* ---- the parent ---- */

/* Returns the length of the child's next message, or a negative errno: -EIO if it has exited. */
static ssize_t receive_message(int in, void *buffer, size_t size, int64_t deadline)
{
	struct pollfd wait = {.fd = in, .events = POLLIN};
	ssize_t length;
	int ready;

	do {
		ready = deadline_poll(&wait, 1, deadline);
		if (ready < 0)
			return ready;
		length = recv(in, buffer, size, MSG_DONTWAIT | MSG_TRUNC);
	} while (length < 0 && (errno == EINTR || errno == EAGAIN));
	if (length < 0)
		return -errno;
	return length == 0 ? -EIO : (size_t)length > size ? -EMSGSIZE : length;
}

static void report_wait(const struct host_netlink *host, int in)
{
	struct pollfd wait = {.fd = in, .events = POLLIN};

	if (host->report && host->timeout > host->quiet &&
	    deadline_poll(&wait, 1, deadline_in((int64_t)host->quiet * 1000)) == -ETIMEDOUT)
		host->report(host->data, host->timeout - host->quiet);
}

static int receive_answer(const struct host_netlink *host, int in, netlink_receiver *receive,
			  void *data)
{
	int64_t deadline = deadline_in((int64_t)host->timeout * 1000);
	_Alignas(struct nlmsghdr) char buffer[DATAGRAM_SIZE];
	struct opened opened;
	ssize_t length = receive_message(in, &opened, sizeof(opened), deadline);
	int result = 1;

	if (length < 0)
		return (int)length;
	if (length != sizeof(opened))
		return -EIO;
	if (opened.error)
		return opened.error;
	report_wait(host, in);
	while (result == 1) {
		length = receive_message(in, buffer, sizeof(buffer), deadline);
		result = length < 0 ? (int)length
				    : receive(data, buffer, (size_t)length, opened.port);
	}
	return result;
}

static int host_query(struct netlink *netlink, const char *namespace,
		      const struct nlmsghdr *request, netlink_receiver *receive, void *data)
{
	struct host_netlink *host = (struct host_netlink *)netlink;
	int ends[2], result, status;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	child = fork();
	if (child == 0)
		child_main(namespace, request, ends[1], host->kept);
	result = child < 0 ? -errno : 0;
	close(ends[1]);
	if (child > 0) {
		result = receive_answer(host, ends[0], receive, data);
		child_end(child, false, CHILD_END_MILLISECONDS, &status);
	}
	close(ends[0]);
	return result;
}

void host_netlink_init(struct host_netlink *netlink, unsigned timeout)
{
	*netlink = (struct host_netlink){
		.netlink = {.query = host_query}, .timeout = timeout, .kept = -1};
}
