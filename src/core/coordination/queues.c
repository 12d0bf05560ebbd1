/* Queue: values and results in the order in which they were put; putting waits while it is full,
 * getting while it is empty.
 *
 * A result is held by the pseudo-client "queue-NAME" from when it is put until the client that has
 * got it says that it holds it itself.
 *
 * Source: distributed.queues.QueueExtension. */
#include "base/error.h"
#include "core/coordination/parts.h"

static struct wire_bytes name_of(const struct coord *coord, const struct coord_queue *queue)
{
    return coord_table_name(&coord->queues, queue);
}

/* ---- the end of queues and of what they hold ---- */

static void tidy(struct coord *coord, struct coord_queue *queue)
{
    if (queue->nopen || coord_table_count(&queue->holds) || coord_place_is_used(&queue->getters) ||
        coord_place_is_used(&queue->putters))
        return;
    if (queue->has_held)
        coord_dismiss(coord, "queue", name_of(coord, queue));
    coord_table_deinit(&queue->holds);
    coord_table_remove(&coord->queues, queue);
}

static void on_getters_emptied(struct coord *coord, struct coord_place *place)
{
    tidy(coord, LIST_ENTRY(place, struct coord_queue, getters));
}

static void on_putters_emptied(struct coord *coord, struct coord_place *place)
{
    tidy(coord, LIST_ENTRY(place, struct coord_queue, putters));
}

static void drop_hold(struct coord *coord, struct coord_queue *queue, struct coord_queue_hold *hold)
{
    if (hold->nqueued || hold->ngiven)
        return;
    coord_let_go(coord, "queue", name_of(coord, queue), coord_table_name(&queue->holds, hold));
    coord_table_remove(&queue->holds, hold);
}

static void record_free(struct coord *coord, struct coord_record *record)
{
    list_remove(&record->link);
    wire_box_unref(record->data);
    memory_free(coord->memory, record, sizeof(*record));
}

static struct coord_record *first_of(const struct list *records)
{
    return list_is_empty(records) ? NULL : LIST_ENTRY(records->next, struct coord_record, link);
}

static void drop_records(struct coord *coord, struct coord_queue *queue, struct list *records)
{
    struct coord_record *record;
    while ((record = first_of(records))) {
        if (record->hold) {
            record->hold->nqueued--;
            drop_hold(coord, queue, record->hold);
        }
        record_free(coord, record);
    }
}

/* ---- opening and closing ---- */

static void queue_init(struct coord *coord, struct coord_queue *queue)
{
    coord_place_init(&queue->getters, true, on_getters_emptied);
    coord_place_init(&queue->putters, true, on_putters_emptied);
    list_init(&queue->records);
    coord_table_init(&queue->holds, coord->memory, sizeof(struct coord_queue_hold));
}

static bool create(struct coord *coord, struct coord_ask *ask)
{
    struct wire_bytes name;
    int64_t maxsize = 0;
    if (!coord_read_name(coord, ask, "name", &name))
        return true;
    struct coord_queue *queue = coord_table_get(&coord->queues, name);
    if (!queue)
        return coord_fail(coord);
    if (!queue->getters.emptied)
        queue_init(coord, queue);
    (void)wire_read_int(wire_find(ask->message, "maxsize"), &maxsize);
    if (!queue->nopen++)
        queue->maxsize = maxsize > 0 ? maxsize : 0;
    return coord_answer_nil(coord, ask);
}

/* The open queue that the question names; NULL when there is none, which is answered. */
static struct coord_queue *asked_queue(struct coord *coord, struct coord_ask *ask)
{
    char text[128];
    struct wire_bytes name;
    if (!coord_read_name(coord, ask, "name", &name))
        return NULL;
    struct coord_queue *queue = coord_table_find(&coord->queues, name);
    if (queue && queue->nopen)
        return queue;
    key_text(name, text, sizeof(text));
    coord_raise(coord, ask, "KeyError", "%s", text);
    return NULL;
}

static void on_release(struct coord *coord, const struct coord_event *event)
{
    struct wire_bytes name;
    if (!coord_pack_name(coord, wire_find(event->message, "name"), &name))
        return;
    struct coord_queue *queue = coord_table_find(&coord->queues, name);
    if (!queue || !queue->nopen || --queue->nopen)
        return;
    drop_records(coord, queue, &queue->records);
    queue->nrecords = 0;
    coord_wake(coord, &queue->getters); /* to hear that there is no such queue */
    coord_wake(coord, &queue->putters);
    tidy(coord, queue);
}

/* ---- putting ---- */

