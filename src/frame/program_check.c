/* Programs of strangers: whether a morsel can go through one without harm. */
#include "column/table.h"
#include "frame/program.h"

/* What a register holds once its step has run. */
struct known {
    bool is_set;
    bool is_one; /* one row for all: a literal, a scalar, and what is computed of them */
    int32_t domain;
};

struct check {
    const struct program *program;
    struct known *registers;
    bool *selected; /* domains whose rows are known */
};

static bool is_domain(const struct check *check, int32_t domain)
{
    return domain >= 0 && (size_t)domain < check->program->domains.count;
}

static bool is_register(const struct check *check, int32_t reg)
{
    return reg >= 0 && (size_t)reg < check->program->types.count;
}

/* A register with values for each row of `domain`. */
static bool has_rows(const struct check *check, int32_t reg, int32_t domain)
{
    return is_register(check, reg) && check->registers[reg].is_set &&
           !check->registers[reg].is_one && check->registers[reg].domain == domain;
}

static bool has_one(const struct check *check, int32_t reg)
{
    return is_register(check, reg) && check->registers[reg].is_set && check->registers[reg].is_one;
}

static bool is_usable(const struct check *check, int32_t reg, int32_t domain)
{
    return has_rows(check, reg, domain) || has_one(check, reg);
}

static dk_type type_of(const struct check *check, int32_t reg)
{
    return program_type(check->program, reg);
}

/* ---- steps ---- */

static bool load_is_sound(const struct check *check, const struct step *step)
{
    const struct program *program = check->program;
    const struct domain *domain = program_domain(program, step->domain);
    if (program->source->kind != ROWS_CSV)
        return step->input >= 0 && step->number >= 0 && step->domain == 0;
    return step->number >= domain->first_load &&
           step->number < domain->first_load + domain->nloads &&
           csv_source_type(program->source->csv,
                           vector_int(&program->loads, (size_t)step->number)) ==
               type_of(check, step->out);
}

static bool binary_is_sound(const struct check *check, const struct step *step)
{
    dk_type type = DK_BOOL;
    bool used = is_usable(check, step->a, step->domain) && is_usable(check, step->b, step->domain);
    if (!used || step->number < 0 || step->number > OP_XOR)
        return false;
    /* Literals have taken their type beside the other operand already, or take it then. */
    struct operand_type a = {type_of(check, step->a), has_one(check, step->a)};
    struct operand_type b = {type_of(check, step->b), has_one(check, step->b)};
    enum binary_op op = (enum binary_op)step->number;
    struct operand_type plain_a = {a.type, false};
    struct operand_type plain_b = {b.type, false};
    dk_type wanted = type_of(check, step->out);
    return (binary_type(op, a, b, &type, NULL) == DK_OK && type == wanted) ||
           (binary_type(op, plain_a, plain_b, &type, NULL) == DK_OK && type == wanted);
}

static bool computation_is_sound(const struct check *check, const struct step *step)
{
    if (step->kind == STEP_BINARY)
        return binary_is_sound(check, step);
    if (!is_usable(check, step->a, step->domain) || step->number < 0)
        return false;
    dk_type in = type_of(check, step->a);
    dk_type out = type_of(check, step->out);
    dk_type type = DK_BOOL;
    switch (step->kind) {
    case STEP_UNARY:
        return step->number <= OP_NOTNA &&
               unary_type((enum unary_op)step->number, in, &type, NULL) == DK_OK && type == out;
    case STEP_CAST:
        return cast_is_possible(in, out);
    case STEP_ROUND:
        return step->number <= ROUND_CEIL && step->unit_ns > 0 && in == out &&
               (in == DK_TIMESTAMP || in == DK_DURATION);
    default:
        return step->number < DT_FIELD_COUNT && in == DK_TIMESTAMP &&
               out == dt_field_type((enum dt_field)step->number);
    }
}

