/* How a lazy frame shows itself: structure, no data.   Source: dask.dataframe repr. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "frame/expression.h"

static const char *name_at(const struct dk_expression *frame, int32_t i)
{
    return frame->names[i] ? frame->names[i] : "";
}

/* Above the cells of a series there is no name. */
static size_t width_of(const struct dk_expression *frame, int32_t i)
{
    size_t name = frame->shape == SHAPE_FRAME ? strlen(name_at(frame, i)) : 0;
    size_t type = strlen(dk_type_name(frame->columns[i]->type));
    return name > type ? name : type;
}

enum row { ROW_OF_TYPES, ROW_OF_PARTITION, ROW_OF_OMITTED };

/* An unknown division of the index, which is blank, then one cell a column. */
static void put_row(struct text *text, const struct dk_expression *frame, size_t label_width,
                    enum row row)
{
    bool is_frame = frame->shape == SHAPE_FRAME;
    const char *label = is_frame && row == ROW_OF_OMITTED ? "..." : "";
    text_printf(text, "%-*s%s", (int)label_width, label, is_frame ? "" : "  ");
    for (int32_t i = 0; i < frame->ncolumns; i++) {
        const char *cell = row == ROW_OF_TYPES ? dk_type_name(frame->columns[i]->type) : "...";
        int width = (int)width_of(frame, i);
        /* pandas leaves the dots of a series on the left. */
        text_printf(text, "  %*s", !is_frame && row == ROW_OF_OMITTED ? -width : width, cell);
    }
    text_putc(text, '\n');
}

/* The types and the last division of every partition, of which the middle ones are omitted. */
static void put_rows(struct text *text, const struct dk_expression *frame, size_t label_width)
{
    int32_t npartitions = frame->rows->npartitions;
    put_row(text, frame, label_width, ROW_OF_TYPES);
    for (int32_t i = 0; i < npartitions && i < 4; i++)
        put_row(text, frame, label_width,
                npartitions > 4 && i == 1 ? ROW_OF_OMITTED : ROW_OF_PARTITION);
}

static void put_frame(struct text *text, const struct dk_expression *frame)
{
    char label[32];
    int length = snprintf(label, sizeof(label), "npartitions=%d", frame->rows->npartitions);
    size_t label_width = (size_t)length;
    text_puts(text, frame->shape == SHAPE_FRAME ? "Dask DataFrame Structure:\n"
                                                : "Dask Series Structure:\n");
    if (frame->shape == SHAPE_FRAME) {
        text_repeat(text, ' ', label_width);
        for (int32_t i = 0; i < frame->ncolumns; i++) {
            text_printf(text, "  %*s", (int)width_of(frame, i), name_at(frame, i));
        }
        text_putc(text, '\n');
    }
    text_printf(text, "%s\n", label);
    put_rows(text, frame, frame->shape == SHAPE_FRAME ? label_width : 0);
    if (frame->shape == SHAPE_SERIES) {
        if (frame->names[0])
            text_printf(text, "Name: %s, ", frame->names[0]);
        text_printf(text, "dtype: %s\n", dk_type_name(frame->columns[0]->type));
    }
}

static void put(struct text *text, const struct dk_expression *frame)
{
    switch (frame->shape) {
    case SHAPE_FRAME:
    case SHAPE_SERIES:
        put_frame(text, frame);
        break;
    case SHAPE_SCALAR:
        text_printf(text, "<scalar %s, type=%s>\n", name_at(frame, 0),
                    dk_type_name(frame->columns[0]->type));
        break;
    case SHAPE_GROUPBY:
        text_printf(text, "<groupby %s, %d columns>\n", frame->key_name ? frame->key_name : "",
                    frame->ncolumns);
        break;
    case SHAPE_LITERAL:
        text_printf(text, "<literal %s>\n",
                    frame->columns[0]->text ? frame->columns[0]->text
                                            : dk_type_name(frame->columns[0]->type));
        break;
    case SHAPE_DELAYED:
        text_printf(text, "Delayed('%s')\n", frame->call->function->name);
        break;
    }
}

dk_status dk_frame_format(dk_frame frame, char **out, dk_error *err)
{
    if (frame.expression->error) {
        if (err)
            *err = *frame.expression->error;
        return frame.expression->error->status;
    }
    struct text text;
    text_init(&text, frame.dk->memory);
    put(&text, frame.expression);
    dk_status status = text_export(&text, out);
    text_deinit(&text);
    return status == DK_OK ? DK_OK : error_nomem(err);
}
