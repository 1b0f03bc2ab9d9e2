/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines of virtual machine monitors, and finding the frontend of a VM. */
#include "tests/unit/test.h"

#include "config.h"
#include "probe/ownership/frontend.h"
#include "probe/ownership/vmm.h"

#define HEX "0123456789abcdef"

static struct vmm vmm;

static int teardown(void **state)
{
	(void)state;
	vmm_free(&vmm);
	return 0;
}

/* Parses arguments that are terminated by | instead of NUL. */
static void parse(const char *args)
{
	char cmdline[8192];
	size_t length = strlen(args);

	memcpy(cmdline, args, length);
	for (size_t i = 0; i < length; i++)
		if (cmdline[i] == '|')
			cmdline[i] = '\0';
	vmm_free(&vmm);
	assert_int_equal(vmm_parse(cmdline, length, &vmm), 0);
}

static const char *device(size_t i)
{
	static char text[ADDRESS_SIZE];

	assert_true(i < vmm.device_count);
	return vmm.devices[i].is_mdev ? vmm.devices[i].mdev
				      : address_format(&vmm.devices[i].address, text);
}

static void devices_of_qemu_under_libvirt(void **state)
{
	(void)state;
	parse("/usr/bin/qemu-system-x86_64|-name|guest=one-42,debug-threads=on|-S|-uuid|"
	      "2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1|-device|vfio-pci,host=0000:81:00.2,id=hostdev0,bus=pci.0,addr=0x5|"
	      "-device|e1000,addr=0x6|-device|vfio-pci,host=0001:03:00.0,bus=pci.3,addr=0x0|");
	assert_true(vmm.is_vmm);
	assert_string_equal(vmm.program, "qemu-system-x86_64");
	assert_string_equal(vmm.name, "one-42");
	assert_string_equal(vmm.uuid, "2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1");
	assert_int_equal(vmm.device_count, 2);
	assert_string_equal(device(0), "0000:81:00.2");
	assert_string_equal(vmm.devices[0].guest_address, "0000:00:05.0");
	assert_string_equal(device(1), "0001:03:00.0");
	assert_string_equal(vmm.devices[1].guest_address, "");
}

static void devices_of_qemu_started_by_hand(void **state)
{
	(void)state;
	parse("qemu-kvm|--name|with,,comma,process=x|-device|driver=vfio-pci,host=81:00.2,addr=5.1,bus=pcie.0|-device|"
	      "vfio-pci-nohotplug,sysfsdev=/sys/bus/pci/devices/0000:01:00.0/|-device|"
	      "vfio-pci,sysfsdev=/sys/bus/mdev/devices/4b20d080-1b54-4048-85b3-a6a62d165c01|-id|105|");
	assert_string_equal(vmm.name, "with,comma");
	assert_string_equal(vmm.vmid, "105");
	assert_int_equal(vmm.device_count, 3);
	assert_string_equal(device(0), "0000:81:00.2");
	assert_string_equal(vmm.devices[0].guest_address, "0000:00:05.1");
	assert_string_equal(device(1), "0000:01:00.0");
	assert_string_equal(device(2), "4b20d080-1b54-4048-85b3-a6a62d165c01");
}

/* A device whose descriptor libvirt passes can't be identified by the command line. */
static void devices_of_qemu_with_iommufd(void **state)
{
	(void)state;
	parse("qemu-system-x86_64|-object|iommufd,id=iommufd0|-device|vfio-pci,host=0000:81:00.2,iommufd=iommufd0|-device|"
	      "vfio-pci,fd=25,iommufd=iommufd0,id=hostdev1|-incoming|defer|-device|"
	      "vfio-pci,host=0000:82:00.0,failover_pair_id=net0,iommufd=iommufd0|");
	assert_int_equal(vmm.device_count, 2);
	assert_string_equal(device(0), "0000:81:00.2");
	assert_false(vmm.devices[0].failover);
	assert_string_equal(device(1), "0000:82:00.0");
	assert_true(vmm.devices[1].failover);
}

/* QEMU accepts the path of the device's directory itself, too. */
static void a_mediated_device_by_its_own_path(void **state)
{
	(void)state;
	parse("qemu-kvm|-device|vfio-pci,sysfsdev=/sys/devices/pci0000:00/0000:00:02.0/4b20d080-1b54-4048-85b3-a6a62d165c01|"
	      "-device|vfio-pci,sysfsdev=/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0|");
	assert_int_equal(vmm.device_count, 2);
	assert_string_equal(device(0), "4b20d080-1b54-4048-85b3-a6a62d165c01");
	assert_string_equal(device(1), "0000:01:00.0");
}