static struct coord_queue_hold *hold_key(struct coord *coord, struct coord_queue *queue,
                                         struct wire_bytes key)
{
    struct coord_queue_hold *hold = coord_table_get(&queue->holds, key);
    if (!hold)
        return NULL;
    if (!hold->nqueued && !hold->ngiven)
        coord_hold(coord, "queue", name_of(coord, queue), key);
    hold->nqueued++;
    queue->has_held = true;
    return hold;
}

/* NULL when out of memory. */
static struct coord_record *make_record(struct coord *coord, const struct coord_ask *ask,
                                        struct coord_queue *queue, const struct wire_bytes *key)
{
    const struct wire_value *given = wire_find(ask->message, "data");
    struct wire_value nothing = wire_nil();
    struct coord_record *record = memory_calloc(coord->memory, sizeof(*record));
    if (!record)
        return NULL;
    list_init(&record->link);
    if (key)
        record->hold = hold_key(coord, queue, *key);
    else
        record->data = wire_box_new(coord->memory, given ? given : &nothing);
    if (record->hold || record->data)
        return record;
    record_free(coord, record);
    return NULL;
}

static bool try_put(struct coord *coord, struct coord_ask *ask)
{
    struct wire_bytes key;
    bool has_key = coord_field(ask->message, "key") != NULL;
    if (has_key && !coord_read_key(coord, ask, "key", &key))
        return true;
    if (has_key && !coord_knows(coord, key))
        return coord_wait(coord, ask, &coord->unknown_tasks);
    struct coord_queue *queue = asked_queue(coord, ask);
    if (!queue)
        return true;
    if (queue->maxsize && queue->nrecords >= queue->maxsize)
        return coord_wait(coord, ask, &queue->putters);
    struct coord_record *record = make_record(coord, ask, queue, has_key ? &key : NULL);
    if (!record)
        return coord_fail(coord);
    list_append(&queue->records, &record->link);
    queue->nrecords++;
    coord_wake(coord, &queue->getters);
    return coord_answer_nil(coord, ask);
}

/* ---- getting ---- */

/* As many as are wanted and there. */
static void take_records(struct coord *coord, struct coord_queue *queue, struct coord_ask *ask,
                         uint64_t nwanted)
{
    while (ask->ntaken < nwanted && queue->nrecords) {
        struct coord_record *record = first_of(&queue->records);
        list_remove(&record->link);
        list_append(&ask->taken, &record->link);
        ask->ntaken++;
        queue->nrecords--;
        coord_wake(coord, &queue->putters);
    }
}

/* What it had taken comes first again. */
static void give_back(struct coord *coord, struct coord_ask *ask)
{
    struct wire_bytes name;
    if (!ask->ntaken || !coord_pack_name(coord, wire_find(ask->message, "name"), &name))
        return;
    struct coord_queue *queue = coord_table_find(&coord->queues, name);
    while (!list_is_empty(&ask->taken)) {
        struct list *last = ask->taken.prev;
        list_remove(last);
        list_append(queue->records.next, last); /* before the first */
        queue->nrecords++;
    }
    ask->ntaken = 0;
    coord_wake(coord, &queue->getters);
}

/* The queue was closed meanwhile. */
static void drop_taken(struct coord *coord, struct coord_ask *ask)
{
    struct wire_bytes name;
    if (ask->ntaken && coord_pack_name(coord, wire_find(ask->message, "name"), &name))
        drop_records(coord, coord_table_find(&coord->queues, name), &ask->taken);
    ask->ntaken = 0;
}

/* A result stays held until the client says that it has it. */
static struct wire_value describe_first(struct coord *coord, struct coord_queue *queue,
                                        struct coord_ask *ask, struct wire_builder *builder)
{
    struct wire_value value;
    struct coord_record *record = first_of(&ask->taken);
    if (record->hold) {
        struct wire_filling map =
            coord_describe_future(coord, builder, coord_table_name(&queue->holds, record->hold));
        value = wire_end_map(&map);
        record->hold->nqueued--;
        record->hold->ngiven++;
    } else {
        value = coord_describe_data(coord, builder, record->data);
    }
    record_free(coord, record);
    ask->ntaken--;
    return value;
}

static bool answer_taken(struct coord *coord, struct coord_queue *queue, struct coord_ask *ask,
                         bool is_batch)
{
    struct wire_value value;
    struct wire_builder builder = coord_builder(coord);
    if (is_batch) {
        struct wire_filling array = wire_begin_array(&builder, ask->ntaken);
        while (ask->ntaken)
            wire_add(&array, describe_first(coord, queue, ask, &builder));
        value = wire_end_array(&array);
    } else {
        value = describe_first(coord, queue, ask, &builder);
    }
    coord_built(coord, &builder);
    return coord_answer(coord, ask, value);
}

