/* How a lazy frame shows itself: structure, no data.   Source: dask.dataframe repr. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "frame/expression.h"

static const char *name_at(const struct dk_expression *frame, int32_t i)
{
    return frame->names[i] ? frame->names[i] : "";
}

static size_t width_of(const struct dk_expression *frame, int32_t i)
{
    size_t name = strlen(name_at(frame, i));
    size_t type = strlen(dk_type_name(frame->columns[i]->type));
    return name > type ? name : type;
}

/* "    ...": an unknown division of the index, then one cell a column. */
static void put_row(struct text *text, const struct dk_expression *frame, size_t label_width,
                    const char *label, bool types)
{
    text_printf(text, "%-*s", (int)label_width, label);
    for (int32_t i = 0; i < frame->ncolumns; i++) {
        const char *cell = types ? dk_type_name(frame->columns[i]->type) : "...";
        text_printf(text, "  %*s", (int)width_of(frame, i), cell);
    }
    text_putc(text, '\n');
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
    int32_t rows = frame->rows->npartitions < 4 ? frame->rows->npartitions : 4;
    put_row(text, frame, label_width, "", true);
    for (int32_t i = 0; i < rows; i++)
        put_row(text, frame, label_width, i + 1 < rows ? "..." : "", false);
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
