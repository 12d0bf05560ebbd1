#include "frame/pass.h"

#include "column/table.h"
#include "frame/sinks.h"
#include "frame/steps.h"
#include "graph/value.h"

/* The morsels of one partition. */
struct walk {
    const dk_task *task;
    const struct program *program;
    struct morsel morsel;
    struct kept *kept; /* one a sink */
    int64_t limit;     /* rows still wanted; INT64_MAX: all */
};

static dk_status keep_all(struct walk *walk, dk_error *err)
{
    for (size_t i = 0; i < walk->program->sinks.count; i++) {
        DK_TRY(sink_feed(&walk->kept[i], &walk->morsel, walk->task, err));
    }
    return DK_OK;
}

static dk_status run_morsel(struct walk *walk, dk_error *err)
{
    if (dk_task_is_cancelled(walk->task)) {
        return error_set(err, DK_ECANCELED, "the computation was cancelled");
    }
    DK_TRY(morsel_run(&walk->morsel, walk->task, err));
    return keep_all(walk, err);
}

/* True once the first sink has the rows that were asked for. */
static bool has_enough(const struct walk *walk)
{
    return walk->kept[0].nrows >= walk->limit;
}

/* Behind a filter nobody knows how many rows it takes. */
static int64_t rows_wanted(const struct walk *walk)
{
    if (program_sink(walk->program, 0)->domain)
        return MORSEL_ROWS;
    return walk->limit < MORSEL_ROWS ? walk->limit : MORSEL_ROWS;
}

static dk_status walk_scan(struct walk *walk, struct csv_scan *scan, dk_error *err)
{
    struct morsel *morsel = &walk->morsel;
    morsel->scan = scan;
    int64_t nbytes = 0; /* seen before this morsel; opening has read the first already */
    while (!has_enough(walk)) {
        int64_t begin_ns = task_kernel_begin(walk->task);
        DK_TRY(csv_scan_next(scan, rows_wanted(walk), &morsel->nrows, err));
        task_kernel_end(walk->task, "read_csv", begin_ns, morsel->nrows,
                        csv_scan_nbytes(scan) - nbytes);
        nbytes = csv_scan_nbytes(scan);
        if (!morsel->nrows)
            return DK_OK;
        DK_TRY(run_morsel(walk, err));
        morsel->first_row += morsel->nrows;
    }
    return DK_OK;
}

static dk_status walk_csv(struct walk *walk, const struct pass_input *input, dk_error *err)
{
    const struct program *program = walk->program;
    struct csv_scan *scan = NULL;
    DK_TRY(csv_scan_open(program->memory, input->csv, input->block, program->loads.data,
                         (int32_t)program->loads.count, &scan, err));
    dk_status status = walk_scan(walk, scan, err);
    csv_scan_close(scan);
    return status;
}

int64_t pass_first_row(int32_t i, int32_t n, int64_t nrows)
{
    int64_t longer = nrows % n;
    return nrows / n * i + (i < longer ? i : longer);
}

/* The tables are those of one partition. */
static dk_status walk_table(struct walk *walk, const struct pass_input *input, dk_error *err)
{
    int64_t nrows = input->tables[0]->nrows;
    struct morsel *morsel = &walk->morsel;
    int64_t row = 0;
    while (row < nrows && !has_enough(walk)) {
        int64_t wanted = rows_wanted(walk);
        morsel->first_row = row;
        morsel->nrows = nrows - row < wanted ? nrows - row : wanted;
        DK_TRY(run_morsel(walk, err));
        row += morsel->nrows;
    }
    return DK_OK;
}

static dk_status collect_results(struct walk *walk, dk_value *out, dk_error *err)
{
    struct memory *memory = walk->program->memory;
    size_t count = walk->program->sinks.count;
    dk_value *values = memory_calloc(memory, count * sizeof(*values));
    if (!values)
        return error_nomem(err);
    dk_status status = DK_OK;
    for (size_t i = 0; i < count && status == DK_OK; i++) {
        status = sink_result(&walk->kept[i], &values[i], err);
    }
    if (status == DK_OK) {
        if (value_list(memory, values, count, out) != DK_OK)
            status = error_nomem(err);
    } else {
        for (size_t i = 0; i < count; i++)
            dk_value_unref(values[i]);
    }
    memory_free(memory, values, count * sizeof(*values));
    return status;
}

static dk_status walk_partition(struct walk *walk, const struct pass_input *input, dk_value *out,
                                dk_error *err)
{
    const struct program *program = walk->program;
    DK_TRY(morsel_init(&walk->morsel, program, input, err));
    for (size_t i = 0; i < program->sinks.count; i++) {
        DK_TRY(sink_open(&walk->kept[i], program, program_sink(program, i), err));
    }
    DK_TRY(program->source->kind == ROWS_CSV ? walk_csv(walk, input, err)
                                             : walk_table(walk, input, err));
    return collect_results(walk, out, err);
}

dk_status pass_run(const dk_task *task, const struct program *program,
                   const struct pass_input *input, dk_value *out, dk_error *err)
{
    struct walk walk = {.task = task, .program = program};
    walk.limit = program->limit > 0 ? program->limit : INT64_MAX;
    size_t count = program->sinks.count;
    walk.kept = memory_calloc(program->memory, count * sizeof(*walk.kept));
    if (!walk.kept)
        return error_nomem(err);
    dk_status status = walk_partition(&walk, input, out, err);
    for (size_t i = 0; i < count; i++)
        sink_close(&walk.kept[i]);
    morsel_deinit(&walk.morsel);
    memory_free(program->memory, walk.kept, count * sizeof(*walk.kept));
    return status;
}
