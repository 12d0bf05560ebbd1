#include "node/client/kept.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "graph/context.h"
#include "wire/build.h"

#define MESSAGE_NFRAMES_MAX ((uint64_t)1 << 24)
#define MESSAGE_NBYTES_MAX  ((uint64_t)64 << 30)
#define TIMEOUT_S           30.0

static struct comm_options comm_options(const dk_client *client, int64_t open_ms)
{
    return (struct comm_options){.limits = {MESSAGE_NFRAMES_MAX, MESSAGE_NBYTES_MAX},
                                 .open_ms = open_ms,
                                 .pickle_protocol = 5,
                                 .tls = client->tls,
                                 .machine = client->machine};
}

/* ---- commands ---- */

void client_done(dk_client *client, struct command *command, dk_status status, const dk_error *why)
{
    pthread_mutex_lock(&client->lock);
    command->status = status;
    if (why && command->err)
        *command->err = *why;
    command->is_done = true;
    pthread_cond_broadcast(&client->changed);
    pthread_mutex_unlock(&client->lock);
}

dk_status client_check(dk_client *client, dk_error *err)
{
    if (client->state == CLIENT_LOST && err)
        *err = client->why;
    if (client->state == CLIENT_LOST)
        return client->why.status;
    if (client->state == CLIENT_CLOSED)
        return error_set(err, DK_EIO, "the client is closed");
    return DK_OK;
}

/* The lock is held. */
static void submit(dk_client *client, struct command *command, dk_error *err)
{
    command->err = err;
    command->next = NULL;
    command->is_done = false;
    if (client->last)
        client->last->next = command;
    else
        client->first = command;
    client->last = command;
    uv_async_send(&client->wake);
}

dk_status client_run(dk_client *client, struct command *command, dk_error *err)
{
    pthread_mutex_lock(&client->lock);
    dk_status status = client_check(client, err);
    if (status == DK_OK) {
        submit(client, command, err);
        while (!command->is_done)
            pthread_cond_wait(&client->changed, &client->lock);
        status = command->status;
    }
    pthread_mutex_unlock(&client->lock);
    return status;
}

static struct command *take_command(dk_client *client, bool *is_lost)
{
    pthread_mutex_lock(&client->lock);
    struct command *command = client->first;
    *is_lost = client->state == CLIENT_LOST;
    if (command) {
        client->first = command->next;
        if (!client->first)
            client->last = NULL;
    }
    pthread_mutex_unlock(&client->lock);
    return command;
}

static void run_commands(dk_client *client)
{
    struct command *command;
    bool is_lost;
    while ((command = take_command(client, &is_lost)))
        if (is_lost && !command->is_own)
            client_done(client, command, client->why.status, &client->why);
        else
            command->run(client, command);
}

static void stop_loop(dk_client *client);

static void on_wake(uv_async_t *wake)
{
    dk_client *client = wake->data;
    run_commands(client);
    if (client->is_streaming)
        futures_flush(client);
    pthread_mutex_lock(&client->lock);
    bool is_leaving = client->is_leaving;
    pthread_mutex_unlock(&client->lock);
    if (is_leaving)
        stop_loop(client);
}

/* ---- the end of the connection ---- */

static void lose(dk_client *client, const dk_error *why)
{
    pthread_mutex_lock(&client->lock);
    if (client->state == CLIENT_CONNECTING || client->state == CLIENT_OPEN) {
        client->state = CLIENT_LOST;
        client->why = *why;
    }
    pthread_cond_broadcast(&client->changed);
    pthread_mutex_unlock(&client->lock);
    run_commands(client);
}

static void lose_by(dk_client *client, const dk_error *why)
{
    dk_error closed = {.status = DK_EIO};
    snprintf(closed.message, sizeof(closed.message), "%s: the scheduler has closed the connection",
             client->address.text);
    lose(client, why ? why : &closed);
}

static void on_stream_closed(void *self, const dk_error *why)
{
    dk_client *client = self;
    client->is_streaming = false;
    lose_by(client, why);
}

