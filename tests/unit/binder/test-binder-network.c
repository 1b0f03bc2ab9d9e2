/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Safety checks of networks. */
#include "tests/unit/binder/hazardfixture.h"

#include "binder/hazards/ssh.h"
#include "probe/probe.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

/* Creates the files of an interface of the device. */
static void add_interface_files(const char *name, unsigned index, const char *flags)
{
	char path[128], target[128];

	snprintf(path, sizeof(path), "sys/devices/pci0000:00/" DEVICE "/net/%s/flags", name);
	fakesys_file(fake, path, flags);
	snprintf(path, sizeof(path), "sys/devices/pci0000:00/" DEVICE "/net/%s/ifindex", name);
	snprintf(target, sizeof(target), "%u\n", index);
	fakesys_file(fake, path, target);
	snprintf(path, sizeof(path), "sys/class/net/%s", name);
	snprintf(target, sizeof(target), "../../devices/pci0000:00/" DEVICE "/net/%s", name);
	fakesys_link(fake, path, target);
}

/* Adds an interface of the device. */
static void add_interface(const char *name, unsigned index, const char *flags)
{
	char path[128];

	snprintf(path, sizeof(path), AT "net/%s/address", name);
	fakesys_file(fake, path, "52:54:00:00:00:01\n");
	add_interface_files(name, index, flags);
	fakenetlink_link(&netlink, .index = index, .name = name);
}

static void add_nic(void)
{
	add_device(0x020000, "e1000e");
	add_interface("eth0", 2, "0x1002\n");
}

/* Stacks the interface UPPER on LOWER. */
static void add_upper(const char *lower, unsigned index, const char *upper, const char *kind)
{
	char path[128], target[128];

	snprintf(path, sizeof(path), "sys/class/net/%s/ifindex", upper);
	fakesys_file(fake, path, "0\n");
	snprintf(path, sizeof(path), "sys/class/net/%s/upper_%s", lower, upper);
	snprintf(target, sizeof(target), "../%s", upper);
	fakesys_link(fake, path, target);
	fakenetlink_link(&netlink, .index = index, .name = upper, .kind = kind);
}

static void an_interface_that_is_down_has_no_findings(void **state)
{
	(void)state;
	add_nic();
	fakenetlink_address(&netlink, 1, "127.0.0.1");
	assert_string_equal(find_with_ssh("10.0.0.1 50000 10.0.0.2 22"), "");
}

static bool is_renamed;

/* Renames eth0 to enp1s0, as udev does, before the first check of a test. */
static void rename_interface(void)
{
	if (is_renamed)
		return;
	is_renamed = true;
	netlink.count = 0;
	fakenetlink_link(&netlink, .index = 2, .name = "enp1s0");
	fakenetlink_route(&netlink, .to = "10.1.0.0", .length = 16, .interface = 2);
	fakesys_remove(fake, "sys/class/net/eth0");
	add_interface_files("enp1s0", 2, "0x1003\n");
}

static void find_renamed(struct hazard_view *view, const struct pci_device *device,
			 struct hazard_findings *findings)
{
	rename_interface();
	hazards_find(view, device, findings);
}

static void find_vanished(struct hazard_view *view, const struct pci_device *device,
			  struct hazard_findings *findings)
{
	if (!is_renamed) {
		rename_interface();
		fakesys_remove(fake, "sys/class/net/enp1s0/flags");
	}
	hazards_find(view, device, findings);
}

static void a_renamed_interface_is_found_by_its_new_name(void **state)
{
	(void)state;
	is_renamed = false;
	add_nic();
	assert_string_equal(find_with_view(find_renamed, (struct hazard_view){0}),
			    "net-up: enp1s0 is up\n"
			    "route: the route to 10.1.0.0/16 goes through enp1s0\n");
}

static void an_interface_that_keeps_vanishing_is_unknown(void **state)
{
	(void)state;
	is_renamed = false;
	add_nic();
	find_with_view(find_vanished, (struct hazard_view){0});
	assert_contains(found, "sys/class/net/enp1s0/flags: No such file or directory");
}

