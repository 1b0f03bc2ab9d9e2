/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Queries of the running kernel in a network namespace of the test's own, and malformed answers. */
#include "tests/unit/test.h"

#include "common/rtnetlink-vf.h"
#include "common/rtnetlink.h"
#include "tests/unit/binder/fakenetlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the running kernel ---- */

static struct host_netlink host;
static unsigned d0, d1;
static bool has_namespace;

/* Whether the shell command succeeds. */
static bool run(const char *command)
{
	return system(command) == 0;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!write(fd, text, strlen(text));
	close(fd);
}

/* Two interfaces that are up, without hardware: not every kernel has the type dummy. */
static bool add_interfaces(void)
{
	return (run("ip link add d0 type dummy 2>/dev/null && ip link add d1 type dummy") ||
		run("ip link add d0 type ifb 2>/dev/null && ip link add d1 type ifb")) &&
	       run("ip link set lo up && ip link set d0 up && ip link set d1 up") &&
	       run("ip addr add 10.1.0.1/24 dev d0 && ip addr add 10.2.0.1/24 dev d1");
}

static int enter_namespace(void **state)
{
	char map[64];
	uid_t user = geteuid();

	(void)state;
	host_netlink_init(&host, 10);
	if (user && unshare(CLONE_NEWUSER) == 0) {
		snprintf(map, sizeof(map), "0 %u 1\n", user);
		write_file("/proc/self/uid_map", map);
	}
	has_namespace = unshare(CLONE_NEWNET) == 0 && add_interfaces();
	d0 = if_nametoindex("d0");
	d1 = if_nametoindex("d1");
	return 0;
}

/* Returns from the test if the kernel, or ip(8), lacks something. */
#define NEEDS(condition)                                    \
	do {                                                \
		if (!(condition)) {                         \
			print_message("# not available\n"); \
			return;                             \
		}                                           \
	} while (0)

/* A route as "10.0.0.0/16 table 254 d1 d0", after "|". */
struct routes_text {
	char text[4096];
	size_t length;
};

static int add_route(void *data, const struct rtnetlink_route *route)
{
	struct routes_text *routes = data;
	char address[INET6_ADDRSTRLEN], name[IFNAMSIZ];

	if (route->type != RTN_UNICAST)
		return 0;
	inet_ntop(route->destination.family, route->destination.bytes, address, sizeof(address));
	routes->length += (size_t)snprintf(routes->text + routes->length,
					   sizeof(routes->text) - routes->length, "|%s/%u table %u",
					   address, route->length, route->table);
	for (size_t i = 0; i < route->interfaces.count; i++)
		routes->length += (size_t)snprintf(
			routes->text + routes->length, sizeof(routes->text) - routes->length, " %s",
			if_indextoname(route->interfaces.items[i], name));
	if (route->nexthop)
		routes->length += (size_t)snprintf(routes->text + routes->length,
						   sizeof(routes->text) - routes->length, " id %u",
						   route->nexthop);
	return 0;
}

static const char *list_routes(int family)
{
	static struct routes_text routes;

	routes = (struct routes_text){.length = 0};
	assert_int_equal(rtnetlink_routes(&host.netlink, family, add_route, &routes), 0);
	snprintf(routes.text + routes.length, sizeof(routes.text) - routes.length, "|");
	return routes.text;
}

static const char *route_to(const char *to, const char *from, unsigned vrf, bool whole)
{
	static struct routes_text routes;
	struct ip_address source = {.family = AF_INET}, destination = {.family = AF_INET};

	routes = (struct routes_text){.length = 0};
	assert_int_equal(inet_pton(AF_INET, to, destination.bytes), 1);
	if (from)
		assert_int_equal(inet_pton(AF_INET, from, source.bytes), 1);
	assert_int_equal(rtnetlink_route_to(&host.netlink, &destination, from ? &source : NULL, vrf,
					    whole, add_route, &routes),
			 0);
	return routes.text;
}

