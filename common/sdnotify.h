/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Notifies the service manager of the state of a service, as sd_notify(3) does. libsystemd would
 * cost each start of the program several milliseconds, and the protocol is one datagram. */
#ifndef PCIPROBE_COMMON_SDNOTIFY_H
#define PCIPROBE_COMMON_SDNOTIFY_H

/* Sends STATE, lines like "READY=1", to the socket named in NOTIFY_SOCKET, if any. Returns 0, also
 * without one, or a negative errno. */
int sdnotify(const char *state);

/* Returns the milliseconds within which the service manager expects "WATCHDOG=1"; 0 if it expects
 * none. */
long long sdnotify_watchdog(void);

#endif