static void routes_through_an_interface_are_found(void **state)
{
	(void)state;
	add_device(0x020000, "e1000e");
	add_interface("eth0", 2, "0x1003\n");
	fakenetlink_route(&netlink, .to = "0.0.0.0", .interface = 2);
	fakenetlink_route(&netlink, .to = "10.0.0.0", .length = 16, .interface = 2);
	fakenetlink_route(&netlink, .to = "192.168.0.0", .length = 24, .interface = 3);
	fakenetlink_route(&netlink, .to = "10.0.0.2", .length = 32, .interface = 2,
			  .type = RTN_LOCAL, .table = RT_TABLE_LOCAL);
	fakenetlink_route(&netlink, .to = "10.0.255.255", .length = 32, .interface = 2,
			  .type = RTN_BROADCAST, .table = RT_TABLE_LOCAL);
	fakenetlink_route(&netlink, .to = "2001:db8::", .length = 64, .interface = 2);
	fakenetlink_route(&netlink, .to = "fe80::", .length = 64, .interface = 2);
	fakenetlink_route(&netlink, .to = "ff00::", .length = 8, .interface = 2,
			  .type = RTN_MULTICAST, .table = RT_TABLE_LOCAL);
	fakenetlink_route(&netlink, .to = "::", .interface = 2);
	fakenetlink_route(&netlink, .to = "2001:db8::", .length = 128, .interface = 2,
			  .type = RTN_ANYCAST, .table = RT_TABLE_LOCAL);
	assert_string_equal(find(), "net-up: eth0 is up\n"
				    "default-route: the default route 0.0.0.0/0 goes through eth0\n"
				    "route: the route to 10.0.0.0/16 goes through eth0\n"
				    "route: the route to 2001:db8::/64 goes through eth0\n"
				    "default-route: the default route ::/0 goes through eth0\n");
}

static void routes_of_all_tables_and_next_hops_are_found(void **state)
{
	(void)state;
	add_nic();
	fakenetlink_route(&netlink, .to = "10.1.0.0", .length = 16, .interface = 2, .table = 1000);
	fakenetlink_route(&netlink, .to = "10.2.0.0", .length = 16, .hops = {3, 2});
	fakenetlink_route(&netlink, .to = "10.3.0.0", .length = 16, .nexthop = 7);
	fakenetlink_route(&netlink, .to = "10.4.0.0", .length = 16, .nexthop = 8);
	fakenetlink_route(&netlink, .to = "10.5.0.0", .length = 16, .nexthop = 9);
	fakenetlink_nexthop(&netlink, 8, 0, 7); /* a group */
	fakenetlink_nexthop(&netlink, 7, 2, 0);
	fakenetlink_nexthop(&netlink, 9, 3, 0);
	assert_string_equal(find(),
			    "route: the route to 10.1.0.0/16 in table 1000 goes through eth0\n"
			    "route: the route to 10.2.0.0/16 goes through eth0\n"
			    "route: the route to 10.3.0.0/16 goes through eth0\n"
			    "route: the route to 10.4.0.0/16 goes through eth0\n");
}

static void many_routes_are_counted(void **state)
{
	char to[32];

	(void)state;
	add_nic();
	for (unsigned i = 0; i < 20; i++) {
		snprintf(to, sizeof(to), "10.%u.0.0", i);
		fakenetlink_route(&netlink, .to = to, .length = 16, .interface = 2);
	}
	fakenetlink_route(&netlink, .to = "0.0.0.0", .interface = 2);
	find();
	assert_contains(found, "route: the route to 10.15.0.0/16 goes through eth0\n");
	assert_null(strstr(found, "10.16.0.0"));
	assert_contains(found, "default-route: ");
	assert_contains(found, "route: 21 routes go through it\n");
}

