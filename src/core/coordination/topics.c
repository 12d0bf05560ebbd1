/* Topics: what anyone logs, with the time, for those who subscribe and those who ask later. Of each
 * topic the last events are kept.
 *
 * Source: distributed.broker.Broker. */
#include "base/error.h"
#include "core/coordination/parts.h"

/* As many as Dask keeps: distributed.admin.low-level-log-length. */
#define EVENTS_MAX 1000

/* ---- topics ---- */

static void topic_deinit(struct coord_topic *topic)
{
    for (size_t i = 0; i < topic->events.count; i++)
        wire_box_unref(((struct wire_box **)topic->events.data)[i]);
    vector_deinit(&topic->events);
    vector_deinit(&topic->subscribers);
}

static void tidy(struct coord *coord, struct coord_topic *topic)
{
    if (topic->events.count || topic->subscribers.count)
        return;
    topic_deinit(topic);
    coord_table_remove(&coord->topics, topic);
}

static struct coord_topic *get_topic(struct coord *coord, const struct wire_value *name)
{
    struct wire_bytes packed;
    if (!coord_pack_name(coord, name, &packed))
        return NULL;
    struct coord_topic *topic = coord_table_get(&coord->topics, packed);
    if (!topic) {
        coord_fail(coord);
    } else if (!topic->events.element_nbytes) {
        vector_init(&topic->events, coord->memory, sizeof(struct wire_box *));
        vector_init(&topic->subscribers, coord->memory, sizeof(uint32_t));
    }
    return topic;
}

/* ---- logging ---- */

/* *Takes* the box. */
static void keep(struct coord *coord, struct coord_topic *topic, struct wire_box *event)
{
    struct wire_box **events = topic->events.data;
    if (topic->events.count < EVENTS_MAX) {
        if (vector_append(&topic->events, &event, 1) == DK_OK)
            return;
        wire_box_unref(event);
        coord_fail(coord);
        return;
    }
    wire_box_unref(events[topic->oldest]);
    events[topic->oldest] = event;
    topic->oldest = (topic->oldest + 1) % EVENTS_MAX;
}

static void tell(struct coord *coord, const struct coord_topic *topic, struct wire_box *event)
{
    struct wire_builder builder = coord_builder(coord);
    struct wire_filling map = wire_begin_map(&builder, 3);
    struct wire_value name = wire_packed(coord_table_name(&coord->topics, topic));
    wire_put(&map, "op", wire_text("event"));
    wire_put(&map, "topic", sched_outbox_copy(&coord->out->values, name));
    wire_put(&map, "event", coord_boxed(coord, event));
    coord_built(coord, &builder);
    for (size_t i = 0; i < topic->subscribers.count; i++)
        coord_tell(coord, ((uint32_t *)topic->subscribers.data)[i], wire_end_map(&map));
}

static void log_under(struct coord *coord, const struct wire_value *name, struct wire_box *event)
{
    struct coord_topic *topic = get_topic(coord, name);
    if (!topic)
        return;
    if (topic->subscribers.count)
        tell(coord, topic, event);
    keep(coord, topic, wire_box_ref(event));
    tidy(coord, topic);
}

/* {"topic": text or several, "msg": anything} */
void coord_topic_log(struct coord *coord, const struct wire_value *message)
{
    const struct wire_value *topic = wire_find(message, "topic");
    const struct wire_value *what = wire_find(message, "msg");
    struct wire_value items[] = {wire_float(coord->wall_s), what ? *what : wire_nil()};
    struct wire_value value = wire_array(items, 2);
    struct wire_box *event = wire_box_new(coord->memory, &value);
    if (!event) {
        coord_fail(coord);
        return;
    }
    bool are_several = topic && (topic->kind == WIRE_ARRAY || topic->kind == WIRE_SET);
    for (uint32_t i = 0; are_several && i < topic->count; i++)
        log_under(coord, &topic->as.items[i], event);
    if (!are_several)
        log_under(coord, topic, event);
    wire_box_unref(event);
}

static bool log_event(struct coord *coord, struct coord_ask *ask)
{
    coord_topic_log(coord, ask->message);
    return coord_answer_nil(coord, ask);
}

static void on_log_event(struct coord *coord, const struct coord_event *event)
{
    coord_topic_log(coord, event->message);
}

/* ---- asking ---- */

