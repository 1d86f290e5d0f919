/* SPDX-License-Identifier: Apache-2.0
 * lead_states.h - the states of a lead as lead_states.def lists them: numbers, names,
 * and who holds it. The core moves leads from state to state; clients, hooks and
 * reports only know them, so this stands apart from the core and needs no linking. */
#ifndef TAKT_CORE_LEAD_STATES_H
#define TAKT_CORE_LEAD_STATES_H

enum lead_state {
#define LEAD_STATE(number, name, kind, text) LEAD_##name = number,
#include "core/lead_states.def"
    LEAD_STATES = 22
};

enum lead_kind { LEAD_KIND_NONE, LEAD_KIND_NOBODY, LEAD_KIND_AGENT, LEAD_KIND_END };

/* NONE: there is no such state. */
static inline enum lead_kind lead_state_kind(unsigned state)
{
    switch (state) {
#define LEAD_STATE(number, name, kind, text)                                                                           \
    case number:                                                                                                       \
        return LEAD_KIND_##kind;
#include "core/lead_states.def"
    }
    return LEAD_KIND_NONE;
}

/* "WRAP_UP"; "?": there is no such state. */
static inline const char *lead_state_name(unsigned state)
{
    switch (state) {
#define LEAD_STATE(number, name, kind, text)                                                                           \
    case number:                                                                                                       \
        return #name;
#include "core/lead_states.def"
    }
    return "?";
}

#endif
