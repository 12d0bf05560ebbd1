/* Workers and clients: their registration, their streams, and their end. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "node/scheduler/coordination.h"
#include "node/scheduler/parts.h"

/* Heartbeats of many workers are rarer.   Source: distributed.scheduler.heartbeat_interval. */
static double heartbeat_interval_s(uint32_t nworkers)
{
    if (nworkers <= 10)
        return 0.5;
    if (nworkers < 50)
        return 1;
    if (nworkers < 200)
        return 2;
    return nworkers / 200.0 + 1;
}

/* Clients are heard of less often; this is how often unless they are told otherwise. */
#define CLIENT_INTERVALS   10
#define CLIENT_HEARTBEAT_S 5.0

/* How long a nanny has to start its worker anew. */
#define NANNY_MS 30000

/* ---- the table of peers ---- */

static struct peer *peer_at(const struct vector *peers, uint32_t id)
{
    return id < peers->count ? ((struct peer **)peers->data)[id] : NULL;
}

struct peer *scheduler_peer_of_worker(struct scheduler_node *node, uint32_t worker)
{
    return peer_at(&node->worker_peers, worker);
}

struct peer *scheduler_peer_of_client(struct scheduler_node *node, uint32_t client)
{
    return peer_at(&node->client_peers, client);
}

static dk_status set_peer(struct vector *peers, uint32_t id, struct peer *peer)
{
    while (peers->count <= id)
        if (!vector_push(peers))
            return DK_ENOMEM;
    ((struct peer **)peers->data)[id] = peer;
    return DK_OK;
}

static struct vector *table_of(struct peer *peer)
{
    return peer->is_worker ? &peer->node->worker_peers : &peer->node->client_peers;
}

/* ---- streams ---- */

static const char *name_of(const struct peer *peer)
{
    return comm_peer(peer->stream.comm);
}

static void log_leaving(const struct peer *peer)
{
    struct scheduler_node *node = peer->node;
    if (peer->is_worker)
        coordination_log(node, "all", "remove-worker", "worker",
                         sched_worker_address(node->sched, peer->id));
    else
        coordination_log(node, "all", "remove-client", "client",
                         sched_client_name(node->sched, peer->id));
}

/* The core is told, unless it knows; the stream may live on until its comm has closed. */
static void log_client_leaving(struct scheduler_node *node, const char *name)
{
    scheduler_log(node, "INFO", "Remove client %s", name);
    scheduler_log(node, "INFO", "Close client connection: %s", name);
}

static void leave(struct peer *peer)
{
    struct scheduler_node *node = peer->node;
    if (peer->id == SCHED_NOBODY)
        return;
    struct sched_event event = {.kind = peer->is_worker ? SCHED_REMOVE_WORKER : SCHED_REMOVE_CLIENT,
                                .stimulus = "stream-closed"};
    event.worker = event.client = peer->id;
    event.as.is_expected = peer->has_said_bye;
    const char *address = peer->is_worker ? sched_worker_address(node->sched, peer->id) : NULL;
    if (address)
        scheduler_log(node, "INFO", "Remove worker addr: %s", address);
    else if (!peer->is_worker)
        log_client_leaving(node, sched_client_name(node->sched, peer->id));
    log_leaving(peer);
    ((struct peer **)table_of(peer)->data)[peer->id] = NULL;
    if (peer->is_worker)
        scheduler_worker_retired(node, peer->id, true);
    peer->id = SCHED_NOBODY;
    if (node->is_closing)
        return;
    (void)!scheduler_take(node, &event, NULL);
    if (!peer->is_worker)
        coordination_lose_client(node, event.client);
    else if (sched_nworkers(node->sched) == 0)
        scheduler_log(node, "INFO", "Lost all workers");
}

void scheduler_dismiss_worker(struct peer *peer)
{
    struct wire_entry fields[] = {{wire_text("op"), wire_text("close")},
                                  {wire_text("reason"), wire_text("scheduler-retire-workers")}};
    struct wire_value message = wire_map(fields, 2);
    peer->has_said_bye = true;
    (void)!stream_push(&peer->stream, &message, NULL);
    leave(peer);
}

static void on_nanny_answer(void *self, struct message *answer, const dk_error *why)
{
    struct scheduler_node *node = self;
    if (why)
        scheduler_log(node, "WARNING", "A nanny does not restart its worker: %s", why->message);
    if (answer)
        message_deinit(answer);
}

