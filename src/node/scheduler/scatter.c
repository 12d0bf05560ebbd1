/* Data of clients on its way to workers, relayed without being opened or copied.
 *
 * Source: distributed.scheduler.Scheduler.scatter, distributed.utils_comm.scatter_to_workers. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "core/keys.h"
#include "node/scheduler/parts.h"

/* How long it waits for workers, unless it says so itself. */
#define TIMEOUT_S 2

struct scattering {
    struct scheduler_node *node;
    struct request *request;
    struct message message; /* the question, with the data */
    struct arena arena;
    struct sched_data *data; /* one for each entry */
    uint32_t count;
    size_t nasked;
    size_t nborrowed; /* questions that still need the message */
    uint32_t client;
    uv_timer_t timer;
    struct scattering *previous;
    struct scattering *next; /* of those that wait for workers */
    bool is_waiting;
    bool has_answered;
    dk_error err;
};

/* What one worker is given. */
struct share {
    struct scattering *scattering;
    uint32_t worker;
    uint32_t *entries;
    uint32_t count;
};

/* ---- sizes ---- */

/* Results whose sizes a peer tells: all of `data`, or those that are listed. */
struct sized {
    struct sched_data *data;
    const uint32_t *entries; /* NULL: all, in order */
    uint32_t count;
};

static struct sched_data *nth(const struct sized *sized, uint32_t i)
{
    return &sized->data[sized->entries ? sized->entries[i] : i];
}

static dk_status read_by_key(struct scheduler_node *node, const struct wire_value *sizes,
                             const struct sized *sized, struct keys *index)
{
    uint32_t id;
    bool is_new;
    for (uint32_t i = 0; i < sized->count; i++)
        DK_TRY(keys_add(index, nth(sized, i)->key, &id, &is_new)); /* numbers them as they come */
    for (uint32_t i = 0; i < sizes->count; i++) {
        if (key_pack(&sizes->as.entries[i].key, &node->scratch, NULL) != DK_OK)
            continue;
        id = keys_find(index, (struct wire_bytes){node->scratch.data, node->scratch.count});
        if (id < sized->count)
            (void)wire_read_int(&sizes->as.entries[i].value, &nth(sized, id)->nbytes);
    }
    return DK_OK;
}

/* `sizes`: {key: nbytes}, in whatever order.   Errors: DK_ENOMEM. */
static dk_status read_sizes(struct scheduler_node *node, const struct wire_value *sizes,
                            const struct sized *sized)
{
    struct keys index;
    if (!sizes || sizes->kind != WIRE_MAP)
        return DK_OK;
    keys_init(&index, node->memory);
    dk_status status = read_by_key(node, sizes, sized, &index);
    keys_deinit(&index);
    return status;
}

/* ---- the end ---- */

static void on_timer_closed(uv_handle_t *handle)
{
    struct scattering *scattering = handle->data;
    struct scheduler_node *node = scattering->node;
    message_deinit(&scattering->message);
    arena_deinit(&scattering->arena);
    memory_free(node->memory, scattering, sizeof(*scattering));
    scheduler_part_closed(node);
}

static void free_when_done(struct scattering *scattering)
{
    if (scattering->has_answered && !scattering->nborrowed)
        uv_close((uv_handle_t *)&scattering->timer, on_timer_closed);
}

static void release(void *self)
{
    struct scattering *scattering = self;
    scattering->nborrowed--;
    free_when_done(scattering);
}

static void reply_keys(struct scattering *scattering)
{
    struct wire_builder builder = {.arena = &scattering->arena};
    struct wire_filling keys = wire_begin_array(&builder, scattering->count);
    for (uint32_t i = 0; i < scattering->count; i++)
        wire_add(&keys, wire_packed(scattering->data[i].key));
    struct wire_value reply = wire_end_array(&keys);
    request_reply(scattering->request, &reply);
}

static void finish(struct scattering *scattering)
{
    struct sched_event event = {.kind = SCHED_UPDATE_DATA, .stimulus = "scatter"};
    event.client = scattering->client;
    event.as.data.list = scattering->data;
    event.as.data.count = scattering->count;
    dk_error *err = &scattering->err;
    if (err->status == DK_OK && scheduler_take(scattering->node, &event, err) == DK_OK)
        reply_keys(scattering);
    else
        request_fail(scattering->request, err);
    scattering->has_answered = true;
    free_when_done(scattering);
}

