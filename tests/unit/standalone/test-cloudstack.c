/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The formats for CloudStack. tests/conformance/test-cloudstack.py checks the complete output. */
#include "tests/unit/test.h"

#include "config.h"
#include "plugins/standalone/formats/cloudstack-user.h"
#include "tests/unit/fakesys.h"
#include "tests/unit/standalone/output.h"

#include <sys/stat.h>
#include <unistd.h>

static struct fakesys *fake;
static struct log_capture captured;
static const char *helper; /* libvirt helper */

static int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	captured = (struct log_capture){0};
	helper = NULL;
	/* without processes it would be treated as a recording */
	fakesys_file(fake, "proc/1/stat",
		     "1 (init) S 0 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 5\n");
	fakesys_file(fake, "proc/1/cmdline", "");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fakesys_free(fake);
	return 0;
}

/* The output of FORMAT for the fake host; the caller frees it. EDIT may modify the inventory. */
static char *output_of(const char *format, const char *config, void (*edit)(struct inventory *))
{
	struct probe_options options = {
		.log = log_capture_add(&captured), .sysroot = fake->path, .libvirt_helper = helper};
	char path[128];

	if (config) {
		fakesys_file(fake, "pci.conf", config);
		snprintf(path, sizeof(path), "%s/pci.conf", fake->path);
		options.config = path;
	}
	return output_of_format(format, options, (struct report){.headings = true}, edit);
}

/* ---- the user of a device ---- */

static char *find_user(struct pci_device *device, const char *mdev)
{
	struct inventory inventory = {.devices = device, .count = 1, .selected = 1};
	char *string;

	inventory.sources[__builtin_ctz(OWNER_VFIO)].state = SOURCE_OK;
	inventory.sources[__builtin_ctz(OWNER_MDEV)].state = SOURCE_OK;
	device->present |= HAS_OWNERSHIP;
	assert_int_equal(cloudstack_user(&inventory, device, mdev, &string), 0);
	return string;
}

static void assert_user(struct pci_device *device, const char *mdev, const char *wanted)
{
	char *string = find_user(device, mdev);

	if (wanted)
		assert_string_equal(string, wanted);
	else
		assert_null(string);
	free(string);
}

static void the_user_is_the_owner_that_holds_the_device(void **state)
{
	char first[] = "i-2-3-VM", second[] = "i-2-4-VM";
	struct owner owners[] = {{.name = first}, {.name = second, .reserves = true}};
	struct pci_device device = {
		.ownership = OWNERSHIP_HELD, .owners = owners, .owner_count = 2};

	(void)state;
	assert_user(&device, NULL, "i-2-3-VM");
	owners[0].reserves = true;
	device.ownership = OWNERSHIP_RESERVED;
	assert_user(&device, NULL, NULL);
	owners[0].reserves = owners[1].reserves = false;
	device.ownership = OWNERSHIP_HELD;
	assert_user(&device, NULL, "conflict: i-2-3-VM, i-2-4-VM");
}

static void an_unknown_owner_is_not_reported_as_free(void **state)
{
	struct owner owner = {.reserves = true};
	struct pci_device device = {.ownership = OWNERSHIP_UNKNOWN, .present = HAS_OWNERSHIP};
	struct inventory inventory = {.devices = &device, .count = 1, .selected = 1};
	char *string;

	(void)state;
	assert_user(&device, NULL, "unknown: pciprobe could not check all owners");
	device.ownership = OWNERSHIP_FREE;
	assert_user(&device, NULL, NULL);
	device.ownership = OWNERSHIP_HOST;
	assert_user(&device, NULL, NULL);
	/* a process may use it while it is reserved for a stopped VM */
	device.ownership = OWNERSHIP_RESERVED;
	device.owners = &owner;
	device.owner_count = 1;
	inventory.sources[0].state = SOURCE_PARTLY;
	assert_int_equal(cloudstack_user(&inventory, &device, NULL, &string), 0);
	assert_string_equal(string, "unknown: pciprobe could not check all owners");
	free(string);
	device = (struct pci_device){
		.ownership = OWNERSHIP_FREE, .group_held = true, .iommu_group = 8};
	assert_user(&device, NULL, "held: IOMMU group 8 is in use for another device");
}