static void every_next_hop_of_a_route_is_read(void **state)
{
	(void)state;
	NEEDS(has_namespace);
	assert_true(run("ip route add 10.6.0.0/16 nexthop via 10.2.0.2 dev d1 nexthop via 10.1.0.2 "
			"dev d0"));
	assert_contains(list_routes(AF_INET), "|10.6.0.0/16 table 254 d1 d0|");
	assert_string_equal(route_to("10.6.1.1", NULL, 0, true), "|10.6.0.0/16 table 254 d1 d0");
	assert_contains(route_to("10.6.1.1", "10.1.0.1", 0, false), "|10.6.1.1/32 table 254 d");
}

static void routes_of_other_tables_are_read(void **state)
{
	(void)state;
	NEEDS(has_namespace);
	assert_true(run("ip route add 10.7.0.0/16 via 10.1.0.2 table 1000 && ip route add "
			"unreachable 10.9.0.0/16"));
	assert_contains(list_routes(AF_INET), "|10.7.0.0/16 table 1000 d0|");
	assert_null(strstr(list_routes(AF_INET), "10.9.0.0"));
	assert_string_equal(route_to("10.7.0.1", NULL, 0, false), "");
	assert_string_equal(route_to("10.9.0.1", NULL, 0, false), "");
	assert_string_equal(route_to("10.1.0.9", "8.8.8.8", 0, false), "");
	assert_string_equal(route_to("10.1.0.9", NULL, 0, false), "|10.1.0.9/32 table 254 d0");
}

static void routes_of_ipv6_are_read(void **state)
{
	(void)state;
	NEEDS(has_namespace &&
	      run("ip addr add 2001:db8::1/64 dev d0 nodad 2>/dev/null && ip addr add 2001:db8:2::1/64 dev d1 nodad"));
	assert_true(run("ip -6 route add 2001:db8:6::/48 nexthop via 2001:db8::2 dev d0 nexthop "
			"via 2001:db8:2::2 dev d1"));
	assert_contains(list_routes(AF_INET6), "|2001:db8::/64 table 254 d0|");
	assert_contains(list_routes(AF_INET6), "|2001:db8:6::/48 table 254 d");
	assert_contains(strstr(list_routes(AF_INET6), "2001:db8:6::/48"), "d1");
}

/* Without the compatible mode the kernel reports only the id. */
static void next_hop_objects_are_resolved(void **state)
{
	struct index_set interfaces = {.items = &d0, .count = 1}, ids;

	(void)state;
	NEEDS(has_namespace && run("ip nexthop add id 5 via 10.1.0.2 dev d0 2>/dev/null"));
	write_file("/proc/sys/net/ipv4/nexthop_compat_mode", "0\n");
	assert_true(run("ip nexthop add id 6 via 10.2.0.2 dev d1 && ip nexthop add id 7 group 6/5 "
			"&& ip route add 10.8.0.0/16 nhid 7"));
	assert_contains(list_routes(AF_INET), " id 7|");
	assert_int_equal(rtnetlink_nexthops(&host.netlink, &interfaces, &ids), 0);
	assert_true(index_set_has(&ids, 5));
	assert_false(index_set_has(&ids, 6));
	assert_true(index_set_has(&ids, 7));
	index_set_free(&ids);
}

static int find_vrf(void *data, const struct rtnetlink_link *link)
{
	if (link->is_vrf)
		*(unsigned *)data = link->index;
	return 0;
}

static void routes_of_a_vrf_are_read(void **state)
{
	unsigned vrf = 0;

	(void)state;
	NEEDS(has_namespace && run("ip link add blue type vrf table 10 2>/dev/null"));
	assert_true(run("ip link add d2 type dummy && ip link set d2 master blue && ip link set "
			"blue up && ip link set d2 up && ip addr add 10.3.0.1/24 dev d2 && ip "
			"route add 10.4.0.0/16 via 10.3.0.2 vrf blue"));
	assert_contains(list_routes(AF_INET), "|10.4.0.0/16 table 10 d2|");
	assert_int_equal(rtnetlink_links(&host.netlink, NULL, find_vrf, &vrf), 0);
	assert_int_equal(vrf, if_nametoindex("blue"));
	assert_string_equal(route_to("10.4.0.1", NULL, 0, false), "");
	assert_contains(route_to("10.4.0.1", NULL, vrf, false), " d2");
	assert_contains(route_to("10.4.0.1", "10.3.0.1", vrf, true), "|10.4.0.0/16 table 10 d2");
}