static void on_comm_closed(void *self, const dk_error *why)
{
    dk_client *client = self;
    client->comm = NULL;
    lose_by(client, why);
}

/* ---- opening ---- */

/* Who would miss a message would wait for ever. */
static void on_stream_message(void *self, const struct wire_value *message)
{
    dk_client *client = self;
    dk_error err = {0};
    if (futures_take(client, message) == DK_OK)
        return;
    error_nomem(&err);
    lose(client, &err);
    stream_close(&client->stream);
}

static void on_stream_messages(void *self)
{
    dk_client *client = self;
    pthread_mutex_lock(&client->lock);
    pthread_cond_broadcast(&client->changed);
    pthread_mutex_unlock(&client->lock);
}

/* The first message: [{"op": "stream-start"}], with "error" when we are not welcome. */
static void on_started(void *self, struct message *message)
{
    dk_client *client = self;
    const struct wire_value *root = &message->root;
    const struct wire_value *start =
        root->kind == WIRE_ARRAY && root->count ? &root->as.items[0] : NULL;
    struct wire_bytes text = {"it answers with something else than a stream", 44};
    bool is_refused = wire_read_text(wire_find(start, "error"), &text) && text.nbytes;
    if (is_refused || !wire_text_is(wire_find(start, "op"), "stream-start")) {
        dk_error why;
        error_set(&why, DK_EIO, "%s: the scheduler refuses the client: %.*s", client->address.text,
                  (int)text.nbytes, text.data);
        message_deinit(message);
        comm_close(client->comm);
        lose(client, &why);
        return;
    }
    message_deinit(message);
    struct stream_events events = {.self = client,
                                   .received = on_stream_message,
                                   .received_all = on_stream_messages,
                                   .closed = on_stream_closed};
    stream_init(&client->stream, client->comm, events);
    client->comm = NULL;
    client->is_streaming = true;
    uv_timer_stop(&client->deadline);
    pthread_mutex_lock(&client->lock);
    client->state = CLIENT_OPEN;
    pthread_cond_broadcast(&client->changed);
    pthread_mutex_unlock(&client->lock);
}

static void on_opened(void *self)
{
    dk_client *client = self;
    struct wire_entry fields[] = {
        {wire_text("op"), wire_text("register-client")},
        {wire_text("client"), wire_text(client->name)},
        {wire_text("reply"), wire_bool(false)},
        {wire_text("versions"), wire_map(NULL, 0)},
        {wire_text("native"), wire_bool(true)}, /* Dask's would not take what it does not know */
    };
    struct wire_value message =
        wire_map(fields, client->scheduler.dialect == DIALECT_NATIVE ? 5 : 4);
    dk_error err = {0};
    if (comm_send(client->comm, &message, &err) == DK_OK)
        return;
    comm_close(client->comm);
    lose(client, &err);
}

static void on_deadline(uv_timer_t *timer)
{
    dk_client *client = timer->data;
    dk_error err = {0};
    error_set(&err, DK_EIO, "%s: not registered within %g s", client->address.text,
              client->timeout_s);
    if (client->comm)
        comm_close(client->comm);
    lose(client, &err);
}

static dk_status open_stream(dk_client *client, dk_error *err)
{
    struct comm_events events = {
        .self = client, .opened = on_opened, .received = on_started, .closed = on_comm_closed};
    struct comm_options options = comm_options(client, 0);
    DK_TRY(comm_connect(&client->loop, client->memory, &client->address, &options, events,
                        &client->comm, err));
    uv_timer_start(&client->deadline, on_deadline, (uint64_t)(client->timeout_s * 1000), 0);
    return DK_OK;
}

/* What has scheduled for Dask counts its workers since it speaks the words of 2026, whatever it
 * says of its version. */
