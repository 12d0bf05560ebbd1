/* Persisted frames of other processes: described there, adopted here, with the same results. */
#include <string.h>

#include "frame/expression.h"

/* What each entry of a description is, in its order. */
enum entry { IS_FRAME, INDEX_TYPE, INDEX_NAME, NUMBERED, REDUCED, NAMES, TYPES, NENTRIES };
static const char *const entries[NENTRIES] = {"is_frame",   "index_type", "index_name", "numbered",
                                              "is_reduced", "names",      "types"};

/* ---- describing ---- */

static dk_status text_or_null(dk_context *dk, const char *text, dk_value *out)
{
    *out = dk_value_null();
    return text ? dk_value_text(dk, text, strlen(text), out) : DK_OK;
}

/* Takes the items, also on failure. */
static dk_status finish_list(dk_context *dk, dk_status status, dk_value *items, size_t count,
                             dk_value *out)
{
    if (status == DK_OK)
        return dk_value_list(dk, items, count, out);
    for (size_t i = 0; i < count; i++)
        dk_value_unref(items[i]);
    return status;
}

static dk_status list_columns(dk_frame frame, bool names, dk_value *out)
{
    const struct dk_expression *expression = frame.expression;
    size_t nbytes = (size_t)expression->ncolumns * sizeof(dk_value);
    dk_value *items = memory_calloc(frame.dk->memory, nbytes);
    dk_status status = items ? DK_OK : DK_ENOMEM;
    if (!items)
        return status;
    for (int32_t i = 0; i < expression->ncolumns && status == DK_OK; i++)
        if (names)
            status = text_or_null(frame.dk, expression->names[i], &items[i]);
        else
            items[i] = dk_value_int(expression->columns[i]->type);
    status = finish_list(frame.dk, status, items, (size_t)expression->ncolumns, out);
    memory_free(frame.dk->memory, items, nbytes);
    return status;
}

static dk_status describe(dk_frame frame, dk_value *values)
{
    const struct dk_expression *expression = frame.expression;
    const struct rowset *rows = expression->rows;
    values[IS_FRAME] = dk_value_bool(expression->shape == SHAPE_FRAME);
    values[INDEX_TYPE] = dk_value_int(rows->index_type);
    values[NUMBERED] = dk_value_bool(rows->numbered);
    values[REDUCED] = dk_value_bool(rows->is_reduced);
    DK_TRY(text_or_null(frame.dk, rows->index_name, &values[INDEX_NAME]));
    DK_TRY(list_columns(frame, true, &values[NAMES]));
    return list_columns(frame, false, &values[TYPES]);
}

static dk_status make_map(dk_context *dk, const dk_value *values, dk_value *out)
{
    dk_value items[2 * NENTRIES] = {{DK_KIND_NULL, {0}}};
    dk_status status = DK_OK;
    for (size_t i = 0; i < NENTRIES; i++)
        items[2 * i + 1] = values[i];
    for (size_t i = 0; i < NENTRIES && status == DK_OK; i++)
        status = text_or_null(dk, entries[i], &items[2 * i]);
    if (status == DK_OK)
        return dk_value_map(dk, items, 2 * NENTRIES, out);
    for (size_t i = 0; i < 2 * NENTRIES; i++)
        dk_value_unref(items[i]);
    return status;
}

dk_status dk_frame_description(dk_frame frame, dk_value *out, dk_error *err)
{
    const struct dk_expression *expression = frame.expression;
    dk_value values[NENTRIES] = {{DK_KIND_NULL, {0}}};
    if (expression->error)
        return err ? (*err = *expression->error).status : expression->error->status;
    if (!expression->rows || expression->shape == SHAPE_GROUPBY)
        return error_set(err, DK_EINVAL, "it has no partitions");
    dk_status status = describe(frame, values);
    if (status == DK_OK)
        return make_map(frame.dk, values, out) == DK_OK ? DK_OK : error_nomem(err);
    for (size_t i = 0; i < NENTRIES; i++)
        dk_value_unref(values[i]);
    return error_nomem(err);
}

/* ---- adopting ---- */

/* What was described, which may be anything: it comes from elsewhere. */
struct description {
    bool is_frame;
    struct rowset rows;
    size_t ncolumns;
    const dk_value *names;
    const dk_value *types;
};

