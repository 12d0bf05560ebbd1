/* Text to category: the distinct words, sorted, become the dictionary. */
#include <string.h>

#include "base/hash.h"
#include "column/kernels/cast.h"
#include "column/kernels/validity.h"
#include "column/kernels/words.h"

/* A distinct word, and its number in order of appearance. */
struct entry {
    struct word word;
    int32_t id;
};

/*  slots    open addressing by hash: 1 + number of the entry, 0 when free
 *  entries  distinct words, room for `nrows`; `spare` as much, for sorting
 *  ranks    position of entry `id` in sorted order */
struct dictionary {
    struct memory *memory;
    int64_t nrows;
    size_t nslots;
    int32_t *slots;
    struct entry *entries;
    struct entry *spare;
    int32_t *ranks;
    int32_t count;
};

static bool allocate(struct dictionary *dictionary, struct memory *memory, int64_t nrows)
{
    size_t n = (size_t)nrows, nslots = 16;
    while (nslots < 2 * n)
        nslots *= 2;
    *dictionary = (struct dictionary){.memory = memory, .nrows = nrows, .nslots = nslots};
    dictionary->slots = memory_calloc(memory, nslots * sizeof *dictionary->slots);
    dictionary->entries = memory_alloc(memory, n * sizeof *dictionary->entries);
    dictionary->spare = memory_alloc(memory, n * sizeof *dictionary->spare);
    dictionary->ranks = memory_alloc(memory, n * sizeof *dictionary->ranks);
    return dictionary->slots && dictionary->entries && dictionary->spare && dictionary->ranks;
}

static void release(struct dictionary *dictionary)
{
    size_t n = (size_t)dictionary->nrows;
    memory_free(dictionary->memory, dictionary->slots, dictionary->nslots * sizeof(int32_t));
    memory_free(dictionary->memory, dictionary->entries, n * sizeof(struct entry));
    memory_free(dictionary->memory, dictionary->spare, n * sizeof(struct entry));
    memory_free(dictionary->memory, dictionary->ranks, n * sizeof(int32_t));
}

/* The number of `word`, which is added when it is new. */
static int32_t find_or_add(struct dictionary *dictionary, struct word word)
{
    size_t mask = dictionary->nslots - 1;
    size_t at = (size_t)hash_bytes(word.bytes, word.nbytes) & mask;
    for (; dictionary->slots[at]; at = (at + 1) & mask) {
        const struct entry *entry = &dictionary->entries[dictionary->slots[at] - 1];
        if (word_equal(entry->word, word))
            return entry->id;
    }
    int32_t id = dictionary->count++;
    dictionary->entries[id] = (struct entry){word, id};
    dictionary->slots[at] = id + 1;
    return id;
}

static void merge(const struct entry *from, int32_t start, int32_t middle, int32_t end,
                  struct entry *to)
{
    int32_t left = start, right = middle;
    for (int32_t i = start; i < end; i++) {
        bool take_left =
            left < middle && (right >= end || word_compare(from[left].word, from[right].word) <= 0);
        to[i] = take_left ? from[left++] : from[right++];
    }
}

/* Merge sort from the bottom up, back and forth between `entries` and `spare`. */
static void sort(struct dictionary *dictionary)
{
    int32_t count = dictionary->count;
    for (int64_t width = 1; width < count; width *= 2) {
        for (int64_t start = 0; start < count; start += 2 * width) {
            int64_t middle = start + width < count ? start + width : count;
            int64_t end = start + 2 * width < count ? start + 2 * width : count;
            merge(dictionary->entries, (int32_t)start, (int32_t)middle, (int32_t)end,
                  dictionary->spare);
        }
        struct entry *sorted = dictionary->spare;
        dictionary->spare = dictionary->entries;
        dictionary->entries = sorted;
    }
    for (int32_t i = 0; i < count; i++)
        dictionary->ranks[dictionary->entries[i].id] = i;
}

static dk_status make_column(const struct dictionary *dictionary, struct column **out)
{
    struct vec words;
    vec_init(&words, dictionary->memory, DK_TEXT);
    dk_status status = vec_reset(&words, 0);
    for (int32_t i = 0; i < dictionary->count && status == DK_OK; i++)
        status = vec_append_text(&words, dictionary->entries[i].word.bytes,
                                 dictionary->entries[i].word.nbytes);
    if (status == DK_OK)
        status = vec_freeze(&words, out);
    vec_deinit(&words);
    return status;
}

static dk_status encode(struct dictionary *dictionary, const struct view *in, struct vec *out)
{
    DK_TRY(vec_reset(out, in->nrows));
    int32_t *codes = out->data;
    for (int64_t i = 0; i < in->nrows; i++)
        codes[i] = view_is_null(in, i) ? -1 : find_or_add(dictionary, word_at(in, i));
    sort(dictionary);
    for (int64_t i = 0; i < in->nrows; i++)
        codes[i] = codes[i] < 0 ? 0 : dictionary->ranks[codes[i]];
    validity_merge(out, in, NULL);
    struct column *words;
    DK_TRY(make_column(dictionary, &words));
    column_unref(out->dictionary);
    out->dictionary = words;
    return DK_OK;
}

dk_status cast_to_category(const struct view *in, struct vec *out, dk_error *err)
{
    struct dictionary dictionary;
    bool ready = allocate(&dictionary, out->memory, in->nrows);
    dk_status status = ready ? encode(&dictionary, in, out) : DK_ENOMEM;
    release(&dictionary);
    return status == DK_OK ? DK_OK : error_nomem(err);
}
