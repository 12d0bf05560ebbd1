/* Published datasets: what a client has made, kept under a name for others to get.
 *
 * Its results are held by the pseudo-client "published-NAME". A client publishes over another
 * connection than the stream on which it has spoken of its results, so publishing waits for a word
 * on that stream, which names the same uid.
 *
 * Source: distributed.publish.PublishExtension. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "core/coordination/parts.h"

/* ---- the word on the stream ---- */

static void tidy(struct coord *coord, struct coord_flush *flush)
{
    if (!flush->has_come && !coord_place_is_used(&flush->place))
        coord_table_remove(&coord->flushes, flush);
}

static void on_emptied(struct coord *coord, struct coord_place *place)
{
    tidy(coord, LIST_ENTRY(place, struct coord_flush, place));
}

static struct coord_flush *get_flush(struct coord *coord, struct wire_bytes uid)
{
    struct coord_flush *flush = coord_table_get(&coord->flushes, uid);
    if (!flush)
        coord_fail(coord);
    else if (!flush->place.emptied)
        coord_place_init(&flush->place, false, on_emptied);
    return flush;
}

static void on_flush(struct coord *coord, const struct coord_event *event)
{
    struct wire_bytes uid;
    if (!coord_pack_name(coord, wire_find(event->message, "uid"), &uid))
        return;
    struct coord_flush *flush = get_flush(coord, uid);
    if (!flush)
        return;
    flush->has_come = true;
    flush->client = event->client;
    coord_wake(coord, &flush->place);
}

/* True: the word has come, or none was promised; `*is_over` when nothing more is to be done. */
static bool is_in_step(struct coord *coord, struct coord_ask *ask, bool *is_over)
{
    struct wire_bytes uid;
    *is_over = false;
    if (!coord_field(ask->message, "uid"))
        return true;
    *is_over = true;
    if (!coord_read_name(coord, ask, "uid", &uid))
        return false;
    struct coord_flush *flush = get_flush(coord, uid);
    if (!flush)
        return false;
    if (!flush->has_come) {
        *is_over = coord_wait(coord, ask, &flush->place);
        if (*is_over)
            tidy(coord, flush);
        return false;
    }
    flush->has_come = false;
    tidy(coord, flush);
    return true;
}

void coord_datasets_lose_client(struct coord *coord, uint32_t client)
{
    struct coord_flush *next, *flush = coord_table_next(&coord->flushes, NULL);
    for (; flush; flush = next) {
        next = coord_table_next(&coord->flushes, flush);
        if (flush->has_come && flush->client == client) {
            flush->has_come = false;
            tidy(coord, flush);
        }
    }
}

/* ---- holding ---- */

static uint32_t count_of(const struct wire_value *array)
{
    return array && array->kind == WIRE_ARRAY ? array->count : 0;
}

static bool has_key(struct coord *coord, const struct wire_value *keys, struct wire_bytes wanted)
{
    struct wire_bytes key;
    for (uint32_t i = 0; i < count_of(keys); i++)
        if (coord_pack_key(coord, &keys->as.items[i], &key) && key.nbytes == wanted.nbytes &&
            memcmp(key.data, wanted.data, key.nbytes) == 0)
            return true;
    return false;
}

static void hold_all(struct coord *coord, struct wire_bytes name, const struct wire_value *keys)
{
    struct wire_bytes key;
    for (uint32_t i = 0; i < count_of(keys); i++)
        if (coord_pack_key(coord, &keys->as.items[i], &key))
            coord_hold(coord, "published", name, key);
}

/* Each of them once, but those that are wanted further on. */
static void let_go_of(struct coord *coord, struct wire_bytes name, const struct wire_value *keys,
                      const struct wire_value *wanted)
{
    for (uint32_t i = 0; i < count_of(keys); i++) {
        struct wire_bytes key;
        struct wire_value rest = wire_array(&keys->as.items[i + 1], keys->count - i - 1);
        if (coord_pack_name(coord, &keys->as.items[i], &key) && !has_key(coord, wanted, key) &&
            !has_key(coord, &rest, key))
            coord_let_go(coord, "published", name, key);
    }
}