/* Of the rows of the domain that its own is chosen from. */
static bool parent_has(const struct check *check, const struct step *step)
{
    return step->domain > 0 &&
           has_rows(check, step->a, program_domain(check->program, step->domain)->parent);
}

static bool step_is_sound(const struct check *check, const struct step *step)
{
    const struct program *program = check->program;
    dk_type out = type_of(check, step->out);
    bool of_tables = program->source->kind != ROWS_CSV;
    switch (step->kind) {
    case STEP_LOAD:
        return load_is_sound(check, step);
    case STEP_LABELS:
        return of_tables && step->domain == 0;
    case STEP_NUMBER:
        return out == DK_INT64 && step->domain == 0;
    case STEP_LITERAL:
        return step->col->type == out;
    case STEP_SCALAR:
        return step->number >= 0 && step->number < program->nscalars;
    case STEP_SPREAD:
        return has_one(check, step->a) && type_of(check, step->a) == out;
    case STEP_TAKE:
        return parent_has(check, step) && type_of(check, step->a) == out;
    case STEP_BINARY:
    case STEP_UNARY:
    case STEP_CAST:
    case STEP_ROUND:
    case STEP_FIELD:
        return computation_is_sound(check, step);
    default:
        return false;
    }
}

static bool step_gives_one(const struct check *check, const struct step *step)
{
    switch (step->kind) {
    case STEP_LITERAL:
    case STEP_SCALAR:
        return true;
    case STEP_BINARY:
        return has_one(check, step->a) && has_one(check, step->b);
    case STEP_UNARY:
    case STEP_CAST:
    case STEP_ROUND:
    case STEP_FIELD:
        return has_one(check, step->a);
    default:
        return false;
    }
}

static bool run_step(struct check *check, const struct step *step)
{
    if (!is_domain(check, step->domain))
        return false;
    if (step->kind == STEP_SELECT) {
        bool is_sound = parent_has(check, step) && type_of(check, step->a) == DK_BOOL;
        check->selected[step->domain] = true;
        return is_sound;
    }
    if (!is_register(check, step->out) || !step->col || !check->selected[step->domain] ||
        !step_is_sound(check, step))
        return false;
    check->registers[step->out] = (struct known){true, step_gives_one(check, step), step->domain};
    return true;
}

/* ---- the rest ---- */

static bool domains_are_sound(const struct program *program)
{
    for (size_t i = 0; i < program->domains.count; i++) {
        const struct domain *domain = program_domain(program, (int32_t)i);
        bool has_parent = domain->parent >= 0 && (size_t)domain->parent < i;
        if (i == 0 ? domain->parent != -1 : !has_parent)
            return false;
        if (domain->first_load < 0 || domain->nloads < 0 ||
            (size_t)domain->first_load + (size_t)domain->nloads > program->loads.count)
            return false;
    }
    return program->domains.count > 0;
}

static bool loads_are_sound(const struct program *program)
{
    int32_t ncolumns =
        program->source->kind == ROWS_CSV ? csv_source_ncolumns(program->source->csv) : 0;
    for (size_t i = 0; i < program->loads.count; i++) {
        int32_t column = vector_int(&program->loads, i);
        if (column < 0 || column >= ncolumns)
            return false;
    }
    return true;
}

static bool specs_are_sound(const struct check *check, const struct sink *sink)
{
    const struct agg_spec *specs = sink->specs.data;
    for (size_t i = 0; i < sink->specs.count; i++) {
        dk_type type = DK_BOOL;
        if (specs[i].agg >= AGG_COUNT_OF)
            return false;
        if (specs[i].agg == AGG_SIZE)
            continue;
        if (specs[i].input < 0 || (size_t)specs[i].input >= sink->registers.count)
            return false;
        int32_t reg = vector_int(&sink->registers, (size_t)specs[i].input);
        if (agg_type(specs[i].agg, type_of(check, reg), &type, NULL) != DK_OK)
            return false;
    }
    return true;
}