/* ---- answers ---- */

static void take_sizes(struct share *share, const struct wire_value *answer)
{
    struct scattering *scattering = share->scattering;
    struct sized sized = {scattering->data, share->entries, share->count};
    if (read_sizes(scattering->node, wire_find(answer, "nbytes"), &sized) != DK_OK)
        error_nomem(&scattering->err);
}

static void on_answer(void *self, struct message *answer, const dk_error *why)
{
    struct share *share = self;
    struct scattering *scattering = share->scattering;
    if (answer && !why)
        take_sizes(share, &answer->root);
    else if (scattering->err.status == DK_OK)
        scattering->err = *why;
    if (answer)
        message_deinit(answer);
    if (--scattering->nasked == 0)
        finish(scattering);
}

/* ---- sending ---- */

static dk_status send_share(struct share *share)
{
    struct scattering *scattering = share->scattering;
    const struct wire_value *data = wire_find(&scattering->message.root, "data");
    struct wire_builder builder = {.arena = &scattering->arena};
    struct wire_filling map = wire_begin_map(&builder, 3);
    struct wire_filling given = wire_begin_map(&builder, share->count);
    for (uint32_t i = 0; i < share->count; i++)
        wire_put_key(&given, data->as.entries[share->entries[i]].key,
                     data->as.entries[share->entries[i]].value);
    wire_put(&map, "op", wire_text("update_data"));
    wire_put(&map, "data", wire_end_map(&given));
    wire_put(&map, "stimulus_id", wire_text("scatter"));
    struct wire_value *message = arena_alloc(&scattering->arena, sizeof(*message));
    if (builder.failed || !message)
        return error_nomem(&scattering->err);
    *message = wire_end_map(&map);
    struct pool_question question = {
        .message = message, .loan = {release, scattering}, .answered = on_answer, .self = share};
    DK_TRY(node_address_parse(sched_worker_address(scattering->node->sched, share->worker),
                              &question.address, &scattering->err));
    scattering->nborrowed++;
    return pool_ask(scattering->node->pool, &question, NULL, &scattering->err);
}

/* ---- who gets what ---- */

/* Numbers of workers with their addresses, to be sorted by these. */
struct taker {
    const char *address;
    uint32_t worker;
};

static int by_address(const void *a, const void *b)
{
    return strcmp(((const struct taker *)a)->address, ((const struct taker *)b)->address);
}

/* The running workers among those that were asked for, by address; perhaps none. */
static dk_status choose_workers(struct scattering *scattering, struct arena *arena,
                                struct sched_workers *out)
{
    struct sched_workers found;
    const struct sched *sched = scattering->node->sched;
    DK_TRY(scheduler_find_workers(scattering->node, wire_find(&scattering->message.root, "workers"),
                                  arena, &found, &scattering->err));
    uint32_t *list = arena_alloc(arena, (found.count + 1) * sizeof(*list));
    struct taker *takers = arena_alloc(arena, (found.count + 1) * sizeof(*takers));
    if (!list || !takers)
        return error_nomem(&scattering->err);
    *out = (struct sched_workers){.list = list};
    for (size_t i = 0; i < found.count; i++)
        if (sched_is_running(sched, found.list[i]))
            takers[out->count++] =
                (struct taker){sched_worker_address(sched, found.list[i]), found.list[i]};
    qsort(takers, out->count, sizeof(*takers), by_address);
    for (size_t i = 0; i < out->count; i++)
        list[i] = takers[i].worker;
    return DK_OK;
}

/* How many workers get each entry: 1, all of them, or as many as were asked for. */
static uint32_t count_copies(const struct wire_value *broadcast, uint32_t nworkers)
{
    int64_t wanted;
    if (broadcast && broadcast->kind == WIRE_BOOL && broadcast->as.boolean)
        return nworkers;
    if (wire_read_int(broadcast, &wanted) && wanted > 1)
        return wanted < nworkers ? (uint32_t)wanted : nworkers;
    return 1;
}

