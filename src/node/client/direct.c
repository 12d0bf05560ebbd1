/* Results from the workers that have them: the scheduler says who they are, and they are asked all
 * at once. On this machine large ones come in shared memory.
 *
 * Source: distributed.client.Client._gather, distributed.utils_comm.gather_from_workers. */
#include <string.h>

#include "base/error.h"
#include "node/client/gather.h"
#include "node/held.h"
#include "node/share.h"
#include "wire/build.h"

/* A worker that is silent for so long, on this machine or elsewhere, is asked no more. */
#define NEAR_MS 30000
#define FAR_MS  300000
#define NOBODY  UINT32_MAX

/* A worker that is asked, and what it shares: that is mapped when the answer comes. */
struct source {
    dk_client *client;
    char text[ADDRESS_TEXT_MAX];
    struct node_address address;
    size_t nkeys;
    const struct wire_value *entries; /* in the answer */
    struct shared *shared;            /* of each entry; without a segment: it could not be mapped */
    uint32_t nshared;
};

struct directly {
    struct gathering *gathering;
    struct arena arena;
    struct vector sources; /* of struct source */
    uint32_t *source_of;   /* by future; NOBODY: the scheduler's business */
    struct client_question *questions;
};

/* ---- who has what ---- */

/* Of those that listen on the loopback of this machine it is known that they can be reached. */
static bool is_near(const struct node_address *address)
{
    return strncmp(address->host, "127.", 4) == 0 || strcmp(address->host, "::1") == 0 ||
           strcmp(address->host, "localhost") == 0;
}

static dk_status add_source(struct directly *directly, struct wire_bytes text, uint32_t *out)
{
    const struct gathering *gathering = directly->gathering;
    struct source *sources = directly->sources.data,
                  source = {.client = gathering->client, .nkeys = 1};
    if (text.nbytes >= sizeof(source.text))
        return DK_OK;
    memcpy(source.text, text.data, text.nbytes);
    source.text[text.nbytes] = '\0';
    for (uint32_t i = 0; i < directly->sources.count; i++)
        if (strcmp(sources[i].text, source.text) == 0) {
            *out = i;
            sources[i].nkeys++;
            return DK_OK;
        }
    if (node_address_parse(source.text, &source.address, NULL) != DK_OK ||
        (gathering->direct != DK_DIRECT_YES && !is_near(&source.address)))
        return DK_OK;
    *out = (uint32_t)directly->sources.count;
    return vector_append(&directly->sources, &source, 1);
}

/* Of several holders one after the other is taken, so that each has its share. */
static dk_status choose_source(struct directly *directly, size_t i,
                               const struct wire_value *holders)
{
    struct wire_bytes text;
    if (!holders || holders->kind != WIRE_ARRAY || !holders->count)
        return DK_OK;
    if (!wire_read_text(&holders->as.items[i % holders->count], &text))
        return DK_OK;
    return add_source(directly, text, &directly->source_of[i]);
}

static dk_status take_holders(struct directly *directly, const struct wire_value *answer,
                              dk_error *err)
{
    const struct gathering *gathering = directly->gathering;
    struct vector scratch;
    dk_status status = DK_OK;
    uint32_t at = 0;
    vector_init(&scratch, gathering->client->memory, 1);
    for (size_t i = 0; i < gathering->nfutures && status == DK_OK; i++) {
        const struct wire_value *holders = NULL;
        status = gather_find(gathering->futures[i], answer, &at, &scratch, &holders);
        if (status == DK_OK)
            status = choose_source(directly, i, holders);
    }
    vector_deinit(&scratch);
    return status == DK_OK ? DK_OK : error_nomem(err);
}

