/* SPDX-License-Identifier: GPL-2.0-or-later */
/* :expect: of pci.conf: the devices that a host must have, and in which state. Expectations apply
 * to all devices of the host, selected or not, except for the state, which is only known of
 * selected ones. */
#ifndef PCIPROBE_EXPECT_EXPECTATION_H
#define PCIPROBE_EXPECT_EXPECTATION_H

#include "probe/identity.h"
#include "probe/select/alias.h"
#include "probe/select/rule.h"

/* What an expectation states; each is a key of pci.conf. */
enum expect_property {
	EXPECT_SHORT_ADDRESS, /* the device itself: its place, and its ids if stated */
	EXPECT_COUNT,
	EXPECT_MIN_COUNT,
	EXPECT_DRIVER,
	EXPECT_LINK_SPEED,
	EXPECT_LINK_WIDTH,
	EXPECT_NUMA_NODE,
	EXPECT_STATE,
	EXPECT_VFS,
	EXPECT_COMPLETE, /* there are no other devices */
};
#define EXPECT_PROPERTY_COUNT 10

/* The driver of a device that is bound to none. */
#define EXPECT_NO_DRIVER "none"

/* More items than a host has devices are an error of the configuration. */
#define EXPECTATIONS_MAX 4096
#define EXPECT_DRIVERS_MAX 16

/* An item of :expect:. It is either about one device by its identity, or about all devices that
 * match its filters and have its alias. Members without a bit in stated are not compared. */
struct expectation {
	char location[300];  /* where it was defined: "pci.conf:12:5" */
	char *short_address; /* the identity as written; NULL: not by identity */
	struct identity identity;
	char *filter; /* the filters as one string, for messages; NULL: none */
	struct rule_list filters;
	char *alias;		/* name of an alias; NULL: any device */
	unsigned stated;	/* 1 << enum expect_property */
	unsigned count;		/* EXPECT_COUNT: exactly; EXPECT_MIN_COUNT: at least */
	struct strings drivers; /* one of these */
	unsigned link_speed;	/* at least, in tenths of GT/s */
	unsigned link_width;	/* at least, in lanes */
	unsigned numa_node;
	unsigned states; /* 1 << enum ownership of each accepted state */
	unsigned vfs;	 /* enabled VFs */
};

struct expectations {
	struct expectation *items;
	size_t count;
	bool complete; /* selected devices that match no item are unexpected */
	char complete_location[300];
};

/* "driver": the key of pci.conf. */
const char *expect_property_name(enum expect_property property);

/* "GT/s"; NULL: none. */
const char *expect_property_unit(enum expect_property property);

/* Details (enum detail) that must be read of all selected devices. Those of single devices are set
 * by expectations_mark. */
unsigned expectations_details(const struct expectations *expectations, const struct alias *aliases,
			      size_t alias_count);

/* Whether the paths of all devices must be read before expectations_mark. */
bool expectations_have_paths(const struct expectations *expectations);

/* Sets pci_device.expected of all devices of INVENTORY to the details that must be read of them.
 * Their ids must have been read. Returns 0 or a negative errno like selection_apply. */
int expectations_mark(const struct expectations *expectations, const struct alias *aliases,
		      size_t alias_count, struct names *names, const struct log *log,
		      struct inventory *inventory);

/* Whether DEVICE passes the filters of EXPECTATION. */
bool expectation_filters_match(const struct expectation *expectation,
			       const struct pci_device *device);

/* Free the members. */
void expectation_free_members(struct expectation *expectation);
void expectations_free_members(struct expectations *expectations);

#endif
