/* What has happened: a hash of everything, and the latest lines. */
#ifndef SIM_DIARY_H
#define SIM_DIARY_H

#include "base/memory.h"
#include "wire/value.h"

#define SIM_NO_KEY UINT32_MAX

struct diary_line {
    int64_t at_us;
    uint32_t who; /* worker or client */
    uint32_t key;
    int64_t number; /* a run, a peer */
    char side;      /* 's' to the scheduler, 'w' at a worker, 'c' at a client */
    char what[31];
};

struct diary {
    struct memory *memory;
    struct diary_line *lines; /* a ring */
    uint64_t nlines;
    uint64_t hash;
    bool tells;
};

void diary_init(struct diary *diary, struct memory *memory);
void diary_deinit(struct diary *diary);
/* `line` without `what`, which is text. */
void diary_note(struct diary *diary, struct diary_line line, struct wire_bytes what);
void diary_mix(struct diary *diary, const void *bytes, size_t nbytes);
/* Prints the last `max` lines about a key (SIM_NO_KEY: about any). */
void diary_print(const struct diary *diary, uint32_t key, uint32_t max);

#endif
