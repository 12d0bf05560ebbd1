#include "column/kernels/group_index.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"

#define SLOTS_MIN 64
/* A code of the dictionary whose word has not been looked up yet. */
#define CODE_UNSEEN (GROUP_NONE - 1)
#define GROUPS_MAX  CODE_UNSEEN

static bool has_texts(dk_type type)
{
    return type == DK_TEXT || type == DK_CATEGORY;
}

static size_t slots_nbytes(const struct group_index *index)
{
    return index->slots ? (size_t)(index->mask + 1) * sizeof *index->slots : 0;
}

void group_index_deinit(struct group_index *index)
{
    memory_free(index->memory, index->slots, slots_nbytes(index));
    memory_free(index->memory, index->words, index->words_capacity * sizeof *index->words);
    memory_free(index->memory, index->codes, index->codes_capacity * sizeof *index->codes);
    vec_deinit(&index->texts);
}

/* Where probing for a key starts. Multiplying by the golden ratio spreads keys of a regular step,
 * as rounded timestamps are, more evenly than chance would; the top bits of the product are the
 * good ones. */
static inline uint64_t home(uint64_t key, int shift)
{
    return ((key ^ key >> 32) * UINT64_C(0x9e3779b97f4a7c15)) >> shift;
}

/* Puts `slot` into a table that has room and does not have its key. */
static void place(struct group_slot *slots, uint64_t mask, struct group_slot slot)
{
    uint64_t at = home(slot.key, __builtin_clzll(mask));
    while (slots[at].number != GROUP_NONE)
        at = (at + 1) & mask;
    slots[at] = slot;
}

static dk_status grow_slots(struct group_index *index)
{
    uint64_t old = index->slots ? index->mask + 1 : 0, count = old ? 2 * old : SLOTS_MIN;
    struct group_slot *slots = memory_alloc(index->memory, count * sizeof *slots);
    if (!slots)
        return DK_ENOMEM;
    for (uint64_t i = 0; i < count; i++)
        slots[i] = (struct group_slot){0, GROUP_NONE};
    for (uint64_t i = 0; i < old; i++)
        if (index->slots[i].number != GROUP_NONE)
            place(slots, count - 1, index->slots[i]);
    memory_free(index->memory, index->slots, slots_nbytes(index));
    index->slots = slots;
    index->mask = count - 1;
    index->shift = __builtin_clzll(index->mask);
    return DK_OK;
}

static dk_status grow_words(struct group_index *index)
{
    size_t old = index->words_capacity, capacity = old ? 2 * old : SLOTS_MIN;
    uint64_t *words =
        memory_resize(index->memory, index->words, old * sizeof *words, capacity * sizeof *words);
    if (!words)
        return DK_ENOMEM;
    index->words = words;
    index->words_capacity = capacity;
    return DK_OK;
}

dk_status group_index_init(struct group_index *index, struct memory *memory, dk_type type)
{
    *index = (struct group_index){.memory = memory, .type = type};
    vec_init(&index->texts, memory, DK_TEXT);
    /* A text column without rows still has its first offset. */
    DK_TRY(vec_reserve(&index->texts, 1));
    return grow_slots(index);
}

/* Whether lookups miss the second level cache, so that fetching slots ahead pays. */
static bool is_large(const struct group_index *index)
{
    return (index->mask + 1) * sizeof *index->slots > (UINT64_C(1) << 18);
}

/* At most half the slots are taken, so that probes are short and always end at a free one; at most
 * a quarter while that fits the caches. */
static dk_status make_room(struct group_index *index)
{
    uint64_t share = is_large(index) ? 2 : 4;
    if (index->count >= GROUPS_MAX)
        return DK_EOVERFLOW;
    if (share * ((uint64_t)index->count + 1) > index->mask)
        return grow_slots(index);
    return DK_OK;
}

/* The number of `word`, or GROUP_NONE. The table exists. */
static inline uint32_t find_word(const struct group_index *index, uint64_t word)
{
    for (uint64_t at = home(word, index->shift);; at++) {
        const struct group_slot *slot = &index->slots[at & index->mask];
        if (slot->key == word || slot->number == GROUP_NONE)
            return slot->number;
    }
}