static void routes_through_a_bridge_on_a_bond_are_found(void **state)
{
	(void)state;
	add_nic();
	add_upper("eth0", 4, "bond0", "bond");
	add_upper("bond0", 5, "br0", "bridge");
	fakesys_link(fake, "sys/class/net/br0/upper_eth0", "../eth0"); /* a cycle does no harm */
	fakenetlink_route(&netlink, .to = "0.0.0.0", .interface = 5);
	assert_string_equal(find(),
			    "default-route: the default route 0.0.0.0/0 goes through br0\n");
}

/* An interface of a USB device behind a controller. */
static void an_interface_far_below_a_device_is_found(void **state)
{
	static const char path[] = "sys/devices/pci0000:00/" DEVICE "/usb2/2-1/2-1:1.0/net/usb0";
	char file[160];

	(void)state;
	add_device(0x0c0330, "xhci_hcd");
	snprintf(file, sizeof(file), "%s/flags", path);
	fakesys_file(fake, file, "0x1003\n");
	snprintf(file, sizeof(file), "%s/ifindex", path);
	fakesys_file(fake, file, "2\n");
	snprintf(file, sizeof(file), "../../%s", path + strlen("sys/"));
	fakesys_link(fake, "sys/class/net/usb0", file);
	fakenetlink_link(&netlink, .index = 2, .name = "usb0");
	fakenetlink_route(&netlink, .to = "0.0.0.0", .interface = 2);
	fakenetlink_route(&netlink, .to = "10.0.5.5", .interface = 2, .is_answer = true);
	assert_string_equal(
		find_with_ssh("10.0.5.5 50000 10.0.0.2 22"),
		"net-up: usb0 is up\n"
		"default-route: the default route 0.0.0.0/0 goes through usb0\n"
		"ssh: your SSH connection (10.0.5.5 50000 10.0.0.2 22) goes through it\n");
}

static void the_route_to_the_ssh_client_is_found(void **state)
{
	static const struct {
		const char *connection;
		bool is_found;
	} cases[] = {
		{"10.0.5.5 50000 10.9.0.2 22", true},
		{"::ffff:10.0.5.5 50000 ::ffff:10.9.0.2 22", true},
		{"192.168.0.9 50000 192.168.0.2 22", false},
		{"8.8.8.8 1 2.2.2.2 22", false}, /* no route */
		{"8.8.8.8 1 10.0.0.2 22", true}, /* the server's address is on eth0 */
		{"2001:db8::9 1 2001:db8::1 22", true},
		{"2001:db9::9 1 2001:db8::1 22", false},
		{"2001:db9::9 1 2001:db8::2 22", true},
		{"10.7.7.7 1 10.6.0.1 22", true}, /* in the VRF of the server's address */
		{"10.7.7.7 1 10.9.0.2 22", false},
		{"10.8.8.8 1 10.9.0.2 22", true}, /* the second next hop */
		{"fe80::1%eth0 1 fe80::2%eth0 22", true},
		{"fe80::1%eth1 1 fe80::2%eth1 22", false},
		{"nonsense", false},
		{"UNKNOWN 65535 UNKNOWN 65535", false},
		{"", false},
	};

	(void)state;
	add_nic();
	fakenetlink_link(&netlink, .index = 6, .name = "blue", .kind = "vrf");
	fakenetlink_link(&netlink, .index = 7, .name = "eth7", .master = 6);
	fakenetlink_address(&netlink, 2, "10.0.0.2");
	fakenetlink_address(&netlink, 2, "2001:db8::2");
	fakenetlink_address(&netlink, 7, "10.6.0.1");
	fakenetlink_route(&netlink, .to = "10.0.5.5", .interface = 2, .is_answer = true);
	fakenetlink_route(&netlink, .to = "192.168.0.9", .interface = 3, .is_answer = true);
	fakenetlink_route(&netlink, .to = "2001:db8::9", .interface = 2, .is_answer = true);
	fakenetlink_route(&netlink, .to = "10.7.7.7", .interface = 2, .vrf = 6, .is_answer = true);
	fakenetlink_route(&netlink, .to = "10.7.7.7", .interface = 3, .is_answer = true);
	fakenetlink_route(&netlink, .to = "10.8.8.8", .hops = {3, 2}, .is_answer = true);
	for (size_t i = 0; i < COUNT(cases); i++)
		if ((strstr(find_with_ssh(cases[i].connection), "ssh: ") != NULL) !=
		    cases[i].is_found)
			fail_msg("%s: %s", cases[i].connection, found);
}

