/* A graph as a Graphviz document: circles are calls, boxes are results. */
#include <cdask/diagnostics.h>

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/text.h"
#include "diagnostics/palette.h"
#include "graph/graph.h"
#include "graph/order.h"

#define TOKEN_NDIGITS 32

enum coloring { COLOR_NONE, COLOR_BY_ORDER, COLOR_BY_FUNCTION };

struct drawing {
    const dk_graph *graph;
    struct text text;
    struct vector order; /* of uint32_t: tasks */
    struct vector
        functions; /* of const struct function *: those met so far, when colours need them */
    enum coloring coloring;
    const char *direction;
    bool full_keys;
};

static void put_label(struct text *text, const char *label, size_t nbytes)
{
    for (size_t i = 0; i < nbytes; i++) {
        if (label[i] == '"' || label[i] == '\\')
            text_putc(text, '\\');
        text_putc(text, label[i] == '\n' ? ' ' : label[i]);
    }
}

/* The length of "read-csv" in "read-csv-0123456789abcdef0123456789abcdef". */
static size_t length_without_token(const char *name)
{
    size_t length = strlen(name);
    if (length <= TOKEN_NDIGITS + 1 || name[length - TOKEN_NDIGITS - 1] != '-')
        return length;
    const char *token = name + length - TOKEN_NDIGITS;
    for (size_t i = 0; i < TOKEN_NDIGITS; i++) {
        if (!isxdigit((unsigned char)token[i]))
            return length;
    }
    return length - TOKEN_NDIGITS - 1;
}

/* The number of a partition says enough: its function is in the circle beneath. */
static void put_key(struct drawing *drawing, uint32_t id)
{
    const struct task *task = graph_task(drawing->graph, id);
    char key[DK_ERROR_KEY_MAX];
    dk_graph_key_text(drawing->graph, (dk_task_id){id}, key);
    if (drawing->full_keys)
        put_label(&drawing->text, key, strlen(key));
    else if (task->index != DK_NO_INDEX)
        text_printf(&drawing->text, "%" PRId64, task->index);
    else
        put_label(&drawing->text, key, length_without_token(key));
}

/* The place of a function among those met so far. */
static dk_status number_of(struct drawing *drawing, const struct function *function, size_t *out)
{
    const struct function *const *functions = drawing->functions.data;
    size_t i = 0;
    while (i < drawing->functions.count && functions[i] != function)
        i++;
    *out = i;
    if (i < drawing->functions.count)
        return DK_OK;
    return vector_append(&drawing->functions, &function, 1);
}

static dk_status put_color(struct drawing *drawing, const struct task *task, size_t rank)
{
    char color[8];
    size_t number = 0;
    switch (drawing->coloring) {
    case COLOR_NONE:
        break;
    case COLOR_BY_ORDER: {
        size_t last = drawing->order.count > 1 ? drawing->order.count - 1 : 1;
        bool is_dark = palette_ramp((double)rank / (double)last, color);
        text_printf(&drawing->text, ", fillcolor=\"%s\"%s", color,
                    is_dark ? ", fontcolor=\"white\"" : "");
        break;
    }
    case COLOR_BY_FUNCTION:
        DK_TRY(number_of(drawing, task->function, &number));
        text_printf(&drawing->text, ", fillcolor=\"%s\", fontcolor=\"white\"", palette_at(number));
        break;
    }
    return DK_OK;
}

static dk_status put_nodes(struct drawing *drawing, uint32_t id, size_t rank)
{
    struct text *text = &drawing->text;
    const struct task *task = graph_task(drawing->graph, id);
    const char *name = task->function->name;
    text_printf(text, "  f%u [shape=circle, label=\"", id);
    put_label(text, name, length_without_token(name));
    text_putc(text, '"');
    DK_TRY(put_color(drawing, task, rank));
    text_printf(text, "];\n  r%u [shape=box, label=\"", id);
    put_key(drawing, id);
    if (drawing->coloring == COLOR_BY_ORDER)
        text_printf(text, "\\n#%zu", rank);
    text_putc(text, '"');
    DK_TRY(put_color(drawing, task, rank));
    text_puts(text, "];\n");
    return DK_OK;
}