static dk_status read_identity(dk_client *client, const struct wire_value *identity, dk_error *err)
{
    if (!wire_text_is(wire_find(identity, "type"), "Scheduler"))
        return error_set(err, DK_EIO, "%s: this is no scheduler", client->address.text);
    if (wire_find(identity, "n_workers"))
        client->scheduler.dialect = DIALECT_2026;
    return peer_version_check(&client->scheduler, client->address.text, err);
}

static void on_identity(void *self, struct message *answer, const dk_error *why)
{
    dk_client *client = self;
    dk_error err = {0};
    dk_status status = why ? why->status : read_identity(client, &answer->root, &err);
    if (answer)
        message_deinit(answer);
    if (status == DK_OK)
        status = open_stream(client, &err);
    if (status != DK_OK)
        lose(client, why ? why : &err);
}

static dk_status
ask_first(dk_client *client, const struct wire_value *message,
          void (*answered)(void *self, struct message *answer, const dk_error *why), dk_error *err)
{
    struct pool_question question = {.address = client->address,
                                     .message = message,
                                     .timeout_ms = (int64_t)(client->timeout_s * 1000),
                                     .answered = answered,
                                     .self = client};
    return pool_ask(client->pool, &question, NULL, err);
}

/* Only newer schedulers can leave their workers out of what they tell. */
static dk_status ask_identity(dk_client *client, dk_error *err)
{
    struct wire_entry fields[] = {{wire_text("op"), wire_text("identity")},
                                  {wire_text("n_workers"), wire_int(0)}};
    struct wire_value message = wire_map(fields, client->scheduler.dialect == DIALECT_2026 ? 2 : 1);
    return ask_first(client, &message, on_identity, err);
}

static void on_versions(void *self, struct message *answer, const dk_error *why)
{
    dk_client *client = self;
    dk_error err = {0};
    dk_status status = why ? why->status : DK_OK;
    if (!why)
        peer_version_read(&answer->root, &client->scheduler);
    if (answer)
        message_deinit(answer);
    if (status == DK_OK)
        status = client->scheduler.dialect == DIALECT_NATIVE ? open_stream(client, &err)
                                                             : ask_identity(client, &err);
    if (status != DK_OK)
        lose(client, why ? why : &err);
}

static dk_status connect_client(dk_client *client, dk_error *err)
{
    struct wire_entry field = {wire_text("op"), wire_text("versions")};
    struct wire_value message = wire_map(&field, 1);
    struct pool_options pool = {.comm = comm_options(client, (int64_t)(client->timeout_s * 1000))};
    DK_TRY(pool_new(&client->loop, client->memory, &pool, &client->pool, err));
    return ask_first(client, &message, on_versions, err);
}

static void *run_loop(void *self)
{
    dk_client *client = self;
    uv_run(&client->loop, UV_RUN_DEFAULT);
    return NULL;
}

static void on_pool_closed(void *self)
{
    (void)self;
}

/* The loop ends when all that it has is closed. */
static void stop_loop(dk_client *client)
{
    if (client->is_stopping)
        return;
    client->is_stopping = true;
    if (client->is_streaming)
        stream_close(&client->stream);
    if (client->comm)
        comm_close(client->comm);
    if (client->pool)
        pool_close(client->pool, on_pool_closed, client);
    uv_close((uv_handle_t *)&client->wake, NULL);
    uv_close((uv_handle_t *)&client->deadline, NULL);
}