/* sudo removes it from its environment; the shell that started sudo still has it. */
static void an_unknown_ssh_connection_may_go_through_any_interface(void **state)
{
	const struct hazard_view view = {.ssh_error = -ETIMEDOUT};

	(void)state;
	add_device(0x020000, "e1000e");
	add_interface("eth0", 2, "0x1002\n");
	assert_contains(find_with_view(hazards_find, view),
			"unknown: cannot determine your SSH connection: Connection timed out\n");
}

static void the_ssh_connection_is_read_from_a_parent_of_sudo(void **state)
{
	static struct read_trace trace;
	struct sysroot *root;
	char *ssh = NULL;

	(void)state;
	fakesys_file(fake, "proc/30/stat", "30 (sudo (x) ) S 20 1 1 0\n");
	fakesys_bytes(fake, "proc/30/environ", "SUDO_USER=x\0HOME=/\0", 19);
	fakesys_file(fake, "proc/20/stat", "20 (bash) S 10 1 1 0\n");
	fakesys_bytes(fake, "proc/20/environ", "A=b\0SSH_CONNECTION=10.0.0.1 5 10.0.0.2 22\0X=y\0",
		      46);
	assert_int_equal(sysroot_new(fake->path, &root), 0);
	sysroot_watch(root, trace_read, &trace);
	assert_int_equal(ssh_connection_find(root, 30, &ssh), 0);
	assert_string_equal(trace.text, ""); /* read by a child, which may block */
	assert_string_equal(ssh, "10.0.0.1 5 10.0.0.2 22");
	free(ssh);
	ssh = NULL;
	assert_int_equal(ssh_connection_find(root, 1, &ssh), 0);
	assert_null(ssh);
	sysroot_free(root);
}

/* ---- other network namespaces ---- */

/* Adds a process in a network namespace. */
static void add_process(unsigned pid, const char *program, const char *namespace)
{
	char path[64];

	snprintf(path, sizeof(path), "proc/%u/comm", pid);
	fakesys_file(fake, path, program);
	snprintf(path, sizeof(path), "proc/%u/fd", pid);
	fakesys_directory(fake, path);
	snprintf(path, sizeof(path), "proc/%u/ns/net", pid);
	fakesys_link(fake, path, namespace);
}

static void add_pci_path(void)
{
	fakesys_link(fake, "sys/bus/virtio/devices/virtio0",
		     "../../../devices/pci0000:00/" DEVICE "/virtio0");
}

static void an_interface_that_a_container_has_is_found(void **state)
{
	static const char *const files[] = {"/proc/50/ns/net", "/proc/51/ns/net"};

	(void)state;
	add_device(0x020000, "virtio-pci");
	add_pci_path();
	add_process(40, "bash\n", "net:[4026531840]");
	add_process(50, "nginx\n", "net:[4026532264]");
	add_process(51, "nginx\n", "net:[4026532264]");
	for (size_t i = 0; i < COUNT(files); i++) {
		fakenetlink_link(&netlink, .namespace = files[i], .index = 2, .name = "eth0",
				 .up = true, .parent = "virtio0", .bus = "virtio");
		fakenetlink_link(&netlink, .namespace = files[i], .index = 3, .name = "veth0",
				 .up = true);
	}
	assert_contains(find(), "net-up: eth0 is up in the network namespace of process 5");
	assert_contains(found, " (nginx)\n");
	assert_int_equal(netlink.queries, 1); /* of the container's namespace, once */
}

