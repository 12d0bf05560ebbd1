/* Filters go down into the reader: a column that only rows behind a filter need is converted in
 * those rows only.
 *
 * A file column whose only user is a STEP_TAKE is loaded in the domain of the take: the take
 * becomes the load. A take of that is the only user in its turn, so behind filters of filters the
 * load goes on to the last. Only categories stay, whose dictionaries are part of the result: they
 * have the words of all rows, as in pandas.
 */
#include <string.h>

#include "frame/lower.h"

/* What a program does with a register. */
struct use {
    int32_t nusers;    /* steps and sinks */
    struct step *load; /* that fills it from the files; NULL: something else does */
};

static void count_user(struct use *uses, int32_t reg)
{
    if (reg != NO_REGISTER)
        uses[reg].nusers++;
}

static void count_users(const struct program *program, struct use *uses)
{
    const struct step *steps = program_steps(program);
    for (size_t i = 0; i < program->steps.count; i++) {
        if (steps[i].kind >= STEP_BINARY)
            count_user(uses, steps[i].a);
        if (steps[i].kind == STEP_BINARY)
            count_user(uses, steps[i].b);
    }
    for (size_t i = 0; i < program->sinks.count; i++) {
        const struct sink *sink = program_sink(program, i);
        count_user(uses, sink->key);
        count_user(uses, sink->index);
        for (size_t j = 0; j < sink->registers.count; j++)
            count_user(uses, vector_int(&sink->registers, j));
    }
}

static void move_loads(struct program *program, struct use *uses)
{
    struct step *steps = program->steps.data;
    for (size_t i = 0; i < program->steps.count; i++) {
        struct step *step = &steps[i];
        if (step->kind == STEP_LOAD)
            uses[step->out].load = step;
        if (step->kind != STEP_TAKE)
            continue;
        struct use *taken = &uses[step->a];
        if (!taken->load || taken->nusers > 1 || step->col->type == DK_CATEGORY)
            continue;
        step->kind = STEP_LOAD;
        step->number = taken->load->number;
        step->kernel = taken->load->kernel;
        uses[step->out].load = step;
        taken->load = NULL;
    }
}

/* Drops the loads that others have taken the place of. */
static void drop_loads(struct program *program, const struct use *uses)
{
    struct step *steps = program->steps.data;
    size_t kept = 0;
    for (size_t i = 0; i < program->steps.count; i++) {
        if (steps[i].kind != STEP_LOAD || uses[steps[i].out].load == &steps[i])
            steps[kept++] = steps[i];
    }
    program->steps.count = kept;
}

/* Puts the columns of each domain side by side. */
static void sort_loads(struct program *program, const int32_t *columns)
{
    int32_t *sorted = program->loads.data;
    struct step *steps = program->steps.data;
    int32_t count = 0;
    for (size_t d = 0; d < program->domains.count; d++) {
        struct domain *domain = program_domain(program, (int32_t)d);
        domain->first_load = count;
        for (size_t i = 0; i < program->steps.count; i++) {
            if (steps[i].kind != STEP_LOAD || steps[i].domain != (int32_t)d)
                continue;
            sorted[count] = columns[steps[i].number];
            steps[i].number = count++;
        }
        domain->nloads = count - domain->first_load;
    }
}

static dk_status push_filters(struct program *program)
{
    struct arena scratch;
    arena_init(&scratch, program->memory);
    size_t nbytes = program->loads.count * sizeof(int32_t);
    struct use *uses = arena_calloc(&scratch, program->registers.count * sizeof(*uses));
    int32_t *columns = arena_alloc(&scratch, nbytes);
    dk_status status = uses && columns ? DK_OK : DK_ENOMEM;
    if (status == DK_OK) {
        memcpy(columns, program->loads.data, nbytes);
        count_users(program, uses);
        move_loads(program, uses);
        drop_loads(program, uses);
        sort_loads(program, columns);
    }
    arena_deinit(&scratch);
    return status;
}

dk_status lower_push_filters(struct lowering *lowering)
{
    for (size_t i = 0; i < lowering->passes.count; i++) {
        struct program *program = lowering_pass(lowering, (int32_t)i)->program;
        bool has_filters = program->domains.count > 1;
        if (program->loads.count && has_filters)
            DK_TRY(push_filters(program));
    }
    return DK_OK;
}
