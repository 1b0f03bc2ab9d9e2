/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A report as JSON. */
#ifndef PCIPROBE_BINDER_REPORTJSON_H
#define PCIPROBE_BINDER_REPORTJSON_H

#include "binder/report.h"

/* Prints one object with what was asked for, the status the program ends with, the devices and the
 * plan. */
void reportjson_print(const struct bind_report *report, int status);

#endif
