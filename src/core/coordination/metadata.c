/* Metadata: small values for anyone, in maps within maps.
 *
 * What stands at the top under the name of a task goes when the scheduler has forgotten the task:
 * such entries are looked through when there are twice as many as the last time left.
 *
 * Source: distributed.scheduler.Scheduler (set_metadata, get_metadata). Unlike there, a list is a
 * value, into which nothing is set. */
#include <string.h>

#include "base/error.h"
#include "core/coordination/parts.h"

#define PATH_MAX_KEYS 64
#define SWEEP_MIN     64

/* ---- the tree ---- */

static void make_empty(struct coord *coord, struct coord_metadata *node)
{
    wire_box_unref(node->value);
    node->value = NULL;
    if (!node->children)
        return;
    COORD_EACH(struct coord_metadata, child, node->children)
    make_empty(coord, child);
    coord_table_deinit(node->children);
    memory_free(coord->memory, node->children, sizeof(*node->children));
    node->children = NULL;
}

/* A map, which it may be already; false when out of memory. */
static bool make_map(struct coord *coord, struct coord_metadata *node)
{
    if (node->children)
        return true;
    struct coord_table *children = memory_alloc(coord->memory, sizeof(*children));
    if (!children)
        return !coord_fail(coord);
    coord_table_init(children, coord->memory, sizeof(struct coord_metadata));
    make_empty(coord, node);
    node->children = children;
    return true;
}

static struct coord_metadata *get_child(struct coord *coord, struct coord_metadata *node,
                                        struct wire_bytes key)
{
    struct coord_metadata *child = coord_table_get(node->children, key);
    if (!child)
        coord_fail(coord);
    return child;
}

/* Maps become nodes, unless a key of theirs is none of ours. */
static bool is_tree(struct coord *coord, const struct wire_value *value)
{
    struct wire_bytes key;
    if (value->kind != WIRE_MAP)
        return false;
    for (uint32_t i = 0; i < value->count; i++)
        if (!coord_pack_key(coord, &value->as.entries[i].key, &key))
            return false;
    return true;
}

static void set_value(struct coord *coord, struct coord_metadata *node,
                      const struct wire_value *value)
{
    struct wire_bytes key;
    make_empty(coord, node);
    if (!is_tree(coord, value)) {
        node->value = wire_box_new(coord->memory, value);
        if (!node->value)
            coord_fail(coord);
        return;
    }
    if (!make_map(coord, node))
        return;
    for (uint32_t i = 0; i < value->count; i++) {
        const struct wire_entry *entry = &value->as.entries[i];
        struct coord_metadata *child = NULL;
        if (coord_pack_key(coord, &entry->key, &key))
            child = get_child(coord, node, key);
        if (child)
            set_value(coord, child, &entry->value);
    }
}

/* ---- entries of tasks ---- */

static void remove_entry(struct coord *coord, struct coord_metadata *entry)
{
    make_empty(coord, entry);
    coord_table_remove(coord->metadata.children, entry);
}

static bool is_forgotten(const struct coord *coord, const struct coord_metadata *entry)
{
    return entry->is_of_task &&
           !coord_knows(coord, coord_table_name(coord->metadata.children, entry));
}

static void sweep(struct coord *coord)
{
    size_t nleft = 0;
    struct coord_metadata *next, *entry = coord_table_next(coord->metadata.children, NULL);
    for (; entry; entry = next) {
        next = coord_table_next(coord->metadata.children, entry);
        if (is_forgotten(coord, entry))
            remove_entry(coord, entry);
        else
            nleft += entry->is_of_task;
    }
    coord->ntasks_described = nleft;
    coord->sweep_at = nleft * 2 + SWEEP_MIN;
}

/* The first key of a path was set. */
static void note_task(struct coord *coord, const struct wire_value *first)
{
    struct wire_bytes key;
    if (!coord_pack_key(coord, first, &key) || !coord_knows(coord, key))
        return;
    struct coord_metadata *entry = coord_table_find(coord->metadata.children, key);
    if (!entry || entry->is_of_task)
        return;
    entry->is_of_task = true;
    if (++coord->ntasks_described >= coord->sweep_at)
        sweep(coord);
}

/* ---- questions ---- */

static const struct wire_value *read_path(struct coord *coord, struct coord_ask *ask,
                                          uint32_t least)
{
    const struct wire_value *keys = wire_find(ask->message, "keys");
    if (keys && keys->kind == WIRE_ARRAY && keys->count >= least && keys->count <= PATH_MAX_KEYS)
        return keys;
    coord_raise(coord, ask, "ValueError", "%s: \"keys\" is not an array of at most %d keys",
                ask->question->op, PATH_MAX_KEYS);
    return NULL;
}

static bool set(struct coord *coord, struct coord_ask *ask)
{
    struct wire_value nothing = wire_nil();
    const struct wire_value *value = wire_find(ask->message, "value");
    const struct wire_value *keys = read_path(coord, ask, 1);
    struct coord_metadata *node = &coord->metadata;
    for (uint32_t i = 0; keys && i < keys->count; i++) {
        struct wire_bytes key;
        if (!coord_pack_key(coord, &keys->as.items[i], &key))
            return coord_raise(coord, ask, "TypeError", "set_metadata: a key is none");
        if (!make_map(coord, node) || !(node = get_child(coord, node, key)))
            return true;
    }
    if (!keys)
        return true;
    set_value(coord, node, value ? value : &nothing);
    note_task(coord, &keys->as.items[0]);
    return coord_answer_nil(coord, ask);
}