static struct wire_value list_events(struct coord *coord, struct wire_builder *builder,
                                     const struct coord_topic *topic)
{
    size_t count = topic ? topic->events.count : 0;
    struct wire_filling array = wire_begin_array(builder, count);
    for (size_t i = 0; i < count; i++)
        wire_add(&array,
                 coord_boxed(
                     coord, ((struct wire_box **)topic->events.data)[(topic->oldest + i) % count]));
    return wire_end_array(&array);
}

static struct wire_value list_topics(struct coord *coord, struct wire_builder *builder)
{
    struct wire_filling map = wire_begin_map(builder, coord_table_count(&coord->topics));
    COORD_EACH(struct coord_topic, topic, &coord->topics)
    {
        struct wire_value name = wire_packed(coord_table_name(&coord->topics, topic));
        if (topic->events.count)
            wire_put_key(&map, sched_outbox_copy(&coord->out->values, name),
                         list_events(coord, builder, topic));
    }
    return wire_end_map(&map);
}

static bool events(struct coord *coord, struct coord_ask *ask)
{
    struct wire_value value;
    struct wire_bytes name;
    struct wire_builder builder = coord_builder(coord);
    if (!coord_field(ask->message, "topic"))
        value = list_topics(coord, &builder);
    else if (coord_read_name(coord, ask, "topic", &name))
        value = list_events(coord, &builder, coord_table_find(&coord->topics, name));
    else
        return true;
    builder.failed |= coord->out->values.failed;
    coord_built(coord, &builder);
    return coord_answer(coord, ask, value);
}

/* ---- subscribers ---- */

static void unsubscribe(struct coord *coord, struct coord_topic *topic, uint32_t client)
{
    uint32_t *subscribers = topic->subscribers.data;
    size_t nleft = 0;
    for (size_t i = 0; i < topic->subscribers.count; i++)
        if (subscribers[i] != client)
            subscribers[nleft++] = subscribers[i];
    topic->subscribers.count = nleft;
    tidy(coord, topic);
}

static bool is_subscribed(const struct coord_topic *topic, uint32_t client)
{
    for (size_t i = 0; i < topic->subscribers.count; i++)
        if (((uint32_t *)topic->subscribers.data)[i] == client)
            return true;
    return false;
}

static void on_subscribe(struct coord *coord, const struct coord_event *event)
{
    struct coord_topic *topic = get_topic(coord, wire_find(event->message, "topic"));
    if (!topic || is_subscribed(topic, event->client))
        return;
    if (vector_append(&topic->subscribers, &event->client, 1) != DK_OK)
        coord_fail(coord);
    tidy(coord, topic);
}

static void on_unsubscribe(struct coord *coord, const struct coord_event *event)
{
    struct coord_topic *topic = get_topic(coord, wire_find(event->message, "topic"));
    if (topic)
        unsubscribe(coord, topic, event->client);
}

void coord_topics_lose_client(struct coord *coord, uint32_t client)
{
    struct coord_topic *next, *topic = coord_table_next(&coord->topics, NULL);
    for (; topic; topic = next) {
        next = coord_table_next(&coord->topics, topic);
        unsubscribe(coord, topic, client);
    }
}

const struct coord_question coord_topics_questions[] = {
    {"log_event", log_event, COORD_LATE_RAISES, NULL},
    {"events", events, COORD_LATE_RAISES, NULL},
    {NULL, NULL, COORD_LATE_RAISES, NULL},
};

const struct coord_saying coord_topics_sayings[] = {
    {"log-event", on_log_event},
    {"subscribe-topic", on_subscribe},
    {"unsubscribe-topic", on_unsubscribe},
    {NULL, NULL},
};

/* ---- all of them ---- */

void coord_topics_init(struct coord *coord)
{
    coord_table_init(&coord->topics, coord->memory, sizeof(struct coord_topic));
}

void coord_topics_deinit(struct coord *coord)
{
    COORD_EACH(struct coord_topic, topic, &coord->topics)
    topic_deinit(topic);
    coord_table_deinit(&coord->topics);
}

bool coord_topics_are_valid(const struct coord *coord, dk_error *err)
{
    COORD_EACH(struct coord_topic, topic, &coord->topics)
    if ((!topic->events.count && !topic->subscribers.count) || topic->events.count > EVENTS_MAX)
        return !error_set(err, DK_EINVAL, "a topic that nobody needs, or with too many events");
    return true;
}
