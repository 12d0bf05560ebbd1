/* Task metadata: for as long as somebody collects, what becomes of tasks that were submitted since,
 * and what their workers note about them.
 *
 * Source: distributed.scheduler.CollectTaskMetaDataPlugin. */
#include "base/error.h"
#include "core/coordination/parts.h"
#include "core/scheduler/queries.h"

struct collected {
    struct coord_thing thing; /* by the key of the task */
    struct wire_box *metadata;
    enum sched_state state;
};

/* ---- parts ---- */

static void collection_deinit(struct coord_collection *collection)
{
    COORD_EACH(struct collected, task, &collection->tasks)
    wire_box_unref(task->metadata);
    coord_table_deinit(&collection->tasks);
    coord_table_deinit(&collection->known);
}

/* Tasks that are there already are of no interest. */
static bool note_known(struct coord *coord, struct coord_collection *collection)
{
    size_t at = 0;
    struct wire_bytes key;
    while (sched_next_task(coord->sched, &at, &key))
        if (!coord_table_get(&collection->known, key))
            return !coord_fail(coord);
    return true;
}

/* Of a task that has ended; the last time counts. */
static void collect(struct coord *coord, struct coord_collection *collection, struct wire_bytes key,
                    const struct wire_value *metadata)
{
    enum sched_state state = sched_task_state(coord->sched, key);
    if ((state != SCHED_MEMORY && state != SCHED_ERRED) ||
        coord_table_find(&collection->known, key))
        return;
    struct wire_value nothing = wire_nil();
    bool has_metadata = metadata && metadata->kind == WIRE_MAP && metadata->count;
    struct wire_box *box = wire_box_new(coord->memory, has_metadata ? metadata : &nothing);
    struct collected *task = box ? coord_table_get(&collection->tasks, key) : NULL;
    if (!task) {
        wire_box_unref(box);
        coord_fail(coord);
        return;
    }
    wire_box_unref(task->metadata);
    task->metadata = box;
    task->state = state;
}

void coord_note_task(struct coord *coord, const struct wire_value *message)
{
    struct wire_bytes key;
    if (!coord_pack_key(coord, wire_find(message, "key"), &key))
        return;
    COORD_EACH(struct coord_collection, collection, &coord->collections)
    collect(coord, collection, key, wire_find(message, "metadata"));
}

/* Those that others have taken along, of which no worker has said anything. */
static void collect_erred(struct coord *coord, struct coord_collection *collection)
{
    size_t at = 0;
    struct wire_bytes key;
    while (sched_next_task(coord->sched, &at, &key))
        if (sched_task_state(coord->sched, key) == SCHED_ERRED &&
            !coord_table_find(&collection->tasks, key))
            collect(coord, collection, key, NULL);
}

/* ---- questions ---- */

static bool start(struct coord *coord, struct coord_ask *ask)
{
    struct wire_bytes name;
    if (!coord_read_name(coord, ask, "name", &name))
        return true;
    if (coord_table_find(&coord->collections, name))
        return coord_raise(coord, ask, "ValueError", "task metadata is collected under this name");
    struct coord_collection *collection = coord_table_get(&coord->collections, name);
    if (!collection)
        return coord_fail(coord);
    coord_table_init(&collection->known, coord->memory, sizeof(struct coord_thing));
    coord_table_init(&collection->tasks, coord->memory, sizeof(struct collected));
    return !note_known(coord, collection) || coord_answer_nil(coord, ask);
}

static struct wire_value describe(struct coord *coord, struct wire_builder *builder,
                                  const struct coord_collection *collection)
{
    size_t count = coord_table_count(&collection->tasks);
    struct wire_filling metadata = wire_begin_map(builder, count);
    struct wire_filling states = wire_begin_map(builder, count);
    COORD_EACH(struct collected, task, &collection->tasks)
    {
        struct wire_bytes key = coord_table_name(&collection->tasks, task);
        struct wire_value kept = sched_outbox_key(&coord->out->values, key);
        wire_put_key(&metadata, kept, coord_boxed(coord, task->metadata));
        wire_put_key(&states, kept, wire_text(sched_state_name(task->state)));
    }
    struct wire_filling map = wire_begin_map(builder, 2);
    wire_put(&map, "metadata", wire_end_map(&metadata));
    wire_put(&map, "state", wire_end_map(&states));
    return wire_end_map(&map);
}

static bool stop(struct coord *coord, struct coord_ask *ask)
{
    char text[128];
    struct wire_bytes name;
    if (!coord_read_name(coord, ask, "name", &name))
        return true;
    struct coord_collection *collection = coord_table_find(&coord->collections, name);
    if (!collection) {
        key_text(name, text, sizeof(text));
        return coord_raise(coord, ask, "ValueError", "no task metadata is collected under %s",
                           text);
    }
    collect_erred(coord, collection);
    struct wire_builder builder = coord_builder(coord);
    struct wire_value value = describe(coord, &builder, collection);
    coord_built(coord, &builder);
    collection_deinit(collection);
    coord_table_remove(&coord->collections, collection);
    return coord_answer(coord, ask, value);
}

const struct coord_question coord_task_metadata_questions[] = {
    {"start_task_metadata", start, COORD_LATE_RAISES, NULL},
    {"stop_task_metadata", stop, COORD_LATE_RAISES, NULL},
    {NULL, NULL, COORD_LATE_RAISES, NULL},
};

const struct coord_saying coord_task_metadata_sayings[] = {{NULL, NULL}};

/* ---- all of it ---- */

void coord_task_metadata_init(struct coord *coord)
{
    coord_table_init(&coord->collections, coord->memory, sizeof(struct coord_collection));
}

void coord_task_metadata_deinit(struct coord *coord)
{
    COORD_EACH(struct coord_collection, collection, &coord->collections)
    collection_deinit(collection);
    coord_table_deinit(&coord->collections);
}

bool coord_task_metadata_are_valid(const struct coord *coord, dk_error *err)
{
    COORD_EACH(struct coord_collection, collection, &coord->collections)
    COORD_EACH(struct collected, task, &collection->tasks)
    if (!task->metadata ||
        coord_table_find(&collection->known, coord_table_name(&collection->tasks, task)))
        return !error_set(err, DK_EINVAL, "a task was collected that was there before");
    return true;
}
