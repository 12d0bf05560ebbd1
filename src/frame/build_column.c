/* Columns of frames. */
#include <stdio.h>
#include <string.h>

#include "frame/build.h"
#include "frame/expression.h"

/* "no column 'x': use any of [...]" */
static dk_frame column_missing(dk_frame frame, const char *name)
{
    const struct dk_expression *expression = frame.expression;
    char list[512] = "";
    size_t length = 0;
    for (int32_t i = 0; i < expression->ncolumns && length < sizeof(list); i++) {
        const char *known = expression->names[i] ? expression->names[i] : "";
        int written =
            snprintf(list + length, sizeof(list) - length, "%s'%s'", i ? ", " : "", known);
        length += (size_t)written;
    }
    return frame_fail(frame.dk, DK_ECOLUMN, "no column '%s': use any of [%s]", name, list);
}

int32_t column_find(dk_frame frame, const char *name)
{
    const struct dk_expression *expression = frame.expression;
    for (int32_t i = 0; i < expression->ncolumns; i++) {
        if (expression->names[i] && strcmp(expression->names[i], name) == 0)
            return i;
    }
    return -1;
}

/* Some columns of `whole`, over the same rows; a part of a groupby keeps its key. */
static dk_frame part_of(dk_frame whole, int32_t ncolumns, const char *const *names,
                        const struct col *const *columns, bool one_column)
{
    struct dk_expression wanted = {
        .shape = whole.expression->shape,
        .rows = whole.expression->rows,
        .ncolumns = ncolumns,
        .names = names,
        .columns = columns,
        .key = whole.expression->key,
        .key_name = whole.expression->key_name,
        .one_column = one_column,
    };
    return frame_intern(whole.dk, &wanted);
}

dk_frame pick_column(dk_frame frame, const char *name)
{
    const struct dk_expression *expression = frame.expression;
    if (expression->error)
        return frame;
    bool is_groupby = expression->shape == SHAPE_GROUPBY;
    if (expression->shape != SHAPE_FRAME && !is_groupby) {
        return frame_fail(frame.dk, DK_EINVAL, "column '%s' of something that has no columns",
                          name);
    }
    int32_t i = column_find(frame, name);
    if (i < 0)
        return column_missing(frame, name);
    if (!is_groupby) {
        return frame_series(frame.dk, expression->rows, name, expression->columns[i]);
    }
    return part_of(frame, 1, &name, &expression->columns[i], true);
}

dk_frame dk_col(dk_frame frame, const char *name)
{
    building_begin(frame.dk);
    return hand_out(pick_column(frame, name));
}

/* `columns` is scratch for one pointer a name. */
static dk_frame select_into(dk_frame frame, dk_names names, const struct col **columns)
{
    const struct dk_expression *expression = frame.expression;
    for (size_t i = 0; i < names.count; i++) {
        int32_t at = column_find(frame, names.names[i]);
        if (at < 0)
            return column_missing(frame, names.names[i]);
        columns[i] = expression->columns[at];
    }
    return part_of(frame, (int32_t)names.count, names.names, columns, false);
}

dk_frame pick_columns(dk_frame frame, dk_names names)
{
    if (frame.expression->error)
        return frame;
    if (frame.expression->shape != SHAPE_FRAME && frame.expression->shape != SHAPE_GROUPBY) {
        return frame_fail(frame.dk, DK_EINVAL, "select works on frames and groupbys");
    }
    size_t nbytes = names.count * sizeof(struct col *);
    const struct col **columns = memory_calloc(frame.dk->memory, nbytes);
    if (!columns)
        return frame_nomem(frame.dk);
    dk_frame part = select_into(frame, names, columns);
    memory_free(frame.dk->memory, columns, nbytes);
    return part;
}

dk_frame dk_select(dk_frame frame, dk_names names)
{
    building_begin(frame.dk);
    return hand_out(pick_columns(frame, names));
}

static dk_frame rename_series(dk_frame series, const char *name)
{
    if (series.expression->error)
        return series;
    if (series.expression->ncolumns != 1 || series.expression->shape == SHAPE_GROUPBY) {
        return frame_fail(series.dk, DK_EINVAL, "rename to '%s': not a series", name);
    }
    return frame_new(series.dk, series.expression->shape, series.expression->rows, 1, &name,
                     series.expression->columns);
}

dk_frame dk_rename(dk_frame series, const char *name)
{
    building_begin(series.dk);
    return hand_out(rename_series(series, name));
}

/* ---- columns of a frame under construction ---- */

dk_status columns_init(struct columns *columns, struct memory *memory, int32_t room)
{
    *columns = (struct columns){.memory = memory, .room = (size_t)room};
    columns->names = memory_calloc(memory, columns->room * sizeof(*columns->names));
    columns->columns = memory_calloc(memory, columns->room * sizeof(*columns->columns));
    return columns->names && columns->columns ? DK_OK : DK_ENOMEM;
}

void columns_deinit(struct columns *columns)
{
    memory_free(columns->memory, columns->columns, columns->room * sizeof(*columns->columns));
    memory_free(columns->memory, columns->names, columns->room * sizeof(*columns->names));
}
