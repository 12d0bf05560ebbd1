#include "column/kernels/groups.h"

#include <string.h>

#include "column/kernels/groups_private.h"

/* Durations are summed exactly as well: beyond 64 bits their sum is an error, it does not wrap. */
static bool keeps_moments(enum agg agg, dk_type type)
{
    return agg == AGG_MEAN || agg == AGG_STD || agg == AGG_VAR ||
           (agg == AGG_SUM && (type_is_float(type) || type == DK_DURATION));
}

static bool needs_squares(const struct groups *groups, const struct agg_spec *specs, int32_t input)
{
    for (int32_t i = 0; i < groups->nspecs; i++)
        if (specs[i].input == input && (specs[i].agg == AGG_STD || specs[i].agg == AGG_VAR))
            return true;
    return false;
}

/* A new state; `squares` as needs_squares() says. NULL when out of memory. */
static struct group_state *make_state(struct memory *memory, enum agg kind, dk_type type,
                                      bool squares)
{
    bool words = type == DK_TEXT || type == DK_CATEGORY;
    switch (kind) {
    case AGG_SUM:
        return group_sum_new(memory, type);
    case AGG_COUNT:
        return group_count_new(memory, type);
    /* Rows are counted as if each had a value that is never missing. */
    case AGG_SIZE:
        return group_count_new(memory, DK_INT64);
    case AGG_NUNIQUE:
        return group_nunique_new(memory, type);
    case AGG_MEAN:
        return group_moments_new(memory, type, squares);
    default:
        return words ? group_text_new(memory, type, kind) : group_pick_new(memory, type, kind);
    }
}

/* The position of the state that a spec needs, which an earlier spec may have made. */
static dk_status share_state(struct groups *groups, const struct agg_spec *specs, int32_t spec,
                             int32_t *out)
{
    int32_t input = specs[spec].agg == AGG_SIZE ? -1 : specs[spec].input;
    dk_type type = input < 0 ? DK_INT64 : groups->value_types[input];
    enum agg kind = keeps_moments(specs[spec].agg, type) ? AGG_MEAN : specs[spec].agg;
    for (*out = 0; *out < groups->nstates; ++*out)
        if (groups->states[*out].kind == kind && groups->states[*out].input == input)
            return DK_OK;
    struct group_state *state =
        make_state(groups->memory, kind, type, needs_squares(groups, specs, input));
    if (!state)
        return DK_ENOMEM;
    groups->states[groups->nstates++] = (struct group_input){state, kind, input};
    return DK_OK;
}

static dk_status add_spec(struct groups *groups, const struct agg_spec *specs, int32_t i,
                          dk_error *err)
{
    struct group_spec *spec = &groups->specs[i];
    int32_t input = specs[i].input;
    spec->agg = specs[i].agg;
    if (spec->agg != AGG_SIZE && (input < 0 || input >= groups->nvalues))
        return error_set(err, DK_EINVAL, "%s: there is no value column %d among %d",
                         agg_name(spec->agg), input, groups->nvalues);
    dk_type in = spec->agg == AGG_SIZE ? DK_INT64 : groups->value_types[input];
    DK_TRY(agg_type(spec->agg, in, &spec->type, err));
    return groups_error(share_state(groups, specs, i, &spec->state), err);
}

static dk_status allocate(struct groups *groups, const dk_type *value_types)
{
    struct memory *memory = groups->memory;
    size_t nspecs = (size_t)groups->nspecs, nvalues = (size_t)groups->nvalues;
    groups->value_types = memory_alloc(memory, nvalues * sizeof *groups->value_types);
    groups->specs = memory_alloc(memory, nspecs * sizeof *groups->specs);
    groups->states = memory_alloc(memory, nspecs * sizeof *groups->states);
    if (!groups->value_types || !groups->specs || !groups->states)
        return DK_ENOMEM;
    if (nvalues)
        memcpy(groups->value_types, value_types, nvalues * sizeof *value_types);
    return groups->has_key ? group_index_init(&groups->index, memory, groups->key_type) : DK_OK;
}

/* The one group of a reduction is there from the start. */
static dk_status reserve_states(struct groups *groups)
{
    for (int32_t i = 0; i < groups->nstates; i++) {
        struct group_state *state = groups->states[i].state;
        DK_TRY(state->ops->reserve(state, groups_count(groups)));
    }
    return DK_OK;
}

dk_status groups_new(struct memory *memory, bool has_key, dk_type key_type,
                     const dk_type *value_types, int32_t nvalues, const struct agg_spec *specs,
                     int32_t nspecs, struct groups **out, dk_error *err)
{
    struct groups *groups = memory_calloc(memory, sizeof *groups);
    dk_status status;
    *out = NULL;
    if (!groups)
        return error_nomem(err);
    groups->memory = memory;
    groups->has_key = has_key;
    groups->key_type = key_type;
    groups->nvalues = nvalues;
    groups->nspecs = nspecs;
    DK_TRY_OUT(groups_error(allocate(groups, value_types), err));
    for (int32_t i = 0; i < nspecs; i++)
        DK_TRY_OUT(add_spec(groups, specs, i, err));
    DK_TRY_OUT(groups_error(reserve_states(groups), err));
    *out = groups;
    return DK_OK;
out:
    groups_free(groups);
    return status;
}