static void every_owner_has_a_visible_name(void **state)
{
	char blank[] = " \t\xe2\x80\x83 ", program[] = "dpdk-\x1b[2J", odd[] = "a\"b\\\n\xff]]>";
	struct owner owner = {.name = blank, .pid = 42, .program = program};
	struct pci_device device = {
		.ownership = OWNERSHIP_HELD, .owners = &owner, .owner_count = 1};

	(void)state;
	assert_user(&device, NULL, "process 42 (dpdk-?[2J)");
	owner = (struct owner){0};
	assert_user(&device, NULL, "unknown owner");
	owner.name = odd;
	assert_user(&device, NULL, "a\"b\\??]]>");
}

static void mediated_devices_have_separate_users(void **state)
{
	char first[] = "i-2-3-VM", second[] = "i-2-4-VM", aa[] = "aa", bb[] = "bb";
	struct owner owners[] = {{.name = first, .mdev = aa}, {.name = second, .mdev = bb}};
	struct pci_device device = {.ownership = OWNERSHIP_HELD,
				    .owners = owners,
				    .owner_count = 2,
				    .present = HAS_OWNERSHIP};
	struct inventory inventory = {.devices = &device, .count = 1, .selected = 1};
	char *string;

	(void)state;
	assert_user(&device, "aa", "i-2-3-VM");
	assert_user(&device, "bb", "i-2-4-VM");
	assert_user(&device, "cc", NULL);
	assert_user(&device, NULL, NULL);
	/* an uninspected process may use this one */
	inventory.sources[__builtin_ctz(OWNER_VFIO)].state = SOURCE_OK;
	inventory.sources[__builtin_ctz(OWNER_MDEV)].state = SOURCE_PARTLY;
	assert_int_equal(cloudstack_user(&inventory, &device, "cc", &string), 0);
	assert_string_equal(string, "unknown: pciprobe could not check all owners");
	free(string);
}

/* ---- the line and the table ---- */

#define ALIASES \
	":filter:\n:alias:\n - {name: 10GE, filter: '8086:10fb'}\n - {name: other, filter: '8086:'}\n"

static void devices_with_an_alias_are_listed(void **state)
{
	char *string;

	(void)state;
	fakesys_file(fake, "proc/sys/kernel/hostname", "kvm1\n");
	fakesys_pci(fake, "0000:28:00.1", .vendor = 0x8086, .device = 0x10fb, .class = 0x020000,
		    .driver = "vfio-pci", .group = "7");
	fakesys_pci(fake, "0000:28:00.2", .vendor = 0x10de, .device = 0x1eb8, .class = 0x030200);
	fakesys_pci(fake, "0000:28:01.0", .vendor = 0x8086, .device = 0x10fc, .class = 0x060400);
	fakesys_pci(fake, "0001:28:1f.7", .vendor = 0x8086, .device = 0x10fc, .class = 0x020000,
		    .driver = "ixgbe");
	string = output_of("cloudstack-devices", ALIASES, NULL);
	assert_string_equal(string, "pci.devices=28:00.1|10GE,0001:28:1f.7|other\n");
	free(string);
	string = output_of("cloudstack-table", ALIASES, NULL);
	assert_string_equal(string, "HOST NAME             DOMAIN BUS SLOT FUNCTION INSTANCE\n"
				    "kvm1 10GE               0000  28   00        1 NULL\n"
				    "kvm1 other              0001  28   1f        7 NULL\n");
	free(string);
	string = output_of("cloudstack-devices", ":filter: '0:0'\n", NULL);
	assert_string_equal(string, "pci.devices=\n");
	free(string);
}

static void add_hostile_owner(struct inventory *inventory)
{
	struct pci_device *device = &inventory->devices[0];
	char name[4097];

	memset(name, 'x', sizeof(name) - 1);
	memcpy(name, "\"\\\n\x1b[2J\xff]]>", 11);
	name[sizeof(name) - 1] = '\0';
	device->owners = calloc(1, sizeof(*device->owners));
	device->owner_count = 1;
	device->owners[0].name = strdup(name);
	device->ownership = OWNERSHIP_HELD;
}

