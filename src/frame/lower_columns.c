/* Compiling column expressions to the steps of a pass. Each expression is computed once a pass. */
#include "frame/lower.h"

static struct program *program_of(const struct lowering *lowering, int32_t pass)
{
    return lowering_pass(lowering, pass)->program;
}

static bool known_register(const struct program *program, const struct col *col, int32_t *reg)
{
    const struct col *const *cols = program->registers.data;
    for (size_t i = 0; i < program->registers.count; i++) {
        if (cols[i] != col)
            continue;
        *reg = (int32_t)i;
        return true;
    }
    return false;
}

static dk_status new_register(struct program *program, const struct col *col, int32_t *reg)
{
    *reg = (int32_t)program->registers.count;
    DK_TRY(vector_append(&program->registers, &col, 1));
    return vector_append(&program->types, &col->type, 1);
}

/* Adds `step`, whose result goes to a register of its own. */
static dk_status add_step(struct lowering *lowering, int32_t pass, struct step step, int32_t *reg)
{
    struct program *program = program_of(lowering, pass);
    DK_TRY(new_register(program, step.col, reg));
    step.out = *reg;
    return vector_append(&program->steps, &step, 1);
}

dk_status lower_domain(struct lowering *lowering, int32_t pass, const struct rowset *rows,
                       int32_t *domain)
{
    struct program *program = program_of(lowering, pass);
    for (size_t i = 0; i < program->domains.count; i++) {
        if (program_domain(program, (int32_t)i)->rows != rows)
            continue;
        *domain = (int32_t)i;
        return DK_OK;
    }
    struct domain added = {.rows = rows};
    int32_t mask = NO_REGISTER;
    DK_TRY(lower_domain(lowering, pass, rows->left, &added.parent));
    DK_TRY(lower_column(lowering, pass, rows->column, &mask));
    program = program_of(lowering, pass);
    *domain = (int32_t)program->domains.count;
    DK_TRY(vector_append(&program->domains, &added, 1));
    struct step select = {.kind = STEP_SELECT, .domain = *domain, .out = NO_REGISTER, .a = mask};
    select.kernel = "filter";
    return vector_append(&program->steps, &select, 1);
}

/* The position of `place` among `places`, where it is added if need be. */
static dk_status number_of(struct vector *places, struct place place, int32_t *number)
{
    const struct place *known = places->data;
    for (size_t i = 0; i < places->count; i++) {
        bool same = known[i].pass == place.pass && known[i].sink == place.sink;
        if (!same || known[i].right != place.right)
            continue;
        *number = (int32_t)i;
        return DK_OK;
    }
    *number = (int32_t)places->count;
    return vector_append(places, &place, 1);
}

static dk_status load_file_column(struct lowering *lowering, int32_t pass, const struct col *col,
                                  int32_t *reg)
{
    struct program *program = program_of(lowering, pass);
    struct step step = {.kind = STEP_LOAD, .col = col, .kernel = "load"};
    step.number = (int32_t)program->loads.count;
    DK_TRY(vector_append(&program->loads, &col->number, 1));
    program_domain(program, 0)->nloads++;
    return add_step(lowering, pass, step, reg);
}

static dk_status load_source(struct lowering *lowering, int32_t pass, const struct col *col,
                             int32_t *reg)
{
    if (col->rows->kind == ROWS_CSV)
        return load_file_column(lowering, pass, col, reg);
    struct step step = {.kind = STEP_LOAD, .col = col, .number = col->number, .kernel = "load"};
    return add_step(lowering, pass, step, reg);
}

static dk_status load_index(struct lowering *lowering, int32_t pass, const struct col *col,
                            int32_t *reg)
{
    const struct rowset *rows = col->rows;
    struct step step = {.kind = STEP_LABELS, .col = col, .kernel = "load"};
    bool counted = rows->kind == ROWS_CSV || (rows->kind == ROWS_TABLE && !rows->table->index) ||
                   (rows->kind == ROWS_PERSISTED && rows->numbered);
    if (counted)
        step.kind = STEP_NUMBER;
    return add_step(lowering, pass, step, reg);
}

static dk_status load_aggregate(struct lowering *lowering, int32_t pass, const struct col *col,
                                int32_t *reg)
{
    struct step step = {.kind = STEP_LOAD, .col = col, .kernel = "load"};
    struct place place = {0};
    DK_TRY(lower_aggregate(lowering, col, &place, &step.number));
    struct vector *inputs = &lowering_pass(lowering, pass)->inputs;
    DK_TRY(number_of(inputs, place, &step.input));
    return add_step(lowering, pass, step, reg);
}

static dk_status load_scalar(struct lowering *lowering, int32_t pass, const struct col *col,
                             int32_t *reg)
{
    struct step step = {.kind = STEP_SCALAR, .col = col, .kernel = "load"};
    struct place place = {0};
    DK_TRY(lower_collect(lowering, col->a->rows, &col->a, NULL, 1, col->a->depth, &place));
    struct pass *self = lowering_pass(lowering, pass);
    DK_TRY(number_of(&self->scalars, place, &step.number));
    self->program->nscalars = (int32_t)self->scalars.count;
    DK_TRY(lower_domain(lowering, pass, col->rows, &step.domain));
    return add_step(lowering, pass, step, reg);
}

/* Each joined column is an input table of its own, collected on its side and brought to the common
 * labels. */