static void an_interface_in_a_mounted_namespace_is_found(void **state)
{
	(void)state;
	add_device(0x020000, "e1000e");
	fakesys_file(fake, "proc/self/mountinfo",
		     "21 1 254:1 / / rw - ext4 /dev/vda1 rw\n"
		     "90 25 0:4 net:[4026532264] /run/netns/blue rw shared:1 - nsfs nsfs rw\n");
	fakenetlink_link(&netlink, .namespace = "/run/netns/blue", .index = 2, .name = "eth0",
			 .parent = DEVICE, .bus = "pci");
	assert_string_equal(
		find(), "net-hidden: eth0 is down in the network namespace of /run/netns/blue\n");
}

static void an_interface_that_is_not_found_is_refused(void **state)
{
	(void)state;
	add_device(0x020000, "e1000e");
	assert_string_equal(
		find(), "net-hidden: no network interface is found, but it is bound to e1000e\n");
	assert_int_equal(HAZARDS[HAZARD_NET_HIDDEN].grade, GRADE_REFUSED);
	/* a driver for user space has none */
	fakesys_remove(fake, AT "driver");
	fakesys_link(fake, AT "driver", "../../../bus/pci/drivers/uio_pci_generic");
	assert_string_equal(find(), "");
}

static void namespaces_that_cannot_be_searched_are_reported(void **state)
{
	(void)state;
	add_device(0x020000, "e1000e");
	add_process(50, "nginx\n", "net:[4026532264]");
	netlink.error_namespace = "/proc/50/ns/net";
	netlink.error = -EPERM;
	assert_string_equal(find(),
			    "net-hidden: no network interface is found, but it is bound to e1000e "
			    "(not all network namespaces could be searched)\n");
	netlink.error = -ESRCH; /* exited meanwhile */
	assert_string_equal(
		find(), "net-hidden: no network interface is found, but it is bound to e1000e\n");
	netlink.error = -ETIMEDOUT;
	assert_contains(find(), "unknown: other network namespaces could not be searched: "
				"Connection timed out\n");
}

/* ---- failures to look ---- */

static void netlink_failures_are_unknown(void **state)
{
	static const struct {
		unsigned short request;
		const char *what;
	} cases[] = {
		{RTM_GETLINK, "its network interfaces"},
		{RTM_GETNEXTHOP, "its next hop objects"},
		{RTM_GETROUTE, "the IPv4 routes"},
		{RTM_GETROUTE, "the IPv6 routes"},
		{RTM_GETROUTE, "a route"},
		{RTM_GETADDR, "the addresses of its interfaces"},
	};
	char text[128];

	(void)state;
	add_nic();
	for (size_t i = 0; i < COUNT(cases); i++) {
		netlink.error = -ETIMEDOUT;
		netlink.error_of = cases[i].request;
		find_with_ssh("10.0.5.5 50000 10.0.0.2 22");
		snprintf(text, sizeof(text),
			 "unknown: the kernel did not report %s: Connection timed out\n",
			 cases[i].what);
		assert_contains(found, text);
	}
	/* Linux before 5.3 has no next hop objects, and IPv6 can be absent */
	netlink.error = -EOPNOTSUPP;
	netlink.error_of = RTM_GETNEXTHOP;
	assert_string_equal(find(), "");
}

static void a_dump_that_changes_is_read_again(void **state)
{
	(void)state;
	add_nic();
	fakenetlink_route(&netlink, .to = "10.1.0.0", .length = 16, .interface = 2);
	netlink.interruptions = 3;
	assert_string_equal(find(), "route: the route to 10.1.0.0/16 goes through eth0\n");
	netlink.interruptions = 1000;
	assert_contains(find(), "unknown: ");
}

/* nsenter(1) does not mount the sysfs of the namespace. */
static void an_interface_of_another_sysfs_is_unknown(void **state)
{
	(void)state;
	add_nic();
	fakesys_file(fake, "sys/class/net/eth0/ifindex", "9\n");
	assert_contains(find(), "unknown: /sys has eth0, but the network namespace of this process "
				"does not\n");
}