static void a_hostile_name_does_not_break_the_table(void **state)
{
	char *string;

	(void)state;
	fakesys_pci(fake, "0000:28:00.1", .vendor = 0x8086, .device = 0x10fb, .class = 0x020000,
		    .driver = "vfio-pci", .group = "7");
	string = output_of("cloudstack-table", ALIASES, add_hostile_owner);
	assert_contains(string, "        1 \"\\??[2J?]]>xxx");
	assert_int_equal(strlen(strchr(strchr(string, '\n') + 1, '\n')), 1);
	free(string);
}

#ifdef HAVE_JSON_C
static void a_device_is_written_like_the_original_script(void **state)
{
	char *string;

	(void)state;
	fakesys_pci(fake, "0000:ae:00.0", .vendor = 0x10de, .device = 0x1eb8, .class = 0x030200,
		    .driver = "vfio-pci", .group = "35", .below = "0000:ab:02.0");
	fakesys_file(fake, "sys/bus/pci/devices/0000:ae:00.0/numa_node", "1\n");
	string = output_of("cloudstack", NULL, NULL);
	assert_string_equal(
		string,
		"{ \"gpus\": [\n"
		"{ \"pci_address\": \"ae:00.0\", \"vendor_id\": \"10de\", \"device_id\": \"1eb8\", \"vendor\": "
		"\"NVIDIA Corporation\", \"device\": \"TU104GL [Tesla T4]\", \"driver\": \"vfio-pci\", \"pci_class\": "
		"\"3D controller [0302]\", \"iommu_group\": \"35\", \"pci_root\": \"0000:ab:02.0\", \"numa_node\": 1, "
		"\"sriov_totalvfs\": 0, \"sriov_numvfs\": 0, \"max_instances\": null, \"video_ram\": null, \"max_heads\": "
		"null, \"max_resolution_x\": null, \"max_resolution_y\": null, \"vgpu_instances\": [ ], \"vf_instances\": "
		"[ ], \"full_passthrough\": { \"enabled\": 1, \"libvirt_address\": { \"domain\": \"0x0000\", \"bus\": "
		"\"0xae\", \"slot\": \"0x00\", \"function\": \"0x0\" }, \"used_by_vm\": null } }\n"
		"] }\n");
	free(string);
}

#define UUID "2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b"

/* VMs that are only defined with a device are not users of it. */
static void only_running_libvirt_domains_are_users(void **state)
{
	static char path[128];
	char *string;

	(void)state;
	fakesys_file(fake, "helper",
		     "#!/bin/sh\ncat <<'END'\n"
		     "runs pci 0001:01:00.0 - " UUID "1 i-2-3-VM - -\n"
		     "defined pci 0001:01:00.0 - " UUID "2 i-2-9-VM - -\n"
		     "runs pci 0000:01:00.0 - " UUID "1 i-2-3-VM - -\n"
		     "runs pci 0000:01:00.0 - " UUID "3 i-2-4-VM - -\n"
		     "defined pci 0000:02:00.0 - " UUID "2 i-2-9-VM - -\nend 5\nEND\n");
	snprintf(path, sizeof(path), "%s/helper", fake->path);
	assert_int_equal(chmod(path, 0755), 0);
	fakesys_socket(fake, "run/libvirt/libvirt-sock-ro");
	helper = path;
	for (unsigned i = 0; i < 3; i++)
		fakesys_pci(fake,
			    ((const char *[]){"0000:01:00.0", "0000:02:00.0", "0001:01:00.0"})[i],
			    .vendor = 0x10de, .device = 0x1eb8, .class = 0x030200,
			    .driver = "vfio-pci", .group = ((const char *[]){"35", "36", "37"})[i]);
	string = output_of("cloudstack", NULL, NULL);
	assert_contains(
		string,
		"\"function\": \"0x0\" }, \"used_by_vm\": \"conflict: i-2-3-VM, i-2-4-VM\" } },\n"
		"{ \"pci_address\": \"02:00.0\"");
	assert_contains(string, "\"used_by_vm\": null } },\n{ \"pci_address\": \"0001:01:00.0\"");
	assert_contains(
		string,
		"\"domain\": \"0x0001\", \"bus\": \"0x01\", \"slot\": \"0x00\", \"function\": \"0x0\" }, "
		"\"used_by_vm\": \"i-2-3-VM\" } }\n] }");
	free(string);
	/* without an answer from libvirt no device is free */
	fakesys_file(fake, "helper", "#!/bin/sh\nexit 1\n");
	string = output_of("cloudstack", NULL, NULL);
	assert_null(strstr(string, "\"used_by_vm\": null"));
	free(string);
}

