#include "core/coordination/instruction.h"

void coord_instructions_init(struct coord_instructions *out, struct memory *memory)
{
    vector_init(&out->list, memory, sizeof(struct coord_instruction));
    sched_outbox_init(&out->values, memory);
}

void coord_instructions_deinit(struct coord_instructions *out)
{
    vector_deinit(&out->list);
    sched_outbox_deinit(&out->values);
}

void coord_instructions_clear(struct coord_instructions *out)
{
    out->list.count = 0;
    sched_outbox_clear(&out->values);
}