struct found {
	const char *name;
	bool is_found, is_up;
};

static int find_link(void *data, const struct rtnetlink_link *link)
{
	struct found *found = data;

	if (strcmp(link->name, found->name) == 0)
		*found = (struct found){found->name, true, link->is_up};
	return 0;
}

static void interfaces_of_another_namespace_are_read(void **state)
{
	struct found own = {.name = "d0"}, other = {.name = "d0"}, loopback = {.name = "lo"};
	char path[64], byte;
	int ends[2];
	pid_t child;

	(void)state;
	NEEDS(has_namespace);
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		if (unshare(CLONE_NEWNET) == 0 && write(ends[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", child);
	assert_int_equal(rtnetlink_links(&host.netlink, path, find_link, &other), 0);
	assert_int_equal(rtnetlink_links(&host.netlink, path, find_link, &loopback), 0);
	assert_int_equal(rtnetlink_links(&host.netlink, NULL, find_link, &own), 0);
	assert_true(own.is_found && own.is_up);
	assert_true(loopback.is_found && !loopback.is_up);
	assert_false(other.is_found);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(ends[0]);
	assert_int_equal(rtnetlink_links(&host.netlink, path, find_link, &other), -ENOENT);
}

static void a_query_has_a_time_limit(void **state)
{
	struct found found = {.name = "lo"};
	struct host_netlink hasty;

	(void)state;
	host_netlink_init(&hasty, 0);
	assert_int_equal(rtnetlink_links(&hasty.netlink, NULL, find_link, &found), -ETIMEDOUT);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
}

/* ---- malformed answers ---- */

#define OWN_PORT 99

/* Answers with one datagram, in memory of exactly its size. */
struct answer {
	struct netlink netlink;
	_Alignas(struct nlmsghdr) char bytes[1024];
	size_t length;
	unsigned port;
};

static int answer_query(struct netlink *netlink, const char *namespace,
			const struct nlmsghdr *request, netlink_receiver *receive, void *data)
{
	struct answer *answer = (struct answer *)netlink;
	void *copy = malloc(answer->length ? answer->length : 1);
	int result;

	(void)namespace, (void)request;
	assert_non_null(copy);
	memcpy(copy, answer->bytes, answer->length);
	result = receive(data, copy, answer->length, answer->port);
	free(copy);
	return result == 1 ? -EIO : result;
}

/* Makes the answer of one message of FAKE, and the end. */
static struct answer make_answer(const struct fakenetlink *fake)
{
	struct answer answer = {.netlink = {.query = answer_query}, .port = OWN_PORT};
	struct nlmsghdr *message = (void *)answer.bytes, *done;

	memcpy(answer.bytes, fake->messages[0].bytes, sizeof(fake->messages[0].bytes));
	message->nlmsg_seq = 1;
	message->nlmsg_pid = OWN_PORT;
	done = mnl_nlmsg_put_header(answer.bytes + message->nlmsg_len);
	done->nlmsg_type = NLMSG_DONE;
	done->nlmsg_seq = 1;
	done->nlmsg_pid = OWN_PORT;
	*(int *)mnl_nlmsg_put_extra_header(done, sizeof(int)) = 0;
	answer.length = message->nlmsg_len + done->nlmsg_len;
	return answer;
}

static int ignore_link(void *data, const struct rtnetlink_link *link)
{
	(void)data, (void)link;
	return 0;
}

static int ignore_address(void *data, unsigned interface, const struct ip_address *address)
{
	(void)data, (void)interface, (void)address;
	return 0;
}

static int ignore_route(void *data, const struct rtnetlink_route *route)
{
	(void)data, (void)route;
	return 0;
}

enum object { LINK, ADDRESS, ROUTE, NEXTHOP, OBJECTS };

static int list(enum object object, struct netlink *netlink)
{
	struct index_set interfaces = {0}, ids = {0};
	int error = 0;

	switch (object) {
	case LINK:
		return rtnetlink_links(netlink, NULL, ignore_link, NULL);
	case ADDRESS:
		return rtnetlink_addresses(netlink, ignore_address, NULL);
	case ROUTE:
		return rtnetlink_routes(netlink, AF_INET, ignore_route, NULL);
	default:
		error = rtnetlink_nexthops(netlink, &interfaces, &ids);
		index_set_free(&ids);
		return error;
	}
}

static struct answer answer_with(enum object object)
{
	struct fakenetlink fake = {0};

	if (object == LINK)
		fakenetlink_link(&fake, .index = 2, .name = "eth0", .kind = "vrf", .master = 3,
				 .parent = "virtio0", .bus = "virtio");
	else if (object == ADDRESS)
		fakenetlink_address(&fake, 2, "10.0.0.1");
	else if (object == ROUTE)
		fakenetlink_route(&fake, .to = "10.0.0.0", .length = 8, .hops = {2, 3},
				  .nexthop = 4);
	else
		fakenetlink_nexthop(&fake, 7, 0, 6);
	return make_answer(&fake);
}

static void answers_of_others_are_rejected(void **state)
{
	(void)state;
	for (enum object object = LINK; object < OBJECTS; object++) {
		struct answer answer = answer_with(object);
		struct nlmsghdr *message = (void *)answer.bytes;

		assert_int_equal(list(object, &answer.netlink), 0);
		message->nlmsg_seq = 2;
		assert_int_equal(list(object, &answer.netlink), -EBADMSG);
		message->nlmsg_seq = 1;
		message->nlmsg_pid = OWN_PORT + 1;
		assert_int_equal(list(object, &answer.netlink), -EBADMSG);
	}
}

static void truncated_answers_are_rejected(void **state)
{
	(void)state;
	for (enum object object = LINK; object < OBJECTS; object++) {
		struct answer answer = answer_with(object);
		struct nlmsghdr *message = (void *)answer.bytes;
		size_t length = answer.length, header = NLMSG_HDRLEN;
		unsigned message_length = message->nlmsg_len;

		for (answer.length = 0; answer.length < length; answer.length++)
			assert_true(list(object, &answer.netlink) < 0);
		/* a message that ends in the middle of an attribute, or before its header ends */
		for (message->nlmsg_len = (unsigned)header + 4; message->nlmsg_len < message_length;
		     message->nlmsg_len += 4) {
			answer.length = message->nlmsg_len;
			assert_true(list(object, &answer.netlink) < 0);
		}
	}
}

/* Any change of any byte is rejected or read, but no byte outside of the answer is (a sanitizer
 * would report it), and it ends. */
static void malformed_answers_are_read_within_their_bounds(void **state)
{
	static const unsigned char values[] = {0, 1, 3, 4, 7, 8, 0x7f, 0x80, 0xff};

	(void)state;
	for (enum object object = LINK; object < OBJECTS; object++) {
		struct answer answer = answer_with(object);

		for (size_t i = 0; i < answer.length; i++) {
			char before = answer.bytes[i];

			for (size_t value = 0; value < COUNT(values); value++) {
				answer.bytes[i] = (char)values[value];
				assert_true(list(object, &answer.netlink) <= 0);
			}
			answer.bytes[i] = before;
		}
	}
}

static void attributes_of_wrong_size_are_rejected(void **state)
{
	struct answer answer = answer_with(ROUTE);
	struct nlmsghdr *message = (void *)answer.bytes;
	struct nlattr *table = mnl_nlmsg_get_payload_offset(message, sizeof(struct rtmsg));
	struct rtmsg *header = mnl_nlmsg_get_payload(message);

	(void)state;
	assert_int_equal(mnl_attr_get_type(table), RTA_TABLE);
	for (uint16_t length = 0; length < 8; length++) {
		table->nla_len = length;
		assert_int_equal(list(ROUTE, &answer.netlink), -EBADMSG);
	}
	table->nla_len = 0xffff;
	assert_int_equal(list(ROUTE, &answer.netlink), -EBADMSG);
	table->nla_len = 8;
	assert_int_equal(list(ROUTE, &answer.netlink), 0);
	header->rtm_dst_len = 33;
	assert_int_equal(list(ROUTE, &answer.netlink), -EBADMSG);
}

static void errors_of_the_kernel_are_returned(void **state)
{
	struct answer answer = answer_with(LINK);
	struct nlmsghdr *message = (void *)answer.bytes;
	struct nlmsgerr *error = mnl_nlmsg_get_payload(message);
	struct nlmsghdr *done = (void *)(answer.bytes + message->nlmsg_len);

	(void)state;
	*(int *)mnl_nlmsg_get_payload(done) = -EOPNOTSUPP; /* at the end of the dump */
	assert_int_equal(list(LINK, &answer.netlink), -EOPNOTSUPP);
	message->nlmsg_type = NLMSG_ERROR;
	error->error = -EBUSY;
	assert_int_equal(list(LINK, &answer.netlink), -EBUSY);
}

static int __attribute__((noreturn))
kill_this_process(void *data, const void *bytes, size_t length, unsigned port)
{
	(void)data, (void)bytes, (void)length, (void)port;
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

static void a_killed_program_leaves_no_process(void **state)
{
	struct {
		struct nlmsghdr header;
		struct rtgenmsg family;
	} request = {.header = {.nlmsg_len = sizeof(request),
				.nlmsg_type = RTM_GETLINK,
				.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
	pid_t program, left = 0;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	program = fork();
	if (program == 0) {
		host.netlink.query(&host.netlink, NULL, &request.header, kill_this_process, NULL);
		_exit(1);
	}
	assert_int_equal(waitpid(program, NULL, 0), program);
	for (unsigned i = 0; i < 1000 && left >= 0; i++) {
		left = waitpid(-1, NULL, WNOHANG);
		if (left == 0)
			usleep(10000);
	}
	assert_int_equal(left, -1);
}

/* ---- settings of virtual functions ---- */

/* An interface without them: a request that the kernel does not understand has another answer. */
static void the_kernel_understands_every_request(void **state)
{
	struct rtnetlink_vf vf = {.mac_length = 6};

	(void)state;
	NEEDS(has_namespace);
	for (unsigned s = 0; s < RTNETLINK_SETTINGS; s++)
		assert_int_equal(rtnetlink_set_vf(&host.netlink, d0, &vf, s), -EOPNOTSUPP);
	vf.vlan_protocol = 0x88a8;
	assert_int_equal(rtnetlink_set_vf(&host.netlink, d0, &vf, VF_VLAN), -EOPNOTSUPP);
	assert_int_equal(rtnetlink_set_vf(&host.netlink, d0 + d1 + 1, &vf, VF_VLAN), -ENODEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_next_hop_of_a_route_is_read),
		cmocka_unit_test(routes_of_other_tables_are_read),
		cmocka_unit_test(routes_of_ipv6_are_read),
		cmocka_unit_test(next_hop_objects_are_resolved),
		cmocka_unit_test(routes_of_a_vrf_are_read),
		cmocka_unit_test(interfaces_of_another_namespace_are_read),
		cmocka_unit_test(a_query_has_a_time_limit),
		cmocka_unit_test(a_killed_program_leaves_no_process),
		cmocka_unit_test(answers_of_others_are_rejected),
		cmocka_unit_test(truncated_answers_are_rejected),
		cmocka_unit_test(malformed_answers_are_read_within_their_bounds),
		cmocka_unit_test(attributes_of_wrong_size_are_rejected),
		cmocka_unit_test(errors_of_the_kernel_are_returned),
		cmocka_unit_test(the_kernel_understands_every_request),
	};

	return cmocka_run_group_tests_name("binder-rtnetlink", tests, enter_namespace, NULL);
}
