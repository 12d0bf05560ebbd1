/* New sets of rows: filters, groups, reductions; and new columns on old rows. */
#include <string.h>

#include "frame/build.h"
#include "frame/expression.h"

/* ---- filter ---- */

/* `columns` is scratch for the columns as seen behind the filter. */
static dk_frame take_columns(dk_frame frame, const struct rowset *rows, const struct col **columns)
{
    const struct dk_expression *expression = frame.expression;
    for (int32_t i = 0; i < expression->ncolumns; i++) {
        struct col wanted = {.kind = COL_TAKE, .type = expression->columns[i]->type, .rows = rows};
        wanted.a = expression->columns[i];
        columns[i] = col_intern(frame.dk->expressions, &wanted);
        if (!columns[i])
            return frame_nomem(frame.dk);
    }
    return frame_new(frame.dk, expression->shape, rows, expression->ncolumns, expression->names,
                     columns);
}

static dk_frame check_mask(dk_frame frame, dk_frame mask)
{
    const struct dk_expression *rows = frame.expression;
    const struct dk_expression *condition = mask.expression;
    if (rows->error)
        return frame;
    if (condition->error)
        return mask;
    if (rows->shape != SHAPE_FRAME && rows->shape != SHAPE_SERIES) {
        return frame_fail(frame.dk, DK_EINVAL, "filter works on frames and series");
    }
    if (!is_series(mask) || condition->columns[0]->type != DK_BOOL) {
        return frame_fail(frame.dk, DK_ETYPE, "filter: the mask is not a bool series");
    }
    if (condition->rows != rows->rows) {
        return frame_fail(frame.dk, DK_EALIGN, "filter: the mask has other rows than the frame");
    }
    return frame;
}

static dk_frame filter(dk_frame frame, dk_frame mask)
{
    dk_frame checked = check_mask(frame, mask);
    if (checked.expression->error)
        return checked;
    const struct rowset *left = frame.expression->rows;
    struct rowset wanted = {
        .kind = ROWS_FILTER,
        .npartitions = left->npartitions,
        .index_type = left->index_type,
        .index_name = left->index_name,
        .left = left,
        .column = mask.expression->columns[0],
    };
    const struct rowset *rows = rowset_intern(frame.dk->expressions, &wanted);
    size_t nbytes = (size_t)frame.expression->ncolumns * sizeof(struct col *);
    const struct col **columns = rows ? memory_calloc(frame.dk->memory, nbytes) : NULL;
    if (!columns)
        return frame_nomem(frame.dk);
    dk_frame filtered = take_columns(frame, rows, columns);
    memory_free(frame.dk->memory, columns, nbytes);
    return filtered;
}

dk_frame dk_filter(dk_frame frame, dk_frame mask)
{
    building_begin(frame.dk);
    return hand_out(filter(frame, mask));
}

/* ---- assign ---- */

/* `names` and `columns` have room for one more than the frame has. */
static dk_frame assign_into(dk_frame frame, const char *name, const struct col *column,
                            const char **names, const struct col **columns)
{
    const struct dk_expression *expression = frame.expression;
    int32_t n = expression->ncolumns;
    memcpy(names, expression->names, (size_t)n * sizeof(*names));
    memcpy(columns, expression->columns, (size_t)n * sizeof(*columns));
    int32_t at = column_find(frame, name);
    if (at < 0)
        at = n++;
    names[at] = name;
    columns[at] = column;
    return frame_new(frame.dk, SHAPE_FRAME, expression->rows, n, names, columns);
}

/* The column of `series` over the rows of `frame`: one value is written into each of them. */
static const struct col *column_for(dk_frame frame, dk_frame series)
{
    const struct col *column = series.expression->columns[0];
    if (series.expression->shape == SHAPE_SERIES)
        return column;
    struct col wanted = {.type = column->type, .rows = frame.expression->rows, .a = column};
    if (series.expression->shape == SHAPE_SCALAR) {
        wanted.kind = COL_SCALAR;
        wanted.a = col_intern(frame.dk->expressions, &wanted);
        if (!wanted.a)
            return NULL;
    }
    wanted.kind = COL_SPREAD;
    return col_intern(frame.dk->expressions, &wanted);
}

