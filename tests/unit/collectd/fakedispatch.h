/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In place of plugins/collectd/dispatch.c: remembers what collectd would have been given. */
#ifndef PCIPROBE_TESTS_UNIT_COLLECTD_FAKEDISPATCH_H
#define PCIPROBE_TESTS_UNIT_COLLECTD_FAKEDISPATCH_H

#include "plugins/collectd/dispatch.h"

struct dispatched {
	char values[65536];  /* lines "0000:01:00.0/gauge-in_use=1", "nan" for what is unknown */
	char notices[16384]; /* lines "OKAY 0000:01:00.0 vm_attached: event=vm_attached ..." */
};
extern struct dispatched dispatched;

void dispatched_forget(void);

#endif
