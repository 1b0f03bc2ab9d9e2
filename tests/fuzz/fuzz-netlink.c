/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses arbitrary bytes as the kernel's answer to each query of rtnetlink.
 *
 * The first byte chooses the query and, with VALID_HEADERS, whether the fields are filled in that
 * every answer must have. The second is the number of the object whose callback fails. Then follow
 * datagrams, each after its size, a byte that counts words of 4 bytes. */
#include "common/rtnetlink-vf.h"
#include "common/rtnetlink.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <linux/rtnetlink.h>

#define PORT 4711
#define VALID_HEADERS 0x80
#define CALLBACK_ERROR (-ECANCELED)
#define ERRNO_MAX 4095

struct answer {
	struct netlink netlink; /* first member, so that a pointer to it can be cast */
	const uint8_t *data;
	size_t size;
	bool valid_headers;
	unsigned fail_at, objects; /* 0: no callback fails */
	bool has_failed;
};

/* Makes whole messages of an answer to REQUEST of what is in the datagram. */
static void fill_headers(char *bytes, size_t left, const struct nlmsghdr *request)
{
	while (left >= sizeof(struct nlmsghdr)) {
		struct nlmsghdr *message = (void *)bytes;
		size_t length = message->nlmsg_len % 256;

		if (length < sizeof(*message) || length > left)
			length = left;
		message->nlmsg_len = (unsigned)length;
		message->nlmsg_pid = PORT;
		message->nlmsg_seq = request->nlmsg_seq;
		length = NLMSG_ALIGN(length) < left ? NLMSG_ALIGN(length) : left;
		bytes += length;
		left -= length;
	}
}

static int answer(struct netlink *netlink, const char *namespace, const struct nlmsghdr *request,
		  netlink_receiver *receive, void *data)
{
	struct answer *answer = (struct answer *)netlink;
	int result = 1;

	(void)namespace;
	hold(request->nlmsg_flags & NLM_F_REQUEST);
	while (result == 1 && answer->size) {
		size_t size = (size_t)*answer->data++ * 4;
		char *bytes;

		answer->size--;
		size = size < answer->size ? size : answer->size;
		bytes = malloc(size ? size : 1); /* of the exact size for the sanitizer */
		hold(bytes);
		memcpy(bytes, answer->data, size);
		answer->data += size;
		answer->size -= size;
		if (answer->valid_headers)
			fill_headers(bytes, size, request);
		result = receive(data, bytes, size, PORT);
		hold(result <= 1 && result >= -ERRNO_MAX);
		free(bytes);
	}
	return result == 1 ? -ETIMEDOUT : result;
}

static int count_object(void *data)
{
	struct answer *answer = data;

	hold(!answer->has_failed);
	answer->has_failed = ++answer->objects == answer->fail_at;
	return answer->has_failed ? CALLBACK_ERROR : 0;
}

static int check_link(void *data, const struct rtnetlink_link *link)
{
	hold(strnlen(link->name, sizeof(link->name)) < sizeof(link->name));
	hold(strnlen(link->parent, sizeof(link->parent)) < sizeof(link->parent));
	hold(strnlen(link->parent_bus, sizeof(link->parent_bus)) < sizeof(link->parent_bus));
	return count_object(data);
}

static int check_vf(void *data, const struct rtnetlink_vf *vf)
{
	hold(vf->mac_length == 6 || vf->mac_length == 20);
	for (size_t i = vf->mac_length; i < sizeof(vf->mac); i++)
		hold(!vf->mac[i]);
	return count_object(data);
}

static int check_address(void *data, unsigned interface, const struct ip_address *address)
{
	(void)interface;
	hold(address->family == AF_INET || address->family == AF_INET6);
	for (size_t i = 4; address->family == AF_INET && i < sizeof(address->bytes); i++)
		hold(!address->bytes[i]);
	return count_object(data);
}

static int check_route(void *data, const struct rtnetlink_route *route)
{
	hold(route->destination.family == AF_INET || route->destination.family == AF_INET6);
	hold(route->length <= (route->destination.family == AF_INET ? 32 : 128));
	hold(!route->interfaces.count == !route->interfaces.items);
	for (size_t i = 0; i < route->interfaces.count; i++)
		for (size_t n = 0; n < i; n++)
			hold(route->interfaces.items[i] != route->interfaces.items[n]);
	return count_object(data);
}

static int query_nexthops(struct netlink *netlink)
{
	struct index_set interfaces = {0}, ids = {0};
	int error;

	hold(index_set_add(&interfaces, 1) == 0 && index_set_add(&interfaces, 2) == 0);
	error = rtnetlink_nexthops(netlink, &interfaces, &ids);
	hold(error == 0 || !ids.count);
	index_set_free(&interfaces);
	index_set_free(&ids);
	return error;
}

static int query(struct answer *answer, unsigned number)
{
	static const struct ip_address to = {.family = AF_INET, .bytes = {192, 0, 2, 1}},
				       to6 = {.family = AF_INET6, .bytes = {0x20, 1, 0xd, 0xb8}};
	struct netlink *netlink = &answer->netlink;

	switch (number) {
	case 0:
		return rtnetlink_links(netlink, NULL, check_link, answer);
	case 1:
		return rtnetlink_vfs(netlink, 1, true, check_vf, answer);
	case 2:
		return rtnetlink_addresses(netlink, check_address, answer);
	case 3:
		return rtnetlink_routes(netlink, AF_INET, check_route, answer);
	case 4:
		return rtnetlink_routes(netlink, AF_INET6, check_route, answer);
	case 5:
		return query_nexthops(netlink);
	case 6:
		return rtnetlink_route_to(netlink, &to, NULL, 0, true, check_route, answer);
	default:
		return rtnetlink_route_to(netlink, &to6, &to6, 3, false, check_route, answer);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct answer a = {.netlink.query = answer};
	int result;

	if (size < 2)
		return 0;
	a.data = data + 2;
	a.size = size - 2;
	a.valid_headers = data[0] & VALID_HEADERS;
	a.fail_at = data[1];
	result = query(&a, data[0] & 7);
	hold(result <= 0 && result >= -ERRNO_MAX);
	if (a.has_failed)
		hold(result == CALLBACK_ERROR);
	return 0;
}
