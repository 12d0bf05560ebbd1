#include "frame/sinks.h"

#include "column/table.h"
#include "graph/value.h"

/* ---- groups ---- */

dk_status pass_groups(const struct program *program, const struct sink *sink, struct groups **out,
                      dk_error *err)
{
    size_t nvalues = sink->registers.count;
    dk_type *types = memory_alloc(program->memory, nvalues * sizeof(*types));
    if (!types)
        return error_nomem(err);
    for (size_t i = 0; i < nvalues; i++) {
        types[i] = program_type(program, vector_int(&sink->registers, i));
    }
    bool has_key = sink->key != NO_REGISTER;
    dk_type key_type = has_key ? program_type(program, sink->key) : DK_BOOL;
    dk_status status = groups_new(program->memory, has_key, key_type, types, (int32_t)nvalues,
                                  sink->specs.data, (int32_t)sink->specs.count, out, err);
    memory_free(program->memory, types, nvalues * sizeof(*types));
    return status;
}

/* `tables` and `values` are scratch for the partial tables. */
static dk_status partial_into(struct memory *memory, const struct groups *groups, int32_t count,
                              dk_table **tables, dk_value *values, dk_value *out, dk_error *err)
{
    DK_TRY(groups_partial(groups, tables, err));
    for (int32_t i = 0; i < count; i++)
        values[i] = dk_value_table(tables[i]);
    if (value_list(memory, values, (size_t)count, out) != DK_OK)
        return error_nomem(err);
    return DK_OK;
}

dk_status pass_partial(struct memory *memory, const struct groups *groups, dk_value *out,
                       dk_error *err)
{
    int32_t count = groups_npartials(groups);
    dk_table **tables = memory_calloc(memory, (size_t)count * sizeof(*tables));
    dk_value *values = memory_calloc(memory, (size_t)count * sizeof(*values));
    dk_status status = tables && values
                           ? partial_into(memory, groups, count, tables, values, out, err)
                           : error_nomem(err);
    memory_free(memory, values, (size_t)count * sizeof(*values));
    memory_free(memory, tables, (size_t)count * sizeof(*tables));
    return status;
}

static dk_status feed_groups(struct kept *kept, const struct morsel *morsel, dk_error *err)
{
    const struct sink *sink = kept->sink;
    for (size_t i = 0; i < sink->registers.count; i++) {
        kept->values[i] = *morsel_view(morsel, vector_int(&sink->registers, i));
    }
    const struct view *key = sink->key == NO_REGISTER ? NULL : morsel_view(morsel, sink->key);
    int64_t nrows = sink->domain ? morsel->selections[sink->domain].nrows : morsel->nrows;
    return groups_update(kept->groups, key, kept->values, nrows, err);
}

/* ---- collected rows ---- */

static size_t ncollected(const struct sink *sink)
{
    return sink->registers.count + (sink->index == NO_REGISTER ? 0 : 1);
}

static int32_t collected_register(const struct sink *sink, size_t i)
{
    return i < sink->registers.count ? vector_int(&sink->registers, i) : sink->index;
}

static dk_status open_collection(struct kept *kept, dk_error *err)
{
    struct memory *memory = kept->program->memory;
    size_t count = ncollected(kept->sink);
    kept->columns = memory_calloc(memory, count * sizeof(*kept->columns));
    if (!kept->columns)
        return error_nomem(err);
    for (size_t i = 0; i < count; i++) {
        vec_init(&kept->columns[i], memory,
                 program_type(kept->program, collected_register(kept->sink, i)));
    }
    return DK_OK;
}

static dk_status collect_rows(struct kept *kept, const struct morsel *morsel, dk_error *err)
{
    const struct sink *sink = kept->sink;
    int64_t nrows = sink->domain ? morsel->selections[sink->domain].nrows : morsel->nrows;
    for (size_t i = 0; i < ncollected(sink); i++) {
        const struct view *view = morsel_view(morsel, collected_register(sink, i));
        if (vec_append_view(&kept->columns[i], view) != DK_OK)
            return error_nomem(err);
    }
    kept->nrows += nrows;
    return DK_OK;
}

/* `columns` is scratch for the frozen columns. */
static dk_status freeze_into(struct kept *kept, struct column **columns, dk_table **out)
{
    const struct sink *sink = kept->sink;
    size_t count = ncollected(sink);
    for (size_t i = 0; i < count; i++)
        DK_TRY(vec_freeze(&kept->columns[i], &columns[i]));
    struct column *index = sink->index == NO_REGISTER ? NULL : columns[count - 1];
    return table_new(kept->program->memory, kept->nrows, (int32_t)sink->registers.count,
                     sink->names.data, columns, sink->index_name, index, sink->is_series, out);
}

static dk_status collection_table(struct kept *kept, dk_value *out, dk_error *err)
{
    struct memory *memory = kept->program->memory;
    size_t count = ncollected(kept->sink);
    struct column **columns = memory_calloc(memory, count * sizeof(*columns));
    if (!columns)
        return error_nomem(err);
    dk_table *table = NULL;
    dk_status status = freeze_into(kept, columns, &table);
    for (size_t i = 0; i < count; i++)
        column_unref(columns[i]);
    memory_free(memory, columns, count * sizeof(*columns));
    if (status != DK_OK)
        return error_nomem(err);
    *out = dk_value_table(table);
    return DK_OK;
}

/* ---- both ---- */

dk_status sink_open(struct kept *kept, const struct program *program, const struct sink *sink,
                    dk_error *err)
{
    kept->program = program;
    kept->sink = sink;
    if (!sink->grouped)
        return open_collection(kept, err);
    kept->values = memory_calloc(program->memory, sink->registers.count * sizeof(*kept->values));
    if (!kept->values)
        return error_nomem(err);
    return pass_groups(program, sink, &kept->groups, err);
}

void sink_close(struct kept *kept)
{
    if (!kept->program)
        return;
    struct memory *memory = kept->program->memory;
    size_t count = ncollected(kept->sink);
    for (size_t i = 0; kept->columns && i < count; i++)
        vec_deinit(&kept->columns[i]);
    memory_free(memory, kept->columns, count * sizeof(*kept->columns));
    memory_free(memory, kept->values, kept->sink->registers.count * sizeof(*kept->values));
    if (kept->groups)
        groups_free(kept->groups);
}

dk_status sink_feed(struct kept *kept, const struct morsel *morsel, const dk_task *task,
                    dk_error *err)
{
    int64_t begin_ns = task_kernel_begin(task);
    dk_status status =
        kept->groups ? feed_groups(kept, morsel, err) : collect_rows(kept, morsel, err);
    task_kernel_end(task, kept->groups ? "aggregate" : "collect", begin_ns, morsel->nrows, 0);
    return status;
}

dk_status sink_result(struct kept *kept, dk_value *out, dk_error *err)
{
    if (kept->groups)
        return pass_partial(kept->program->memory, kept->groups, out, err);
    return collection_table(kept, out, err);
}