static void a_hostile_name_does_not_break_json(void **state)
{
	char *string;

	(void)state;
	fakesys_pci(fake, "0000:ae:00.0", .vendor = 0x10de, .device = 0x1eb8, .class = 0x030200,
		    .driver = "vfio-pci", .group = "35");
	string = output_of("cloudstack", NULL, add_hostile_owner);
	assert_contains(string, "\"used_by_vm\": \"\\\"\\\\??[2J?]]>xxx");
	assert_int_equal(strlen(strchr(strchr(string, '\n') + 1, '\n')), 5);
	free(string);
}

static void selected_vfs_are_listed_in_an_unselected_pf(void **state)
{
	char *string;

	(void)state;
	fakesys_pci(fake, "0001:08:00.0", .vendor = 0x1002, .device = 0x740f, .class = 0x120000,
		    .driver = "amdgpu");
	fakesys_file(fake, "sys/bus/pci/devices/0001:08:00.0/sriov_totalvfs", "2\n");
	fakesys_pci(fake, "0001:08:02.0", .vendor = 0x1002, .device = 0x7410, .class = 0x120000,
		    .driver = "vfio-pci", .group = "9", .pf = "0001:08:00.0");
	string = output_of("cloudstack", ":filter: '1002:7410'\n", NULL);
	assert_contains(
		string,
		"{ \"pci_address\": \"0001:08:00.0\", \"vendor_id\": \"1002\", \"device_id\": \"740f\"");
	assert_contains(
		string,
		"\"vf_instances\": [ { \"vf_pci_address\": \"0001:08:02.0\", \"vf_profile\": ");
	assert_contains(
		string,
		"\"libvirt_address\": { \"domain\": \"0x0001\", \"bus\": \"0x08\", \"slot\": \"0x02\", \"function\": \"0x0\" }");
	assert_contains(string, "\"full_passthrough\": { \"enabled\": 0,");
	assert_null(strstr(string, "},\n{"));
	free(string);
}

/* ---- vGPU profiles ---- */

/* Elements and attributes are those that XenServer's xapi reads (ocaml/xapi/xapi_vgpu_type.ml, with
 * examples of both elements in its comments), profileSize that of the file that
 * vgpu_unlock tools generate. The numbers of the A10-2Q are those of NVIDIA's vGPU user guide: 2048
 * MB, 12 on a GPU, 4 displays, 7680x4320. No file of NVIDIA's was at hand. */
#define TYPE(id, name, more)                                                           \
	"<vgpuType id=\"" id "\" name=\"" name "\" class=\"Quadro\">\n"                \
	"<devId vendorId=\"0x10de\" deviceId=\"0x2236\" subsystemVendorId=\"0x10de\" " \
	"subsystemId=\"0x14d9\"></devId>\n" more "</vgpuType>\n"
#define A10_2Q                                                                                 \
	TYPE("558", "NVIDIA A10-2Q",                                                           \
	     "<framebuffer>0x74000000</framebuffer><fbReservation>0xC000000</fbReservation>\n" \
	     "<profileSize>0x80000000</profileSize><numHeads>4</numHeads>\n"                   \
	     "<display width=\"7680\" height=\"4320\"></display>\n")
