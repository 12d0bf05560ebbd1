#include "frame/steps.h"

#include <string.h>

#include "column/table.h"

static size_t nregisters(const struct morsel *morsel)
{
    return morsel->program->registers.count;
}

/* True when file columns are loaded behind a filter of a filter. */
static bool loads_nested(const struct program *program)
{
    for (size_t i = 1; i < program->domains.count; i++) {
        const struct domain *domain = program_domain(program, (int32_t)i);
        if (domain->nloads && domain->parent > 0)
            return true;
    }
    return false;
}

static dk_status new_selections(struct morsel *morsel, dk_error *err)
{
    struct memory *memory = morsel->program->memory;
    size_t count = morsel->program->domains.count;
    morsel->selections = memory_calloc(memory, count * sizeof(*morsel->selections));
    if (!morsel->selections)
        return error_nomem(err);
    for (size_t i = 1; i < count; i++) {
        morsel->selections[i].rows = memory_alloc(memory, MORSEL_ROWS * sizeof(int32_t));
        if (!morsel->selections[i].rows)
            return error_nomem(err);
    }
    if (!loads_nested(morsel->program))
        return DK_OK;
    morsel->chosen = memory_alloc(memory, MORSEL_ROWS * sizeof(int32_t));
    return morsel->chosen ? DK_OK : error_nomem(err);
}

dk_status morsel_init(struct morsel *morsel, const struct program *program,
                      const struct pass_input *input, dk_error *err)
{
    struct memory *memory = program->memory;
    *morsel = (struct morsel){.program = program, .input = input};
    morsel->views = memory_calloc(memory, nregisters(morsel) * sizeof(*morsel->views));
    morsel->vecs = memory_calloc(memory, nregisters(morsel) * sizeof(*morsel->vecs));
    morsel->loads = memory_calloc(memory, program->loads.count * sizeof(*morsel->loads));
    if (!morsel->views || !morsel->vecs || !morsel->loads)
        return error_nomem(err);
    for (size_t i = 0; i < nregisters(morsel); i++) {
        vec_init(&morsel->vecs[i], memory, program_type(program, (int32_t)i));
    }
    for (size_t i = 0; i < program->loads.count; i++) {
        dk_type type = csv_source_type(program->source->csv, vector_int(&program->loads, i));
        vec_init(&morsel->loads[i], memory, type);
    }
    return new_selections(morsel, err);
}

void morsel_deinit(struct morsel *morsel)
{
    if (!morsel->program)
        return;
    struct memory *memory = morsel->program->memory;
    size_t nloads = morsel->program->loads.count;
    size_t ndomains = morsel->program->domains.count;
    for (size_t i = 0; morsel->vecs && i < nregisters(morsel); i++)
        vec_deinit(&morsel->vecs[i]);
    for (size_t i = 0; morsel->loads && i < nloads; i++)
        vec_deinit(&morsel->loads[i]);
    for (size_t i = 0; morsel->selections && i < ndomains; i++) {
        memory_free(memory, morsel->selections[i].rows, MORSEL_ROWS * sizeof(int32_t));
    }
    memory_free(memory, morsel->chosen, MORSEL_ROWS * sizeof(int32_t));
    memory_free(memory, morsel->selections, ndomains * sizeof(*morsel->selections));
    memory_free(memory, morsel->loads, nloads * sizeof(*morsel->loads));
    memory_free(memory, morsel->vecs, nregisters(morsel) * sizeof(*morsel->vecs));
    memory_free(memory, morsel->views, nregisters(morsel) * sizeof(*morsel->views));
}

/* ---- loading ---- */

static struct view rows_of(const struct morsel *morsel, const struct column *column)
{
    return view_slice(&column->view, morsel->first_row, morsel->nrows);
}

static void load(struct morsel *morsel, const struct step *step)
{
    struct view *out = &morsel->views[step->out];
    if (morsel->program->source->kind == ROWS_CSV) {
        *out = vec_view(&morsel->loads[step->number]);
    } else {
        *out = rows_of(morsel, morsel->input->tables[step->input]->columns[step->number]);
    }
}

static dk_status number_rows(struct morsel *morsel, struct vec *out)
{
    DK_TRY(vec_reset(out, morsel->nrows));
    int64_t first = morsel->input->first_label + morsel->first_row;
    int64_t *labels = out->data;
    for (int64_t i = 0; i < morsel->nrows; i++)
        labels[i] = first + i;
    return DK_OK;
}

static dk_status load_labels(struct morsel *morsel, struct vec *out, struct view *view)
{
    const dk_table *table = morsel->input->tables[0];
    if (!table->index)
        return number_rows(morsel, out);
    *view = rows_of(morsel, table->index);
    return DK_OK;
}

static int64_t domain_nrows(const struct morsel *morsel, int32_t domain)
{
    return domain ? morsel->selections[domain].nrows : morsel->nrows;
}

/* The rows of a domain as rows of the morsel; NULL: all. Those of a filter behind a filter are
 * looked up from one to the next. */