static dk_status ask_holders(struct directly *directly, dk_error *err)
{
    const struct gathering *gathering = directly->gathering;
    struct wire_builder builder = {.arena = &directly->arena};
    struct wire_filling keys = wire_begin_array(&builder, gathering->nfutures);
    struct wire_filling map = wire_begin_map(&builder, 2);
    struct message answer;
    for (size_t i = 0; i < gathering->nfutures; i++)
        wire_add(&keys, wire_packed(gathering->futures[i]->key));
    wire_put(&map, "op", wire_text("who_has"));
    wire_put(&map, "keys", wire_end_array(&keys));
    struct wire_value message = wire_end_map(&map);
    if (builder.failed)
        return error_nomem(err);
    DK_TRY(client_ask(gathering->client, &message, gathering->limit, &answer, err));
    dk_status status = take_holders(directly, &answer.root, err);
    message_deinit(&answer);
    return status;
}

/* ---- asking them ---- */

/* {"op": "get_data", ...}. Who says its name can open what is shared. */
static struct wire_value question(const struct directly *directly, uint32_t source,
                                  struct wire_builder *builder)
{
    const struct gathering *gathering = directly->gathering;
    dk_client *client = gathering->client;
    size_t nkeys = ((const struct source *)directly->sources.data)[source].nkeys;
    struct wire_filling keys = wire_begin_array(builder, nkeys);
    struct wire_filling map = wire_begin_map(builder, 4);
    for (size_t i = 0; i < gathering->nfutures; i++)
        if (directly->source_of[i] == source)
            wire_add(&keys, wire_packed(gathering->futures[i]->key));
    wire_put(&map, "op", wire_text("get_data"));
    wire_put(&map, "keys", wire_end_array(&keys));
    wire_put(&map, "who", client->cannot_map ? wire_nil() : wire_text(client->name));
    wire_put(&map, "reply", wire_bool(true));
    return wire_end_map(&map);
}

/* What cannot be mapped is left to the scheduler, and not shared any more. */
static void map_shared(void *self, const struct wire_value *answer)
{
    struct source *source = self;
    const struct wire_value *list = wire_find(answer, "shared");
    uint32_t count = list && list->kind == WIRE_ARRAY ? list->count : 0;
    struct memory *memory = source->client->memory;
    source->shared = count ? memory_calloc(memory, count * sizeof(*source->shared)) : NULL;
    if (!source->shared)
        return;
    source->entries = list->as.items;
    source->nshared = count;
    for (uint32_t i = 0; i < count; i++)
        if (shared_open(memory, &list->as.items[i], &source->shared[i], NULL) == DK_EIO)
            source->client->cannot_map = true;
}

static void free_source(struct source *source)
{
    for (uint32_t i = 0; i < source->nshared; i++)
        if (source->shared[i].segment)
            shared_close(&source->shared[i]);
    memory_free(source->client->memory, source->shared, source->nshared * sizeof(*source->shared));
}

static dk_status ask_sources(struct directly *directly, dk_error *err)
{
    const struct gathering *gathering = directly->gathering;
    uint32_t count = (uint32_t)directly->sources.count;
    struct source *sources = directly->sources.data;
    struct wire_builder builder = {.arena = &directly->arena};
    struct wire_value *messages = arena_calloc(&directly->arena, count * sizeof(*messages));
    directly->questions = arena_calloc(&directly->arena, count * sizeof(*directly->questions));
    if (!messages || !directly->questions)
        return error_nomem(err);
    for (uint32_t i = 0; i < count; i++) {
        messages[i] = question(directly, i, &builder);
        directly->questions[i] = (struct client_question){
            .worker = &sources[i].address,
            .message = &messages[i],
            .timeout_ms = is_near(&sources[i].address) ? NEAR_MS : FAR_MS,
            .confirms = true,
            .answered = map_shared,
            .self = &sources[i],
        };
    }
    if (builder.failed)
        return error_nomem(err);
    return client_ask_each(gathering->client, directly->questions, count, gathering->limit, err);
}

/* ---- taking what they send ---- */

/* Whether the next of those that are shared, which have the order of the question, is the
 * future's. */