static dk_status load_aligned(struct lowering *lowering, int32_t pass, const struct col *col,
                              int32_t *reg)
{
    const struct rowset *side = col->number == 0 ? col->rows->left : col->rows->right;
    struct step step = {.kind = STEP_LOAD, .col = col, .kernel = "load"};
    struct place place = {0};
    DK_TRY(lower_collect(lowering, side, &col->a, NULL, 1, col->a->depth, &place));
    place.right = col->number == 1;
    struct vector *inputs = &lowering_pass(lowering, pass)->inputs;
    DK_TRY(number_of(inputs, place, &step.input));
    return add_step(lowering, pass, step, reg);
}

static dk_status take(struct lowering *lowering, int32_t pass, const struct col *col, int32_t *reg)
{
    struct step step = {.kind = STEP_TAKE, .col = col, .kernel = "take"};
    DK_TRY(lower_domain(lowering, pass, col->rows, &step.domain));
    DK_TRY(lower_column(lowering, pass, col->a, &step.a));
    return add_step(lowering, pass, step, reg);
}

static enum step_kind step_of(enum col_kind kind)
{
    switch (kind) {
    case COL_BINARY:
        return STEP_BINARY;
    case COL_UNARY:
        return STEP_UNARY;
    case COL_CAST:
        return STEP_CAST;
    case COL_ROUND:
        return STEP_ROUND;
    case COL_SPREAD:
        return STEP_SPREAD;
    default:
        return STEP_FIELD;
    }
}

static const char *kernel_of(const struct col *col)
{
    static const char *const rounds[] = {"dt.round", "dt.floor", "dt.ceil"};
    switch (col->kind) {
    case COL_BINARY:
        return binary_op_name((enum binary_op)col->number);
    case COL_UNARY:
        return unary_op_symbol((enum unary_op)col->number);
    case COL_CAST:
        return "astype";
    case COL_SPREAD:
        return "assign";
    case COL_ROUND:
        return rounds[col->number];
    default:
        return dt_field_name((enum dt_field)col->number);
    }
}

static dk_status compute(struct lowering *lowering, int32_t pass, const struct col *col,
                         int32_t *reg)
{
    struct step step = {.kind = step_of(col->kind), .col = col, .number = col->number};
    step.unit_ns = col->unit_ns;
    step.kernel = kernel_of(col);
    step.b = NO_REGISTER;
    if (col->rows)
        DK_TRY(lower_domain(lowering, pass, col->rows, &step.domain));
    DK_TRY(lower_column(lowering, pass, col->a, &step.a));
    if (col->b)
        DK_TRY(lower_column(lowering, pass, col->b, &step.b));
    return add_step(lowering, pass, step, reg);
}

dk_status lower_column(struct lowering *lowering, int32_t pass, const struct col *col, int32_t *reg)
{
    if (known_register(program_of(lowering, pass), col, reg))
        return DK_OK;
    switch (col->kind) {
    case COL_SOURCE:
        return load_source(lowering, pass, col, reg);
    case COL_INDEX:
        return load_index(lowering, pass, col, reg);
    case COL_LITERAL:
        return add_step(lowering, pass, (struct step){.kind = STEP_LITERAL, .col = col}, reg);
    case COL_AGGREGATE:
        return load_aggregate(lowering, pass, col, reg);
    case COL_SCALAR:
        return load_scalar(lowering, pass, col, reg);
    case COL_ALIGNED:
        return load_aligned(lowering, pass, col, reg);
    case COL_TAKE:
        return take(lowering, pass, col, reg);
    default:
        return compute(lowering, pass, col, reg);
    }
}

/* ---- inputs ---- */

static dk_status need_labels(struct lowering *lowering, int32_t pass, bool left)
{
    struct expressions *expressions = lowering->dk->expressions;
    const struct rowset *source = lowering_pass(lowering, pass)->source;
    const struct col *labels = index_column(expressions, left ? source->left : source->right);
    const struct col *joined = labels ? aligned_column(expressions, source, labels, left) : NULL;
    int32_t reg = NO_REGISTER;
    return joined ? lower_column(lowering, pass, joined, &reg) : DK_ENOMEM;
}

/* The partitions that a function is mapped over. */
static dk_status need_partitions(struct lowering *lowering, int32_t pass)
{
    const struct call *call = lowering_pass(lowering, pass)->source->call;
    struct place place = {0};
    DK_TRY(lower_rows(lowering, call->lazy[0], &place));
    return vector_append(&lowering_pass(lowering, pass)->inputs, &place, 1);
}

static dk_status need_input(struct lowering *lowering, int32_t pass)
{
    const struct rowset *source = lowering_pass(lowering, pass)->source;
    if (source->kind < ROWS_GROUP || lowering_pass(lowering, pass)->inputs.count)
        return DK_OK;
    if (source->kind == ROWS_MAP)
        return need_partitions(lowering, pass);
    if (source->kind == ROWS_ALIGN) {
        DK_TRY(need_labels(lowering, pass, true));
        return need_labels(lowering, pass, false);
    }
    const struct col *size = size_column(lowering->dk->expressions, source);
    int32_t reg = NO_REGISTER;
    return size ? lower_column(lowering, pass, size, &reg) : DK_ENOMEM;
}

dk_status lower_inputs(struct lowering *lowering)
{
    for (size_t i = 0; i < lowering->passes.count; i++)
        DK_TRY(need_input(lowering, (int32_t)i));
    return DK_OK;
}