static bool sink_is_sound(const struct check *check, const struct sink *sink)
{
    if (!is_domain(check, sink->domain) || !check->selected[sink->domain])
        return false;
    for (size_t i = 0; i < sink->registers.count; i++) {
        if (!has_rows(check, vector_int(&sink->registers, i), sink->domain))
            return false;
    }
    int32_t labels = sink->grouped ? sink->key : sink->index;
    if (labels != NO_REGISTER && !has_rows(check, labels, sink->domain))
        return false;
    if (sink->grouped)
        return specs_are_sound(check, sink);
    return sink->names.count == sink->registers.count &&
           (!sink->is_series || sink->registers.count == 1);
}

static bool run(struct check *check)
{
    const struct program *program = check->program;
    check->selected[0] = true;
    for (size_t i = 0; i < program->steps.count; i++) {
        if (!run_step(check, &program_steps(program)[i]))
            return false;
    }
    for (size_t i = 0; i < program->sinks.count; i++) {
        if (!sink_is_sound(check, program_sink(program, i)))
            return false;
    }
    return program->sinks.count > 0;
}

dk_status program_check(const struct program *program, dk_error *err)
{
    struct arena scratch;
    if (program->limit < 0 || program->nscalars < 0 || !domains_are_sound(program) ||
        !loads_are_sound(program))
        return error_set(err, DK_EPARSE, "a program of a frame is damaged");
    arena_init(&scratch, program->memory);
    struct check check = {.program = program};
    check.registers = arena_calloc(&scratch, program->types.count * sizeof(*check.registers));
    check.selected = arena_calloc(&scratch, program->domains.count * sizeof(*check.selected));
    dk_status status = check.registers && check.selected ? DK_OK : error_nomem(err);
    if (status == DK_OK && !run(&check))
        status = error_set(err, DK_EPARSE, "a program of a frame is damaged");
    arena_deinit(&scratch);
    return status;
}

/* ---- the arguments of a pass ---- */

static bool table_has(const dk_table *table, int32_t column, dk_type type)
{
    return column < table->ncolumns && table->columns[column]->view.type == type;
}

static bool step_takes(const struct program *program, const struct step *step,
                       dk_table *const *tables, size_t ninputs)
{
    dk_type type = step->kind == STEP_SELECT ? DK_BOOL : program_type(program, step->out);
    switch (step->kind) {
    case STEP_LOAD:
        if (program->source->kind == ROWS_CSV)
            return true;
        return (size_t)step->input < ninputs && tables[step->input]->nrows == tables[0]->nrows &&
               table_has(tables[step->input], step->number, type);
    case STEP_LABELS:
        return dk_table_index_type(tables[0]) == type;
    case STEP_SCALAR: {
        const dk_table *scalar = tables[ninputs + (size_t)step->number];
        return scalar->nrows == 1 && table_has(scalar, 0, type);
    }
    default:
        return true;
    }
}

static bool loads_are_of(const struct program *program, const struct csv_source *csv)
{
    for (size_t i = 0; i < program->loads.count; i++) {
        int32_t column = vector_int(&program->loads, i);
        if (column >= csv_source_ncolumns(csv) ||
            csv_source_type(csv, column) != csv_source_type(program->source->csv, column))
            return false;
    }
    return true;
}

bool program_takes(const struct program *program, const struct csv_source *csv, int64_t block,
                   dk_table *const *tables, size_t ntables)
{
    size_t nscalars = (size_t)program->nscalars;
    bool of_files = program->source->kind == ROWS_CSV;
    if (ntables < nscalars || (!of_files && ntables == nscalars))
        return false;
    if (of_files &&
        (!csv || block < 0 || block >= csv_source_nblocks(csv) || !loads_are_of(program, csv)))
        return false;
    for (size_t i = 0; i < program->steps.count; i++) {
        if (!step_takes(program, &program_steps(program)[i], tables, ntables - nscalars))
            return false;
    }
    return true;
}
