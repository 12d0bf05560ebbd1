/* A record of every task that ran. */
#include "diagnostics/recorder.h"

#include <string.h>

#include "graph/context.h"

dk_status dk_recorder_new(dk_context *dk, dk_recorder **out)
{
    dk_recorder *recorder = memory_calloc(dk->memory, sizeof(*recorder));
    if (!recorder)
        return DK_ENOMEM;
    arena_init(&recorder->keys, dk->memory);
    vector_init(&recorder->records, dk->memory, sizeof(dk_task_record));
    *out = recorder;
    return DK_OK;
}

void dk_recorder_free(dk_recorder *recorder)
{
    if (!recorder)
        return;
    struct memory *memory = recorder->records.memory;
    vector_deinit(&recorder->records);
    arena_deinit(&recorder->keys);
    memory_free(memory, recorder, sizeof(*recorder));
}

static bool record(struct dk_recorder *recorder, const dk_task_event *event)
{
    char key[DK_ERROR_KEY_MAX];
    dk_graph_key_text(event->graph, event->task, key);
    const char *kept_key = arena_text(&recorder->keys, key, strlen(key));
    dk_task_record *record = kept_key ? vector_push(&recorder->records) : NULL;
    if (!record)
        return false;
    *record = (dk_task_record){.key = kept_key,
                               .function = event->function,
                               .worker = event->worker,
                               .status = event->status,
                               .start_ns = event->start_ns,
                               .end_ns = event->end_ns,
                               .result_nbytes = event->result_nbytes};
    return true;
}

static void posttask(void *self, const dk_task_event *event)
{
    struct dk_recorder *recorder = self;
    if (!record(recorder, event))
        recorder->ndropped++;
}

dk_callbacks dk_recorder_callbacks(dk_recorder *recorder)
{
    return (dk_callbacks){.posttask = posttask, .self = recorder};
}

size_t dk_recorder_count(const dk_recorder *recorder)
{
    return recorder->records.count;
}

dk_task_record dk_recorder_at(const dk_recorder *recorder, size_t i)
{
    return ((const dk_task_record *)recorder->records.data)[i];
}

int64_t dk_recorder_ndropped(const dk_recorder *recorder)
{
    return recorder->ndropped;
}
