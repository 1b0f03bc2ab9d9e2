/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The devices of a generated machine: real ids, of vendors whose blocks are spread over pci.ids. */
#ifndef PCIPROBE_BENCH_MODELS_H
#define PCIPROBE_BENCH_MODELS_H

#include <stddef.h>
#include <stdint.h>

enum kind { PLAIN, BRIDGE, NET, NVME, GPU };

/* One function of a device. */
struct model {
	uint16_t vendor, device, subsystem_vendor, subsystem_device;
	uint32_t class;
	uint8_t revision;
	enum kind kind;
	const char *driver; /* NULL: none is bound */
	const char *speed;  /* GT/s of its link; NULL: not PCI Express */
	unsigned width;
	unsigned functions;    /* per device */
	unsigned vfs, max_vfs; /* per function */
	uint16_t vf_device;
	const char *vf_driver;
};

static const struct model HOST_BRIDGE = {0x8086,   0x2020, 0x15d9, 0x095d,
					 0x060000, 0x04,   PLAIN,  .functions = 1};
static const struct model ROOT_PORT = {0x8086, 0x2030,	   0,	  0,  0x060400,	     0x04,
				       BRIDGE, "pcieport", "8.0", 16, .functions = 1};
static const struct model SWITCH_PORT = {0x10b5, 0x8747,     0,	    0,	0x060400,      0xca,
					 BRIDGE, "pcieport", "8.0", 16, .functions = 1};

/* Devices on the mainboard, once per PCI domain. */
static const struct {
	unsigned slot, function;
	struct model model;
} CHIPSET[] = {
	{0x14,
	 0,
	 {0x8086, 0xa1af, 0x15d9, 0x095d, 0x0c0330, 0x09, PLAIN, "xhci_hcd", .functions = 1}},
	{0x14, 2, {0x8086, 0xa1b1, 0x15d9, 0x095d, 0x118000, 0x09, PLAIN, NULL, .functions = 1}},
	{0x17, 0, {0x8086, 0xa182, 0x15d9, 0x095d, 0x010601, 0x09, PLAIN, "ahci", .functions = 1}},
	{0x1e, 0, {0x1a03, 0x2000, 0x15d9, 0x1b95, 0x030000, 0x41, PLAIN, "ast", .functions = 1}},
	{0x1f, 0, {0x8086, 0xa1c1, 0x15d9, 0x095d, 0x060100, 0x09, PLAIN, NULL, .functions = 1}},
	{0x1f,
	 4,
	 {0x8086, 0xa1a3, 0x15d9, 0x095d, 0x0c0500, 0x09, PLAIN, "i801_smbus", .functions = 1}},
};