static dk_status read_entry(struct scattering *scattering, uint32_t i, const uint32_t *workers,
                            uint32_t nworkers, uint32_t ncopies)
{
    struct sched_decoder decoder = {&scattering->arena, &scattering->node->scratch, NULL,
                                    &scattering->err};
    const struct wire_value *data = wire_find(&scattering->message.root, "data");
    struct sched_data *entry = &scattering->data[i];
    uint32_t *chosen = arena_alloc(&scattering->arena, ncopies * sizeof(*chosen));
    if (!chosen)
        return error_nomem(&scattering->err);
    for (uint32_t j = 0; j < ncopies; j++)
        chosen[j] = workers[(scattering->node->nscattered + j) % nworkers];
    scattering->node->nscattered++;
    *entry = (struct sched_data){.workers = chosen, .nworkers = ncopies, .nbytes = -1};
    return sched_decode_key(&decoder, &data->as.entries[i].key, &entry->key);
}

static bool is_given(const struct sched_data *data, uint32_t worker)
{
    for (size_t i = 0; i < data->nworkers; i++)
        if (data->workers[i] == worker)
            return true;
    return false;
}

static dk_status give(struct scattering *scattering, uint32_t worker)
{
    struct share *share = arena_alloc(&scattering->arena, sizeof(*share));
    uint32_t *entries = arena_alloc(&scattering->arena, scattering->count * sizeof(*entries));
    if (!share || !entries)
        return error_nomem(&scattering->err);
    *share = (struct share){scattering, worker, entries, 0};
    for (uint32_t i = 0; i < scattering->count; i++)
        if (is_given(&scattering->data[i], worker))
            entries[share->count++] = i;
    if (!share->count)
        return DK_OK;
    DK_TRY(send_share(share));
    scattering->nasked++;
    return DK_OK;
}

static dk_status share_out(struct scattering *scattering, struct sched_workers workers)
{
    const struct wire_value *data = wire_find(&scattering->message.root, "data");
    uint32_t nworkers = (uint32_t)workers.count;
    if (!data || data->kind != WIRE_MAP)
        return error_set(&scattering->err, DK_EPARSE, "scatter: \"data\" is no map");
    uint32_t ncopies = count_copies(wire_find(&scattering->message.root, "broadcast"), nworkers);
    scattering->count = data->count;
    scattering->data = arena_calloc(&scattering->arena, data->count * sizeof(*scattering->data));
    if (!scattering->data)
        return error_nomem(&scattering->err);
    for (uint32_t i = 0; i < data->count; i++)
        DK_TRY(read_entry(scattering, i, workers.list, nworkers, ncopies));
    for (uint32_t i = 0; i < nworkers; i++)
        DK_TRY(give(scattering, workers.list[i]));
    return DK_OK;
}

static uint32_t find_client(struct scattering *scattering, const struct wire_value *message)
{
    struct sched_decoder decoder = {&scattering->arena, NULL, NULL, &scattering->err};
    const char *name = NULL;
    (void)!sched_decode_text(&decoder, wire_find(message, "client"), &name);
    return name ? sched_find_client(scattering->node->sched, name) : SCHED_NOBODY;
}

/* ---- waiting for workers ---- */

static void unlist(struct scattering *scattering)
{
    struct scheduler_node *node = scattering->node;
    if (!scattering->is_waiting)
        return;
    if (scattering->previous)
        scattering->previous->next = scattering->next;
    else
        node->scatterings = scattering->next;
    if (scattering->next)
        scattering->next->previous = scattering->previous;
    scattering->is_waiting = false;
    uv_timer_stop(&scattering->timer);
}

static void on_timeout(uv_timer_t *timer)
{
    struct scattering *scattering = timer->data;
    unlist(scattering);
    request_raise(scattering->request, "TimeoutError", "No valid workers found");
    scattering->has_answered = true;
    free_when_done(scattering);
}

static void await_workers(struct scattering *scattering)
{
    struct scheduler_node *node = scattering->node;
    const struct wire_value *timeout = wire_find(&scattering->message.root, "timeout");
    scattering->previous = NULL;
    scattering->next = node->scatterings;
    if (scattering->next)
        scattering->next->previous = scattering;
    node->scatterings = scattering;
    scattering->is_waiting = true;
    uv_timer_start(&scattering->timer, on_timeout,
                   (uint64_t)scheduler_read_timeout_ms(timeout, TIMEOUT_S), 0);
}

static void start(struct scattering *scattering, struct sched_workers workers)
{
    unlist(scattering);
    scattering->nasked = 1; /* until everybody was asked */
    if (workers.count)      /* else it has failed */
        (void)!share_out(scattering, workers);
    if (--scattering->nasked == 0)
        finish(scattering);
}