static struct wire_bytes name_of(const struct coord *coord, const struct coord_dataset *dataset)
{
    return coord_table_name(&coord->datasets, dataset);
}

static void unpublish(struct coord *coord, struct coord_dataset *dataset)
{
    if (dataset->keys->value.count)
        coord_dismiss(coord, "published", name_of(coord, dataset));
    wire_box_unref(dataset->data);
    wire_box_unref(dataset->keys);
    coord_table_remove(&coord->datasets, dataset);
}

/* ---- putting ---- */

static void set_content(struct coord *coord, struct coord_dataset *dataset,
                        const struct wire_value *data, const struct wire_value *keys)
{
    struct wire_box *old = dataset->keys;
    struct wire_bytes name = name_of(coord, dataset);
    struct wire_box *new_data = wire_box_new(coord->memory, data);
    struct wire_box *new_keys = wire_box_new(coord->memory, keys);
    if (!new_data || !new_keys) {
        wire_box_unref(new_data);
        wire_box_unref(new_keys);
        if (!old)
            coord_table_remove(&coord->datasets, dataset);
        coord_fail(coord);
        return;
    }
    hold_all(coord, name, keys);
    if (old)
        let_go_of(coord, name, &old->value, keys);
    wire_box_unref(dataset->data);
    wire_box_unref(old);
    dataset->data = new_data;
    dataset->keys = new_keys;
}

/* True unless it is there and must not be replaced, which is answered. */
static bool put_one(struct coord *coord, const struct coord_ask *ask, const struct wire_value *name,
                    const struct wire_value *data, const struct wire_value *keys)
{
    char text[256];
    struct wire_bytes packed;
    if (!coord_pack_name(coord, name, &packed))
        return !coord_raise(coord, ask, "TypeError", "a dataset without a proper name");
    if (coord_table_find(&coord->datasets, packed) &&
        !coord_is_true(wire_find(ask->message, "override"))) {
        key_text(packed, text, sizeof(text));
        return !coord_raise(coord, ask, "KeyError", "Dataset %s already exists", text);
    }
    struct coord_dataset *dataset = coord_table_get(&coord->datasets, packed);
    if (dataset)
        set_content(coord, dataset, data, keys);
    else
        coord_fail(coord);
    return true;
}

static bool try_put(struct coord *coord, struct coord_ask *ask)
{
    bool is_over;
    if (!is_in_step(coord, ask, &is_over))
        return is_over;
    const struct wire_value *names = wire_find(ask->message, "names");
    const struct wire_value *keys = wire_find(ask->message, "keys");
    const struct wire_value *data = wire_find(ask->message, "data");
    if (count_of(names) != count_of(keys) || count_of(names) != count_of(data))
        return coord_raise(coord, ask, "ValueError",
                           "publish_put: names, keys and data are not equally many");
    for (uint32_t i = 0; i < count_of(names); i++)
        if (!put_one(coord, ask, &names->as.items[i], &data->as.items[i], &keys->as.items[i]))
            return true;
    return coord_answer_nil(coord, ask);
}

static bool try_delete(struct coord *coord, struct coord_ask *ask)
{
    bool is_over;
    const struct wire_value *names = wire_find(ask->message, "names");
    if (!is_in_step(coord, ask, &is_over))
        return is_over;
    for (uint32_t i = 0; i < count_of(names); i++) {
        struct wire_bytes name;
        struct coord_dataset *dataset = NULL;
        if (coord_pack_name(coord, &names->as.items[i], &name))
            dataset = coord_table_find(&coord->datasets, name);
        if (dataset)
            unpublish(coord, dataset);
    }
    return coord_answer_nil(coord, ask);
}

/* ---- getting ---- */