#define GPU(device, subsystem, id, max)                                            \
	"<pgpu>\n<devId vendorId=\"0x10de\" deviceId=\"" device                    \
	"\" subsystemVendorId=\"0x10de\" subsystemId=\"" subsystem "\"></devId>\n" \
	"<supportedVgpu vgpuId=\"" id "\"><maxVgpus>" max "</maxVgpus>"            \
	"<digest type=\"signature\">ab12</digest></supportedVgpu>\n</pgpu>\n"
#define XML(content) "<?xml version=\"1.0\"?>\n<vgpuconfig>\n" content "</vgpuconfig>\n"

/* A GPU whose VF has a vGPU of type TYPE, and lists LISTED. */
static void make_gpu(const char *type, const char *listed, const char *xml)
{
	fakesys_pci(fake, "0000:08:00.0", .vendor = 0x10de, .device = 0x2236, .class = 0x030200,
		    .subsystem_vendor = 0x10de, .subsystem_device = 0x1482, .driver = "nvidia");
	fakesys_pci(fake, "0000:08:00.4", .vendor = 0x10de, .device = 0x2236, .class = 0x030200,
		    .driver = "nvidia", .group = "9", .pf = "0000:08:00.0");
	fakesys_attribute(fake, "0000:08:00.4", "nvidia/current_vgpu_type", type);
	fakesys_attribute(fake, "0000:08:00.4", "nvidia/creatable_vgpu_types", listed);
	if (xml)
		fakesys_file(fake, "usr/share/nvidia/vgpu/vgpuConfig.xml", xml);
}

/* The profile of the VF and its limits, as in JSON. */
static const char *profile(void)
{
	static char text[256];
	char *string = output_of("cloudstack", NULL, NULL), *start, *end;

	start = strstr(string, "\"vf_profile\": ");
	assert_non_null(start);
	end = strstr(start, ", \"libvirt_address\"");
	assert_non_null(end);
	snprintf(text, sizeof(text), "%.*s", (int)(end - start), start);
	free(string);
	return text;
}

#define LIMITS(instances, ram, heads, x, y)                                                 \
	", \"max_instances\": " instances ", \"video_ram\": " ram ", \"max_heads\": " heads \
	", \"max_resolution_x\": " x ", \"max_resolution_y\": " y
#define NO_LIMITS LIMITS("null", "null", "null", "null", "null")
#define A10_2Q_LIMITS LIMITS("12", "2048", "4", "7680", "4320")
#define HEADER "ID    : vGPU Name\n"

static void the_profile_of_a_full_card_is_in_vgpuconfig_xml(void **state)
{
	(void)state;
	make_gpu("558\n", HEADER, XML(A10_2Q GPU("0x2236", "0x0", "558", "12")));
	assert_string_equal(profile(), "\"vf_profile\": \"NVIDIA A10-2Q\"" A10_2Q_LIMITS);
}

static void a_profile_that_is_not_known_is_no_number(void **state)
{
	static const char *const types[] = {"999\n", "0\n", "558x\n", "-1\n", "5\n"};

	(void)state;
	make_gpu("999\n", HEADER, XML(A10_2Q GPU("0x2236", "0x0", "558", "12")));
	for (size_t i = 0; i < COUNT(types); i++) {
		fakesys_attribute(fake, "0000:08:00.4", "nvidia/current_vgpu_type", types[i]);
		assert_string_equal(profile(), "\"vf_profile\": \"\"" NO_LIMITS);
	}
}