void groups_free(struct groups *groups)
{
    if (!groups)
        return;
    struct memory *memory = groups->memory;
    size_t nspecs = (size_t)groups->nspecs, nvalues = (size_t)groups->nvalues;
    for (int32_t i = 0; i < groups->nstates; i++)
        groups->states[i].state->ops->free(groups->states[i].state);
    if (groups->index.memory)
        group_index_deinit(&groups->index);
    memory_free(memory, groups->states, nspecs * sizeof *groups->states);
    memory_free(memory, groups->specs, nspecs * sizeof *groups->specs);
    memory_free(memory, groups->value_types, nvalues * sizeof *groups->value_types);
    memory_free(memory, groups, sizeof *groups);
}

dk_status groups_error(dk_status status, dk_error *err)
{
    switch (status) {
    case DK_OK:
        return DK_OK;
    case DK_ENOMEM:
        return error_nomem(err);
    case DK_EOVERFLOW:
        return error_set(err, status, "more than %u groups: aggregate by a coarser key",
                         GROUP_NONE - 1);
    default:
        return error_set(err, status, "groupby: %s", dk_status_text(status));
    }
}

int64_t groups_count(const struct groups *groups)
{
    return groups->has_key ? groups->index.count : 1;
}

dk_status groups_begin(struct groups *groups, const struct view *key)
{
    return key ? group_index_begin(&groups->index, key) : DK_OK;
}

static struct group_rows whole_block(struct group_scratch *scratch, int64_t nrows)
{
    scratch->starts[0] = 0;
    scratch->ends[0] = (int32_t)nrows;
    scratch->groups[0] = 0;
    return (struct group_rows){nrows, false, 1, scratch->starts, scratch->ends, scratch->groups};
}

dk_status groups_map(struct groups *groups, const struct view *key, int64_t nrows,
                     struct group_rows *out)
{
    if (!key) {
        *out = whole_block(&groups->key_rows, nrows);
        return DK_OK;
    }
    DK_TRY(group_index_map(&groups->index, key, &groups->key_rows, out));
    return reserve_states(groups);
}

dk_status groups_feed(struct groups *groups, struct group_state *state,
                      const struct group_rows *rows, const struct view *values)
{
    struct group_rows present;
    if (!values)
        return state->ops->update(state, rows, &(struct view){.type = DK_INT64});
    group_rows_without_nulls(rows, values, &groups->value_rows, &present);
    return state->ops->update(state, &present, values);
}

static dk_status check_view(const struct view *view, dk_type type, int64_t nrows, const char *what,
                            int32_t i, dk_error *err)
{
    if (view->type != type)
        return error_set(err, DK_ETYPE, "groupby: %s %d has type %s, expected %s", what, i,
                         dk_type_name(view->type), dk_type_name(type));
    if (view->nrows != nrows)
        return error_set(err, DK_EINVAL, "groupby: %s %d has %lld rows, expected %lld", what, i,
                         (long long)view->nrows, (long long)nrows);
    return DK_OK;
}

static dk_status check_input(const struct groups *groups, const struct view *key,
                             const struct view *values, int64_t nrows, dk_error *err)
{
    if (groups->has_key != (key != NULL))
        return error_set(err, DK_EINVAL, "groupby: rows came %s a key column",
                         key ? "with" : "without");
    if (key)
        DK_TRY(check_view(key, groups->key_type, nrows, "key", 0, err));
    for (int32_t i = 0; i < groups->nvalues; i++)
        DK_TRY(check_view(&values[i], groups->value_types[i], nrows, "value column", i, err));
    return DK_OK;
}

static dk_status begin(struct groups *groups, const struct view *key, const struct view *values)
{
    DK_TRY(groups_begin(groups, key));
    for (int32_t i = 0; i < groups->nstates; i++) {
        const struct group_input *input = &groups->states[i];
        if (input->state->ops->begin)
            DK_TRY(input->state->ops->begin(input->state, &values[input->input]));
    }
    return DK_OK;
}

static dk_status update_block(struct groups *groups, const struct view *key,
                              const struct view *values, int64_t start, int64_t nrows)
{
    struct group_rows rows;
    struct view key_block;
    if (key)
        key_block = view_slice(key, start, nrows);
    DK_TRY(groups_map(groups, key ? &key_block : NULL, nrows, &rows));
    for (int32_t i = 0; i < groups->nstates; i++) {
        const struct group_input *input = &groups->states[i];
        struct view block;
        if (input->input >= 0)
            block = view_slice(&values[input->input], start, nrows);
        DK_TRY(groups_feed(groups, input->state, &rows, input->input >= 0 ? &block : NULL));
    }
    return DK_OK;
}

dk_status groups_update(struct groups *groups, const struct view *key, const struct view *values,
                        int64_t nrows, dk_error *err)
{
    DK_TRY(check_input(groups, key, values, nrows, err));
    DK_TRY(groups_error(begin(groups, key, values), err));
    for (int64_t start = 0; start < nrows; start += GROUP_BLOCK) {
        int64_t n = nrows - start < GROUP_BLOCK ? nrows - start : GROUP_BLOCK;
        DK_TRY(groups_error(update_block(groups, key, values, start, n), err));
    }
    return DK_OK;
}