/* A process that is frozen or busy for ever will not end by itself. */
static void ask_nanny(struct peer *peer)
{
    struct wire_entry fields[] = {{wire_text("op"), wire_text("restart")},
                                  {wire_text("reason"), wire_text("worker-ttl")},
                                  {wire_text("timeout"), wire_int(NANNY_MS / 1000)}};
    struct wire_value message = wire_map(fields, 3);
    struct pool_question question = {.address = peer->nanny,
                                     .message = &message,
                                     .timeout_ms = NANNY_MS,
                                     .answered = on_nanny_answer,
                                     .self = peer->node};
    if (peer->has_nanny)
        (void)!pool_ask(peer->node->pool, &question, NULL, NULL);
}

/* From now on its number may be another worker's. */
void scheduler_drop_peer(struct peer *peer)
{
    scheduler_log(peer->node, "WARNING", "A worker is silent for too long, and %s: it came from %s",
                  peer->has_nanny ? "restarted by its nanny" : "removed", name_of(peer));
    ask_nanny(peer);
    ((struct peer **)table_of(peer)->data)[peer->id] = NULL;
    scheduler_worker_retired(peer->node, peer->id, true);
    peer->id = SCHED_NOBODY;
    stream_close(&peer->stream);
}

static void complain(struct peer *peer, const dk_error *err)
{
    scheduler_log(peer->node, "ERROR", "A message of %s is ignored: %s", name_of(peer),
                  err->message);
}

/* What is to be run though nobody has its future a client wishes for in another's name. */
static uint32_t wisher(const struct peer *peer, const struct wire_value *message)
{
    const struct sched *sched = peer->node->sched;
    struct wire_bytes text;
    char name[64];
    if (!wire_read_text(wire_find(message, "client"), &text) || text.nbytes >= sizeof(name))
        return peer->id;
    snprintf(name, sizeof(name), "%.*s", (int)text.nbytes, text.data);
    uint32_t named = sched_find_client(sched, name);
    return named == SCHED_NOBODY ? peer->id : named;
}

/* False: the message is no event of the core's. */
static bool take_message(struct peer *peer, const struct wire_value *message,
                         dk_status (*decode)(struct sched_decoder *decoder,
                                             const struct wire_value *message,
                                             struct sched_event *event))
{
    struct decoding decoding;
    struct sched_event event;
    dk_error err = {0};
    decoding_init(&decoding, peer->node, &err);
    dk_status status = decode(&decoding.decoder, message, &event);
    if (status == DK_OK) {
        event.worker = peer->is_worker ? peer->id : SCHED_NOBODY;
        event.client = peer->is_worker                      ? SCHED_NOBODY
                       : event.kind == SCHED_CLIENT_DESIRES ? wisher(peer, message)
                                                            : peer->id;
        status = scheduler_take(peer->node, &event, &err);
    }
    if (status != DK_OK && status != DK_ENOTSUP)
        complain(peer, &err);
    decoding_deinit(&decoding);
    return status != DK_ENOTSUP;
}

static void on_worker_message(void *self, const struct wire_value *message)
{
    struct peer *peer = self;
    const struct wire_value *op = wire_find(message, "op");
    if (peer->id == SCHED_NOBODY || wire_text_is(op, "keep-alive"))
        return;
    if (wire_text_is(op, "worker-status-change") &&
        wire_text_is(wire_find(message, "status"), "closing_gracefully"))
        peer->has_said_bye = true;
    bool is_taken = take_message(peer, message, sched_decode_worker);
    if (!is_taken && wire_text_is(op, "log-event"))
        coordination_take(peer, message);
    else if (wire_text_is(op, "task-finished") || wire_text_is(op, "task-erred"))
        coordination_note_task(peer->node, message);
}

static uint32_t count_clients(const struct scheduler_node *node)
{
    uint32_t count = 0;
    for (size_t i = 0; i < node->client_peers.count; i++)
        count += peer_at(&node->client_peers, (uint32_t)i) != NULL;
    return count;
}

/* Tells the client how often we want to hear of it, when that has changed: the clients of 2022 do
 * not know the message, and are seldom so many. */