static void only_what_vgpuconfig_xml_says_is_written(void **state)
{
	static const struct {
		const char *xml, *wanted;
	} cases[] = {
		/* the most specific GPU counts, in any order */
		{XML(A10_2Q GPU("0x2236", "0x1482", "558", "12") GPU("0x2236", "0x0", "558", "6")),
		 "NVIDIA A10-2Q\"" A10_2Q_LIMITS},
		{XML(GPU("0x2236", "0x0", "558", "6") GPU("0x2236", "0x1482", "558", "12") A10_2Q),
		 "NVIDIA A10-2Q\"" A10_2Q_LIMITS},
		/* not of this GPU, not of this type */
		{XML(A10_2Q GPU("0x2237", "0x0", "558", "6") GPU("0x2236", "0x1483", "558", "6")
			     GPU("0x2236", "0x0", "55", "6")),
		 "NVIDIA A10-2Q\"" LIMITS("null", "2048", "4", "7680", "4320")},
		{XML(TYPE("5580", "other", "") TYPE("55", "other", "")), "\"" NO_LIMITS},
		{XML("<!-- " A10_2Q " -->"), "\"" NO_LIMITS},
		/* other quotes and white space; without a size of the profile */
		{"<vgpuType\n\tclass='x'  name='A'\nid='558'><framebuffer>\n 0x1A000000 </framebuffer>"
		 "<fbReservation>0x6000000</fbReservation></vgpuType>",
		 "A\"" LIMITS("null", "512", "null", "null", "null")},
		/* a number is not a name, and an encoded name is not decoded */
		{XML(TYPE("558", "558", "")), "\"" NO_LIMITS},
		{XML(TYPE("558", "", "")), "\"" NO_LIMITS},
		{XML(TYPE("558", "a&amp;b", "")), "\"" NO_LIMITS},
		{XML(TYPE("558", "A",
			  "<numHeads>-4</numHeads><display width=\"x\" height=\"\"/>"
			  "<profileSize>99999999999999999999999</profileSize>")),
		 "A\"" NO_LIMITS},
		{XML(TYPE("558", "A", "<numHeads>4294967296</numHeads>")), "A\"" NO_LIMITS},
		/* broken off */
		{"", "\"" NO_LIMITS},
		{"<", "\"" NO_LIMITS},
		{"<vgpuType id=\"558\" name=\"A", "\"" NO_LIMITS},
		{"<vgpuType id=\"558\" name=\"A\"><numHeads>4",
		 "A\"" LIMITS("null", "null", "4", "null", "null")},
		{"<!-- <vgpuType id=\"558\" name=\"A\">", "\"" NO_LIMITS},
		{"<vgpuType id=558 name=>", "\"" NO_LIMITS},
	};
	char wanted[256];

	(void)state;
	make_gpu("558\n", HEADER, NULL);
	for (size_t i = 0; i < COUNT(cases); i++) {
		fakesys_file(fake, "usr/share/nvidia/vgpu/vgpuConfig.xml", cases[i].xml);
		snprintf(wanted, sizeof(wanted), "\"vf_profile\": \"%s", cases[i].wanted);
		assert_string_equal(profile(), wanted);
	}
}

#define NAMES "var/lib/pciprobe/cloudstack/vgpu-names"

static void the_names_of_listed_types_are_remembered(void **state)
{
	char path[128], text[256];
	size_t length;
	FILE *file;

	(void)state;
	fakesys_directory(fake, "var/lib");
	make_gpu("558\n", HEADER "557   : NVIDIA A10-1B\n558   : NVIDIA A10-2Q\n559 : 559\n", NULL);
	assert_string_equal(profile(), "\"vf_profile\": \"NVIDIA A10-2Q\"" NO_LIMITS);
	/* the framebuffer is used up */
	fakesys_attribute(fake, "0000:08:00.4", "nvidia/creatable_vgpu_types", HEADER);
	assert_string_equal(profile(), "\"vf_profile\": \"NVIDIA A10-2Q\"" NO_LIMITS);
	/* another version of the driver has another name */
	fakesys_attribute(fake, "0000:08:00.4", "nvidia/creatable_vgpu_types",
			  HEADER "558 : NVIDIA A10-2Q v2\n");
	assert_string_equal(profile(), "\"vf_profile\": \"NVIDIA A10-2Q v2\"" NO_LIMITS);
	fakesys_attribute(fake, "0000:08:00.4", "nvidia/creatable_vgpu_types", HEADER);
	assert_string_equal(profile(), "\"vf_profile\": \"NVIDIA A10-2Q v2\"" NO_LIMITS);
	snprintf(path, sizeof(path), "%s/" NAMES, fake->path);
	file = fopen(path, "r");
	assert_non_null(file);
	length = fread(text, 1, sizeof(text) - 1, file);
	text[length] = '\0';
	fclose(file);
	assert_string_equal(text, "558 NVIDIA A10-2Q v2\n557 NVIDIA A10-1B\n558 NVIDIA A10-2Q\n");
	/* vgpuConfig.xml is that of the driver */
	fakesys_file(fake, "usr/share/nvidia/vgpu/vgpuConfig.xml", XML(TYPE("558", "current", "")));
	assert_string_equal(profile(), "\"vf_profile\": \"current\"" NO_LIMITS);
	fakesys_remove(fake, "usr/share/nvidia/vgpu/vgpuConfig.xml");
	/* a directory that others can write to is not used */
	snprintf(path, sizeof(path), "%s/var/lib/pciprobe/cloudstack", fake->path);
	assert_int_equal(chmod(path, 0777), 0);
	assert_string_equal(profile(), "\"vf_profile\": \"\"" NO_LIMITS);
}

