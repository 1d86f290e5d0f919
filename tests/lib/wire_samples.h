/* SPDX-License-Identifier: Apache-2.0
 * wire_samples.h - one message of each kind, with every field set: what the
 * round trip of test_wire must bring back, and what the fuzzers start from.
 *
 * A new kind or field is added here once, and is then tested for truncation,
 * round trip and by the fuzzers alike. */
#ifndef TAKT_TESTS_LIB_WIRE_SAMPLES_H
#define TAKT_TESTS_LIB_WIRE_SAMPLES_H

#include "proto/msg.h"

/* The i-th sample, NULL after the last. Static. */
const struct msg *wire_sample(unsigned i);

#endif