static struct wire_value describe(struct coord *coord, struct wire_builder *builder,
                                  const struct coord_dataset *dataset)
{
    if (!dataset)
        return wire_nil();
    struct wire_filling map = wire_begin_map(builder, 2);
    wire_put(&map, "data", coord_boxed(coord, dataset->data));
    wire_put(&map, "keys", coord_boxed(coord, dataset->keys));
    return wire_end_map(&map);
}

static bool get(struct coord *coord, struct coord_ask *ask)
{
    const struct wire_value *names = wire_find(ask->message, "names");
    struct wire_builder builder = coord_builder(coord);
    struct wire_filling array = wire_begin_array(&builder, count_of(names));
    for (uint32_t i = 0; i < count_of(names); i++) {
        struct wire_bytes name;
        const struct coord_dataset *dataset = NULL;
        if (coord_pack_name(coord, &names->as.items[i], &name))
            dataset = coord_table_find(&coord->datasets, name);
        wire_add(&array, describe(coord, &builder, dataset));
    }
    coord_built(coord, &builder);
    return coord_answer(coord, ask, wire_end_array(&array));
}

struct listed {
    struct wire_value name;
    char text[256]; /* as it is sorted by */
};

static int compare_listed(const void *a, const void *b)
{
    return strcmp(((const struct listed *)a)->text, ((const struct listed *)b)->text);
}

static bool list(struct coord *coord, struct coord_ask *ask)
{
    size_t count = 0;
    struct wire_builder builder = coord_builder(coord);
    struct listed *listed =
        arena_alloc(builder.arena, coord_table_count(&coord->datasets) * sizeof(*listed));
    if (!listed)
        return coord_fail(coord);
    COORD_EACH(struct coord_dataset, dataset, &coord->datasets)
    {
        struct wire_value name = wire_packed(name_of(coord, dataset));
        key_text(name_of(coord, dataset), listed[count].text, sizeof(listed->text));
        listed[count++].name = sched_outbox_copy(&coord->out->values, name);
    }
    qsort(listed, count, sizeof(*listed), compare_listed);
    struct wire_filling array = wire_begin_array(&builder, count);
    for (size_t i = 0; i < count; i++)
        wire_add(&array, listed[i].name);
    builder.failed |= coord->out->values.failed;
    coord_built(coord, &builder);
    return coord_answer(coord, ask, wire_end_array(&array));
}

const struct coord_question coord_datasets_questions[] = {
    {"publish_put", try_put, COORD_LATE_RAISES, NULL},
    {"publish_get", get, COORD_LATE_RAISES, NULL},
    {"publish_list", list, COORD_LATE_RAISES, NULL},
    {"publish_delete", try_delete, COORD_LATE_RAISES, NULL},
    {NULL, NULL, COORD_LATE_RAISES, NULL},
};

const struct coord_saying coord_datasets_sayings[] = {
    {"publish_flush_batched_send", on_flush},
    {NULL, NULL},
};

/* ---- all of them ---- */

void coord_datasets_init(struct coord *coord)
{
    coord_table_init(&coord->datasets, coord->memory, sizeof(struct coord_dataset));
    coord_table_init(&coord->flushes, coord->memory, sizeof(struct coord_flush));
}

void coord_datasets_deinit(struct coord *coord)
{
    COORD_EACH(struct coord_dataset, dataset, &coord->datasets)
    {
        wire_box_unref(dataset->data);
        wire_box_unref(dataset->keys);
    }
    coord_table_deinit(&coord->datasets);
    coord_table_deinit(&coord->flushes);
}

bool coord_datasets_are_valid(const struct coord *coord, dk_error *err)
{
    COORD_EACH(struct coord_dataset, dataset, &coord->datasets)
    if (!dataset->data || !dataset->keys)
        return !error_set(err, DK_EINVAL, "a dataset without content");
    COORD_EACH(struct coord_flush, flush, &coord->flushes)
    if (flush->has_come == !list_is_empty(&flush->place.waiting))
        return !error_set(err, DK_EINVAL, "a flush that has come and is waited for, or neither");
    return true;
}
