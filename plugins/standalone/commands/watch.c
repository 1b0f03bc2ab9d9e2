/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciprobe watch: prints what changes, a line for each event. Without changes it sleeps, except for
 * a reading from time to time that finds what the kernel does not announce. */
#include "common/program.h"
#include "common/sdnotify.h"
#include "common/textstream.h"
#include "plugins/standalone/formats/eventformat.h"
#include "plugins/standalone/outqueue.h"
#include "plugins/standalone/report.h"
#include "probe/monitor/log-dedup.h"
#include "probe/monitor/monitor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* In milliseconds. Changes within this time are read together: the end of a VM is several. */
#define DEBOUNCE 100
#define DEBOUNCE_MAX 500
/* When to read again what may have further consequences. */
#define REPEAT 1000
/* When to look for what nothing announces: counters of errors, links, nodes opened in a private
 * /dev. */
#define SCAN 60000

/* While the reader leaves so much unread, no devices are read. */
#define UNREAD_MAX (1u << 20)

#define NEVER INT64_MAX

enum { POLL_SIGNALS, POLL_MONITOR, POLL_CLOCK, POLL_OUTPUT, POLL_COUNT };

struct watcher {
	const struct options *options;
	const struct event_format *format;
	struct callerfile config;
	struct log_dedup dedup;
	struct log log; /* drops what has been logged before */
	char vf_helper[PATH_MAX];
	struct monitor *monitor;
	struct outqueue out;
	int signals, clock; /* signalfd; timerfd that ends when the clock is set */
	int64_t read_at, repeat_at, scan_at;
	int64_t scan_interval;
	int64_t duration;  /* of the last reading */
	unsigned triggers; /* of the next reading */
	bool wants_state;  /* print the current state after the next reading */
	bool behind;	   /* a reading was due, but the reader has too much unread */
	bool lost;	   /* changes may have been missed, which is still to be printed */
	bool ready;	   /* the service manager was told */
	char status[80];   /* that it was told last */
	uint64_t sequence;
	/* while events are written */
	FILE *lines;
	struct event_context context;
	int error;
};

/* Goes on while the host is suspended. */
static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_BOOTTIME, &time);
	return time.tv_sec * (int64_t)1000 + time.tv_nsec / 1000000;
}

static void write_event(void *data, const struct event *event)
{
	struct watcher *watcher = data;

	if (watcher->error)
		return;
	watcher->context.sequence = ++watcher->sequence;
	watcher->error = watcher->format->write(event, &watcher->context, watcher->lines);
	watcher->context.offset++;
}

static void write_host_event(struct watcher *watcher, enum event_kind kind, const char *config)
{
	watcher->context.config = config;
	write_event(watcher, &(struct event){.kind = kind});
	watcher->context.config = NULL;
}

static void write_config(struct watcher *watcher, const struct monitor_reading *reading)
{
	if (reading->config_status == CONFIG_LOADED)
		write_host_event(watcher, EVENT_CONFIG_LOADED, reading->config_path);
	else if (reading->config_status == CONFIG_REJECTED)
		write_host_event(watcher, EVENT_CONFIG_REJECTED, reading->config_path);
}

/* The state follows whatever makes the differences incomplete: lost events, other rules. */
static void write_events(struct watcher *watcher, const struct monitor_reading *reading)
{
	watcher->lost |= reading->causes & WATCH_OVERFLOW;
	write_config(watcher, reading);
	if (reading->config_status == CONFIG_LOADED || watcher->lost)
		watcher->wants_state = true;
	if (!reading->current)
		return;
	if (watcher->lost)
		write_host_event(watcher, EVENT_OVERFLOW, NULL);
	watcher->lost = false;
	if (reading->previous)
		events_find(reading->previous, reading->current, false, write_event, watcher);
	if (!watcher->wants_state)
		return;
	write_host_event(watcher, EVENT_STATE, NULL);
	events_of_state(reading->current, write_event, watcher);
	watcher->wants_state = false;
}

static unsigned triggers_of(unsigned causes)
{
	static const struct {
		enum watch_cause cause;
		enum trigger trigger;
	} pairs[] = {
		{WATCH_FILES, TRIGGER_FILE},	    {WATCH_USERS, TRIGGER_USERS},
		{WATCH_UEVENT, TRIGGER_UEVENT},	    {WATCH_CONFIG, TRIGGER_CONFIG},
		{WATCH_OVERFLOW, TRIGGER_OVERFLOW},
	};
	unsigned triggers = 0;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		triggers |= causes & pairs[i].cause ? pairs[i].trigger : 0;
	return triggers;
}