static void on_heartbeat(struct peer *peer)
{
    double wanted_s = heartbeat_interval_s(count_clients(peer->node)) * CLIENT_INTERVALS;
    struct wire_entry fields[] = {{wire_text("op"), wire_text("adjust-heartbeat-interval")},
                                  {wire_text("interval"), wire_float(wanted_s)}};
    struct wire_value message = wire_map(fields, 2);
    if (wanted_s != peer->heartbeat_s && stream_push(&peer->stream, &message, NULL) == DK_OK)
        peer->heartbeat_s = wanted_s;
}

static void on_client_message(void *self, const struct wire_value *message)
{
    struct peer *peer = self;
    const struct wire_value *op = wire_find(message, "op");
    if (peer->id == SCHED_NOBODY)
        return;
    if (wire_text_is(op, "update-graph"))
        scheduler_update_graph(peer, message);
    else if (wire_text_is(op, "close-client"))
        leave(peer);
    else if (wire_text_is(op, "heartbeat-client"))
        on_heartbeat(peer);
    else if (!take_message(peer, message, sched_decode_client))
        coordination_take(peer, message);
}

static void on_closed(void *self, const dk_error *why)
{
    struct peer *peer = self;
    struct scheduler_node *node = peer->node;
    peer->has_said_bye |= !why;
    leave(peer);
    if (peer->previous)
        peer->previous->next = peer->next;
    else
        node->peers = peer->next;
    if (peer->next)
        peer->next->previous = peer->previous;
    memory_free(node->memory, peer, sizeof(*peer));
    scheduler_part_closed(node);
}

/* A peer on the connection of the request, which ends. */
static struct peer *make_peer(struct scheduler_node *node, struct request *request, uint32_t id,
                              bool is_worker)
{
    struct peer *peer = memory_calloc(node->memory, sizeof(*peer));
    if (!peer)
        return NULL;
    *peer = (struct peer){.node = node,
                          .id = id,
                          .is_worker = is_worker,
                          .heartbeat_s = CLIENT_HEARTBEAT_S,
                          .next = node->peers};
    if (set_peer(table_of(peer), id, peer) != DK_OK) {
        memory_free(node->memory, peer, sizeof(*peer));
        return NULL;
    }
    struct stream_events events = {.self = peer, .closed = on_closed};
    events.received = is_worker ? on_worker_message : on_client_message;
    if (node->peers)
        node->peers->previous = peer;
    node->peers = peer;
    node->nclosing++;
    stream_init(&peer->stream, request_take_comm(request), events);
    return peer;
}

/* ---- workers ---- */

/* One of cdask's own of another version may speak otherwise among its own kind: better said than
 * guessed. */
static void warn_of_version(const struct peer *peer, struct wire_filling *reply)
{
    char text[256];
    struct wire_bytes version;
    const char *address = sched_worker_address(peer->node->sched, peer->id);
    const struct wire_value *told =
        wire_find(sched_worker_extra(peer->node->sched, peer->id, "cdask"), "version");
    if (!wire_read_text(told, &version) || wire_text_is(told, CDASK_VERSION))
        return;
    snprintf(text, sizeof(text),
             "Mismatched cdask: this worker has version %.*s, its scheduler " CDASK_VERSION,
             (int)version.nbytes, version.data);
    scheduler_log(peer->node, "WARNING", "%s: %s", address, text);
    wire_put(reply, "warning", wire_copy_text(reply->builder, text));
}

static void welcome_worker(struct peer *peer)
{
    struct arena arena;
    struct scheduler_node *node = peer->node;
    arena_init(&arena, node->memory);
    struct wire_builder builder = {.arena = &arena};
    struct wire_filling map = wire_begin_map(&builder, 5);
    wire_put(&map, "status", wire_text("OK"));
    warn_of_version(peer, &map);
    wire_put(&map, "time", wire_float(scheduler_wall_s()));
    wire_put(&map, "heartbeat-interval",
             wire_float(heartbeat_interval_s(sched_nworkers(node->sched))));
    wire_put(&map, "worker-plugins", scheduler_list_plugins(node, &builder, false));
    struct wire_value reply = wire_end_map(&map);
    if (builder.failed || comm_send(peer->stream.comm, &reply, NULL) != DK_OK)
        comm_close(peer->stream.comm);
    arena_deinit(&arena);
}