static bool read_flag(dk_value map, enum entry entry, bool *out)
{
    dk_value value = dk_value_find(map, entries[entry]);
    *out = value.as.boolean;
    return value.kind == DK_KIND_BOOL;
}

static bool is_type(dk_value value)
{
    return value.kind == DK_KIND_INT && value.as.integer >= 0 && value.as.integer < DK_TYPE_COUNT;
}

static bool is_name(dk_value value)
{
    return value.kind == DK_KIND_NULL || value.kind == DK_KIND_TEXT;
}

static const char *name_of(dk_value value)
{
    return value.kind == DK_KIND_TEXT ? dk_value_data(value, NULL) : NULL;
}

static bool are_columns(const struct description *description, size_t ntypes)
{
    bool are = description->names && description->types && description->ncolumns == ntypes &&
               ntypes && (description->is_frame || ntypes == 1);
    for (size_t i = 0; are && i < ntypes; i++)
        are = is_type(description->types[i]) && is_name(description->names[i]) &&
              (!description->is_frame || description->names[i].kind == DK_KIND_TEXT);
    return are;
}

static bool read_description(dk_value map, struct description *out)
{
    size_t ntypes = 0;
    dk_value index_type = dk_value_find(map, entries[INDEX_TYPE]);
    dk_value index_name = dk_value_find(map, entries[INDEX_NAME]);
    *out = (struct description){.rows.kind = ROWS_PERSISTED};
    out->names = dk_value_items(dk_value_find(map, entries[NAMES]), &out->ncolumns);
    out->types = dk_value_items(dk_value_find(map, entries[TYPES]), &ntypes);
    if (!read_flag(map, IS_FRAME, &out->is_frame) || !is_type(index_type) || !is_name(index_name) ||
        !read_flag(map, NUMBERED, &out->rows.numbered) ||
        !read_flag(map, REDUCED, &out->rows.is_reduced) || !are_columns(out, ntypes))
        return false;
    out->rows.index_type = (dk_type)index_type.as.integer;
    out->rows.index_name = name_of(index_name);
    return true;
}

static dk_frame adopt_columns(dk_context *dk, const struct description *description,
                              const struct rowset *rows)
{
    size_t n = description->ncolumns;
    const char **names = memory_calloc(dk->memory, n * sizeof(char *));
    dk_type *types = memory_calloc(dk->memory, n * sizeof(*types));
    dk_frame frame = frame_nomem(dk);
    for (size_t i = 0; names && types && i < n; i++) {
        names[i] = name_of(description->names[i]);
        types[i] = (dk_type)description->types[i].as.integer;
    }
    if (names && types)
        frame = frame_of_schema(dk, rows, description->is_frame, (int32_t)n, names, types);
    memory_free(dk->memory, names, n * sizeof(char *));
    memory_free(dk->memory, types, n * sizeof(*types));
    return frame;
}

static dk_frame adopt(dk_context *dk, struct description *description, dk_table *divisions,
                      const dk_value *results, size_t nresults)
{
    for (size_t i = 0; i < nresults; i++)
        dk_value_ref(results[i]);
    if (dk_value_list(dk, results, nresults, &description->rows.results) != DK_OK)
        return frame_nomem(dk);
    description->rows.npartitions = (int32_t)nresults;
    description->rows.number = next_call(dk->expressions);
    description->rows.table = divisions ? dk_table_ref(divisions) : NULL;
    const struct rowset *rows = rowset_intern(dk->expressions, &description->rows);
    return rows ? adopt_columns(dk, description, rows) : frame_nomem(dk);
}

dk_frame dk_adopt(dk_context *dk, dk_value description, dk_table *divisions,
                  const dk_value *results, size_t nresults)
{
    struct description read;
    dk_error err = {0};
    bool fits = !divisions || dk_table_nrows(divisions) == (int64_t)nresults + 1;
    building_begin(dk);
    if (read_description(description, &read) && fits && nresults && nresults <= INT32_MAX)
        return hand_out(adopt(dk, &read, divisions, results, nresults));
    error_set(&err, DK_EINVAL, "this does not describe a persisted frame of %zu partitions",
              nresults);
    return hand_out(frame_error(dk, &err));
}
