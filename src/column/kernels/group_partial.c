/* The state as tables: a row for each group, and back. */
#include <stdio.h>

#include "column/kernels/groups_private.h"

#define NAME_MAX_BYTES 32

/* The columns of a table that is being put together. */
struct parts {
    struct memory *memory;
    int32_t count;
    int32_t capacity;
    struct column **columns;
    const char **names;
    char (*texts)[NAME_MAX_BYTES];
};

static void parts_free(struct parts *parts)
{
    size_t capacity = (size_t)parts->capacity;
    for (int32_t i = 0; i < parts->count; i++)
        column_unref(parts->columns[i]);
    memory_free(parts->memory, parts->columns, capacity * sizeof *parts->columns);
    memory_free(parts->memory, parts->names, capacity * sizeof *parts->names);
    memory_free(parts->memory, parts->texts, capacity * sizeof *parts->texts);
}

static dk_status parts_init(struct parts *parts, struct memory *memory, int32_t capacity)
{
    *parts = (struct parts){.memory = memory, .capacity = capacity};
    parts->columns = memory_alloc(memory, (size_t)capacity * sizeof *parts->columns);
    parts->names = memory_alloc(memory, (size_t)capacity * sizeof *parts->names);
    parts->texts = memory_alloc(memory, (size_t)capacity * sizeof *parts->texts);
    return parts->columns && parts->names && parts->texts ? DK_OK : DK_ENOMEM;
}

/* Takes `column`. */
static void add_column(struct parts *parts, struct column *column, int32_t state, const char *name)
{
    char *text = parts->texts[parts->count];
    if (state < 0)
        snprintf(text, NAME_MAX_BYTES, "%s", name);
    else
        snprintf(text, NAME_MAX_BYTES, "%d.%s", state, name);
    parts->names[parts->count] = text;
    parts->columns[parts->count++] = column;
}

static dk_status make_table(const struct parts *parts, int64_t nrows, dk_table **out)
{
    return table_new(parts->memory, nrows, parts->count, parts->names, parts->columns, NULL, NULL,
                     false, out);
}

int32_t groups_npartials(const struct groups *groups)
{
    int32_t count = 1;
    for (int32_t i = 0; i < groups->nstates; i++)
        count += groups->states[i].state->ops->pairs != NULL;
    return count;
}

static int32_t count_columns(const struct groups *groups)
{
    int32_t count = groups->has_key;
    for (int32_t i = 0; i < groups->nstates; i++)
        count += groups->states[i].state->ops->ncolumns;
    return count;
}

static int32_t count_rounds(const struct groups *groups, int64_t group)
{
    int32_t most = 1;
    for (int32_t i = 0; i < groups->nstates; i++) {
        const struct group_state *state = groups->states[i].state;
        int32_t rounds = state->ops->nrounds ? state->ops->nrounds(state, group) : 1;
        if (rounds > most)
            most = rounds;
    }
    return most;
}

/* The rows of the table; `groups` and `rounds` have room for `nrows`. */
static void list_rows(const struct groups *groups, int64_t *row_groups, int32_t *row_rounds)
{
    int64_t row = 0, ngroups = groups_count(groups);
    for (int64_t group = 0; group < ngroups; group++) {
        int32_t rounds = count_rounds(groups, group);
        for (int32_t round = 0; round < rounds; round++) {
            row_groups[row] = group;
            row_rounds[row++] = round;
        }
    }
}

static dk_status add_key(const struct groups *groups, const int64_t *row_groups, int64_t nrows,
                         struct parts *parts)
{
    struct column *keys, *column;
    DK_TRY(group_index_column(&groups->index, &keys));
    dk_status status = column_take(groups->memory, &keys->view, row_groups, nrows, &column, NULL);
    column_unref(keys);
    if (status == DK_OK)
        add_column(parts, column, -1, "key");
    return status;
}