/* Begins when there are workers, or when it is clear that it never will; false: not yet. */
static bool look(struct scattering *scattering)
{
    struct arena arena;
    struct sched_workers workers = {0};
    arena_init(&arena, scattering->node->memory);
    dk_status status = choose_workers(scattering, &arena, &workers);
    bool starts = status != DK_OK || workers.count;
    if (starts)
        start(scattering, workers);
    arena_deinit(&arena);
    return starts;
}

/* An answer may bring the next question at once, and with it another look: from the first again. */
void scheduler_scatterings_look(struct scheduler_node *node)
{
    struct scattering *scattering = node->scatterings;
    while (scattering)
        scattering = look(scattering) ? node->scatterings : scattering->next;
}

void scheduler_scatterings_close(struct scheduler_node *node)
{
    while (node->scatterings)
        on_timeout(&node->scatterings->timer);
}

void scheduler_scatter(void *self, struct request *request)
{
    struct scheduler_node *node = self;
    struct scattering *scattering = memory_calloc(node->memory, sizeof(*scattering));
    if (!scattering) {
        request_fail(request, &(dk_error){.status = DK_ENOMEM, .message = "out of memory"});
        return;
    }
    scattering->node = node;
    scattering->request = request;
    arena_init(&scattering->arena, node->memory);
    uv_timer_init(node->loop, &scattering->timer);
    scattering->timer.data = scattering;
    request_take_message(request, &scattering->message);
    scattering->client = find_client(scattering, &scattering->message.root);
    node->nclosing++;
    if (!look(scattering))
        await_workers(scattering);
}

/* ---- data that clients have put on workers themselves ---- */

static dk_status read_holders(struct sched_decoder *decoder, struct scheduler_node *node,
                              const struct wire_value *list, struct sched_data *data)
{
    uint32_t count = list->kind == WIRE_ARRAY || list->kind == WIRE_SET ? list->count : 0;
    uint32_t *workers = arena_alloc(decoder->arena, count * sizeof(*workers));
    if (!workers)
        return error_nomem(decoder->err);
    data->workers = workers;
    for (uint32_t i = 0; i < count; i++) {
        const char *address;
        DK_TRY(sched_decode_text(decoder, &list->as.items[i], &address));
        uint32_t worker = address ? sched_find_worker(node->sched, address) : SCHED_NOBODY;
        if (worker != SCHED_NOBODY)
            workers[data->nworkers++] = worker;
    }
    return DK_OK;
}

static dk_status read_data(struct sched_decoder *decoder, struct scheduler_node *node,
                           const struct wire_value *message, struct sched_event *event)
{
    const struct wire_value *who_has = wire_find(message, "who_has");
    uint32_t count = who_has && who_has->kind == WIRE_MAP ? who_has->count : 0;
    struct sched_data *list = arena_calloc(decoder->arena, count * sizeof(*list));
    if (!list)
        return error_nomem(decoder->err);
    for (uint32_t i = 0; i < count; i++) {
        list[i].nbytes = -1;
        DK_TRY(sched_decode_key(decoder, &who_has->as.entries[i].key, &list[i].key));
        DK_TRY(read_holders(decoder, node, &who_has->as.entries[i].value, &list[i]));
    }
    if (read_sizes(node, wire_find(message, "nbytes"), &(struct sized){list, NULL, count}) != DK_OK)
        return error_nomem(decoder->err);
    event->as.data.list = list;
    event->as.data.count = count;
    return DK_OK;
}

void scheduler_update_data(void *self, struct request *request)
{
    struct scheduler_node *node = self;
    struct decoding decoding;
    dk_error err = {0};
    const char *client = NULL;
    const struct wire_value *message = request_message(request);
    struct sched_event event = {.kind = SCHED_UPDATE_DATA, .stimulus = "update-data"};
    decoding_init(&decoding, node, &err);
    dk_status status = read_data(&decoding.decoder, node, message, &event);
    if (status == DK_OK)
        status = sched_decode_text(&decoding.decoder, wire_find(message, "client"), &client);
    event.client = client ? sched_find_client(node->sched, client) : SCHED_NOBODY;
    if (status == DK_OK)
        status = scheduler_take(node, &event, &err);
    struct wire_value nothing = wire_nil();
    if (status == DK_OK)
        request_reply(request, &nothing);
    else
        request_fail(request, &err);
    decoding_deinit(&decoding);
}