/* How many the question wants: one, as many as are there, or as many as it says. */
static uint64_t count_wanted(const struct coord_queue *queue, const struct wire_value *batch,
                             bool *is_batch)
{
    int64_t count = 0;
    *is_batch = true;
    if (coord_is_true(batch))
        return queue->nrecords;
    if (wire_read_int(batch, &count) && count > 0)
        return (uint64_t)count;
    *is_batch = false;
    return 1;
}

static bool try_get(struct coord *coord, struct coord_ask *ask)
{
    bool is_batch;
    int64_t count;
    const struct wire_value *batch = wire_find(ask->message, "batch");
    struct coord_queue *queue = asked_queue(coord, ask);
    if (!queue) {
        drop_taken(coord, ask);
        return true;
    }
    if (wire_read_int(batch, &count) && coord_field(ask->message, "timeout"))
        return coord_raise(coord, ask, "NotImplementedError",
                           "Dask queues don't support simultaneous use of integer batch sizes and "
                           "timeouts");
    uint64_t nwanted = count_wanted(queue, batch, &is_batch);
    take_records(coord, queue, ask, nwanted);
    return ask->ntaken == nwanted ? answer_taken(coord, queue, ask, is_batch)
                                  : coord_wait(coord, ask, &queue->getters);
}

static bool qsize(struct coord *coord, struct coord_ask *ask)
{
    const struct coord_queue *queue = asked_queue(coord, ask);
    return !queue || coord_answer(coord, ask, wire_int(queue->nrecords));
}

/* The client holds the result itself. */
static void on_future_release(struct coord *coord, const struct coord_event *event)
{
    struct wire_bytes name, key;
    if (!coord_pack_key(coord, wire_find(event->message, "key"), &key))
        return;
    coord_desire(coord, event->client, key);
    if (!coord_pack_name(coord, wire_find(event->message, "name"), &name))
        return;
    struct coord_queue *queue = coord_table_find(&coord->queues, name);
    struct coord_queue_hold *hold = queue ? coord_table_find(&queue->holds, key) : NULL;
    if (!hold || !hold->ngiven)
        return;
    hold->ngiven--;
    drop_hold(coord, queue, hold);
    tidy(coord, queue);
}

const struct coord_question coord_queues_questions[] = {
    {"queue_create", create, COORD_LATE_RAISES, NULL},
    {"queue_put", try_put, COORD_LATE_RAISES, NULL},
    {"queue_get", try_get, COORD_LATE_RAISES, give_back},
    {"queue_qsize", qsize, COORD_LATE_RAISES, NULL},
    {NULL, NULL, COORD_LATE_RAISES, NULL},
};

const struct coord_saying coord_queues_sayings[] = {
    {"queue-future-release", on_future_release},
    {"queue_release", on_release},
    {NULL, NULL},
};

/* ---- all of them ---- */

void coord_queues_init(struct coord *coord)
{
    coord_table_init(&coord->queues, coord->memory, sizeof(struct coord_queue));
}

void coord_queues_deinit(struct coord *coord)
{
    COORD_EACH(struct coord_queue, queue, &coord->queues)
    {
        while (!list_is_empty(&queue->records))
            record_free(coord, first_of(&queue->records));
        coord_table_deinit(&queue->holds);
    }
    coord_table_deinit(&coord->queues);
}

static uint32_t count_held(const struct list *records)
{
    uint32_t count = 0;
    LIST_EACH (at, records)
        count += LIST_ENTRY(at, struct coord_record, link)->hold != NULL;
    return count;
}

static bool is_valid(const struct coord_queue *queue)
{
    uint32_t nheld = count_held(&queue->records), nrecords = 0;
    LIST_EACH (at, &queue->records)
        nrecords++;
    LIST_EACH (at, &queue->getters.waiting)
        nheld += count_held(&LIST_ENTRY(at, struct coord_ask, link)->taken);
    COORD_EACH(struct coord_queue_hold, hold, &queue->holds)
    {
        if (!hold->nqueued && !hold->ngiven)
            return false;
        nheld -= hold->nqueued;
    }
    bool has_getters = !list_is_empty(&queue->getters.waiting);
    bool has_putters = !list_is_empty(&queue->putters.waiting);
    bool is_full = queue->maxsize && queue->nrecords >= queue->maxsize;
    return nheld == 0 && nrecords == queue->nrecords && (queue->nopen || !nrecords) &&
           (queue->nopen || coord_table_count(&queue->holds)) && !(has_getters && nrecords) &&
           !(has_putters && !is_full);
}

bool coord_queues_are_valid(const struct coord *coord, dk_error *err)
{
    COORD_EACH(struct coord_queue, queue, &coord->queues)
    if (!is_valid(queue))
        return !error_set(err, DK_EINVAL, "a queue whose records, holds and waiters disagree");
    return true;
}