#ifdef HAVE_JSON_C
static void devices_of_qemu_with_iommufd_and_json(void **state)
{
	(void)state;
	parse("qemu-system-x86_64|-object|{\"qom-type\":\"iommufd\",\"id\":\"iommufd0\",\"fd\":\"23\"}|-device|"
	      "{\"driver\":\"vfio-pci\",\"host\":\"0000:81:00.2\",\"iommufd\":\"iommufd0\",\"id\":\"hostdev0\"}|-device|"
	      "{\"driver\":\"vfio-pci\",\"id\":\"hostdev1\",\"iommufd\":\"iommufd0\",\"fd\":\"25\",\"bus\":\"pcie.0\","
	      "\"addr\":\"0x3\"}|-device|"
	      "{\"driver\":\"vfio-pci\",\"host\":\"0000:82:00.0\",\"failover_pair_id\":\"ua-net0\"}|");
	assert_int_equal(vmm.device_count, 2);
	assert_string_equal(device(0), "0000:81:00.2");
	assert_string_equal(device(1), "0000:82:00.0");
	assert_true(vmm.devices[1].failover);
}

static void devices_of_qemu_with_json(void **state)
{
	(void)state;
	parse("qemu-system-x86_64|-device|{\"driver\":\"vfio-pci\",\"host\":\"0000:81:00.2\",\"id\":\"hostdev0\","
	      "\"bus\":\"pci.0\",\"addr\":\"0x7\"}|-device|{\"driver\":\"vfio-pci\",\"host\":42}|-device|{broken|-device|[]|");
	assert_int_equal(vmm.device_count, 1);
	assert_string_equal(device(0), "0000:81:00.2");
	assert_string_equal(vmm.devices[0].guest_address, "0000:00:07.0");
}
#endif

static void devices_of_cloud_hypervisor(void **state)
{
	(void)state;
	parse("/usr/local/bin/cloud-hypervisor|--cpus|boot=1|--device|path=/sys/bus/pci/devices/0000:01:00.0/,iommu=on|"
	      "path=/sys/bus/pci/devices/0000:01:00.1|--net|path=/sys/bus/pci/devices/0000:02:00.0|");
	assert_true(vmm.is_vmm);
	assert_int_equal(vmm.device_count, 2);
	assert_string_equal(device(1), "0000:01:00.1");
}

static void devices_of_crosvm(void **state)
{
	(void)state;
	parse("/usr/bin/crosvm|run|--vfio|/sys/bus/pci/devices/0000:01:00.0,iommu=viommu,guest-address=00:05.0|"
	      "--vfio=/sys/bus/pci/devices/0000:02:00.0|--vfio|");
	assert_true(vmm.is_vmm);
	assert_int_equal(vmm.device_count, 2);
	assert_string_equal(vmm.devices[0].guest_address, "0000:00:05.0");
	assert_string_equal(device(1), "0000:02:00.0");
}

