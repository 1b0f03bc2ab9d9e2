/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/status.h"

#include <errno.h>
#include <stddef.h>

int bind_status_worse(int a, int b)
{
	static const int order[] = {BIND_INCOMPLETE, BIND_TIMEOUT,   BIND_FAILED,
				    BIND_PERMISSION, BIND_LOCKED,    BIND_UNAVAILABLE,
				    BIND_REFUSED,    BIND_NO_DEVICE, BIND_USAGE};

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return BIND_DONE;
}

int bind_status_of_transaction(enum transaction_result result)
{
	switch (result) {
	case TRANSACTION_DONE:
		return BIND_DONE;
	case TRANSACTION_FAILED:
		return BIND_FAILED;
	case TRANSACTION_PERMISSION:
		return BIND_PERMISSION;
	case TRANSACTION_TIMEOUT:
		return BIND_TIMEOUT;
	case TRANSACTION_INCOMPLETE:
		break;
	}
	return BIND_INCOMPLETE;
}

int bind_status_of_errno(int error)
{
	return bind_status_of_transaction(transaction_result_of_errno(error));
}

int bind_status_of_target(int error)
{
	switch (error) {
	case 0:
		return BIND_DONE;
	case -EINVAL:
	case -ENOTUNIQ:
		return BIND_USAGE;
	case -ENODEV:
		return BIND_NO_DEVICE;
	case -ESTALE:
		return BIND_REFUSED;
	default:
		return BIND_FAILED;
	}
}