/* Deadlines do not move with the wall's clock. */
static void init_lock(dk_client *client)
{
    pthread_condattr_t attributes;
    pthread_mutex_init(&client->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&client->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

static dk_status init_loop(dk_client *client, dk_error *err)
{
    if (uv_loop_init(&client->loop) != 0)
        return error_set(err, DK_EIO, "cannot make an event loop for the client");
    if (uv_async_init(&client->loop, &client->wake, on_wake) != 0) {
        uv_loop_close(&client->loop);
        return error_set(err, DK_EIO, "cannot make an event for the client's loop");
    }
    uv_timer_init(&client->loop, &client->deadline);
    client->wake.data = client->deadline.data = client;
    return DK_OK;
}

static dk_status open_tls(dk_client *client, const dk_client_options *options, dk_error *err)
{
    struct tls_files files = {0};
    if (options)
        files = (struct tls_files){options->tls_ca_file, options->tls_cert, options->tls_key};
    return tls_config_for(client->address.protocol, &files, &client->tls, err);
}

static dk_status init_client(dk_client *client, const char *address,
                             const dk_client_options *options, dk_error *err)
{
    uint64_t parts[2] = {0};
    DK_TRY(node_address_parse(address, &client->address, err));
    DK_TRY(open_tls(client, options, err));
    DK_TRY(init_loop(client, err));
    (void)uv_random(NULL, NULL, parts, sizeof(parts), 0, NULL);
    snprintf(client->name, sizeof(client->name), "Client-%016" PRIx64 "%016" PRIx64, parts[0],
             parts[1]);
    init_lock(client);
    keys_init(&client->keys, client->memory);
    vector_init(&client->results, client->memory, sizeof(struct result));
    vector_init(&client->released, client->memory, 1);
    vector_init(&client->scratch, client->memory, 1);
    list_init(&client->done);
    client->references = 1;
    return DK_OK;
}

/* When its loop has ended. */
static void free_client(dk_client *client)
{
    for (size_t i = 0; i < client->results.count; i++) {
        struct result *result = &((struct result *)client->results.data)[i];
        failure_unref(client, result->failure);
    }
    keys_deinit(&client->keys);
    vector_deinit(&client->results);
    vector_deinit(&client->released);
    vector_deinit(&client->scratch);
    pthread_cond_destroy(&client->changed);
    pthread_mutex_destroy(&client->lock);
    tls_config_free(client->tls);
    memory_free(client->memory, client, sizeof(*client));
}

void client_unref(dk_client *client)
{
    pthread_mutex_lock(&client->lock);
    bool is_last = --client->references == 0;
    pthread_mutex_unlock(&client->lock);
    if (is_last)
        free_client(client);
}

static dk_status wait_open(dk_client *client, dk_error *err)
{
    pthread_mutex_lock(&client->lock);
    while (client->state == CLIENT_CONNECTING)
        pthread_cond_wait(&client->changed, &client->lock);
    dk_status status = client_check(client, err);
    pthread_mutex_unlock(&client->lock);
    return status;
}

/* Also when the connection is lost: the loop still runs, for this. */
static void join_loop(dk_client *client)
{
    pthread_mutex_lock(&client->lock);
    client->state = CLIENT_CLOSED;
    client->is_leaving = true;
    pthread_cond_broadcast(&client->changed);
    pthread_mutex_unlock(&client->lock);
    uv_async_send(&client->wake);
    pthread_join(client->thread, NULL);
}

static dk_status start(dk_client *client, dk_error *err)
{
    dk_status status = connect_client(client, err);
    if (status != DK_OK) {
        stop_loop(client);
        uv_run(&client->loop, UV_RUN_DEFAULT);
        return status;
    }
    if (pthread_create(&client->thread, NULL, run_loop, client) != 0) {
        stop_loop(client);
        uv_run(&client->loop, UV_RUN_DEFAULT);
        return error_set(err, DK_EIO, "cannot start a thread for the client");
    }
    status = wait_open(client, err);
    if (status != DK_OK)
        join_loop(client);
    return status;
}

/* The newest client that wants to be is the default, and the newest of all is what computations on
 * "distributed" mean when none wants to. */
static void choose_client(dk_context *dk)
{
    dk_client *chosen = dk->clients;
    while (chosen && !chosen->is_default)
        chosen = chosen->older;
    if (dk->default_get != dk_get_distributed)
        dk->local_get = dk->default_get;
    dk->default_get = chosen ? dk_get_distributed : dk->local_get;
    dk->client = chosen ? chosen : dk->clients;
    dk->cluster_get = dk->client ? dk_get_distributed : NULL;
    dk->cluster_begin = dk->client ? kept_begin : NULL;
}

static void enlist(dk_client *client)
{
    client->older = client->dk->clients;
    client->dk->clients = client;
    choose_client(client->dk);
}

static void delist(dk_client *client)
{
    dk_client **at = &client->dk->clients;
    while (*at != client)
        at = &(*at)->older;
    *at = client->older;
    choose_client(client->dk);
}

static dk_status open_client(dk_context *dk, const dk_client_options *options, const char *address,
                             dk_client **out, dk_error *err)
{
    dk_client *client = memory_calloc(dk->memory, sizeof(*client));
    if (!client)
        return error_nomem(err);
    client->dk = dk;
    client->memory = dk->memory;
    client->timeout_s = options && options->timeout_s > 0 ? options->timeout_s : TIMEOUT_S;
    client->direct_to_workers = options ? options->direct_to_workers : DK_DIRECT_AUTO;
    machine_name(client->machine);
    dk_status status = init_client(client, address, options, err);
    if (status != DK_OK) {
        memory_free(dk->memory, client, sizeof(*client));
        return status;
    }
    status = start(client, err);
    if (status != DK_OK) {
        uv_loop_close(&client->loop);
        client_unref(client);
        return status;
    }
    client->is_default = !options || !options->no_default;
    enlist(client);
    *out = client;
    return DK_OK;
}

dk_status dk_client_open(dk_context *dk, const dk_client_options *options, dk_client **out,
                         dk_error *err)
{
    const char *address = options ? options->address : NULL;
    dk_cluster *cluster = NULL;
    DK_TRY(kept_register(dk, err));
    if (!address)
        DK_TRY(dk_cluster_open(dk, NULL, &cluster, err));
    dk_status status =
        open_client(dk, options, cluster ? dk_cluster_address(cluster) : address, out, err);
    if (status == DK_OK)
        (*out)->cluster = cluster;
    else
        dk_cluster_close(cluster);
    return status;
}

void dk_client_disconnect(dk_client *client)
{
    if (client->is_disconnected)
        return;
    client->is_disconnected = true;
    delist(client);
    join_loop(client);
    uv_loop_close(&client->loop);
}

void dk_client_close(dk_client *client)
{
    if (!client)
        return;
    dk_cluster *cluster = client->cluster;
    dk_client_disconnect(client);
    client_unref(client);
    dk_cluster_close(cluster);
}

const char *dk_client_address(const dk_client *client)
{
    return client->address.text;
}

bool dk_client_is_connected(dk_client *client)
{
    pthread_mutex_lock(&client->lock);
    bool is_connected = client->state == CLIENT_OPEN;
    pthread_mutex_unlock(&client->lock);
    return is_connected;
}

/* ---- messages and questions ---- */

struct sending {
    struct command command;
    const struct wire_value *message;
};

/* What was let go of before goes first: it may be wanted again by this message. */
static void run_send(dk_client *client, struct command *command)
{
    struct sending *sending = (struct sending *)command;
    dk_error err = {0};
    futures_flush(client);
    dk_status status = client_say_in_words(client, sending->message, &err);
    client_done(client, command, status, &err);
}

dk_status client_send(dk_client *client, const struct wire_value *message, dk_error *err)
{
    struct sending sending = {.command.run = run_send, .message = message};
    return client_run(client, &sending.command, err);
}

/* Questions that are on their way together. */
struct asking {
    struct command command;
    struct client_question *questions;
    size_t count;
    size_t npending; /* the loop's thread */
};

static void end_question(struct client_question *question, const dk_error *why)
{
    struct asking *asking = question->asking;
    question->call = NULL;
    if (why)
        question->why = *why;
    if (--asking->npending == 0)
        client_done(question->client, &asking->command, DK_OK, NULL);
}

static void on_answer(void *self, struct message *answer, const dk_error *why)
{
    struct client_question *question = self;
    question->has_answer = answer;
    if (answer)
        question->answer = *answer;
    if (answer && question->answered)
        question->answered(question->self, &answer->root);
    end_question(question, why);
}

static dk_status ask_one(dk_client *client, struct client_question *question, dk_error *err)
{
    struct pool_question asked = {.message = question->message,
                                  .timeout_ms = question->timeout_ms,
                                  .confirms = question->confirms,
                                  .answered = on_answer,
                                  .self = question};
    asked.address = question->worker ? *question->worker : client->address;
    if (question->worker)
        return pool_ask(client->pool, &asked, &question->call, err);
    return client_ask_in_words(client, &asked, &question->call, err);
}

static void run_ask(dk_client *client, struct command *command)
{
    struct asking *asking = (struct asking *)command;
    size_t count = asking->npending = asking->count;
    for (size_t i = 0; i < count; i++) { /* the last one's end may be that of all of them */
        struct client_question *question = &asking->questions[i];
        dk_error err = {0};
        question->client = client;
        question->asking = asking;
        if (ask_one(client, question, &err) != DK_OK)
            end_question(question, &err);
    }
}

/* Takes questions back. They have begun by now, as commands are run in order. */
struct taking_back {
    struct command command;
    struct asking *asking;
};

static void run_take_back(dk_client *client, struct command *command)
{
    struct asking *asking = ((struct taking_back *)command)->asking;
    for (size_t i = 0; i < asking->count; i++) {
        struct client_question *question = &asking->questions[i];
        if (!question->call)
            continue;
        pool_cancel(question->call);
        end_question(question, &(dk_error){.status = DK_ECANCELED});
    }
    client_done(client, command, DK_OK, NULL);
}

/* The lock is held. */
static dk_status wait_for_answers(dk_client *client, struct asking *asking,
                                  const struct wait_limit *limit, dk_error *err)
{
    struct taking_back back = {.command = {.run = run_take_back, .is_own = true}, .asking = asking};
    dk_status status = DK_OK;
    while (!asking->command.is_done && status == DK_OK) {
        status = client_check(client, err); /* the answer may depend on what was told before */
        if (status == DK_OK)
            status = limit_wait(client, limit, err);
    }
    if (status != DK_OK)
        submit(client, &back.command, NULL);
    while (status != DK_OK && !back.command.is_done)
        pthread_cond_wait(&client->changed, &client->lock);
    return status == DK_OK ? asking->command.status : status;
}

dk_status client_ask_each(dk_client *client, struct client_question *questions, size_t count,
                          const struct wait_limit *limit, dk_error *err)
{
    struct asking asking = {.command.run = run_ask, .questions = questions, .count = count};
    dk_error why = {0};
    pthread_mutex_lock(&client->lock);
    dk_status status = count ? client_check(client, err) : DK_OK;
    if (status == DK_OK && count) {
        submit(client, &asking.command, &why);
        status = wait_for_answers(client, &asking, limit, err);
    }
    pthread_mutex_unlock(&client->lock);
    if (why.status != DK_OK && why.status == status && err)
        *err = why;
    return status;
}

/* A question that was answered while it was taken back counts as answered. */
dk_status client_ask_all(dk_client *client, const struct wire_value *message,
                         const struct wait_limit *limit, struct message *answer, bool *has_answer,
                         dk_error *err)
{
    struct client_question question = {.message = message};
    dk_status status = client_ask_each(client, &question, 1, limit, err);
    *has_answer = question.has_answer;
    if (question.has_answer)
        *answer = question.answer;
    bool is_answered = question.has_answer && question.why.status == DK_OK;
    if (is_answered)
        return DK_OK;
    if (status == DK_OK && err)
        *err = question.why;
    return status == DK_OK ? question.why.status : status;
}

dk_status client_ask(dk_client *client, const struct wire_value *message,
                     const struct wait_limit *limit, struct message *answer, dk_error *err)
{
    bool has_answer;
    dk_status status = client_ask_all(client, message, limit, answer, &has_answer, err);
    if (status != DK_OK && has_answer)
        message_deinit(answer);
    return status;
}
