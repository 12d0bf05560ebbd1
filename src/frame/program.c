#include "frame/program.h"

struct program *program_new(struct memory *memory, const struct rowset *source)
{
    struct program *program = memory_calloc(memory, sizeof(*program));
    if (!program)
        return NULL;
    program->memory = memory;
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
    program_free(program);
    return NULL;
}

static void sink_deinit(struct sink *sink)
{
    vector_deinit(&sink->registers);
    vector_deinit(&sink->names);
    vector_deinit(&sink->specs);
    vector_deinit(&sink->columns);
}

void program_free(struct program *program)
{
    if (!program)
        return;
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

static void free_object(void *object)
{
    program_free(object);
}

const dk_object_type program_object = {.name = "program", .free = free_object};