static dk_frame assign(dk_frame frame, const char *name, dk_frame series)
{
    const struct dk_expression *expression = frame.expression;
    if (expression->error)
        return frame;
    if (series.expression->error)
        return series;
    if (expression->shape != SHAPE_FRAME || !is_series(series)) {
        return frame_fail(frame.dk, DK_EINVAL, "assign '%s': needs a frame and a series", name);
    }
    if (series.expression->shape == SHAPE_SERIES && series.expression->rows != expression->rows) {
        return frame_fail(frame.dk, DK_EALIGN,
                          "assign '%s': the series has other rows than the frame", name);
    }
    const struct col *column = column_for(frame, series);
    if (!column)
        return frame_nomem(frame.dk);
    size_t n = (size_t)expression->ncolumns + 1;
    const char **names = memory_calloc(frame.dk->memory, n * sizeof(*names));
    const struct col **columns = memory_calloc(frame.dk->memory, n * sizeof(*columns));
    dk_frame assigned =
        names && columns ? assign_into(frame, name, column, names, columns) : frame_nomem(frame.dk);
    memory_free(frame.dk->memory, columns, n * sizeof(*columns));
    memory_free(frame.dk->memory, names, n * sizeof(*names));
    return assigned;
}

dk_frame dk_assign(dk_frame frame, const char *name, dk_frame series)
{
    building_begin(frame.dk);
    return hand_out(assign(frame, name, series));
}

/* ---- groups ---- */

static dk_frame group_checked(dk_frame frame, dk_frame key)
{
    struct dk_expression wanted = {
        .shape = SHAPE_GROUPBY,
        .rows = frame.expression->rows,
        .ncolumns = frame.expression->ncolumns,
        .names = frame.expression->names,
        .columns = frame.expression->columns,
        .key = key.expression->columns[0],
        .key_name = key.expression->names[0],
        .one_column = frame.expression->shape == SHAPE_SERIES,
    };
    return frame_intern(frame.dk, &wanted);
}

static dk_frame group(dk_frame frame, dk_frame key)
{
    if (frame.expression->error)
        return frame;
    if (key.expression->error)
        return key;
    if (frame.expression->shape != SHAPE_FRAME && frame.expression->shape != SHAPE_SERIES) {
        return frame_fail(frame.dk, DK_EINVAL, "groupby works on frames and series");
    }
    if (key.expression->shape != SHAPE_SERIES) {
        return frame_fail(frame.dk, DK_EINVAL, "groupby: the key is not a series");
    }
    if (key.expression->rows != frame.expression->rows) {
        return frame_fail(frame.dk, DK_EALIGN, "groupby: the key has other rows than the frame");
    }
    return group_checked(frame, key);
}

dk_frame dk_groupby(dk_frame frame, dk_frame key)
{
    building_begin(frame.dk);
    return hand_out(group(frame, key));
}

/* `names` is scratch for the columns other than the key. */
static dk_frame without_column(dk_frame frame, const char *column, const char **names)
{
    const struct dk_expression *expression = frame.expression;
    size_t count = 0;
    for (int32_t i = 0; i < expression->ncolumns; i++) {
        if (expression->names[i] && strcmp(expression->names[i], column) == 0)
            continue;
        names[count++] = expression->names[i];
    }
    return pick_columns(frame, (dk_names){names, count});
}

static dk_frame group_by_column(dk_frame frame, const char *key)
{
    dk_frame column = pick_column(frame, key);
    if (column.expression->error)
        return column;
    size_t nbytes = (size_t)frame.expression->ncolumns * sizeof(char *);
    const char **names = memory_calloc(frame.dk->memory, nbytes);
    if (!names)
        return frame_nomem(frame.dk);
    dk_frame groupby = group(without_column(frame, key, names), column);
    memory_free(frame.dk->memory, names, nbytes);
    return groupby;
}

dk_frame dk_groupby_column(dk_frame frame, const char *key)
{
    building_begin(frame.dk);
    return hand_out(group_by_column(frame, key));
}

/* ---- aggregates ---- */

static dk_frame wrong_type(dk_frame x, const char *name, dk_error *err)
{
    error_prefix(err, "column '%s'", name ? name : "");
    return frame_error(x.dk, err);
}

static const struct col *aggregate_column(dk_frame x, const struct rowset *rows, enum agg agg,
                                          int32_t i, dk_error *err)
{
    struct col wanted = {.kind = COL_AGGREGATE, .rows = rows, .number = (int32_t)agg};
    wanted.a = x.expression->columns[i];
    if (agg_type(agg, wanted.a->type, &wanted.type, err) != DK_OK)
        return NULL;
    const struct col *column = col_intern(x.dk->expressions, &wanted);
    if (!column)
        error_nomem(err);
    return column;
}

