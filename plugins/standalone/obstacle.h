/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words for what is in the way of giving a card to a VM. */
#ifndef PCIPROBE_STANDALONE_OBSTACLE_H
#define PCIPROBE_STANDALONE_OBSTACLE_H

#include "probe/device.h"

#include <stdio.h>

/* Writes a line for each thing that is in the way, INDENT in front, texts from outside cleaned; none when nothing is. */
void obstacle_write(FILE *out, const char *indent, const struct pci_device *device);

/* Of these the line that a native driver has it, whether or not one does. */
void obstacle_write_driver(FILE *out, const char *indent, const struct pci_device *device);

/* Those lines alone that tell what lasts, whoever has the card: as the host stands no VM could ever have it. */
void obstacle_write_lasting(FILE *out, const char *indent, const struct pci_device *device);

#endif
