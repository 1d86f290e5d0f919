/* SPDX-License-Identifier: Apache-2.0
 * templates.h - the shipped policies, as texts within the program: the build makes
 * them of deploy/policies (see CMakeLists.txt), so that a `takt` copied to another
 * machine has what it was tested with. */
#ifndef TAKT_CLI_TEMPLATES_H
#define TAKT_CLI_TEMPLATES_H

struct template
{
    const char *name, *text; /* a policy file; its first line says whom it is for */
};
extern const struct template templates[]; /* the last has no name */

#endif