/* Gives a new word its number. Out of the way of the loops: groups are few, rows are many. */
__attribute__((noinline)) static dk_status insert_word(struct group_index *index, uint64_t word,
                                                       uint32_t *number)
{
    DK_TRY(make_room(index));
    if (index->count == index->words_capacity)
        DK_TRY(grow_words(index));
    place(index->slots, index->mask, (struct group_slot){word, index->count});
    index->words[index->count] = word;
    *number = index->count++;
    return DK_OK;
}

/* Zeros of both signs are one key; adding zero makes the negative one positive. */
static inline uint64_t float_word(double value)
{
    uint64_t word;
    value += 0.0;
    memcpy(&word, &value, sizeof word);
    return word;
}

static inline double word_float(uint64_t word)
{
    double value;
    memcpy(&value, &word, sizeof value);
    return value;
}

#define T              uint8_t
#define FLAG           uint8_t
#define NAME(function) function##_u8
#define WORD(value)    (value)
#define MISSING(value) false
#define DIFFERS(a, b)  ((a) ^ (b))
#include "column/kernels/group_index.inc.h"

#define T              int8_t
#define FLAG           int8_t
#define NAME(function) function##_i8
#define WORD(value)    ((uint64_t)(int64_t)(value))
#define MISSING(value) false
#define DIFFERS(a, b)  ((a) ^ (b))
#include "column/kernels/group_index.inc.h"

#define T              int16_t
#define FLAG           int16_t
#define NAME(function) function##_i16
#define WORD(value)    ((uint64_t)(int64_t)(value))
#define MISSING(value) false
#define DIFFERS(a, b)  ((a) ^ (b))
#include "column/kernels/group_index.inc.h"

#define T              int32_t
#define FLAG           int32_t
#define NAME(function) function##_i32
#define WORD(value)    ((uint64_t)(int64_t)(value))
#define MISSING(value) false
#define DIFFERS(a, b)  ((a) ^ (b))
#include "column/kernels/group_index.inc.h"

#define T              int64_t
#define FLAG           int64_t
#define NAME(function) function##_i64
#define WORD(value)    ((uint64_t)(value))
#define MISSING(value) false
#define DIFFERS(a, b)  ((a) ^ (b))
#include "column/kernels/group_index.inc.h"

#define T              uint64_t
#define FLAG           uint64_t
#define NAME(function) function##_u64
#define WORD(value)    (value)
#define MISSING(value) false
#define DIFFERS(a, b)  ((a) ^ (b))
#include "column/kernels/group_index.inc.h"

#define T              float
#define FLAG           int32_t
#define NAME(function) function##_f32
#define WORD(value)    float_word((double)(value))
#define MISSING(value) isnan(value)
#define DIFFERS(a, b)  ((a) != (b))
#include "column/kernels/group_index.inc.h"

#define T              double
#define FLAG           int64_t
#define NAME(function) function##_f64
#define WORD(value)    float_word(value)
#define MISSING(value) isnan(value)
#define DIFFERS(a, b)  ((a) != (b))
#include "column/kernels/group_index.inc.h"

/* The functions of a key type. */
struct numbering {
    dk_status (*map_runs)(struct group_index *index, const struct view *keys,
                          struct group_scratch *scratch, bool *worthwhile, int32_t *nruns);
    dk_status (*scatter)(struct group_index *index, const struct view *keys, const uint32_t *keep,
                         uint32_t *groups);
};

static bool same_text(const struct group_index *index, uint32_t number, const char *bytes,
                      size_t nbytes)
{
    const int64_t *offsets = index->texts.offsets + number;
    if ((size_t)(offsets[1] - offsets[0]) != nbytes)
        return false;
    return !nbytes || memcmp((const char *)index->texts.data + offsets[0], bytes, nbytes) == 0;
}

