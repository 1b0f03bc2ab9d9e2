/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a device is not available to a VM, in words. */
#ifndef PCIPROBE_STANDALONE_UNAVAILABLE_H
#define PCIPROBE_STANDALONE_UNAVAILABLE_H

#include "probe/device.h"

#include <stdio.h>

/* Writes a line for each thing that is in the way, INDENT in front, texts from outside cleaned;
 * none when nothing is. */
void unavailable_write(FILE *out, const char *indent, const struct pci_device *device);

/* The same in one line without its end, as briefly as possible, with the command that helps, where
 * there is one. For a device that is selected and not available. */
void unavailable_write_brief(FILE *out, const struct pci_device *device);

/* Writes a line with the command that would make the device available, INDENT in front; none when
 * no command would. */
void unavailable_write_help(FILE *out, const char *indent, const struct pci_device *device);

/* Of these the line that a native driver has it, whether or not one does. */
void unavailable_write_driver(FILE *out, const char *indent, const struct pci_device *device);

/* Those lines alone that tell what lasts, whoever has the device: as the host stands no VM could
 * ever have it. */
void unavailable_write_lasting(FILE *out, const char *indent, const struct pci_device *device);

#endif