static struct wire_value show(struct coord *coord, struct wire_builder *builder,
                              const struct coord_metadata *node)
{
    if (node->value)
        return coord_boxed(coord, node->value);
    struct wire_filling map =
        wire_begin_map(builder, node->children ? coord_table_count(node->children) : 0);
    for (struct coord_metadata *child = node->children ? coord_table_next(node->children, NULL)
                                                       : NULL;
         child; child = coord_table_next(node->children, child)) {
        struct wire_value name = wire_packed(coord_table_name(node->children, child));
        wire_put_key(&map, sched_outbox_copy(&coord->out->values, name),
                     show(coord, builder, child));
    }
    return wire_end_map(&map);
}

/* An item of a list; NULL when there is none. */
static const struct wire_value *item_of(const struct wire_value *value,
                                        const struct wire_value *index)
{
    int64_t at;
    if (!value || value->kind != WIRE_ARRAY || !wire_read_int(index, &at))
        return NULL;
    at = at < 0 ? at + value->count : at;
    return at >= 0 && at < value->count ? &value->as.items[at] : NULL;
}

/* Python's peers say in two ways that there is none. */
static const struct wire_value *read_default(const struct wire_value *message)
{
    const struct wire_value *value = wire_find(message, "default");
    bool is_enum = value && value->kind == WIRE_MAP && wire_find(value, "__Enum__");
    if ((is_enum && wire_text_is(wire_find(value, "name"), "no_default")) ||
        wire_text_is(value, "__no_default__"))
        return NULL;
    return value;
}

static bool answer_missing(struct coord *coord, struct coord_ask *ask, const struct wire_value *key)
{
    char text[256];
    struct wire_bytes packed;
    const struct wire_value *otherwise = read_default(ask->message);
    if (otherwise)
        return coord_answer(coord, ask, sched_outbox_copy(&coord->out->values, *otherwise));
    if (!coord_pack_key(coord, key, &packed))
        return coord_raise(coord, ask, "TypeError", "get_metadata: a key is none");
    key_text(packed, text, sizeof(text));
    return coord_raise(coord, ask, "KeyError", "%s", text);
}

static bool answer_node(struct coord *coord, struct coord_ask *ask,
                        const struct coord_metadata *node)
{
    struct wire_builder builder = coord_builder(coord);
    struct wire_value value = show(coord, &builder, node);
    builder.failed |= coord->out->values.failed;
    coord_built(coord, &builder);
    return coord_answer(coord, ask, value);
}

/* The rest of the path leads into a value. */
static bool answer_item(struct coord *coord, struct coord_ask *ask, const struct wire_value *value,
                        const struct wire_value *keys, uint32_t from)
{
    for (uint32_t i = from; i < keys->count; i++) {
        value = item_of(value, &keys->as.items[i]);
        if (!value)
            return answer_missing(coord, ask, &keys->as.items[i]);
    }
    return coord_answer(coord, ask, sched_outbox_copy(&coord->out->values, *value));
}

static bool get(struct coord *coord, struct coord_ask *ask)
{
    const struct wire_value *keys = read_path(coord, ask, 0);
    const struct coord_metadata *node = &coord->metadata;
    for (uint32_t i = 0; keys && i < keys->count; i++) {
        struct wire_bytes key;
        if (node->value)
            return answer_item(coord, ask, &node->value->value, keys, i);
        node = node->children && coord_pack_key(coord, &keys->as.items[i], &key)
                   ? coord_table_find(node->children, key)
                   : NULL;
        if (!node || is_forgotten(coord, node))
            return answer_missing(coord, ask, &keys->as.items[i]);
    }
    return !keys || answer_node(coord, ask, node);
}

const struct coord_question coord_metadata_questions[] = {
    {"set_metadata", set, COORD_LATE_RAISES, NULL},
    {"get_metadata", get, COORD_LATE_RAISES, NULL},
    {NULL, NULL, COORD_LATE_RAISES, NULL},
};

const struct coord_saying coord_metadata_sayings[] = {{NULL, NULL}};

/* ---- all of it ---- */

void coord_metadata_init(struct coord *coord)
{
    coord->sweep_at = SWEEP_MIN;
}

void coord_metadata_deinit(struct coord *coord)
{
    make_empty(coord, &coord->metadata);
}

bool coord_metadata_are_valid(const struct coord *coord, dk_error *err)
{
    size_t count = 0;
    if (!coord->metadata.children)
        return true;
    COORD_EACH(struct coord_metadata, entry, coord->metadata.children)
    {
        count += entry->is_of_task;
        if (entry->value && entry->children)
            return !error_set(err, DK_EINVAL, "metadata that is a value and a map");
    }
    if (count != coord->ntasks_described)
        return !error_set(err, DK_EINVAL, "metadata of tasks is counted wrongly");
    return true;
}