static void refuse_worker(struct request *request, const char *message)
{
    struct wire_entry fields[] = {
        {wire_text("status"), wire_text("error")},
        {wire_text("message"), wire_text(message)},
        {wire_text("time"), wire_float(scheduler_wall_s())},
    };
    struct wire_value reply = wire_map(fields, 3);
    request_insist(request);
    request_reply(request, &reply);
}

/* "HOST" of "tcp://HOST:PORT": where the worker's data is, for locality and restrictions. */
static dk_status find_host(struct decoding *decoding, struct sched_add_worker *added)
{
    struct node_address address;
    DK_TRY(node_address_parse(added->address, &address, decoding->decoder.err));
    added->host = arena_strdup(&decoding->arena, address.host);
    return added->host ? DK_OK : error_nomem(decoding->decoder.err);
}

static dk_status add_worker(struct scheduler_node *node, struct decoding *decoding,
                            const struct wire_value *message, uint32_t *id)
{
    struct sched_event event;
    DK_TRY(sched_decode_registration(&decoding->decoder, message, &event));
    DK_TRY(find_host(decoding, &event.as.add_worker));
    DK_TRY(scheduler_step(node, &event, decoding->decoder.err));
    *id = sched_find_worker(node->sched, event.as.add_worker.address);
    return DK_OK;
}

void scheduler_register_worker(void *self, struct request *request)
{
    struct scheduler_node *node = self;
    struct decoding decoding;
    dk_error err = {0};
    uint32_t id = SCHED_NOBODY;
    decoding_init(&decoding, node, &err);
    dk_status status = add_worker(node, &decoding, request_message(request), &id);
    decoding_deinit(&decoding);
    if (status != DK_OK) {
        scheduler_log(node, "WARNING", "A worker is refused: %s", err.message);
        refuse_worker(request, err.message);
        scheduler_flush(node);
        return;
    }
    const char *address = sched_worker_address(node->sched, id);
    scheduler_log(node, "INFO", "Register worker addr: %s", address);
    struct peer *peer = make_peer(node, request, id, true);
    if (!peer) {
        refuse_worker(request, dk_status_text(DK_ENOMEM));
        scheduler_node_close(node, "out-of-memory");
        return;
    }
    const char *nanny = sched_worker_nanny(node->sched, id);
    peer->has_nanny = nanny && node_address_parse(nanny, &peer->nanny, NULL) == DK_OK;
    scheduler_log(node, "INFO", "Starting worker compute stream, %s", address);
    coordination_log(node, "all", "add-worker", "worker", address);
    welcome_worker(peer);
    scheduler_flush(node);
    scheduler_worker_came(node);
}

uint32_t scheduler_find_worker(struct scheduler_node *node, const struct wire_value *address)
{
    char text[ADDRESS_TEXT_MAX];
    struct wire_bytes bytes;
    if (!wire_read_text(address, &bytes) || bytes.nbytes >= sizeof(text))
        return SCHED_NOBODY;
    memcpy(text, bytes.data, bytes.nbytes);
    text[bytes.nbytes] = '\0';
    return sched_find_worker(node->sched, text);
}

static uint32_t asked_worker(struct scheduler_node *node, const struct wire_value *message)
{
    return scheduler_find_worker(node, wire_find(message, "address"));
}

void scheduler_heartbeat_worker(void *self, struct request *request)
{
    struct scheduler_node *node = self;
    const struct wire_value *message = request_message(request);
    uint32_t worker = asked_worker(node, message);
    struct sched_event event = {.kind = SCHED_HEARTBEAT, .worker = worker, .stimulus = "heartbeat"};
    event.as.heartbeat.metrics = wire_find(message, "metrics");
    event.as.heartbeat.executing = wire_find(message, "executing");
    if (worker != SCHED_NOBODY)
        (void)!scheduler_take(node, &event, NULL);
    struct wire_entry fields[] = {
        {wire_text("status"), wire_text(worker == SCHED_NOBODY ? "missing" : "OK")},
        {wire_text("time"), wire_float(scheduler_wall_s())},
        {wire_text("heartbeat-interval"),
         wire_float(heartbeat_interval_s(sched_nworkers(node->sched)))},
    };
    struct wire_value reply = wire_map(fields, worker == SCHED_NOBODY ? 1 : 3);
    request_reply(request, &reply);
}

