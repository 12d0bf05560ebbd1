/* min, max, first and last of text (bytewise order), and first and last of categories: one text a
 * group. */
#include <string.h>

#include "base/arena.h"
#include "column/kernels/group_index.h"
#include "column/kernels/group_state.h"

#define BYTES_MIN 16

/* Storage is reused and doubled, so that a text replaced over and over does not fill the arena. */
struct text_cell {
    char *bytes;
    size_t nbytes;
    size_t capacity;
    bool seen;
};

struct text_state {
    struct group_state head;
    enum agg agg;
    struct group_array cells;
    struct arena arena;
    uint32_t groups[GROUP_BLOCK];
};

struct span {
    const char *bytes;
    size_t nbytes;
};

static void text_free(struct group_state *state)
{
    struct text_state *text = (struct text_state *)state;
    group_array_free(&text->cells, state->memory, sizeof(struct text_cell));
    arena_deinit(&text->arena);
    memory_free(state->memory, text, sizeof *text);
}

/* Categories travel as their words: dictionaries differ from partition to partition. */
static dk_type text_type(const struct group_state *state, int32_t i)
{
    (void)state, (void)i;
    return DK_TEXT;
}

static dk_status text_reserve(struct group_state *state, int64_t ngroups)
{
    struct text_state *text = (struct text_state *)state;
    return group_array_reserve(&text->cells, state->memory, sizeof(struct text_cell), ngroups);
}

static struct span text_at(const struct view *texts, int64_t row)
{
    int64_t start = texts->offsets[row];
    return (struct span){(const char *)texts->data + start,
                         (size_t)(texts->offsets[row + 1] - start)};
}

/* The text of a row, or of its code; false when the dictionary has none. */
static bool read_row(const struct view *values, int64_t row, struct span *out)
{
    if (values->type == DK_CATEGORY) {
        const struct view *words = &values->dictionary->view;
        row = ((const int32_t *)values->data)[row];
        if (row < 0 || row >= words->nrows || view_is_null(words, row))
            return false;
        values = words;
    }
    *out = text_at(values, row);
    return true;
}

static int compare(struct span a, const struct text_cell *b)
{
    size_t shorter = a.nbytes < b->nbytes ? a.nbytes : b->nbytes;
    int order = shorter ? memcmp(a.bytes, b->bytes, shorter) : 0;
    return order ? order : (a.nbytes > b->nbytes) - (a.nbytes < b->nbytes);
}

static bool replaces(enum agg agg, struct span value, const struct text_cell *cell)
{
    if (!cell->seen)
        return true;
    switch (agg) {
    case AGG_MIN:
        return compare(value, cell) < 0;
    case AGG_MAX:
        return compare(value, cell) > 0;
    case AGG_FIRST:
        return false;
    default:
        return true;
    }
}

static dk_status store(struct arena *arena, struct text_cell *cell, struct span value)
{
    if (!cell->bytes || value.nbytes > cell->capacity) {
        size_t capacity = cell->capacity ? 2 * cell->capacity : BYTES_MIN;
        if (capacity < value.nbytes)
            capacity = value.nbytes;
        char *bytes = arena_alloc(arena, capacity);
        if (!bytes)
            return DK_ENOMEM;
        cell->bytes = bytes;
        cell->capacity = capacity;
    }
    if (value.nbytes)
        memcpy(cell->bytes, value.bytes, value.nbytes);
    cell->nbytes = value.nbytes;
    cell->seen = true;
    return DK_OK;
}

static dk_status text_update(struct group_state *state, const struct group_rows *rows,
                             const struct view *values)
{
    struct text_state *text = (struct text_state *)state;
    const uint32_t *groups = group_rows_scatter(rows, text->groups);
    struct text_cell *cells = text->cells.data;
    for (int64_t i = 0; i < rows->nrows; i++) {
        struct span value;
        if (groups[i] == GROUP_NONE || !read_row(values, i, &value))
            continue;
        struct text_cell *cell = &cells[groups[i]];
        if (replaces(text->agg, value, cell))
            DK_TRY(store(&text->arena, cell, value));
    }
    return DK_OK;
}

static dk_status text_partial(const struct group_state *state, const struct partial_rows *rows,
                              struct vec *columns)
{
    const struct text_state *text = (const struct text_state *)state;
    const struct text_cell *cells = text->cells.data;
    for (int64_t i = 0; i < rows->nrows; i++) {
        const struct text_cell *cell = &cells[rows->groups[i]];
        if (!cell->seen || (rows->rounds && rows->rounds[i]))
            DK_TRY(vec_append_null(columns));
        else
            DK_TRY(vec_append_text(columns, cell->bytes, cell->nbytes));
    }
    return DK_OK;
}

/* Turns texts into codes of the words in them. */
static dk_status encode(struct memory *memory, const struct view *texts, struct vec *out)
{
    struct group_index words;
    int32_t *codes = out->data;
    uint32_t *numbers = memory_alloc(memory, (size_t)texts->nrows * sizeof *numbers);
    dk_status status = group_index_init(&words, memory, DK_TEXT);
    if (!numbers)
        status = DK_ENOMEM;
    if (status == DK_OK)
        status = group_index_scatter(&words, texts, NULL, numbers);
    if (status == DK_OK)
        status = group_index_column(&words, &out->dictionary);
    for (int64_t i = 0; status == DK_OK && i < texts->nrows; i++) {
        codes[i] = numbers[i] == GROUP_NONE ? 0 : (int32_t)numbers[i];
        if (numbers[i] == GROUP_NONE)
            vec_set_null(out, i);
    }
    group_index_deinit(&words);
    memory_free(memory, numbers, (size_t)texts->nrows * sizeof *numbers);
    return status;
}

static dk_status text_result(const struct group_state *state, enum agg agg, const int64_t *groups,
                             int64_t n, struct vec *out)
{
    struct partial_rows rows = {n, groups, NULL};
    (void)agg;
    if (out->type == DK_TEXT)
        return text_partial(state, &rows, out);
    struct vec texts;
    vec_init(&texts, state->memory, DK_TEXT);
    dk_status status = vec_reserve(&texts, n);
    if (status == DK_OK)
        status = text_partial(state, &rows, &texts);
    if (status == DK_OK) {
        struct view view = vec_view(&texts);
        status = encode(state->memory, &view, out);
    }
    vec_deinit(&texts);
    return status;
}

static const char *const text_suffixes[] = {"value"};

static const struct group_state_ops text_ops = {
    .ncolumns = 1,
    .suffixes = text_suffixes,
    .column_type = text_type,
    .free = text_free,
    .reserve = text_reserve,
    .update = text_update,
    .partial = text_partial,
    .result = text_result,
};

struct group_state *group_text_new(struct memory *memory, dk_type type, enum agg agg)
{
    struct text_state *text = memory_calloc(memory, sizeof *text);
    if (!text)
        return NULL;
    text->head = (struct group_state){&text_ops, memory, type};
    text->agg = agg;
    arena_init(&text->arena, memory);
    return &text->head;
}
