/* Any bytes as the pickle of an expression, and as any other: what is taken is taken apart, and
 * what is written of it can be read again. */
#include <stdlib.h>
#include <string.h>

#include "wire/pickle_graph.h"
#include "wire/pickle_part.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes);

#define NBUFFERS 4

/* What is written is a pickle. */
static void check(struct memory *memory, const struct vector *pickle)
{
    struct arena arena;
    struct pickle_tree tree;
    arena_init(&arena, memory);
    if (pickle_tree_read(&tree, &arena, (struct wire_bytes){pickle->data, pickle->count}, NULL) !=
        DK_OK)
        abort();
    arena_deinit(&arena);
}

static void write_tasks(struct memory *memory, struct pickle_graph *graph)
{
    struct vector out, buffers;
    vector_init(&out, memory, 1);
    vector_init(&buffers, memory, sizeof(uint32_t));
    for (uint32_t i = 0; i < graph->ntasks; i++) {
        out.count = buffers.count = 0;
        if (pickle_graph_write(graph, i, &out, &buffers, NULL) != DK_OK)
            continue;
        check(memory, &out);
        for (size_t j = 0; j < buffers.count; j++)
            if (((const uint32_t *)buffers.data)[j] >= NBUFFERS)
                abort();
    }
    vector_deinit(&buffers);
    vector_deinit(&out);
}

static void write_again(struct memory *memory, struct arena *arena, struct wire_bytes pickle)
{
    struct pickle_tree tree;
    struct pickle_part part;
    struct vector out, buffers;
    vector_init(&out, memory, 1);
    vector_init(&buffers, memory, sizeof(uint32_t));
    if (pickle_tree_read(&tree, arena, pickle, NULL) == DK_OK) {
        pickle_part_begin(&part, &tree, &out, &buffers, NULL);
        if (pickle_part_put(&part, tree.root) == DK_OK && pickle_part_end(&part) == DK_OK)
            check(memory, &out);
    }
    vector_deinit(&buffers);
    vector_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes)
{
    struct arena arena;
    struct pickle_graph graph;
    struct memory *memory = memory_new(NULL, 0);
    struct wire_bytes pickle = {(const char *)bytes, nbytes};
    const struct wire_bytes buffers[NBUFFERS] = {{"", 0}, {"", 0}, {"", 0}, {"", 0}};
    if (!memory)
        return 0;
    arena_init(&arena, memory);
    write_again(memory, &arena, pickle);
    if (pickle_graph_read(&graph, &arena, pickle, buffers, NBUFFERS, NULL) == DK_OK)
        write_tasks(memory, &graph);
    arena_deinit(&arena);
    if (memory_use(memory).current)
        abort();
    memory_close(memory);
    return 0;
}
