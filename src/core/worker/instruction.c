#include "core/worker/instruction.h"

void wkr_instructions_init(struct wkr_instructions *instructions, struct memory *memory)
{
    vector_init(&instructions->list, memory, sizeof(struct wkr_instruction));
    vector_init(&instructions->tasks, memory, sizeof(struct wkr_task_id));
}

void wkr_instructions_deinit(struct wkr_instructions *instructions)
{
    vector_deinit(&instructions->list);
    vector_deinit(&instructions->tasks);
}

void wkr_instructions_clear(struct wkr_instructions *instructions)
{
    instructions->list.count = 0;
    instructions->tasks.count = 0;
}
