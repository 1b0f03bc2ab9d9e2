/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The subcommands of vfio-bind. Each returns an enum bind_status; its errors have been logged. */
#ifndef PCIPROBE_BINDER_COMMANDS_COMMANDS_H
#define PCIPROBE_BINDER_COMMANDS_COMMANDS_H

#include "binder/options.h"
#include "binder/status.h"

int run_status(struct bind_options *options);
int run_check(struct bind_options *options);
int run_bind(struct bind_options *options);
int run_bind_each(struct bind_options *options);
int run_release(struct bind_options *options);
int run_vf(struct bind_options *options);
int run_vfs(struct bind_options *options);
int run_apply(struct bind_options *options);
int run_config(struct bind_options *options);
int run_recover(struct bind_options *options);

/* 'check' without devices: whether this host can assign devices to VMs. */
int run_check_host(struct bind_options *options);

#endif
