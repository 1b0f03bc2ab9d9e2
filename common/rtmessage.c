/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/rtmessage.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define SEQUENCE 1     /* of the one request of a socket */
#define RETRIES 10     /* of a dump that changes while it is read */
#define ERRNO_MAX 4095 /* MAX_ERRNO of linux/err.h */

/* Unlike mnl_attr_parse, rejects attributes that are truncated. */
int rt_read_attributes(const void *bytes, size_t length, struct rt_attributes *ret)
{
	const struct nlattr *attribute = bytes;
	int left = (int)length;

	*ret = (struct rt_attributes){0};
	while (mnl_attr_ok(attribute, left)) {
		if (mnl_attr_get_type(attribute) < RT_ATTRIBUTES)
			ret->items[mnl_attr_get_type(attribute)] = attribute;
		left -= MNL_ALIGN(attribute->nla_len);
		attribute = mnl_attr_next(attribute);
	}
	return left > 0 ? -EBADMSG : 0;
}

/* For mnl_cb_run2: a callback returns MNL_CB_OK, or MNL_CB_ERROR with errno set. */
static int parse_message(const struct nlmsghdr *message, void *data)
{
	struct rt_query *query = data;
	size_t length = mnl_nlmsg_get_payload_len(message);
	const char *payload = mnl_nlmsg_get_payload(message);
	size_t offset = query->header_size; /* all are multiples of 4 */
	struct rt_attributes attributes;
	int error;

	if (message->nlmsg_type != query->type)
		return MNL_CB_OK;
	error = length < offset
			? -EBADMSG
			: rt_read_attributes(payload + offset, length - offset, &attributes);
	if (!error)
		error = query->parse(query, payload, &attributes);
	if (!error)
		return MNL_CB_OK;
	errno = -error;
	return MNL_CB_ERROR;
}

/* Ends an answer with ERROR, 0 or a negative errno. */
static int end(int error)
{
	if (error == 0)
		return MNL_CB_STOP;
	errno = error < 0 && error >= -ERRNO_MAX ? -error : EBADMSG;
	return MNL_CB_ERROR;
}

/* A dump that failed ends with the error, which libmnl ignores. */
static int parse_done(const struct nlmsghdr *message, void *data)
{
	int error = 0;

	(void)data;
	if (mnl_nlmsg_get_payload_len(message) >= sizeof(error))
		memcpy(&error, mnl_nlmsg_get_payload(message), sizeof(error));
	return end(error);
}

/* An error, or with 0 the acknowledgement of the request. */
static int parse_error(const struct nlmsghdr *message, void *data)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);

	(void)data;
	return end(mnl_nlmsg_get_payload_len(message) < sizeof(*error) ? -EBADMSG : error->error);
}

/* Whether the datagram consists of whole messages that answer the request of the socket with PORT.
 * libmnl accepts lengths of 2^31 and more, and ignores what follows a malformed message. */
static bool is_valid(const char *bytes, size_t left, unsigned port)
{
	while (left) {
		const struct nlmsghdr *message = (const void *)bytes;
		size_t length;

		if (left < sizeof(*message) || message->nlmsg_len < sizeof(*message) ||
		    message->nlmsg_len > left || message->nlmsg_pid != port ||
		    message->nlmsg_seq != SEQUENCE)
			return false;
		length = NLMSG_ALIGN(message->nlmsg_len);
		length = length < left ? length : left;
		bytes += length;
		left -= length;
	}
	return true;
}

static int receive(void *data, const void *bytes, size_t length, unsigned port)
{
	static mnl_cb_t controls[] = {[NLMSG_ERROR] = parse_error, [NLMSG_DONE] = parse_done};
	int result;

	if (!is_valid(bytes, length, port))
		return -EBADMSG;
	result = mnl_cb_run2(bytes, length, SEQUENCE, port, parse_message, data, controls,
			     sizeof(controls) / sizeof(*controls));
	return result == MNL_CB_ERROR ? -errno : result;
}

struct nlmsghdr *rt_put_request(void *buffer, unsigned short type, unsigned short flags)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

	request->nlmsg_type = type;
	request->nlmsg_flags = (unsigned short)(NLM_F_REQUEST | flags);
	request->nlmsg_seq = SEQUENCE;
	return request;
}

int rt_run_once(struct netlink *netlink, const char *namespace, struct rt_query *query)
{
	return netlink->query(netlink, namespace, query->request, receive, query);
}

int rt_run(struct netlink *netlink, const char *namespace, struct rt_query *query)
{
	int error = -EINTR;

	for (unsigned i = 0; i < RETRIES && error == -EINTR; i++)
		error = rt_run_once(netlink, namespace, query);
	return error;
}

int rt_dump(struct netlink *netlink, const char *namespace, unsigned short type, int family,
	    struct rt_query *query)
{
	_Alignas(struct nlmsghdr) char buffer[256];

	query->request = rt_put_request(buffer, type, NLM_F_DUMP);
	*(unsigned char *)mnl_nlmsg_put_extra_header(query->request,
						     query->header_size) = (unsigned char)family;
	return rt_run(netlink, namespace, query);
}