static void routes_are_not_part_of_a_recording(void **state)
{
	(void)state;
	add_nic();
	netlink.netlink.query = NULL;
	assert_string_equal(find(), "unknown: the routes through eth0 are not part of a "
				    "recording\n");
}

/* ---- file systems and disks on servers ---- */

static void file_systems_on_servers_are_found(void **state)
{
	static const struct {
		const char *mount, *finding;
	} cases[] = {
		{"0:50 / /srv rw - nfs4 nas:/srv rw,vers=4.2,addr=10.0.5.5",
		 "mounted: nas:/srv is mounted on /srv\n"},
		{"0:50 / / rw - nfs 10.0.5.5:/root rw,vers=3,addr=10.0.5.5",
		 "system-disk: 10.0.5.5:/root is mounted on /\n"},
		{"0:50 / /srv rw - cifs //nas/share rw,addr=10.0.5.5",
		 "mounted: //nas/share is mounted on /srv\n"},
		{"0:50 / /srv rw - ceph 10.0.9.9:6789,10.0.5.5:6789:/ rw,name=admin",
		 "mounted: 10.0.9.9:6789,10.0.5.5:6789:/ is mounted on /srv\n"},
		{"0:50 / /srv rw - ceph admin@1.fs=/ rw,mon_addr=10.0.9.9:3300/[2001:db8::9]:3300",
		 "mounted: admin@1.fs=/ is mounted on /srv\n"},
		{"0:50 / /srv rw - 9p 10.0.5.5 rw,trans=tcp",
		 "mounted: 10.0.5.5 is mounted on /srv\n"},
		{"0:50 / /srv rw - fuse.glusterfs 10.0.5.5:/vol rw",
		 "mounted: 10.0.5.5:/vol is mounted on /srv\n"},
		{"0:50 / /srv rw - nfs4 nas:/srv rw,addr=fe80::5%eth0",
		 "mounted: nas:/srv is mounted on /srv\n"},
		{"0:50 / /srv rw - nfs4 nas:/srv rw,addr=fe80::5%eth1", ""},
		{"0:50 / /srv rw - nfs4 nas:/srv rw,addr=10.0.9.9", ""},
		{"0:50 / /srv rw - fuse.glusterfs nas:/vol rw", ""},
		{"0:50 / /srv rw - tmpfs 10.0.5.5:/srv rw,addr=10.0.5.5", ""},
	};
	char text[256];

	(void)state;
	add_nic();
	fakenetlink_route(&netlink, .to = "10.0.5.5", .interface = 2, .is_answer = true);
	fakenetlink_route(&netlink, .to = "2001:db8::9", .interface = 2, .is_answer = true);
	fakenetlink_route(&netlink, .to = "10.0.9.9", .interface = 3, .is_answer = true);
	for (size_t i = 0; i < COUNT(cases); i++) {
		snprintf(text, sizeof(text), "21 1 %s\n", cases[i].mount);
		fakesys_file(fake, "proc/self/mountinfo", text);
		assert_string_equal(find(), cases[i].finding);
	}
}

static void add_network_disk(const char *name, const char *number, const char *path)
{
	char text[256], target[256];

	snprintf(text, sizeof(text), "sys/devices/%s/dev", path);
	fakesys_file(fake, text, number);
	snprintf(text, sizeof(text), "sys/class/block/%s", name);
	snprintf(target, sizeof(target), "../../devices/%s", path);
	fakesys_link(fake, text, target);
}