static bool is_next(const struct source *source, uint32_t at, const dk_future *future,
                    struct vector *scratch)
{
    if (at >= source->nshared)
        return false;
    const struct wire_value *entry = &source->entries[at];
    return entry->kind == WIRE_ARRAY && entry->count &&
           key_pack(&entry->as.items[0], scratch, NULL) == DK_OK &&
           scratch->count == future->key.nbytes &&
           memcmp(scratch->data, future->key.data, scratch->count) == 0;
}

static dk_status take_shared(struct gathering *gathering, size_t i, const struct shared *shared,
                             dk_error *err)
{
    if (!shared->segment)
        return DK_OK;
    struct wire_value value = shared_value(shared);
    struct payload_owner owner = shared_owner(shared);
    return gather_take(gathering, i, &value, &owner, err);
}

static dk_status take_from(struct directly *directly, uint32_t number, struct held *held,
                           dk_error *err)
{
    const struct source *source = &((const struct source *)directly->sources.data)[number];
    struct gathering *gathering = directly->gathering;
    const struct wire_value *data = wire_find(&held->message.root, "data");
    struct payload_owner owner = held_owner(held);
    struct vector scratch;
    dk_status status = DK_OK;
    uint32_t at = 0, at_shared = 0;
    vector_init(&scratch, gathering->client->memory, 1);
    for (size_t i = 0; i < gathering->nfutures && status == DK_OK; i++) {
        const dk_future *future = gathering->futures[i];
        const struct wire_value *value;
        if (directly->source_of[i] != number)
            continue;
        if (is_next(source, at_shared, future, &scratch))
            status = take_shared(gathering, i, &source->shared[at_shared++], err);
        else if ((status = gather_find(future, data, &at, &scratch, &value)) == DK_OK && value)
            status = gather_take(gathering, i, value, &owner, err);
    }
    vector_deinit(&scratch);
    return status == DK_ENOMEM ? error_nomem(err) : status;
}

/* Each answer's, whatever became of the others. */
static dk_status take_all(struct directly *directly, dk_status status, dk_error *err)
{
    struct memory *memory = directly->gathering->client->memory;
    for (uint32_t i = 0; directly->questions && i < directly->sources.count; i++) {
        struct client_question *question = &directly->questions[i];
        if (!question->has_answer)
            continue;
        bool is_good = status == DK_OK && question->why.status == DK_OK &&
                       wire_text_is(wire_find(&question->answer.root, "status"), "OK");
        struct held *held = held_new(memory, &question->answer);
        if (is_good)
            status = held ? take_from(directly, i, held, err) : error_nomem(err);
        held_unref(held);
    }
    return status;
}

static dk_status get(struct directly *directly, dk_error *err)
{
    const struct gathering *gathering = directly->gathering;
    size_t nbytes = gathering->nfutures * sizeof(*directly->source_of);
    directly->source_of = arena_alloc(&directly->arena, nbytes);
    if (!directly->source_of)
        return error_nomem(err);
    for (size_t i = 0; i < gathering->nfutures; i++)
        directly->source_of[i] = NOBODY;
    DK_TRY(ask_holders(directly, err));
    if (!directly->sources.count)
        return DK_OK;
    dk_status status = ask_sources(directly, err);
    return take_all(directly, status, err);
}

bool gather_may_be_direct(const struct gathering *gathering)
{
    return gathering->direct == DK_DIRECT_YES ||
           (gathering->direct == DK_DIRECT_AUTO && is_near(&gathering->client->address));
}

dk_status gather_directly(struct gathering *gathering, dk_error *err)
{
    struct directly directly = {.gathering = gathering};
    arena_init(&directly.arena, gathering->client->memory);
    vector_init(&directly.sources, gathering->client->memory, sizeof(struct source));
    dk_status status = get(&directly, err);
    for (size_t i = 0; i < directly.sources.count; i++)
        free_source(&((struct source *)directly.sources.data)[i]);
    vector_deinit(&directly.sources);
    arena_deinit(&directly.arena);
    return status;
}
