/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports as JSON. */
#ifndef PCIPROBE_BINDER_REPORTJSON_H
#define PCIPROBE_BINDER_REPORTJSON_H

#include "binder/report.h"

/* Prints one object: the subcommand, the exit status STATUS, the devices and the plan. Returns 0,
 * or -ENOMEM with nothing printed. */
int reportjson_print(const struct bind_report *report, int status);

#endif
