/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words for the findings of :expect:. */
#ifndef PCIPROBE_STANDALONE_FINDINGTEXT_H
#define PCIPROBE_STANDALONE_FINDINGTEXT_H

#include "probe/expect/finding.h"

/* Size of a text by finding_text. */
#define FINDING_TEXT_SIZE 2048

/* Describes FINDING in one line without its location: "degraded: 0000:01:00.0: link_speed 2.5 GT/s,
 * expected 16.0 GT/s". Not sanitized. Returns BUFFER. */
const char *finding_text(const struct finding *finding, char buffer[static FINDING_TEXT_SIZE]);

#endif