/* Returns 0 or a negative errno. */
static int report(struct watcher *watcher, const struct monitor_reading *reading)
{
	struct inventory unread = {.devices = NULL};
	char *text;

	watcher->lines = textstream_open(&text);
	if (!watcher->lines)
		return -ENOMEM;
	clock_gettime(CLOCK_REALTIME, &unread.time);
	watcher->context = (struct event_context){
		.inventory = reading->current ? reading->current : &unread,
		.triggers = watcher->triggers | triggers_of(reading->causes),
	};
	watcher->error = 0;
	write_events(watcher, reading);
	if (!textstream_close(watcher->lines, &text))
		return -ENOMEM;
	if (!watcher->error)
		watcher->error = outqueue_add(&watcher->out, text, strlen(text));
	free(text);
	return watcher->error;
}

static void notify_status(struct watcher *watcher, const struct inventory *inventory)
{
	char status[sizeof(watcher->status)];
	size_t held = 0;

	inventory_foreach(inventory, device)
		held += device->ownership == OWNERSHIP_HELD;
	snprintf(status, sizeof(status), "STATUS=%zu devices, %zu in use", inventory->selected,
		 held);
	if (watcher->ready && strcmp(status, watcher->status) == 0)
		return;
	strcpy(watcher->status, status);
	sdnotify(status);
}

/* Once, for people: what the events say nothing about. */
static void log_first_reading(const struct watcher *watcher, const struct monitor_reading *reading)
{
	report_log_sources(watcher->options, reading->current);
	report_empty_selection(watcher->options, false, reading->probe, reading->current);
}

static void schedule(struct watcher *watcher, bool unsettled)
{
	watcher->read_at = NEVER;
	watcher->repeat_at = unsettled ? now() + REPEAT : NEVER;
	watcher->scan_at = now() + watcher->scan_interval;
	watcher->triggers = 0;
}

/* A failure is logged, and no reason to exit: the devices may be readable later. Returns 0 or a
 * negative errno. */
static int read_devices(struct watcher *watcher)
{
	struct monitor_reading reading;
	int64_t begin = now();
	int error;

	if (watcher->triggers & (TRIGGER_SCAN | TRIGGER_RESUME | TRIGGER_CONFIG))
		monitor_recheck(watcher->monitor);
	monitor_read(watcher->monitor, &reading);
	log_dedup_next(&watcher->dedup, reading.full);
	error = report(watcher, &reading);
	if (error < 0)
		return error;
	if (reading.current && !reading.previous)
		log_first_reading(watcher, &reading);
	if (reading.current)
		notify_status(watcher, reading.current);
	if (!watcher->ready)
		sdnotify("READY=1");
	watcher->ready = true;
	watcher->duration = now() - begin;
	schedule(watcher, reading.unsettled);
	return 0;
}

static bool is_behind(const struct watcher *watcher)
{
	return outqueue_pending(&watcher->out) > UNREAD_MAX;
}

/* Reads the devices if it is time. Returns 0 or a negative errno. */
static int work(struct watcher *watcher)
{
	int64_t time = now();

	if (time >= watcher->scan_at || time >= watcher->repeat_at || time >= watcher->read_at) {
		sdnotify("WATCHDOG=1");
		watcher->triggers |= time >= watcher->scan_at ? TRIGGER_SCAN : 0;
		watcher->triggers |= time >= watcher->repeat_at ? TRIGGER_REPEAT : 0;
		if (!is_behind(watcher))
			return read_devices(watcher);
		watcher->behind = true;
		schedule(watcher, false);
	}
	return 0;
}

/* Something happened: read soon, but at most half of the time. */
static void wake(struct watcher *watcher)
{
	int64_t delay = watcher->duration > DEBOUNCE_MAX ? DEBOUNCE_MAX : watcher->duration;

	if (watcher->read_at == NEVER)
		watcher->read_at = now() + (delay > DEBOUNCE ? delay : DEBOUNCE);
}

static void wake_now(struct watcher *watcher, enum trigger trigger)
{
	watcher->triggers |= trigger;
	watcher->read_at = now();
}

static void reload(struct watcher *watcher)
{
	struct timespec time;
	char message[64];

	clock_gettime(CLOCK_MONOTONIC, &time);
	snprintf(message, sizeof(message), "RELOADING=1\nMONOTONIC_USEC=%lld",
		 time.tv_sec * 1000000LL + time.tv_nsec / 1000);
	sdnotify(message);
	watcher->ready = false;
	wake_now(watcher, TRIGGER_CONFIG);
}

/* Returns whether to go on. */
static bool handle_signals(struct watcher *watcher)
{
	struct signalfd_siginfo info;

	while (read(watcher->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo != SIGHUP)
			return false;
		reload(watcher);
	}
	return true;
}

static void handle_clock(struct watcher *watcher)
{
	uint64_t count;

	if (read(watcher->clock, &count, sizeof(count)) < 0 && errno == ECANCELED)
		wake_now(watcher, TRIGGER_RESUME);
}

/* Waits for the next thing to do. While the reader is behind, only for the reader: what happens
 * stays in the kernel's queues. */
