/* How long expressions live: from the call that builds them until they are forgotten. */
#include "frame/expression.h"

struct expressions *expressions_new(struct memory *memory)
{
    static const dk_error nomem = {.status = DK_ENOMEM, .message = "out of memory"};
    struct expressions *expressions = memory_calloc(memory, sizeof(*expressions));
    if (!expressions)
        return NULL;
    expressions->memory = memory;
    expressions->nomem.error = &nomem;
    expressions->nomem.node.refs = 1;
    nodes_init(&expressions->nodes, memory);
    expressions->programs.lock = expressions->files.lock = &expressions->nodes.lock;
    return expressions;
}

void expressions_free(struct expressions *expressions)
{
    if (!expressions)
        return;
    nodes_deinit(&expressions->nodes);
    memory_free(expressions->memory, expressions, sizeof(*expressions));
}

void building_begin(dk_context *dk)
{
    nodes_begin(&dk->expressions->nodes);
}

void building_end(dk_context *dk)
{
    nodes_end(&dk->expressions->nodes);
}

void frame_hold(dk_frame frame)
{
    nodes_ref(&frame.dk->expressions->nodes, &frame.expression->node);
}

dk_frame hand_out(dk_frame frame)
{
    frame_hold(frame);
    building_end(frame.dk);
    return frame;
}

void dk_forget(dk_frame frame)
{
    if (frame.expression)
        nodes_unref(&frame.dk->expressions->nodes, &frame.expression->node);
}
