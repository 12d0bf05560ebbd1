/* The result table: a row for each group, sorted by key. */
#include "column/kernels/align.h"
#include "column/kernels/groups_private.h"

static dk_status make_column(const struct groups *groups, const struct group_spec *spec,
                             const int64_t *order, int64_t n, struct column **out)
{
    const struct group_state *state = groups->states[spec->state].state;
    struct vec values;
    vec_init(&values, groups->memory, spec->type);
    dk_status status = vec_reset(&values, n);
    if (status == DK_OK)
        status = state->ops->result(state, spec->agg, order, n, &values);
    if (status == DK_OK)
        status = vec_freeze(&values, out);
    vec_deinit(&values);
    return status;
}

/* The group numbers in the order of their keys, and the keys in that order. */
static dk_status sort_keys(const struct groups *groups, int64_t *order, int64_t n,
                           struct column **index)
{
    struct column *keys;
    order[0] = 0;
    if (!groups->has_key)
        return DK_OK;
    DK_TRY(group_index_column(&groups->index, &keys));
    dk_status status = argsort(groups->memory, &keys->view, order);
    if (status == DK_OK)
        status = column_take(groups->memory, &keys->view, order, n, index, NULL);
    column_unref(keys);
    return status;
}

static dk_status make_columns(const struct groups *groups, const int64_t *order, int64_t n,
                              struct column **columns)
{
    for (int32_t i = 0; i < groups->nspecs; i++)
        DK_TRY(make_column(groups, &groups->specs[i], order, n, &columns[i]));
    return DK_OK;
}

dk_status groups_result(const struct groups *groups, const char *const *names, const char *key_name,
                        bool is_series, dk_table **out, dk_error *err)
{
    struct memory *memory = groups->memory;
    int64_t n = groups_count(groups);
    size_t order_nbytes = (size_t)(n + 1) * sizeof(int64_t);
    size_t columns_nbytes = (size_t)groups->nspecs * sizeof(struct column *);
    int64_t *order = memory_alloc(memory, order_nbytes);
    struct column **columns = memory_calloc(memory, columns_nbytes), *index = NULL;
    dk_status status = order && columns ? DK_OK : DK_ENOMEM;
    if (status == DK_OK)
        status = sort_keys(groups, order, n, &index);
    if (status == DK_OK)
        status = make_columns(groups, order, n, columns);
    if (status == DK_OK)
        status = table_new(memory, n, groups->nspecs, names, columns,
                           groups->has_key ? key_name : NULL, index, is_series, out);
    for (int32_t i = 0; columns && i < groups->nspecs; i++)
        column_unref(columns[i]);
    column_unref(index);
    memory_free(memory, columns, columns_nbytes);
    memory_free(memory, order, order_nbytes);
    if (status == DK_EOVERFLOW)
        return error_set(err, status,
                         "a sum or standard deviation of times is outside the range of 64-bit "
                         "nanoseconds (292 years): divide the durations first");
    return groups_error(status, err);
}