/* A nanny says that its worker has left, or a worker that it leaves. */
void scheduler_unregister(void *self, struct request *request)
{
    struct scheduler_node *node = self;
    uint32_t worker = asked_worker(node, request_message(request));
    struct peer *peer = scheduler_peer_of_worker(node, worker);
    struct wire_value reply = wire_text(peer ? "OK" : "already-removed");
    if (peer) {
        peer->has_said_bye = true;
        leave(peer);
        stream_close(&peer->stream);
    }
    request_reply(request, &reply);
}

void scheduler_drop_worker(struct scheduler_node *node, uint32_t worker)
{
    struct peer *peer = scheduler_peer_of_worker(node, worker);
    struct wire_entry fields[] = {{wire_text("op"), wire_text("close")},
                                  {wire_text("reason"), wire_text("scheduler-remove-worker")}};
    struct wire_value message = wire_map(fields, 2);
    if (!peer)
        return;
    peer->has_said_bye = true;
    (void)!stream_push(&peer->stream, &message, NULL);
    leave(peer);
    stream_close(&peer->stream);
}

/* ---- clients ---- */

static dk_status add_client(struct scheduler_node *node, struct decoding *decoding,
                            const struct wire_value *message, uint32_t *id)
{
    const struct wire_value *native = wire_find(message, "native");
    struct sched_event event = {.kind = SCHED_ADD_CLIENT, .stimulus = "register-client"};
    struct sched_add_client *added = &event.as.add_client;
    added->is_native = native && native->kind == WIRE_BOOL && native->as.boolean;
    DK_TRY(sched_decode_text(&decoding->decoder, wire_find(message, "client"), &added->name));
    if (!added->name)
        return error_set(decoding->decoder.err, DK_EINVAL, "register-client: no client is named");
    if (sched_find_client(node->sched, added->name) != SCHED_NOBODY)
        return error_set(decoding->decoder.err, DK_EINVAL, "client already exists: %s",
                         added->name);
    DK_TRY(scheduler_step(node, &event, decoding->decoder.err));
    *id = sched_find_client(node->sched, added->name);
    return DK_OK;
}

static void note_versions(struct scheduler_node *node, const struct wire_value *message)
{
    const struct wire_value *versions = wire_find(message, "versions");
    struct wire_box *box =
        versions && versions->kind == WIRE_MAP ? wire_box_new(node->memory, versions) : NULL;
    if (!box)
        return;
    wire_box_unref(node->versions);
    node->versions = box;
}

/* One message alone in its array: that is how clients know that they are in. */
static void welcome_client(struct peer *peer)
{
    struct wire_entry field = {wire_text("op"), wire_text("stream-start")};
    struct wire_value start = wire_map(&field, 1);
    struct wire_value reply = wire_array(&start, 1);
    if (comm_send(peer->stream.comm, &reply, NULL) != DK_OK)
        comm_close(peer->stream.comm);
}

static void refuse_client(struct request *request, const char *message)
{
    struct wire_entry fields[] = {{wire_text("op"), wire_text("stream-start")},
                                  {wire_text("error"), wire_text(message)}};
    struct wire_value start = wire_map(fields, 2);
    struct wire_value reply = wire_array(&start, 1);
    request_insist(request);
    request_reply(request, &reply);
}

void scheduler_register_client(void *self, struct request *request)
{
    struct scheduler_node *node = self;
    struct decoding decoding;
    dk_error err = {0};
    uint32_t id = SCHED_NOBODY;
    decoding_init(&decoding, node, &err);
    dk_status status = add_client(node, &decoding, request_message(request), &id);
    decoding_deinit(&decoding);
    note_versions(node, request_message(request));
    if (status != DK_OK) {
        scheduler_log(node, "WARNING", "A client is refused: %s", err.message);
        refuse_client(request, err.message);
        return;
    }
    struct peer *peer = make_peer(node, request, id, false);
    if (!peer) {
        refuse_client(request, dk_status_text(DK_ENOMEM));
        scheduler_node_close(node, "out-of-memory");
        return;
    }
    scheduler_log(node, "INFO", "Receive client connection: %s",
                  sched_client_name(node->sched, id));
    coordination_log(node, "all", "add-client", "client", sched_client_name(node->sched, id));
    welcome_client(peer);
    scheduler_flush(node);
}