static void names_are_not_remembered_outside_of_the_root(void **state)
{
	struct fakesys *other = fakesys_new();
	char path[128];

	(void)state;
	make_gpu("558\n", HEADER "558 : NVIDIA A10-2Q\n", NULL);
	fakesys_link(fake, "var/lib", other->path);
	assert_string_equal(profile(), "\"vf_profile\": \"NVIDIA A10-2Q\"" NO_LIMITS);
	snprintf(path, sizeof(path), "%s/pciprobe", other->path);
	assert_int_equal(access(path, F_OK), -1);
	/* nor read */
	fakesys_file(other, "pciprobe/cloudstack/vgpu-names", "558 stranger\n");
	fakesys_attribute(fake, "0000:08:00.4", "nvidia/creatable_vgpu_types", HEADER);
	assert_string_equal(profile(), "\"vf_profile\": \"\"" NO_LIMITS);
	fakesys_free(other);
}

static void a_damaged_file_of_names_is_harmless(void **state)
{
	static const char *const files[] = {"",		 "558",	 "558 ",     "558 \n",
					    "558 558\n", "\n\n", "5580 x\n", " 558 x\n"};

	(void)state;
	make_gpu("558\n", HEADER, NULL);
	for (size_t i = 0; i < COUNT(files); i++) {
		fakesys_file(fake, NAMES, files[i]);
		assert_string_equal(profile(), "\"vf_profile\": \"\"" NO_LIMITS);
	}
	fakesys_file(fake, NAMES, "1 a\n558 b");
	assert_string_equal(profile(), "\"vf_profile\": \"b\"" NO_LIMITS);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_user_is_the_owner_that_holds_the_device),
		cmocka_unit_test(an_unknown_owner_is_not_reported_as_free),
		cmocka_unit_test(every_owner_has_a_visible_name),
		cmocka_unit_test(mediated_devices_have_separate_users),
		cmocka_unit_test_setup_teardown(devices_with_an_alias_are_listed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_hostile_name_does_not_break_the_table, setup,
						teardown),
#ifdef HAVE_JSON_C
		cmocka_unit_test_setup_teardown(a_device_is_written_like_the_original_script, setup,
						teardown),
		cmocka_unit_test_setup_teardown(only_running_libvirt_domains_are_users, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_hostile_name_does_not_break_json, setup,
						teardown),
		cmocka_unit_test_setup_teardown(selected_vfs_are_listed_in_an_unselected_pf, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_profile_of_a_full_card_is_in_vgpuconfig_xml,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_profile_that_is_not_known_is_no_number, setup,
						teardown),
		cmocka_unit_test_setup_teardown(only_what_vgpuconfig_xml_says_is_written, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_names_of_listed_types_are_remembered, setup,
						teardown),
		cmocka_unit_test_setup_teardown(names_are_not_remembered_outside_of_the_root, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_damaged_file_of_names_is_harmless, setup,
						teardown),
#endif
	};

	return cmocka_run_group_tests_name("cloudstack", tests, NULL, NULL);
}