/* Lets a state fill its columns and adds them. */
static dk_status add_state(const struct groups *groups, int32_t i, const struct partial_rows *rows,
                           struct parts *parts)
{
    const struct group_state *state = groups->states[i].state;
    const struct group_state_ops *ops = state->ops;
    struct vec columns[GROUP_STATE_COLUMNS_MAX];
    dk_status status = DK_OK;
    for (int32_t k = 0; k < ops->ncolumns; k++) {
        vec_init(&columns[k], groups->memory, ops->column_type(state, k));
        if (status == DK_OK)
            status = vec_reset(&columns[k], rows->nrows);
    }
    if (status == DK_OK && ops->ncolumns)
        status = ops->partial(state, rows, columns);
    for (int32_t k = 0; k < ops->ncolumns; k++) {
        struct column *column;
        if (status == DK_OK)
            status = vec_freeze(&columns[k], &column);
        if (status == DK_OK)
            add_column(parts, column, i, ops->suffixes[k]);
        vec_deinit(&columns[k]);
    }
    return status;
}

static dk_status fill_table(const struct groups *groups, const struct partial_rows *rows,
                            struct parts *parts)
{
    if (groups->has_key)
        DK_TRY(add_key(groups, rows->groups, rows->nrows, parts));
    for (int32_t i = 0; i < groups->nstates; i++)
        DK_TRY(add_state(groups, i, rows, parts));
    return DK_OK;
}

static dk_status write_groups(const struct groups *groups, dk_table **out)
{
    struct memory *memory = groups->memory;
    struct parts parts;
    int64_t nrows = 0, ngroups = groups_count(groups);
    for (int64_t group = 0; group < ngroups; group++)
        nrows += count_rounds(groups, group);
    size_t groups_nbytes = (size_t)nrows * sizeof(int64_t);
    size_t rounds_nbytes = (size_t)nrows * sizeof(int32_t);
    int64_t *row_groups = memory_alloc(memory, groups_nbytes);
    int32_t *row_rounds = memory_alloc(memory, rounds_nbytes);
    dk_status status = parts_init(&parts, memory, count_columns(groups));
    if (!row_groups || !row_rounds)
        status = DK_ENOMEM;
    if (status == DK_OK) {
        list_rows(groups, row_groups, row_rounds);
        struct partial_rows rows = {nrows, row_groups, nrows > ngroups ? row_rounds : NULL};
        status = fill_table(groups, &rows, &parts);
    }
    if (status == DK_OK)
        status = make_table(&parts, nrows, out);
    parts_free(&parts);
    memory_free(memory, row_groups, groups_nbytes);
    memory_free(memory, row_rounds, rounds_nbytes);
    return status;
}

/* The table of a state's distinct pairs: the groups' keys and the values. */
static dk_status write_pairs(const struct groups *groups, int32_t i, dk_table **out)
{
    const struct group_state *state = groups->states[i].state;
    struct parts parts;
    struct column *values = NULL;
    int64_t *pair_groups = NULL, npairs = 0;
    dk_status status;
    DK_TRY_OUT(parts_init(&parts, groups->memory, 1 + groups->has_key));
    DK_TRY_OUT(state->ops->pairs(state, &pair_groups, &npairs, &values));
    if (groups->has_key)
        DK_TRY_OUT(add_key(groups, pair_groups, npairs, &parts));
    add_column(&parts, column_ref(values), i, "distinct");
    status = make_table(&parts, npairs, out);
out:
    parts_free(&parts);
    column_unref(values);
    memory_free(groups->memory, pair_groups, (size_t)npairs * sizeof *pair_groups);
    return status;
}

static dk_status write_tables(const struct groups *groups, dk_table **out)
{
    DK_TRY(write_groups(groups, out++));
    for (int32_t i = 0; i < groups->nstates; i++)
        if (groups->states[i].state->ops->pairs)
            DK_TRY(write_pairs(groups, i, out++));
    return DK_OK;
}

dk_status groups_partial(const struct groups *groups, dk_table **out, dk_error *err)
{
    int32_t npartials = groups_npartials(groups);
    for (int32_t i = 0; i < npartials; i++)
        out[i] = NULL;
    dk_status status = write_tables(groups, out);
    if (status == DK_OK)
        return DK_OK;
    for (int32_t i = 0; i < npartials; i++) {
        dk_table_unref(out[i]);
        out[i] = NULL;
    }
    return groups_error(status, err);
}

/* Feeds one state its columns of a block of partial rows. */
static dk_status merge_state(struct groups *groups, struct group_state *state,
                             const struct group_rows *rows, struct column *const *columns,
                             int64_t start)
{
    struct view views[GROUP_STATE_COLUMNS_MAX];
    for (int32_t i = 0; i < state->ops->ncolumns; i++)
        views[i] = view_slice(&columns[i]->view, start, rows->nrows);
    if (state->ops->merge)
        return state->ops->merge(state, rows, views);
    return groups_feed(groups, state, rows, views);
}