static int wait_for_events(const struct watcher *watcher, struct pollfd polled[static POLL_COUNT])
{
	int64_t time = now(), next = watcher->scan_at;
	bool is_waiting = watcher->read_at != NEVER || watcher->behind;

	next = watcher->read_at < next ? watcher->read_at : next;
	next = watcher->repeat_at < next ? watcher->repeat_at : next;
	polled[POLL_SIGNALS] = (struct pollfd){.fd = watcher->signals, .events = POLLIN};
	polled[POLL_MONITOR] = (struct pollfd){
		.fd = is_waiting ? -1 : monitor_listen(watcher->monitor), .events = POLLIN};
	polled[POLL_CLOCK] = (struct pollfd){.fd = watcher->clock, .events = POLLIN};
	polled[POLL_OUTPUT] = (struct pollfd){
		.fd = STDOUT_FILENO, .events = outqueue_pending(&watcher->out) ? POLLOUT : 0};
	if (poll(polled, POLL_COUNT, next > time ? (int)(next - time) : 0) >= 0)
		return 0;
	for (size_t i = 0; i < POLL_COUNT; i++)
		polled[i].revents = 0;
	return errno == EINTR ? 0 : -errno;
}

/* Returns 0 or a negative errno. */
static int write_output(struct watcher *watcher, short revents)
{
	int error = revents & (POLLERR | POLLHUP) ? -EPIPE : outqueue_flush(&watcher->out);

	if (watcher->behind && !outqueue_pending(&watcher->out)) {
		watcher->behind = false;
		watcher->lost = true;
		wake_now(watcher, TRIGGER_READER);
	}
	return error;
}

/* Returns an enum status. */
static int watch_until_ended(struct watcher *watcher)
{
	struct pollfd polled[POLL_COUNT] = {{.fd = -1}};
	int error = 0;

	while (!error) {
		error = work(watcher);
		if (error)
			break;
		if (write_output(watcher, polled[POLL_OUTPUT].revents) < 0) {
			outqueue_fail();
			return STATUS_OK; /* program_end reports it */
		}
		error = wait_for_events(watcher, polled);
		if (polled[POLL_SIGNALS].revents && !handle_signals(watcher))
			return STATUS_OK;
		if (polled[POLL_CLOCK].revents)
			handle_clock(watcher);
		if (polled[POLL_MONITOR].revents)
			wake(watcher);
	}
	log_error(&watcher->options->log, "watch: %s", strerror(-error));
	return STATUS_FAILED;
}

/* Signals are handled between readings; the programs that readings start don't get them. */
static int open_signals(struct watcher *watcher)
{
	struct itimerspec never = {.it_value.tv_sec = INT64_MAX / 1000000000};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	watcher->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	watcher->clock = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (watcher->signals < 0 || watcher->clock < 0)
		return -errno;
	/* also canceled when a suspended host resumes */
	return timerfd_settime(watcher->clock, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never,
			       NULL) < 0
		       ? -errno
		       : 0;
}

/* Returns 0 or a negative errno; errors are logged. */
static int open_monitor(struct watcher *watcher)
{
	struct probe_options probe;
	int error = 0;

	options_fill_probe(watcher->options, event_details(), watcher->vf_helper, &probe);
	watcher->log = log_dedup_log(&watcher->dedup);
	probe.log = watcher->log;
	if (probe.config && !probe.all) {
		error = callerfile_follow(probe.config, &watcher->log, &watcher->config);
		probe.log = watcher->config.log;
	}
	if (!error)
		error = monitor_new(&probe, &watcher->monitor);
	if (error < 0)
		return error;
	error = monitor_listen(watcher->monitor);
	if (error >= 0)
		error = open_signals(watcher);
	if (error < 0)
		log_error(&watcher->log, "watch: %s", strerror(-error));
	return error;
}

static int64_t scan_interval(void)
{
	long long watchdog = sdnotify_watchdog() / 2;

	return watchdog > 0 && watchdog < SCAN ? watchdog : SCAN;
}

int run_watch(struct options *options)
{
	struct watcher watcher = {
		.options = options,
		.format = options->event_format ? options->event_format : &EVENT_FORMATS[0],
		.dedup.out = options->log,
		.signals = -1,
		.clock = -1,
		.triggers = TRIGGER_START,
		.wants_state = !options->no_initial,
		.read_at = 0,
		.repeat_at = NEVER,
		.scan_at = NEVER,
		.scan_interval = scan_interval(),
	};
	int status = STATUS_FAILED;

	if (options->config_is_stdin) {
		log_error(&options->log, "watch: reads its configuration again when it changes; "
					 "name a file");
		return STATUS_USAGE;
	}
	if (open_monitor(&watcher) >= 0)
		status = watch_until_ended(&watcher);
	sdnotify("STOPPING=1");
	monitor_free(watcher.monitor);
	log_dedup_free(&watcher.dedup);
	outqueue_free(&watcher.out);
	if (watcher.signals >= 0)
		close(watcher.signals);
	if (watcher.clock >= 0)
		close(watcher.clock);
	return status;
}
