#include "frame/program.h"

struct program *program_new(dk_context *dk, const struct rowset *source)
{
    struct memory *memory = dk->memory;
    struct program *program = memory_calloc(memory, sizeof(*program));
    if (!program)
        return NULL;
    shared_init(&program->shared);
    program->memory = memory;
    program->nodes = &dk->expressions->nodes;
    program->source = source;
    arena_init(&program->arena, memory);
    vector_init(&program->loads, memory, sizeof(int32_t));
    vector_init(&program->types, memory, sizeof(dk_type));
    vector_init(&program->steps, memory, sizeof(struct step));
    vector_init(&program->domains, memory, sizeof(struct domain));
    vector_init(&program->sinks, memory, sizeof(struct sink));
    vector_init(&program->registers, memory, sizeof(const struct col *));
    struct domain all = {.rows = source, .parent = -1};
    if (vector_append(&program->domains, &all, 1) == DK_OK)
        return program;
    program_unref(program);
    return NULL;
}

void sink_init(struct sink *sink, struct memory *memory)
{
    *sink = (struct sink){.index = NO_REGISTER, .key = NO_REGISTER};
    vector_init(&sink->registers, memory, sizeof(int32_t));
    vector_init(&sink->names, memory, sizeof(const char *));
    vector_init(&sink->specs, memory, sizeof(struct agg_spec));
    vector_init(&sink->columns, memory, sizeof(const struct col *));
}

void sink_deinit(struct sink *sink)
{
    vector_deinit(&sink->registers);
    vector_deinit(&sink->names);
    vector_deinit(&sink->specs);
    vector_deinit(&sink->columns);
}

static void visit_columns(const struct program *program, const struct vector *columns,
                          node_visit visit)
{
    const struct col *const *all = columns->data;
    for (size_t i = 0; i < columns->count; i++)
        visit(program->nodes, &all[i]->node);
}

/* Everything that the program points to. */
static void visit_nodes(const struct program *program, node_visit visit)
{
    visit(program->nodes, &program->source->node);
    visit_columns(program, &program->registers, visit);
    for (size_t i = 0; i < program->domains.count; i++)
        visit(program->nodes, &program_domain(program, (int32_t)i)->rows->node);
    for (size_t i = 0; i < program->sinks.count; i++) {
        const struct sink *sink = program_sink(program, i);
        visit_columns(program, &sink->columns, visit);
        if (sink->grouped)
            visit(program->nodes, &sink->grouped->node);
    }
}

void program_hold(struct program *program)
{
    visit_nodes(program, nodes_ref);
    program->is_holding = true;
}

static void let_go(struct program *program)
{
    nodes_begin(program->nodes);
    visit_nodes(program, nodes_unref);
    nodes_end(program->nodes);
}

/* What is counted beyond the arena. */
static void release_stand_ins(struct program *program)
{
    for (size_t i = 0; i < program->steps.count; i++) {
        if (program_steps(program)[i].col)
            column_unref(program_steps(program)[i].col->literal);
    }
    if (program->source)
        csv_source_unref(program->source->csv);
}

static void program_free(struct program *program)
{
    if (program->is_holding)
        let_go(program);
    if (program->is_stand_in)
        release_stand_ins(program);
    for (size_t i = 0; i < program->sinks.count; i++)
        sink_deinit(program_sink(program, i));
    vector_deinit(&program->registers);
    vector_deinit(&program->sinks);
    vector_deinit(&program->domains);
    vector_deinit(&program->steps);
    vector_deinit(&program->types);
    vector_deinit(&program->loads);
    arena_deinit(&program->arena);
    memory_free(program->memory, program, sizeof(*program));
}

void program_unref(struct program *program)
{
    if (program && shared_unref(&program->shared))
        program_free(program);
}

static dk_status unpack(dk_context *dk, const void *bytes, size_t nbytes, void **object,
                        dk_error *err)
{
    struct shared_set *programs = &dk->expressions->programs;
    struct token token = token_of(bytes, nbytes);
    *object = shared_find(programs, token);
    if (*object)
        return DK_OK;
    struct program *program = NULL;
    DK_TRY(program_get(dk, bytes, nbytes, &program, err));
    *object = shared_add(programs, token, &program->shared);
    if (*object != program)
        program_unref(program);
    return DK_OK;
}

static dk_status put(const void *object, struct writer *out, dk_error *err)
{
    return program_put(object, out, err);
}

static dk_status pack(dk_context *dk, void *object, dk_value *out, dk_error *err)
{
    return shared_pack(dk, object, put, out, err);
}

static void free_object(void *object)
{
    program_unref(object);
}

const dk_object_type program_object = {
    .name = "frame.program", .free = free_object, .pack = pack, .unpack = unpack};