/* `columns` is scratch for one aggregate a column. */
static dk_frame aggregate_into(dk_frame x, const struct rowset *rows, enum agg agg,
                               const struct col **columns)
{
    const struct dk_expression *expression = x.expression;
    bool one = expression->one_column || expression->shape == SHAPE_SERIES;
    if (agg == AGG_SIZE) {
        const struct col *size = size_column(x.dk->expressions, rows);
        return frame_series(x.dk, rows, one ? expression->names[0] : NULL, size);
    }
    for (int32_t i = 0; i < expression->ncolumns; i++) {
        dk_error err = {0};
        columns[i] = aggregate_column(x, rows, agg, i, &err);
        if (!columns[i])
            return wrong_type(x, expression->names[i], &err);
    }
    if (one)
        return frame_series(x.dk, rows, expression->names[0], columns[0]);
    return frame_new(x.dk, SHAPE_FRAME, rows, expression->ncolumns, expression->names, columns);
}

/* The rowset that has a row for each group, or one for everything. */
static const struct rowset *aggregated_rows(dk_frame x)
{
    const struct dk_expression *expression = x.expression;
    struct rowset wanted = {
        .kind = expression->key ? ROWS_GROUP : ROWS_REDUCE,
        .npartitions = 1,
        .index_type = expression->key ? expression->key->type : DK_INT64,
        .index_name = expression->key_name,
        .numbered = !expression->key,
        .is_reduced = !expression->key,
        .left = expression->rows,
        .column = expression->key,
    };
    if (expression->key && expression->key->type == DK_CATEGORY)
        wanted.index_type = DK_TEXT;
    return rowset_intern(x.dk->expressions, &wanted);
}

static dk_frame aggregate(dk_frame x, enum agg agg)
{
    const struct dk_expression *expression = x.expression;
    if (expression->error)
        return x;
    bool has_rows = expression->shape == SHAPE_SERIES || expression->shape == SHAPE_FRAME;
    if (!has_rows && expression->shape != SHAPE_GROUPBY) {
        return frame_fail(x.dk, DK_EINVAL, "%s works on groupbys, series and frames",
                          agg_name(agg));
    }
    const struct rowset *rows = aggregated_rows(x);
    size_t nbytes = (size_t)expression->ncolumns * sizeof(struct col *);
    const struct col **columns = rows ? memory_calloc(x.dk->memory, nbytes) : NULL;
    if (!columns)
        return frame_nomem(x.dk);
    dk_frame result = aggregate_into(x, rows, agg, columns);
    memory_free(x.dk->memory, columns, nbytes);
    return result;
}

#define AGGREGATE_FUNCTION(function, agg)                                                          \
    dk_frame function(dk_frame x)                                                                  \
    {                                                                                              \
        building_begin(x.dk);                                                                      \
        return hand_out(aggregate(x, agg));                                                        \
    }

AGGREGATE_FUNCTION(dk_sum, AGG_SUM)
AGGREGATE_FUNCTION(dk_min, AGG_MIN)
AGGREGATE_FUNCTION(dk_max, AGG_MAX)
AGGREGATE_FUNCTION(dk_mean, AGG_MEAN)
AGGREGATE_FUNCTION(dk_count, AGG_COUNT)
AGGREGATE_FUNCTION(dk_size, AGG_SIZE)
AGGREGATE_FUNCTION(dk_first, AGG_FIRST)
AGGREGATE_FUNCTION(dk_last, AGG_LAST)
AGGREGATE_FUNCTION(dk_std, AGG_STD)
AGGREGATE_FUNCTION(dk_var, AGG_VAR)
AGGREGATE_FUNCTION(dk_nunique, AGG_NUNIQUE)

static dk_frame aggregate_named(dk_frame x, const char *name)
{
    for (int agg = 0; agg < AGG_COUNT_OF; agg++) {
        if (strcmp(agg_name((enum agg)agg), name) == 0)
            return aggregate(x, (enum agg)agg);
    }
    return frame_fail(
        x.dk, DK_EINVAL,
        "unknown aggregate '%s': expected one of sum, min, max, mean, count, size, first, "
        "last, std, var, nunique",
        name);
}

dk_frame dk_aggregate(dk_frame x, const char *name)
{
    building_begin(x.dk);
    return hand_out(aggregate_named(x, name));
}