/* Plugged-in devices, in this order and then from the start again. */
static const struct model DEVICES[] = {
	{0x8086, 0x1572, 0x8086, 0x0008, 0x020000, 0x02, NET, "i40e", "8.0", 8, .functions = 2,
	 .vfs = 8, .max_vfs = 64, .vf_device = 0x154c, .vf_driver = "vfio-pci"},
	{0x144d, 0xa80a, 0x144d, 0xa801, 0x010802, 0x00, NVME, "nvme", "16.0", 4, .functions = 1},
	{0x10de, 0x2236, 0x10de, 0x1482, 0x030200, 0xa1, GPU, "nvidia", "16.0", 16, .functions = 1},
	{0x8086, 0x0a54, 0x108e, 0x4870, 0x010802, 0x00, NVME, "nvme", "8.0", 4, .functions = 1},
	{0x15b3, 0x1017, 0x15b3, 0x0007, 0x020000, 0x00, NET, "mlx5_core", "8.0", 16,
	 .functions = 2, .vfs = 4, .max_vfs = 8, .vf_device = 0x1018, .vf_driver = "mlx5_core"},
	{0x1344, 0x51a2, 0x1344, 0x2000, 0x010802, 0x01, NVME, "nvme", "8.0", 4, .functions = 1},
	{0x1000, 0x00ac, 0x1000, 0x3000, 0x010700, 0x01, PLAIN, "mpt3sas", "8.0", 8,
	 .functions = 1},
	{0x14e4, 0x165f, 0x1028, 0x08fd, 0x020000, 0x00, NET, "tg3", "5.0", 1, .functions = 2},
	{0x10de, 0x1eb8, 0x10de, 0x12a2, 0x030200, 0xa1, GPU, "vfio-pci", "8.0", 16,
	 .functions = 1},
	{0x1e0f, 0x0007, 0x1028, 0x2078, 0x010802, 0x01, NVME, "nvme", "16.0", 4, .functions = 1},
	{0x8086, 0x1592, 0x8086, 0x0002, 0x020000, 0x02, NET, "ice", "16.0", 16, .functions = 2,
	 .vfs = 8, .max_vfs = 128, .vf_device = 0x1889, .vf_driver = "iavf"},
	{0x1077, 0x2261, 0x1077, 0x029a, 0x0c0400, 0x01, PLAIN, "qla2xxx", "8.0", 8,
	 .functions = 2},
	{0x144d, 0xa808, 0x1d49, 0x403b, 0x010802, 0x00, NVME, "nvme", "8.0", 4, .functions = 1},
	{0x10de, 0x20b0, 0x10de, 0x1450, 0x030200, 0xa1, GPU, "vfio-pci", "16.0", 16,
	 .functions = 1},
	{0x15b3, 0x101d, 0x15b3, 0x0016, 0x020000, 0x00, NET, "mlx5_core", "16.0", 16,
	 .functions = 2, .vfs = 8, .max_vfs = 16, .vf_device = 0x101e, .vf_driver = "vfio-pci"},
	{0x10df, 0xe300, 0x1014, 0x0614, 0x0c0400, 0x01, PLAIN, "lpfc", "8.0", 8, .functions = 2},
	{0x1344, 0x51c0, 0x1028, 0x2162, 0x010802, 0x02, NVME, "nvme", "16.0", 4, .functions = 1},
	{0x8086, 0x1521, 0x1028, 0x0602, 0x020000, 0x01, NET, "igb", "5.0", 4, .functions = 4},
	{0x1002, 0x740f, 0x1002, 0x0c34, 0x038000, 0x02, GPU, "amdgpu", "16.0", 16, .functions = 1},
	{0x1b4b, 0x9230, 0x1028, 0x1fd6, 0x010601, 0x11, PLAIN, "ahci", "5.0", 2, .functions = 1},
	{0x14e4, 0x16d7, 0x14e4, 0x1402, 0x020000, 0x01, NET, "bnxt_en", "8.0", 8, .functions = 2,
	 .vfs = 4, .max_vfs = 16, .vf_device = 0x16dc, .vf_driver = NULL},
	{0x1000, 0x0014, 0x1000, 0x9460, 0x010400, 0x01, PLAIN, "megaraid_sas", "8.0", 8,
	 .functions = 1},
	{0x8086, 0x37c8, 0x8086, 0x0001, 0x0b4000, 0x04, PLAIN, "c6xx", "8.0", 16, .functions = 1,
	 .vfs = 16, .max_vfs = 16, .vf_device = 0x37c9, .vf_driver = "vfio-pci"},
	{0x1912, 0x0014, 0x1912, 0x0014, 0x0c0330, 0x03, PLAIN, "xhci_hcd", "5.0", 1,
	 .functions = 1},
	{0x1924, 0x0b03, 0x1924, 0x801d, 0x020000, 0x01, NET, "sfc", "8.0", 8, .functions = 2},
	{0x15b7, 0x5006, 0x15b7, 0x5006, 0x010802, 0x00, NVME, "nvme", "8.0", 4, .functions = 1},
	{0x10ee, 0x5000, 0x10ee, 0x000e, 0x120000, 0x00, PLAIN, "vfio-pci", "8.0", 16,
	 .functions = 1},
	{0x10ec, 0x8168, 0x1019, 0x8168, 0x020000, 0x15, NET, "r8169", "2.5", 1, .functions = 1},
	{0x1425, 0x5410, 0x1425, 0x0000, 0x020000, 0x00, NET, "cxgb4", "8.0", 8, .functions = 1},
	{0x1c5c, 0x174a, 0x1c5c, 0x174a, 0x010802, 0x00, NVME, "nvme", "8.0", 4, .functions = 1},
	{0x19e5, 0x1822, 0x19e5, 0xd129, 0x020000, 0x45, NET, "hinic", "8.0", 8, .functions = 1},
	{0x1da3, 0x1020, 0x1da3, 0x1020, 0x120000, 0x01, PLAIN, "habanalabs", "16.0", 16,
	 .functions = 1},
};
#define DEVICE_COUNT (sizeof(DEVICES) / sizeof(*DEVICES))

#endif