static void kubevirt_is_found_by_pod_and_name(void **state)
{
	static const char pod[] =
		"0::/kubepods.slice/kubepods-burstable.slice/"
		"kubepods-burstable-pod2c4e0b0c_7b1a_4f53_8d5a_0d4e33c0e1b1.slice/cri-containerd-1.scope\n";
	static const struct {
		const char *cgroup, *name, *id;
	} cases[] = {
		{pod, "default_vm-1", "default/vm-1"},
		{"1:cpu:/kubepods/besteffort/pod2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1/x\n", "a_b",
		 "a/b"},
		{pod, "web", NULL},
		{pod, "a_b_c", NULL},
		{pod, "a_", NULL},
		{pod, "_a", NULL},
		{pod, "../a_b", NULL},
		{pod, NULL, NULL},
		{"0::/machine.slice/x", "a_b", NULL},
		{"0::/kubepods/pod", "a_b", NULL},
		{"", "a_b", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *id = NULL;
		const char *frontend = frontend_from_cgroup(cases[i].cgroup, cases[i].name, &id);

		assert_int_equal(!frontend, !cases[i].id);
		if (frontend)
			assert_string_equal(id, cases[i].id);
		free(id);
	}
}

static void a_pod_is_found_by_the_cgroup(void **state)
{
	static const char uid[] = "2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1";
	static const struct {
		const char *cgroup;
		bool is_pod;
	} cases[] = {
		{"0::/kubepods.slice/kubepods-pod2c4e0b0c_7b1a_4f53_8d5a_0d4e33c0e1b1.slice/crio-1.scope\n",
		 true},
		{"1:cpu:/x\n0::/kubepods/besteffort/pod2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1/x\n",
		 true},
		/* kind's cgroup root, and a path from another cgroup namespace */
		{"0::/kubelet.slice/kubelet-kubepods.slice/"
		 "kubelet-kubepods-pod2c4e0b0c_7b1a_4f53_8d5a_0d4e33c0e1b1.slice/x\n",
		 true},
		{"0::/../../kubepods-pod2c4e0b0c_7b1a_4f53_8d5a_0d4e33c0e1b1.slice/cri-1.scope\n",
		 true},
		{"0::/kubepods/pod2c4e0b0c-7b1a-4f53-8d5a\n", false},
		{"0::/machine.slice/pod\n", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char pod[37] = "";

		assert_int_equal(frontend_find_pod(cases[i].cgroup, pod), cases[i].is_pod);
		assert_string_equal(pod, cases[i].is_pod ? uid : "");
	}
}

static void some_frontends_are_found_by_a_path(void **state)
{
	static const struct {
		const char *path, *name, *frontend, *id;
	} cases[] = {
		{"/run/incus/web/qemu.conf", "web", "incus", "default/web"},
		{"/run/incus/shop_web/qemu.conf", "web", "incus", "shop/web"},
		{"/var/log/incus/web/qemu.conf", "web", "incus", "default/web"},
		{"/var/log/lxd/one-42/qemu.conf", "one-42", "lxd", "default/one-42"},
		{"/var/snap/lxd/common/lxd/logs/shop_web/qemu.conf", "web", "lxd", "shop/web"},
		{"/run/vc/vm/" HEX HEX HEX HEX "/clh-api.sock", NULL, "kata", HEX HEX HEX HEX},
		{"/run/kata/" HEX HEX HEX HEX "/root/ch-api.sock", NULL, "kata", HEX HEX HEX HEX},
		/* not the path of this VM, or of a known frontend */
		{"/run/incus/other/qemu.conf", "web", NULL, NULL},
		{"/run/incus/xweb/qemu.conf", "web", NULL, NULL},
		{"/run/incus/_web/qemu.conf", "web", NULL, NULL},
		{"/run/incus/a/web/qemu.conf", "web", NULL, NULL},
		{"/run/incus/web/other.conf", "web", NULL, NULL},
		{"/run/incus/web", "web", NULL, NULL},
		{"/run/incus/qemu.conf", "", NULL, NULL},
		{"/run/incus//qemu.conf", "", NULL, NULL},
		{"/tmp/web/qemu.conf", "web", NULL, NULL},
		{"/run/incus/web/qemu.conf", NULL, NULL, NULL},
		{"/run/vc/vm/" HEX "/clh-api.sock", NULL, NULL, NULL},
		{"/run/vc/vm/" HEX HEX HEX HEX, NULL, NULL, NULL},
		{"/tmp/ch.sock", NULL, NULL, NULL},
		{"", "web", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *id = NULL;
		const char *frontend = frontend_from_path(cases[i].path, cases[i].name, &id);

		assert_int_equal(!frontend, !cases[i].frontend);
		if (frontend) {
			assert_string_equal(frontend, cases[i].frontend);
			assert_string_equal(id, cases[i].id);
		} else {
			assert_null(id);
		}
		free(id);
	}
}

static void the_path_of_the_frontend_is_parsed(void **state)
{
	(void)state;
	parse("/usr/bin/qemu-system-x86_64|-S|-name|web|-uuid|u-u-i-d|-daemonize|-cpu|host|-nographic|-serial|"
	      "chardev:console|-nodefaults|-no-user-config|-readconfig|/run/incus/web/qemu.conf|-pidfile|"
	      "/run/incus/web/qemu.pid|");
	assert_string_equal(vmm.name, "web");
	assert_string_equal(vmm.path, "/run/incus/web/qemu.conf");
	parse("/usr/bin/cloud-hypervisor|--api-socket|/run/vc/vm/x/clh-api.sock|-v|");
	assert_string_equal(vmm.path, "/run/vc/vm/x/clh-api.sock");
	parse("/usr/bin/cloud-hypervisor|--api-socket|path=/run/vc/vm/x/clh-api.sock|--device|path=/sys/bus/pci/devices/01:00.0|");
	assert_string_equal(vmm.path, "/run/vc/vm/x/clh-api.sock");
	assert_int_equal(vmm.device_count, 1);
	parse("/usr/bin/cloud-hypervisor|--api-socket=/run/x|");
	assert_string_equal(vmm.path, "/run/x");
	parse("/usr/bin/cloud-hypervisor|--api-socket|");
	assert_null(vmm.path);
}

static void other_programs_are_not_parsed(void **state)
{
	(void)state;
	parse("/usr/bin/dpdk-testpmd|-a|0000:01:00.0|-name|guest=one-1|");
	assert_false(vmm.is_vmm);
	assert_string_equal(vmm.program, "dpdk-testpmd");
	assert_null(vmm.name);
	assert_int_equal(vmm.device_count, 0);
}

static void invalid_arguments_are_ignored(void **state)
{
	static const char *const lines[] = {
		"",
		"|",
		"||||",
		"qemu",
		"qemu|",
		"qemu|-name",
		"qemu|-name|",
		"qemu|-device|",
		"qemu|-device|,|",
		"qemu|-device|=|",
		"qemu|-device|vfio-pci|",
		"qemu|-device|vfio-pci,host=|",
		"qemu|-device|vfio-pci,host=../../etc|",
		"qemu|-device|vfio-pci,sysfsdev=|",
		"qemu|-device|vfio-pci,sysfsdev=/|",
		"qemu|-device|vfio-pci,sysfsdev=////|",
		"qemu|-device|vfio-pci,sysfsdev=/mdev/devices/|",
		"qemu|-device|vfio-pci,host=zz,sysfsdev=/x|",
		"qemu|-device|{}|",
		"qemu|-device|{\"driver\":null}|",
		"cloud-hypervisor|--device|",
		"cloud-hypervisor|--device|path=|",
		"qemu|-name|,,,,,|-uuid|",
		"qemu|-device|vfio-pci,host=0000:01:00.0,,x|",
		"qemu|-|--|-name",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		parse(lines[i]);
		assert_int_equal(vmm.device_count, 0);
	}
}

static void long_names_are_not_truncated(void **state)
{
	char words[6000] = "qemu|-name|guest=";
	size_t start = strlen(words);

	(void)state;
	memset(words + start, '"', 4096);
	strcpy(words + start + 4096, "\n\x1b[2J]]>|");
	parse(words);
	assert_int_equal(strlen(vmm.name), 4096 + strlen("\n\x1b[2J]]>"));
}

static void frontends_are_found_by_name(void **state)
{
	static const char uuid[] = "2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1";
	static const struct {
		const char *name, *vmid, *frontend, *id;
	} cases[] = {
		{"one-42", NULL, "opennebula", "42"},
		{"i-2-385-VM", NULL, "cloudstack", "i-2-385-VM"},
		{"instance-0000001f", NULL, "nova", uuid},
		{"web", "105", "proxmox", "105"},
		{"sandbox-" HEX HEX HEX HEX, NULL, "kata", HEX HEX HEX HEX},
		{"sandbox-" HEX, NULL, NULL, NULL},
		{"one-", NULL, NULL, NULL},
		{"one-42x", NULL, NULL, NULL},
		{"one--1", NULL, NULL, NULL},
		{"i-2-385-VMx", NULL, NULL, NULL},
		{"i--385-VM", NULL, NULL, NULL},
		{"instance-0000001g", NULL, NULL, NULL},
		{"instance-1f", NULL, NULL, NULL},
		{"one-99999999999", NULL, NULL, NULL},
		{"web", "1;rm", NULL, NULL},
		{"", NULL, NULL, NULL},
		{NULL, NULL, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *id = NULL;
		const char *frontend = frontend_find(cases[i].name, uuid, cases[i].vmid, &id);

		if (!cases[i].frontend) {
			assert_null(frontend);
			assert_null(id);
			continue;
		}
		assert_string_equal(frontend, cases[i].frontend);
		assert_string_equal(id, cases[i].id);
		free(id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(devices_of_qemu_under_libvirt, teardown),
		cmocka_unit_test_teardown(devices_of_qemu_started_by_hand, teardown),
		cmocka_unit_test_teardown(devices_of_qemu_with_iommufd, teardown),
		cmocka_unit_test_teardown(a_mediated_device_by_its_own_path, teardown),
#ifdef HAVE_JSON_C
		cmocka_unit_test_teardown(devices_of_qemu_with_iommufd_and_json, teardown),
		cmocka_unit_test_teardown(devices_of_qemu_with_json, teardown),
#endif
		cmocka_unit_test_teardown(devices_of_cloud_hypervisor, teardown),
		cmocka_unit_test_teardown(devices_of_crosvm, teardown),
		cmocka_unit_test(kubevirt_is_found_by_pod_and_name),
		cmocka_unit_test(a_pod_is_found_by_the_cgroup),
		cmocka_unit_test(some_frontends_are_found_by_a_path),
		cmocka_unit_test_teardown(the_path_of_the_frontend_is_parsed, teardown),
		cmocka_unit_test_teardown(other_programs_are_not_parsed, teardown),
		cmocka_unit_test_teardown(invalid_arguments_are_ignored, teardown),
		cmocka_unit_test_teardown(long_names_are_not_truncated, teardown),
		cmocka_unit_test(frontends_are_found_by_name),
	};

	return cmocka_run_group_tests_name("vmm", tests, NULL, NULL);
}
