#include <string.h>

#include "base/hash.h"
#include "column/dictionary.h"

#define FIRST_NSLOTS ((size_t)16)

void word_set_init(struct word_set *set, struct memory *memory)
{
    *set = (struct word_set){.slots = NULL};
    vec_init(&set->words, memory, DK_TEXT);
}

void word_set_deinit(struct word_set *set)
{
    memory_free(set->words.memory, set->slots, set->nslots * sizeof(uint32_t));
    vec_deinit(&set->words);
    set->slots = NULL;
    set->nslots = 0;
}

static bool word_is(const struct vec *words, uint32_t number, const char *bytes, size_t nbytes)
{
    int64_t start = words->offsets[number];
    if ((size_t)(words->offsets[number + 1] - start) != nbytes)
        return false;
    return nbytes == 0 || memcmp((const char *)words->data + start, bytes, nbytes) == 0;
}

/* The slot that holds the word, or the free one where it belongs. */
static uint32_t *find_slot(const struct word_set *set, const char *bytes, size_t nbytes)
{
    size_t mask = set->nslots - 1;
    size_t at = hash_bytes(bytes, nbytes) & mask;
    while (set->slots[at] && !word_is(&set->words, set->slots[at] - 1, bytes, nbytes)) {
        at = (at + 1) & mask;
    }
    return &set->slots[at];
}

/* At most half of the slots are taken, so that runs stay short. */
static dk_status make_slots(struct word_set *set, int64_t nwords)
{
    if (nwords >= INT32_MAX)
        return DK_EOVERFLOW;
    size_t nslots = set->nslots ? set->nslots : FIRST_NSLOTS;
    while (nslots < (size_t)nwords * 2)
        nslots *= 2;
    if (nslots == set->nslots)
        return DK_OK;
    uint32_t *slots = memory_calloc(set->words.memory, nslots * sizeof(uint32_t));
    if (!slots)
        return DK_ENOMEM;
    memory_free(set->words.memory, set->slots, set->nslots * sizeof(uint32_t));
    set->slots = slots;
    set->nslots = nslots;
    const char *pool = set->words.data;
    for (int64_t i = 0; i < set->words.nrows; i++) {
        const int64_t *offsets = set->words.offsets + i;
        *find_slot(set, pool + offsets[0], (size_t)(offsets[1] - offsets[0])) = (uint32_t)i + 1;
    }
    return DK_OK;
}

dk_status word_set_add(struct word_set *set, const struct view *words, int32_t *numbers)
{
    DK_TRY(make_slots(set, set->words.nrows + words->nrows));
    for (int64_t i = 0; i < words->nrows; i++) {
        const char *bytes = words->data ? (const char *)words->data + words->offsets[i] : "";
        size_t nbytes = (size_t)(words->offsets[i + 1] - words->offsets[i]);
        uint32_t *slot = find_slot(set, bytes, nbytes);
        if (!*slot) {
            DK_TRY(vec_append_text(&set->words, bytes, nbytes));
            *slot = (uint32_t)set->words.nrows;
        }
        if (numbers)
            numbers[i] = (int32_t)*slot - 1;
    }
    return DK_OK;
}
