// SPDX-License-Identifier: GPL-2.0-or-later
/* Two PCI drivers for the lab, which only bind through driver_override; built by build-kernel:
 *
 *   lab-vendor  a vendor driver that assigns its devices to VMs itself, with vfio-pci's core, and
 *               whose name does not say so
 *   lab-mdev    a driver that supports mediated devices on its PCI device; these do nothing
 *
 * Sources: Linux 6.12, drivers/vfio/pci/vfio_pci.c and samples/vfio-mdev/mdpy.c. */
#include <linux/iommufd.h>
#include <linux/mdev.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/vfio.h>
#include <linux/vfio_pci_core.h>

/* ---- lab-vendor ---- */

static int vendor_open(struct vfio_device *vfio)
{
	struct vfio_pci_core_device *device = container_of(vfio, struct vfio_pci_core_device, vdev);
	int error = vfio_pci_core_enable(device);

	if (error)
		return error;
	vfio_pci_core_finish_enable(device);
	return 0;
}

static const struct vfio_device_ops vendor_operations = {
	.name = "lab-vendor",
	.init = vfio_pci_core_init_dev,
	.release = vfio_pci_core_release_dev,
	.open_device = vendor_open,
	.close_device = vfio_pci_core_close_device,
	.ioctl = vfio_pci_core_ioctl,
	.device_feature = vfio_pci_core_ioctl_feature,
	.read = vfio_pci_core_read,
	.write = vfio_pci_core_write,
	.mmap = vfio_pci_core_mmap,
	.request = vfio_pci_core_request,
	.match = vfio_pci_core_match,
	.bind_iommufd = vfio_iommufd_physical_bind,
	.unbind_iommufd = vfio_iommufd_physical_unbind,
	.attach_ioas = vfio_iommufd_physical_attach_ioas,
	.detach_ioas = vfio_iommufd_physical_detach_ioas,
};

static int vendor_probe(struct pci_dev *pci, const struct pci_device_id *id)
{
	struct vfio_pci_core_device *device = vfio_alloc_device(vfio_pci_core_device, vdev,
								&pci->dev, &vendor_operations);
	int error;

	if (IS_ERR(device))
		return PTR_ERR(device);
	dev_set_drvdata(&pci->dev, device);
	error = vfio_pci_core_register_device(device);
	if (error)
		vfio_put_device(&device->vdev);
	return error;
}

static void vendor_remove(struct pci_dev *pci)
{
	struct vfio_pci_core_device *device = dev_get_drvdata(&pci->dev);

	vfio_pci_core_unregister_device(device);
	vfio_put_device(&device->vdev);
}

static struct pci_driver vendor_driver = {
	.name = "lab-vendor",
	.probe = vendor_probe,
	.remove = vendor_remove,
	.driver_managed_dma = true,
};

/* ---- lab-mdev ---- */

struct lab_mdev {
	struct vfio_device vfio;
};

static const struct vfio_device_ops lab_mdev_operations = {
	.name = "lab-mdev",
	.bind_iommufd = vfio_iommufd_emulated_bind,
	.unbind_iommufd = vfio_iommufd_emulated_unbind,
	.attach_ioas = vfio_iommufd_emulated_attach_ioas,
	.detach_ioas = vfio_iommufd_emulated_detach_ioas,
};

static int lab_mdev_probe(struct mdev_device *mdev)
{
	struct lab_mdev *state = vfio_alloc_device(lab_mdev, vfio, &mdev->dev,
						   &lab_mdev_operations);
	int error;

	if (IS_ERR(state))
		return PTR_ERR(state);
	dev_set_drvdata(&mdev->dev, state);
	error = vfio_register_emulated_iommu_dev(&state->vfio);
	if (error)
		vfio_put_device(&state->vfio);
	return error;
}

static void lab_mdev_remove(struct mdev_device *mdev)
{
	struct lab_mdev *state = dev_get_drvdata(&mdev->dev);

	vfio_unregister_group_dev(&state->vfio);
	vfio_put_device(&state->vfio);
}

static struct mdev_driver lab_mdev_driver = {
	.device_api = VFIO_DEVICE_API_PCI_STRING,
	.max_instances = 4,
	.driver =
		{
			.name = "lab-mdev",
			.owner = THIS_MODULE,
			.mod_name = KBUILD_MODNAME,
		},
	.probe = lab_mdev_probe,
	.remove = lab_mdev_remove,
};

static struct mdev_type lab_mdev_type = {
	.sysfs_name = "part",
	.pretty_name = "Part of a lab device",
};

static struct mdev_type *lab_mdev_types[] = {&lab_mdev_type};

static int parent_probe(struct pci_dev *pci, const struct pci_device_id *id)
{
	struct mdev_parent *parent = kzalloc(sizeof(*parent), GFP_KERNEL);
	int error;

	if (!parent)
		return -ENOMEM;
	error = mdev_register_parent(parent, &pci->dev, &lab_mdev_driver, lab_mdev_types,
				     ARRAY_SIZE(lab_mdev_types));
	if (error)
		kfree(parent);
	else
		dev_set_drvdata(&pci->dev, parent);
	return error;
}

static void parent_remove(struct pci_dev *pci)
{
	struct mdev_parent *parent = dev_get_drvdata(&pci->dev);

	mdev_unregister_parent(parent);
	kfree(parent);
}

static struct pci_driver parent_driver = {
	.name = "lab-mdev",
	.probe = parent_probe,
	.remove = parent_remove,
};

static int __init lab_drivers_init(void)
{
	int error = mdev_register_driver(&lab_mdev_driver);

	if (error)
		return error;
	error = pci_register_driver(&parent_driver);
	if (error)
		goto no_parent;
	error = pci_register_driver(&vendor_driver);
	if (error)
		goto no_vendor;
	return 0;

no_vendor:
	pci_unregister_driver(&parent_driver);
no_parent:
	mdev_unregister_driver(&lab_mdev_driver);
	return error;
}
module_init(lab_drivers_init);

static void __exit lab_drivers_exit(void)
{
	pci_unregister_driver(&vendor_driver);
	pci_unregister_driver(&parent_driver);
	mdev_unregister_driver(&lab_mdev_driver);
}
module_exit(lab_drivers_exit);

MODULE_DESCRIPTION("Drivers of pciprobe's lab");
MODULE_LICENSE("GPL");
