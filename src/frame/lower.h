/* Lowering: from expressions to passes, from passes to a graph.
 *
 * All that is wanted of one source at one depth is one pass: the optimiser's whole plan. Depth
 * counts how many passes have to be over before: a column that uses the mean of another needs that
 * mean first.
 */
#ifndef FRAME_LOWER_H
#define FRAME_LOWER_H

#include "frame/program.h"

struct pass {
    const struct rowset *source;
    int32_t depth;
    struct program *program; /* owned until it becomes an object of the graph */
    bool emitted;
    struct vector inputs;  /* struct place: where its input tables come from */
    struct vector scalars; /* struct place */
    struct vector tasks;   /* dk_task_id, one a partition, once emitted */
    struct vector results; /* dk_task_id, one a sink, once emitted */
    const char *label;     /* of its keys */
};

/* A sink of a pass: the table it gives. `right` tells the sides of a ROWS_ALIGN apart. */
struct place {
    int32_t pass;
    int32_t sink;
    bool right;
};

struct lowering {
    dk_context *dk;
    struct memory *memory;
    struct arena arena;
    struct vector passes; /* struct pass */
};

/* Expressions stay until lowering_deinit(); programs that went over to a graph hold theirs. */
void lowering_init(struct lowering *lowering, dk_context *dk);
void lowering_deinit(struct lowering *lowering);

static inline struct pass *lowering_pass(const struct lowering *lowering, int32_t i)
{
    return &((struct pass *)lowering->passes.data)[i];
}

/* Wants the columns of `frame`, which is a frame, series or scalar. */
dk_status lower_frame(struct lowering *lowering, const struct dk_expression *frame,
                      struct place *out) DK_NODISCARD;

/* The same without what its passes need: lower_inputs() has to follow. */
dk_status lower_rows(struct lowering *lowering, const struct dk_expression *frame,
                     struct place *out) DK_NODISCARD;

/* Lets the passes over files convert the columns that only rows behind a filter need in those rows
 * only. Called once, when nothing is left to lower. (push_filters.c) */
dk_status lower_push_filters(struct lowering *lowering) DK_NODISCARD;

/* Adds the tasks of all passes to `graph`. */
dk_status lower_emit(struct lowering *lowering, dk_graph *graph, dk_error *err) DK_NODISCARD;
/* The task that gives the table of `place`, once emitted. */
dk_task_id lower_task(const struct lowering *lowering, struct place place);
/* Adds a task for each partition of what `place` collects, which gives its table; `token` is that
 * of the frame and names them. Errors: DK_ENOMEM. */
dk_status lower_partitions(struct lowering *lowering, struct place place, struct token token,
                           dk_graph *graph, dk_task_id *out, dk_error *err) DK_NODISCARD;

/* Compiles `col` for `pass` and gives its register. (lower_columns.c) */
dk_status lower_column(struct lowering *lowering, int32_t pass, const struct col *col,
                       int32_t *reg) DK_NODISCARD;
/* Gives every pass over results the input it walks, also when nothing but its labels or the number
 * of its rows is wanted. (lower_columns.c) */
dk_status lower_inputs(struct lowering *lowering) DK_NODISCARD;
/* The domain of `pass` that has the rows `rows`. */
dk_status lower_domain(struct lowering *lowering, int32_t pass, const struct rowset *rows,
                       int32_t *domain) DK_NODISCARD;
/* The pass over `source` at `depth`. (lower.c) */
dk_status lower_pass(struct lowering *lowering, const struct rowset *source, int32_t depth,
                     int32_t *out) DK_NODISCARD;
/* The sink that aggregates the rows of `col`, which is a COL_AGGREGATE, and the column of its
 * table. */
dk_status lower_aggregate(struct lowering *lowering, const struct col *col, struct place *place,
                          int32_t *number) DK_NODISCARD;
/* The sink that collects `columns` of `rows` (with the index), with names or (NULL) without. One
 * that does so already will do. */
dk_status lower_collect(struct lowering *lowering, const struct rowset *rows,
                        const struct col *const *columns, const char *const *names,
                        int32_t ncolumns, int32_t depth, struct place *place) DK_NODISCARD;

/* Registers the task functions of this layer. (tasks.c) */
dk_status frame_register(dk_context *dk, dk_error *err) DK_NODISCARD;

#endif
