/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replaces plugins/collectd/dispatch.c: keeps what would be dispatched to collectd. */
#ifndef PCIPROBE_TESTS_UNIT_COLLECTD_FAKEDISPATCH_H
#define PCIPROBE_TESTS_UNIT_COLLECTD_FAKEDISPATCH_H

#include "plugins/collectd/dispatch.h"

struct dispatched {
	char values[65536];  /* lines "0000:01:00.0/gauge-in_use=1", "nan" for unknown */
	char notices[16384]; /* lines "OKAY 0000:01:00.0 vm_attached: event=vm_attached ..." */
};
extern struct dispatched dispatched;

void dispatched_clear(void);

#endif
