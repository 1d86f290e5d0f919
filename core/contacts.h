/* SPDX-License-Identifier: Apache-2.0
 * contacts.h - the same person again. Leads by phone and by e-mail, so that a new
 * row can be compared with those that came before, and so that a contact which
 * must not be called is found in every lead at once.
 *
 * A phone alone proves nothing: households, switchboards and typing errors share
 * them. Two leads are of one person when their e-mail is the same, or their phone
 * and their name or street besides. The index is made when it is first needed and
 * never if it is not. It holds no contact, only which leads to compare: 16 bytes a
 * lead at most, and the rest is read from the sealed row that is there anyway. */
#ifndef TAKT_CORE_CONTACTS_H
#define TAKT_CORE_CONTACTS_H

#include "common/buf.h"
#include "core/policy.h"
#include "proto/row_contact.h"

struct core;
struct lead;
struct reader;

enum contact_kind { CONTACT_PHONE, CONTACT_EMAIL, CONTACT_KINDS };

struct contact_index {      /* chains of leads by hash, grown bucket by bucket: no beat pays for all of them */
    uint32_t *heads, *next; /* 1 + place of a lead; 0 = end. next: by place */
    uint32_t n_heads, heads_room, next_room;
    uint64_t n;
};

struct suppressed { /* 0 = free slot */
    uint64_t hash;
    int64_t since_us; /* on the list, or off it when it was taken off */
    bool on, dirty;
};
struct contacts {
    bool indexed;
    struct contact_index index[CONTACT_KINDS];
    struct suppressed *slots; /* by hash; what was ever on the list stays */
    uint32_t n_slots, n_used, n_on;
    struct buf dirty; /* hashes */
};

/* ---- contacts.c ------------------------------------------------------------------------ */

struct newcomer {        /* what is known of a row at intake */
    enum reason refused; /* OK: it becomes a lead */
    struct lead *first;  /* of the same person; NULL = none */
    uint32_t warnings;   /* bits of enum row_warning */
};
struct newcomer contacts_judge(struct core *core, uint32_t programme, struct slice raw);

/* A new lead goes where it belongs: to its pool, its first lead's owner, or into its first lead. */
void contacts_place(struct core *core, struct lead *lead, const struct newcomer *newcomer);

/* Each live lead with this contact, and only those. */
typedef void contacts_fn(struct core *core, struct lead *lead);
void contacts_each(struct core *core, enum contact_kind kind, struct slice contact, contacts_fn *each);
void contacts_loaded(struct core *core); /* all leads are there: the index stands before the first beat */
void contacts_fini(struct core *core);

/* ---- suppress.c: the contacts that must not be called ------------------------------------------ */

bool suppress_has(const struct core *core, struct slice raw);   /* a lead's, or a row's */
void suppress_lead(struct core *core, const struct lead *lead); /* its contacts, from now on and in all leads */
bool suppress_ends(struct core *core, struct lead *lead);       /* it was let go; true: for good */
void suppress_take(struct core *core, uint32_t peer, const struct msg *msg);
uint32_t suppress_seal(struct core *core, struct buf *body);
void suppress_dump(const struct core *core, struct buf *body);
bool suppress_apply(struct core *core, struct slice key, struct reader *reader);

#endif