static void disks_on_servers_are_found(void **state)
{
	(void)state;
	add_nic();
	fakenetlink_route(&netlink, .to = "10.0.5.5", .interface = 2, .is_answer = true);
	fakesys_file(fake, "sys/class/iscsi_connection/connection3:0/address", "10.0.5.5\n");
	fakesys_file(fake, "sys/class/iscsi_connection/connection4:0/address", "10.0.9.9\n");
	fakesys_file(fake, "sys/class/nvme/nvme1/transport", "tcp\n");
	fakesys_file(fake, "sys/class/nvme/nvme1/address", "traddr=10.0.5.5,trsvcid=4420\n");
	fakesys_file(fake, "sys/class/nvme/nvme2/transport", "pcie\n");
	fakesys_file(fake, "sys/class/nvme/nvme2/address", "0000:03:00.0\n");
	fakesys_file(fake, "sys/class/nvme/nvme3/transport", "tcp\n");
	fakesys_file(fake, "sys/class/nvme/nvme3/address",
		     "traddr=10.0.9.9,trsvcid=4420,host_iface=eth0\n");
	find();
	assert_contains(
		found, "net-disk: the iSCSI target at 10.0.5.5 (session3) is reached through it\n");
	assert_contains(
		found, "net-disk: the NVMe controller at 10.0.5.5 (nvme1) is reached through it\n");
	assert_contains(found, "net-disk: the NVMe controller at 10.0.9.9%eth0 (nvme3) is reached "
			       "through it\n");
	assert_null(strstr(found, "session4"));
	assert_null(strstr(found, "nvme2"));
}

static void the_system_on_a_disk_of_a_server_is_found(void **state)
{
	(void)state;
	add_nic();
	fakenetlink_route(&netlink, .to = "10.0.5.5", .interface = 2, .is_answer = true);
	fakesys_file(fake, "sys/class/iscsi_connection/connection3:0/address", "10.0.5.5\n");
	add_network_disk("sda", "8:0\n", "platform/host3/session3/target3:0:0/3:0:0:0/block/sda");
	fakesys_file(fake, "proc/self/mountinfo", "21 1 8:0 / / rw - ext4 /dev/sda rw\n");
	assert_contains(find(), "system-disk: /dev/sda is mounted on /\n");
	/* with multipath the disk belongs to the subsystem */
	fakesys_remove(fake, "sys/class/iscsi_connection/connection3:0/address");
	fakesys_file(fake, "sys/class/nvme/nvme1/transport", "tcp\n");
	fakesys_file(fake, "sys/class/nvme/nvme1/address", "traddr=10.0.5.5,trsvcid=4420\n");
	fakesys_directory(fake, "sys/class/nvme-subsystem/nvme-subsys1/nvme1");
	add_network_disk("nvme1n1", "259:7\n", "virtual/nvme-subsystem/nvme-subsys1/nvme1n1");
	fakesys_file(fake, "proc/self/mountinfo", "21 1 259:7 / / rw - ext4 /dev/nvme1n1 rw\n");
	assert_contains(find(), "system-disk: /dev/nvme1n1 is mounted on /\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_interface_that_is_down_has_no_findings),
		TEST(a_renamed_interface_is_found_by_its_new_name),
		TEST(an_interface_that_keeps_vanishing_is_unknown),
		TEST(routes_through_an_interface_are_found),
		TEST(routes_of_all_tables_and_next_hops_are_found),
		TEST(many_routes_are_counted),
		TEST(routes_through_a_bridge_on_a_bond_are_found),
		TEST(an_interface_far_below_a_device_is_found),
		TEST(the_route_to_the_ssh_client_is_found),
		TEST(an_unknown_ssh_connection_may_go_through_any_interface),
		TEST(the_ssh_connection_is_read_from_a_parent_of_sudo),
		TEST(an_interface_that_a_container_has_is_found),
		TEST(an_interface_in_a_mounted_namespace_is_found),
		TEST(an_interface_that_is_not_found_is_refused),
		TEST(namespaces_that_cannot_be_searched_are_reported),
		TEST(netlink_failures_are_unknown),
		TEST(a_dump_that_changes_is_read_again),
		TEST(an_interface_of_another_sysfs_is_unknown),
		TEST(routes_are_not_part_of_a_recording),
		TEST(file_systems_on_servers_are_found),
		TEST(disks_on_servers_are_found),
		TEST(the_system_on_a_disk_of_a_server_is_found),
	};

	return cmocka_run_group_tests_name("binder-network", tests, NULL, report);
}