static dk_status number_text(struct group_index *index, const char *bytes, size_t nbytes,
                             uint32_t *out)
{
    uint64_t hash = hash_bytes(bytes, nbytes);
    for (uint64_t at = home(hash, index->shift);; at++) {
        const struct group_slot *slot = &index->slots[at & index->mask];
        if (slot->number == GROUP_NONE)
            break;
        *out = slot->number;
        if (slot->key == hash && same_text(index, slot->number, bytes, nbytes))
            return DK_OK;
    }
    DK_TRY(make_room(index));
    DK_TRY(vec_append_text(&index->texts, bytes, nbytes));
    place(index->slots, index->mask, (struct group_slot){hash, index->count});
    *out = index->count++;
    return DK_OK;
}

static dk_status scatter_text(struct group_index *index, const struct view *keys,
                              const uint32_t *keep, uint32_t *groups)
{
    const char *pool = keys->data;
    const char *last = NULL;
    size_t last_nbytes = 0;
    uint32_t number = GROUP_NONE;
    for (int64_t i = 0; i < keys->nrows; i++) {
        bool skipped = (keep && keep[i] == GROUP_NONE) || view_is_null(keys, i);
        groups[i] = GROUP_NONE;
        if (skipped)
            continue;
        const char *bytes = pool + keys->offsets[i];
        size_t nbytes = (size_t)(keys->offsets[i + 1] - keys->offsets[i]);
        /* Neighbours are often equal; comparing is cheaper than hashing. */
        bool again = number != GROUP_NONE && nbytes == last_nbytes &&
                     (!nbytes || memcmp(bytes, last, nbytes) == 0);
        if (!again)
            DK_TRY(number_text(index, bytes, nbytes, &number));
        groups[i] = number;
        last = bytes;
        last_nbytes = nbytes;
    }
    return DK_OK;
}

/* The number of a code's word, looked up when the code is first met. */
static dk_status number_code(struct group_index *index, const struct view *words, int32_t code,
                             uint32_t *out)
{
    if (code < 0 || code >= words->nrows || view_is_null(words, code)) {
        *out = GROUP_NONE;
        return DK_OK;
    }
    if (index->codes[code] == CODE_UNSEEN) {
        const char *bytes = (const char *)words->data + words->offsets[code];
        size_t nbytes = (size_t)(words->offsets[code + 1] - words->offsets[code]);
        uint32_t number;
        DK_TRY(number_text(index, bytes, nbytes, &number));
        index->codes[code] = number;
    }
    *out = index->codes[code];
    return DK_OK;
}

static dk_status scatter_codes(struct group_index *index, const struct view *keys,
                               const uint32_t *keep, uint32_t *groups)
{
    const struct view *words = &keys->dictionary->view;
    const int32_t *codes = keys->data;
    for (int64_t i = 0; i < keys->nrows; i++) {
        bool skipped = (keep && keep[i] == GROUP_NONE) || view_is_null(keys, i);
        groups[i] = GROUP_NONE;
        if (!skipped)
            DK_TRY(number_code(index, words, codes[i], &groups[i]));
    }
    return DK_OK;
}

static const struct numbering numberings[DK_TYPE_COUNT] = {
    [DK_BOOL] = {map_runs_u8, scatter_u8},
    [DK_INT8] = {map_runs_i8, scatter_i8},
    [DK_INT16] = {map_runs_i16, scatter_i16},
    [DK_INT32] = {map_runs_i32, scatter_i32},
    [DK_INT64] = {map_runs_i64, scatter_i64},
    [DK_UINT64] = {map_runs_u64, scatter_u64},
    [DK_FLOAT32] = {map_runs_f32, scatter_f32},
    [DK_FLOAT64] = {map_runs_f64, scatter_f64},
    [DK_TIMESTAMP] = {map_runs_i64, scatter_i64},
    [DK_DURATION] = {map_runs_i64, scatter_i64},
    [DK_TEXT] = {NULL, scatter_text},
    [DK_CATEGORY] = {NULL, scatter_codes},
};