static const int32_t *chosen_rows(struct morsel *morsel, int32_t domain)
{
    const struct program *program = morsel->program;
    const struct selection *selection = &morsel->selections[domain];
    int32_t parent = program_domain(program, domain)->parent;
    if (parent <= 0)
        return selection->rows;
    memcpy(morsel->chosen, selection->rows, (size_t)selection->nrows * sizeof(int32_t));
    for (; parent > 0; parent = program_domain(program, parent)->parent) {
        const int32_t *rows = morsel->selections[parent].rows;
        for (int64_t i = 0; i < selection->nrows; i++)
            morsel->chosen[i] = rows[morsel->chosen[i]];
    }
    return morsel->chosen;
}

/* Converts the file columns of a domain. The rows have been counted when they were found. */
static dk_status convert_columns(struct morsel *morsel, int32_t domain, const dk_task *task,
                                 dk_error *err)
{
    const struct domain *wanted = program_domain(morsel->program, domain);
    if (!wanted->nloads)
        return DK_OK;
    int64_t begin_ns = task_kernel_begin(task);
    DK_TRY(csv_scan_load(morsel->scan, wanted->first_load, wanted->nloads,
                         chosen_rows(morsel, domain), domain_nrows(morsel, domain),
                         &morsel->loads[wanted->first_load], err));
    task_kernel_end(task, "read_csv", begin_ns, 0, 0);
    return DK_OK;
}

/* ---- computing ---- */

static void select_rows(struct morsel *morsel, const struct step *step)
{
    struct selection *selection = &morsel->selections[step->domain];
    selection->nrows = filter_rows(morsel_view(morsel, step->a), selection->rows);
}

static dk_status spread(struct morsel *morsel, const struct step *step, struct vec *out)
{
    int64_t nrows = domain_nrows(morsel, step->domain);
    DK_TRY(vec_reset(out, 0));
    DK_TRY(vec_reserve(out, nrows));
    for (int64_t i = 0; i < nrows; i++) {
        DK_TRY(vec_append_view(out, morsel_view(morsel, step->a)));
    }
    return DK_OK;
}

static dk_status take(struct morsel *morsel, const struct step *step, struct vec *out)
{
    const struct selection *selection = &morsel->selections[step->domain];
    return take_rows(morsel_view(morsel, step->a), selection->rows, selection->nrows, out);
}

static dk_status compute(struct morsel *morsel, const struct step *step, struct vec *out,
                         dk_error *err)
{
    const struct view *a = morsel_view(morsel, step->a);
    switch (step->kind) {
    case STEP_BINARY:
        return binary_apply((enum binary_op)step->number, a, morsel_view(morsel, step->b), out,
                            err);
    case STEP_UNARY:
        return unary_apply((enum unary_op)step->number, a, out, err);
    case STEP_CAST:
        return cast_apply(a, out, err);
    case STEP_ROUND:
        return round_apply((enum round_mode)step->number, a, step->unit_ns, out, err);
    default:
        return dt_field_apply((enum dt_field)step->number, a, out, err);
    }
}

static dk_status run_step(struct morsel *morsel, const struct step *step, dk_error *err)
{
    if (step->kind == STEP_SELECT) {
        select_rows(morsel, step);
        return DK_OK;
    }
    struct vec *out = &morsel->vecs[step->out];
    struct view *view = &morsel->views[step->out];
    dk_status status = DK_OK;
    switch (step->kind) {
    case STEP_LOAD:
        load(morsel, step);
        return DK_OK;
    case STEP_LITERAL:
        *view = step->col->literal->view;
        return DK_OK;
    case STEP_SCALAR:
        *view = morsel->input->scalars[step->number]->columns[0]->view;
        return DK_OK;
    case STEP_LABELS:
        status = load_labels(morsel, out, view);
        if (status == DK_OK && morsel->input->tables[0]->index)
            return DK_OK;
        break;
    case STEP_NUMBER:
        status = number_rows(morsel, out);
        break;
    case STEP_SPREAD:
        status = spread(morsel, step, out);
        break;
    case STEP_TAKE:
        status = take(morsel, step, out);
        break;
    default:
        status = compute(morsel, step, out, err);
    }
    *view = vec_view(out);
    return status == DK_ENOMEM ? error_nomem(err) : status;
}

static dk_status run_timed(struct morsel *morsel, const struct step *step, const dk_task *task,
                           dk_error *err)
{
    bool is_kernel = step->kind >= STEP_BINARY;
    int64_t begin_ns = is_kernel ? task_kernel_begin(task) : 0;
    DK_TRY(run_step(morsel, step, err));
    if (!is_kernel || !task->profile)
        return DK_OK;
    int64_t nrows = domain_nrows(morsel, step->domain);
    int64_t width = step->col ? (int64_t)type_nbytes(step->col->type) : 1;
    task_kernel_end(task, step->kernel, begin_ns, nrows, nrows * width);
    return DK_OK;
}

dk_status morsel_run(struct morsel *morsel, const dk_task *task, dk_error *err)
{
    const struct step *steps = program_steps(morsel->program);
    DK_TRY(convert_columns(morsel, 0, task, err));
    for (size_t i = 0; i < morsel->program->steps.count; i++) {
        DK_TRY(run_timed(morsel, &steps[i], task, err));
        if (steps[i].kind == STEP_SELECT)
            DK_TRY(convert_columns(morsel, steps[i].domain, task, err));
    }
    return DK_OK;
}