static void put_edges(struct drawing *drawing, uint32_t id)
{
    const struct task *task = graph_task(drawing->graph, id);
    const dk_value *args = graph_args(drawing->graph, task);
    for (uint32_t i = 0; i < task->nargs; i++) {
        if (args[i].kind == DK_KIND_TASK)
            text_printf(&drawing->text, "  r%u -> f%u;\n", args[i].as.task, id);
    }
    text_printf(&drawing->text, "  f%u -> r%u;\n", id, id);
}

static dk_status put_document(struct drawing *drawing)
{
    text_printf(&drawing->text,
                "digraph tasks {\n"
                "  rankdir=%s; nodesep=0.25; ranksep=0.35; bgcolor=\"white\";\n"
                "  node [fontname=\"Helvetica\", fontsize=11, fontcolor=\"" PALETTE_INK "\", "
                "style=filled, fillcolor=\"white\", color=\"" PALETTE_LINE "\", penwidth=0.8, "
                "margin=\"0.08,0.04\"];\n"
                "  edge [color=\"" PALETTE_LINE "\", arrowsize=0.55, penwidth=0.8];\n",
                drawing->direction);
    const uint32_t *order = drawing->order.data;
    for (size_t rank = 0; rank < drawing->order.count; rank++)
        DK_TRY(put_nodes(drawing, order[rank], rank));
    for (size_t rank = 0; rank < drawing->order.count; rank++)
        put_edges(drawing, order[rank]);
    text_puts(&drawing->text, "}\n");
    return text_status(&drawing->text);
}

/* All tasks of the graph are wanted where no keys are named. */
static dk_status order_tasks(struct drawing *drawing, const dk_task_id *keys, size_t nkeys,
                             dk_error *err)
{
    if (nkeys)
        return graph_order(drawing->graph, keys, nkeys, &drawing->order, err);
    struct vector all;
    vector_init(&all, drawing->text.memory, sizeof(dk_task_id));
    dk_status status = DK_OK;
    for (uint32_t id = 0; status == DK_OK && id < drawing->graph->tasks.count; id++)
        status = vector_append(&all, &(dk_task_id){id}, 1);
    if (status == DK_OK)
        status = graph_order(drawing->graph, all.data, all.count, &drawing->order, err);
    else
        error_nomem(err);
    vector_deinit(&all);
    return status;
}

static dk_status read_options(struct drawing *drawing, const dk_draw_options *options,
                              dk_error *err)
{
    const char *color = options && options->color ? options->color : "none";
    const char *direction = options && options->direction ? options->direction : "BT";
    static const char *const directions[] = {"BT", "TB", "LR", "RL"};
    drawing->full_keys = options && options->full_keys;
    if (strcasecmp(color, "order") == 0)
        drawing->coloring = COLOR_BY_ORDER;
    else if (strcasecmp(color, "function") == 0)
        drawing->coloring = COLOR_BY_FUNCTION;
    else if (strcasecmp(color, "none") != 0)
        return error_set(err, DK_EINVAL,
                         "cannot color a graph by '%s': expected order, function or none", color);
    for (size_t i = 0; i < 4; i++) {
        if (strcasecmp(direction, directions[i]) == 0)
            drawing->direction = directions[i];
    }
    if (!drawing->direction)
        return error_set(err, DK_EINVAL,
                         "cannot draw a graph in direction '%s': expected BT, TB, LR or RL",
                         direction);
    return DK_OK;
}

dk_status dk_graph_draw(const dk_graph *graph, const dk_task_id *keys, size_t nkeys,
                        const dk_draw_options *options, char **out, dk_error *err)
{
    struct memory *memory = graph->context->memory;
    struct drawing drawing = {.graph = graph};
    DK_TRY(read_options(&drawing, options, err));
    text_init(&drawing.text, memory);
    vector_init(&drawing.order, memory, sizeof(uint32_t));
    vector_init(&drawing.functions, memory, sizeof(const struct function *));
    dk_status status = order_tasks(&drawing, keys, nkeys, err);
    if (status == DK_OK) {
        status = put_document(&drawing);
        if (status == DK_OK)
            status = text_export(&drawing.text, out);
        if (status != DK_OK)
            error_nomem(err);
    }
    vector_deinit(&drawing.functions);
    vector_deinit(&drawing.order);
    text_deinit(&drawing.text);
    return status;
}

dk_status dk_graph_to_dot(const dk_graph *graph, const dk_task_id *keys, size_t nkeys, char **out,
                          dk_error *err)
{
    return dk_graph_draw(graph, keys, nkeys, NULL, out, err);
}
