#include "sim/diary.h"

#include <stdio.h>

#include "base/hash.h"
#include "sim/must.h"

#define NLINES ((uint64_t)1 << 16)

void diary_init(struct diary *diary, struct memory *memory)
{
    *diary = (struct diary){.memory = memory};
    diary->lines = must(memory_alloc(memory, NLINES * sizeof(*diary->lines)));
}

void diary_deinit(struct diary *diary)
{
    memory_free(diary->memory, diary->lines, NLINES * sizeof(*diary->lines));
}

static void print_line(const struct diary_line *line)
{
    printf("  %12.6f  %c%-5u %-31s", (double)line->at_us / 1e6, line->side, line->who, line->what);
    if (line->key != SIM_NO_KEY)
        printf(" %u", line->key);
    if (line->number)
        printf(" (%lld)", (long long)line->number);
    printf("\n");
}

void diary_mix(struct diary *diary, const void *bytes, size_t nbytes)
{
    diary->hash = hash_u64(diary->hash + hash_bytes(bytes, nbytes));
}

void diary_note(struct diary *diary, struct diary_line line, struct wire_bytes what)
{
    struct diary_line *place = &diary->lines[diary->nlines++ % NLINES];
    size_t nbytes = what.nbytes < sizeof(line.what) ? what.nbytes : sizeof(line.what) - 1;
    memset(line.what, 0, sizeof(line.what));
    memcpy(line.what, what.data, nbytes);
    *place = line;
    diary->hash =
        hash_u64(diary->hash ^ hash_u64((uint64_t)line.at_us) ^
                 hash_u64(((uint64_t)line.who << 32 | line.key) + 1) ^
                 hash_u64((uint64_t)line.number + 2) ^ hash_bytes(line.what, sizeof(line.what)));
    if (diary->tells)
        print_line(place);
}

void diary_print(const struct diary *diary, uint32_t key, uint32_t max)
{
    uint64_t from = diary->nlines > NLINES ? diary->nlines - NLINES : 0, first = diary->nlines;
    for (uint32_t found = 0; first > from && found < max; first--)
        found += key == SIM_NO_KEY || diary->lines[(first - 1) % NLINES].key == key;
    for (uint64_t i = first; i < diary->nlines; i++)
        if (key == SIM_NO_KEY || diary->lines[i % NLINES].key == key)
            print_line(&diary->lines[i % NLINES]);
}