static dk_status merge_block(struct groups *groups, const dk_table *table, int64_t start,
                             int64_t nrows)
{
    struct group_rows rows;
    struct view key;
    int32_t column = groups->has_key;
    if (groups->has_key)
        key = view_slice(&table->columns[0]->view, start, nrows);
    DK_TRY(groups_map(groups, groups->has_key ? &key : NULL, nrows, &rows));
    for (int32_t i = 0; i < groups->nstates; i++) {
        struct group_state *state = groups->states[i].state;
        if (state->ops->ncolumns)
            DK_TRY(merge_state(groups, state, &rows, table->columns + column, start));
        column += state->ops->ncolumns;
    }
    return DK_OK;
}

static dk_status merge_groups(struct groups *groups, const dk_table *table)
{
    DK_TRY(groups_begin(groups, groups->has_key ? &table->columns[0]->view : NULL));
    for (int64_t start = 0; start < table->nrows; start += GROUP_BLOCK) {
        int64_t left = table->nrows - start;
        DK_TRY(merge_block(groups, table, start, left < GROUP_BLOCK ? left : GROUP_BLOCK));
    }
    return DK_OK;
}

static dk_status merge_pairs(struct groups *groups, struct group_state *state,
                             const dk_table *table)
{
    const struct view *values = &table->columns[groups->has_key]->view;
    const struct view *keys = groups->has_key ? &table->columns[0]->view : NULL;
    DK_TRY(groups_begin(groups, keys));
    DK_TRY(state->ops->begin(state, values));
    for (int64_t start = 0; start < table->nrows; start += GROUP_BLOCK) {
        int64_t left = table->nrows - start, n = left < GROUP_BLOCK ? left : GROUP_BLOCK;
        struct view block = view_slice(values, start, n), key_block;
        struct group_rows rows;
        if (keys)
            key_block = view_slice(keys, start, n);
        DK_TRY(groups_map(groups, keys ? &key_block : NULL, n, &rows));
        DK_TRY(groups_feed(groups, state, &rows, &block));
    }
    return DK_OK;
}

/* The type that words have in partial tables is text. */
static dk_type stored_type(dk_type type)
{
    return type == DK_CATEGORY ? DK_TEXT : type;
}

static dk_status check_column(const dk_table *table, int32_t i, dk_type type, dk_error *err)
{
    if (i < table->ncolumns && table->columns[i]->view.type == type)
        return DK_OK;
    return error_set(err, DK_EINVAL,
                     "groupby: column %d of a partial result is %s, expected %s: it was made by "
                     "other functions or for another key",
                     i, i < table->ncolumns ? dk_type_name(table->columns[i]->view.type) : "absent",
                     dk_type_name(type));
}

static dk_status check_tables(const struct groups *groups, dk_table *const *tables, dk_error *err)
{
    int32_t column = groups->has_key, table = 1;
    dk_type key = stored_type(groups->key_type);
    if (groups->has_key)
        DK_TRY(check_column(tables[0], 0, key, err));
    for (int32_t i = 0; i < groups->nstates; i++) {
        const struct group_state *state = groups->states[i].state;
        for (int32_t k = 0; k < state->ops->ncolumns; k++)
            DK_TRY(check_column(tables[0], column++, state->ops->column_type(state, k), err));
        if (!state->ops->pairs)
            continue;
        if (groups->has_key)
            DK_TRY(check_column(tables[table], 0, key, err));
        DK_TRY(check_column(tables[table++], groups->has_key, stored_type(state->type), err));
    }
    return DK_OK;
}

dk_status groups_merge(struct groups *groups, dk_table *const *partial, dk_error *err)
{
    DK_TRY(check_tables(groups, partial, err));
    DK_TRY(groups_error(merge_groups(groups, *partial++), err));
    for (int32_t i = 0; i < groups->nstates; i++) {
        struct group_state *state = groups->states[i].state;
        if (state->ops->pairs)
            DK_TRY(groups_error(merge_pairs(groups, state, *partial++), err));
    }
    return DK_OK;
}