dk_status group_index_begin(struct group_index *index, const struct view *keys)
{
    if (index->type != DK_CATEGORY || keys->type != DK_CATEGORY)
        return DK_OK;
    size_t ncodes = (size_t)keys->dictionary->view.nrows;
    if (ncodes > index->codes_capacity) {
        uint32_t *codes =
            memory_resize(index->memory, index->codes, index->codes_capacity * sizeof *codes,
                          ncodes * sizeof *codes);
        if (!codes)
            return DK_ENOMEM;
        index->codes = codes;
        index->codes_capacity = ncodes;
    }
    for (size_t i = 0; i < ncodes; i++)
        index->codes[i] = CODE_UNSEEN;
    return DK_OK;
}

dk_status group_index_scatter(struct group_index *index, const struct view *keys,
                              const uint32_t *keep, uint32_t *groups)
{
    if (keys->validity && numberings[keys->type].map_runs) {
        for (int64_t i = 0; i < keys->nrows; i++)
            groups[i] = view_is_null(keys, i) || (keep && keep[i] == GROUP_NONE) ? GROUP_NONE : 0;
        keep = groups;
    }
    return numberings[keys->type].scatter(index, keys, keep, groups);
}

/* Turns a number for each row into runs where that pays. */
static void compress(struct group_rows *rows, struct group_scratch *scratch)
{
    uint32_t *groups = scratch->groups;
    int64_t limit = rows->nrows / GROUP_RUN_MIN;
    int32_t n = 0;
    for (int64_t i = 0, stop; i < rows->nrows && n <= limit; i = stop, n++) {
        for (stop = i + 1; stop < rows->nrows && groups[stop] == groups[i];)
            stop++;
        if (n == limit)
            return;
        scratch->starts[n] = (int32_t)i;
        scratch->ends[n] = (int32_t)stop;
    }
    int32_t kept = 0;
    for (int32_t i = 0; i < n; i++) {
        uint32_t number = groups[scratch->starts[i]];
        scratch->starts[kept] = scratch->starts[i];
        scratch->ends[kept] = scratch->ends[i];
        groups[kept] = number;
        kept += number != GROUP_NONE;
    }
    *rows = (struct group_rows){rows->nrows,     false,         kept,
                                scratch->starts, scratch->ends, scratch->groups};
}

dk_status group_index_map(struct group_index *index, const struct view *keys,
                          struct group_scratch *scratch, struct group_rows *out)
{
    const struct numbering *numbering = &numberings[keys->type];
    *out = (struct group_rows){.nrows = keys->nrows,
                               .starts = scratch->starts,
                               .ends = scratch->ends,
                               .groups = scratch->groups};
    if (numbering->map_runs) {
        bool worthwhile;
        DK_TRY(numbering->map_runs(index, keys, scratch, &worthwhile, &out->nruns));
        if (worthwhile)
            return DK_OK;
    }
    out->scattered = true;
    DK_TRY(group_index_scatter(index, keys, NULL, scratch->groups));
    if (!numbering->map_runs)
        compress(out, scratch);
    return DK_OK;
}

/* Writes the words back as values of the key's type. */
static void write_words(const struct group_index *index, void *data)
{
    const uint64_t *words = index->words;
    for (uint32_t i = 0; i < index->count; i++) {
        switch (type_nbytes(index->type)) {
        case 1:
            ((uint8_t *)data)[i] = (uint8_t)words[i];
            break;
        case 2:
            ((uint16_t *)data)[i] = (uint16_t)words[i];
            break;
        case 4:
            if (index->type == DK_FLOAT32)
                ((float *)data)[i] = (float)word_float(words[i]);
            else
                ((uint32_t *)data)[i] = (uint32_t)words[i];
            break;
        default:
            ((uint64_t *)data)[i] = words[i];
        }
    }
}

dk_status group_index_column(const struct group_index *index, struct column **out)
{
    if (has_texts(index->type)) {
        struct view view = vec_view(&index->texts);
        return column_copy(index->memory, &view, out, NULL);
    }
    size_t nbytes = index->count * type_nbytes(index->type);
    struct buffer *data = buffer_new(index->memory, nbytes);
    if (!data)
        return DK_ENOMEM;
    write_words(index, data->data);
    *out = column_new(index->memory, index->type, index->count, data, NULL, NULL, NULL);
    return *out ? DK_OK : DK_ENOMEM;
}
