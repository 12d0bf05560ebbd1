/* Reads the pickle of an expression from standard input, whose buffers have the sizes that the
 * arguments say, and writes a msgpack array for each of its tasks: [key, [dependency ...], pickle,
 * [buffer number ...]]. Ends with 1 and a message when the expression is refused. */
#include <stdio.h>
#include <stdlib.h>

#include "wire/build.h"
#include "wire/pack.h"
#include "wire/pickle_graph.h"

static dk_status read_all(struct vector *in)
{
    char piece[1 << 16];
    size_t nbytes;
    while ((nbytes = fread(piece, 1, sizeof(piece), stdin)) > 0)
        if (vector_append(in, piece, nbytes) != DK_OK)
            return DK_ENOMEM;
    return DK_OK;
}

static struct wire_value list_numbers(struct wire_builder *builder, const struct vector *numbers)
{
    struct wire_filling array = wire_begin_array(builder, numbers->count);
    for (size_t i = 0; i < numbers->count; i++)
        wire_add(&array, wire_int(((const uint32_t *)numbers->data)[i]));
    return wire_end_array(&array);
}

static dk_status write_task(struct arena *arena, struct pickle_graph *graph, uint32_t i,
                            dk_error *err)
{
    const struct pickle_graph_task *task = &graph->tasks[i];
    struct wire_builder builder = {.arena = arena};
    struct wire_filling keys = wire_begin_array(&builder, task->ndependencies);
    struct vector pickle, buffers, out;
    vector_init(&pickle, arena->memory, 1);
    vector_init(&buffers, arena->memory, sizeof(uint32_t));
    vector_init(&out, arena->memory, 1);
    dk_status status = pickle_graph_write(graph, i, &pickle, &buffers, err);
    struct wire_filling fields = wire_begin_array(&builder, 4);
    wire_add(&fields, task->key);
    for (uint32_t j = 0; j < task->ndependencies; j++)
        wire_add(&keys, task->dependencies[j]);
    wire_add(&fields, wire_end_array(&keys));
    wire_add(&fields, wire_bin((struct wire_bytes){pickle.data, pickle.count}));
    wire_add(&fields, list_numbers(&builder, &buffers));
    struct wire_value record = wire_end_array(&fields);
    if (status == DK_OK)
        status = builder.failed ? DK_ENOMEM : wire_pack(&out, NULL, &record, err);
    if (status == DK_OK)
        fwrite(out.data, 1, out.count, stdout);
    vector_deinit(&out);
    vector_deinit(&buffers);
    vector_deinit(&pickle);
    return status;
}

static dk_status run(struct memory *memory, int nsizes, char **sizes, dk_error *err)
{
    struct vector in;
    struct wire_bytes buffers[64] = {0};
    struct arena arena;
    struct pickle_graph graph;
    vector_init(&in, memory, 1);
    arena_init(&arena, memory);
    for (int i = 0; i < nsizes && i < 64; i++)
        buffers[i].nbytes = strtoull(sizes[i], NULL, 10);
    dk_status status = read_all(&in);
    if (status == DK_OK)
        status = pickle_graph_read(&graph, &arena, (struct wire_bytes){in.data, in.count}, buffers,
                                   (uint32_t)nsizes, err);
    for (uint32_t i = 0; status == DK_OK && i < graph.ntasks; i++)
        status = write_task(&arena, &graph, i, err);
    arena_deinit(&arena);
    vector_deinit(&in);
    return status;
}

int main(int argc, char **argv)
{
    dk_error err = {0};
    struct memory *memory = memory_new(NULL, 0);
    if (!memory)
        return 2;
    dk_status status = run(memory, argc - 1, argv + 1, &err);
    memory_close(memory);
    if (status != DK_OK)
        fprintf(stderr, "%s", err.message);
    return status == DK_OK ? 0 : 1;
}
