#include "node/server.h"

#include <assert.h>
#include <stdio.h>

#include "base/error.h"
#include "node/reply.h"

/* Questions that came before the one in front of them was answered, which Dask's peers never do.
 * Beyond that nothing is read, and so the end of the connection is not noticed. */
#define WAITING_MAX 16

/* One connection of the server's. */
struct line {
    struct server *server;
    struct comm *comm; /* NULL once it is handed over */
    struct line *previous;
    struct line *next;
    struct request *request; /* that is not answered yet */
    struct vector waiting;   /* of struct message: those that came too early */
    size_t nserved;          /* of waiting */
    struct confirmation confirmation;
    bool is_serving;
    bool is_ending; /* nothing more is answered */
};

struct server {
    struct memory *memory;
    const struct server_op *ops;
    size_t nops;
    struct server_events events;
    struct listener *listener;
    struct node_address address;
    struct line *lines;
    bool is_closing;
};

struct request {
    struct memory *memory;
    struct line *line; /* NULL once the peer has gone */
    struct message message;
    bool has_message;
    bool wants_reply;
    bool wants_close;
    void (*gone)(void *self);
    void *gone_self;
};

/* ---- the end ---- */

static void end_if_left(struct server *server)
{
    if (server->listener || server->lines)
        return;
    server->events.closed(server->events.self);
    memory_free(server->memory, server, sizeof(*server));
}

static void on_listener_closed(void *self)
{
    struct server *server = self;
    server->listener = NULL;
    end_if_left(server);
}

void server_close(struct server *server)
{
    if (server->is_closing)
        return;
    server->is_closing = true;
    listener_close(server->listener);
    for (struct line *line = server->lines; line; line = line->next) {
        if (!line->comm) /* a handler, on whose behalf this is called, has just taken it */
            continue;
        comm_flush(line->comm); /* the answer may be that we close */
        comm_close(line->comm);
    }
}

static void confirm(struct line *line, bool is_ok)
{
    struct confirmation confirmation = line->confirmation;
    line->confirmation = (struct confirmation){NULL, NULL};
    if (confirmation.confirmed)
        confirmation.confirmed(confirmation.self, is_ok);
}

static void line_free(struct line *line)
{
    struct server *server = line->server;
    struct message *waiting = line->waiting.data;
    for (size_t i = line->nserved; i < line->waiting.count; i++)
        message_deinit(&waiting[i]);
    vector_deinit(&line->waiting);
    if (line->previous)
        line->previous->next = line->next;
    else
        server->lines = line->next;
    if (line->next)
        line->next->previous = line->previous;
    memory_free(server->memory, line, sizeof(*line));
}

static void lose_request(struct line *line)
{
    struct request *request = line->request;
    if (!request)
        return;
    line->request = NULL;
    request->line = NULL;
    if (request->gone)
        request->gone(request->gone_self);
}

static void on_closed(void *self, const dk_error *why)
{
    struct line *line = self;
    struct server *server = line->server;
    lose_request(line);
    confirm(line, false);
    if (why && why->status != DK_EIO && server->events.refused)
        server->events.refused(server->events.self, why);
    line_free(line);
    end_if_left(server);
}

/* ---- requests ---- */

static void request_free(struct request *request)
{
    if (request->has_message)
        message_deinit(&request->message);
    memory_free(request->memory, request, sizeof(*request));
}

const struct wire_value *request_message(const struct request *request)
{
    return &request->message.root;
}

void request_take_message(struct request *request, struct message *out)
{
    assert(request->has_message);
    *out = request->message;
    request->has_message = false;
}

const char *request_peer(const struct request *request)
{
    return request->line ? comm_peer(request->line->comm) : "";
}

bool request_shares_machine(const struct request *request)
{
    return request->line && comm_shares_machine(request->line->comm);
}

void request_on_gone(struct request *request, void (*gone)(void *self), void *self)
{
    request->gone = gone;
    request->gone_self = self;
}

static void serve(struct line *line);

/* The line is free for the next question. */
static void request_end(struct request *request)
{
    struct line *line = request->line;
    bool wants_close = request->wants_close;
    request_free(request);
    if (!line)
        return;
    line->request = NULL;
    if (wants_close) {
        line->is_ending = true;
        comm_finish(line->comm);
    } else {
        serve(line);
    }
}

static void release(struct loan loan)
{
    if (loan.release)
        loan.release(loan.self);
}

/* The peer waits for an answer: it gets one, or the end of the connection. */
static void send_failure(struct comm *comm, const char *kind, const char *text)
{
    struct error_reply reply;
    error_reply_init(&reply, kind, text);
    if (comm_send(comm, &reply.value, NULL) != DK_OK)
        comm_close(comm);
}

static bool send_result(struct request *request, const struct wire_value *result, struct loan loan)
{
    dk_error err = {0};
    if (!request->line || !request->wants_reply) {
        release(loan);
        return false;
    }
    struct comm *comm = request->line->comm;
    dk_status status = comm_send_lent(comm, result, loan, &err);
    if (status != DK_OK)
        send_failure(comm, error_reply_kind(status), err.message);
    return status == DK_OK;
}

void request_insist(struct request *request)
{
    request->wants_reply = true;
}

void request_reply_lent(struct request *request, const struct wire_value *result, struct loan loan)
{
    send_result(request, result, loan);
    request_end(request);
}

void request_reply(struct request *request, const struct wire_value *result)
{
    request_reply_lent(request, result, (struct loan){NULL, NULL});
}

void request_reply_data(struct request *request, const struct wire_value *result, struct loan loan,
                        struct confirmation confirmation)
{
    if (send_result(request, result, loan))
        request->line->confirmation = confirmation;
    else if (confirmation.confirmed)
        confirmation.confirmed(confirmation.self, false);
    request_end(request);
}

void request_raise(struct request *request, const char *kind, const char *text)
{
    if (request->line && request->wants_reply)
        send_failure(request->line->comm, kind, text);
    request_end(request);
}

void request_fail(struct request *request, const dk_error *why)
{
    request_raise(request, error_reply_kind(why->status), why->message);
}

struct comm *request_take_comm(struct request *request)
{
    struct line *line = request->line;
    assert(line && line->is_serving);
    struct comm *comm = line->comm;
    line->comm = NULL;
    line->request = NULL;
    request_free(request);
    return comm;
}

/* ---- dispatch ---- */

static const struct server_op *find_op(const struct server *server, const struct wire_value *name)
{
    for (size_t i = 0; i < server->nops; i++) {
        if (wire_text_is(name, server->ops[i].name))
            return &server->ops[i];
    }
    return NULL;
}

static void refuse_op(const struct server *server, struct request *request, struct wire_bytes op)
{
    char text[512];
    int length = op.nbytes < 100 ? (int)op.nbytes : 100;
    if (server->events.unknown)
        server->events.unknown(server->events.self, request_peer(request), op);
    snprintf(text, sizeof(text), "%s does not support the operation '%.*s'", server->address.text,
             length, op.data);
    request_raise(request, "NotImplementedError", text);
}

static bool read_flag(const struct wire_value *message, const char *name, bool otherwise)
{
    const struct wire_value *flag = wire_find(message, name);
    return flag && flag->kind == WIRE_BOOL ? flag->as.boolean : otherwise;
}

/* "close" is the one operation that every server knows. */
static void close_line(struct request *request)
{
    struct wire_value ok = wire_text("OK");
    request->wants_close = true;
    request_reply(request, &ok);
}

static void dispatch(struct line *line, struct request *request)
{
    struct server *server = line->server;
    const struct wire_value *name = wire_find(&request->message.root, "op");
    const struct server_op *op = find_op(server, name);
    struct wire_bytes text;
    if (op)
        op->handle(server->events.self, request);
    else if (wire_text_is(name, "close"))
        close_line(request);
    else if (wire_read_text(name, &text))
        refuse_op(server, request, text);
    else
        request_raise(request, "TypeError", "a question is a map with the text \"op\"");
}

/* *Takes* the message. */
static void take_question(struct line *line, struct message message)
{
    struct request *request = memory_calloc(line->server->memory, sizeof(*request));
    if (!request) {
        message_deinit(&message);
        send_failure(line->comm, "MemoryError", dk_status_text(DK_ENOMEM));
        return;
    }
    request->memory = line->server->memory;
    request->line = line;
    request->message = message;
    request->has_message = true;
    request->wants_reply = read_flag(&message.root, "reply", true);
    request->wants_close = read_flag(&message.root, "close", false);
    line->request = request;
    dispatch(line, request);
}

/* A bare "OK" confirms data that was sent, and means nothing otherwise. */
static void take_word(struct line *line, struct message message)
{
    bool is_ok = wire_text_is(&message.root, "OK");
    bool is_expected = line->confirmation.confirmed != NULL;
    if (is_expected)
        confirm(line, is_ok);
    if (is_ok || is_expected)
        message_deinit(&message);
    else
        take_question(line, message);
    if (is_expected && !is_ok)
        comm_close(line->comm);
}

/* What had to wait belongs to whoever has the connection now. */
static void hand_over(struct line *line, struct comm *comm)
{
    const struct message *waiting = line->waiting.data;
    while (line->nserved < line->waiting.count)
        comm_deliver(comm, waiting[line->nserved++]);
    comm_resume(comm);
    line_free(line);
}

/* Answers what waits, until an answer takes its time. An answer that comes at once ends up here
 * again, and is served by the loop that runs already. */
static void serve(struct line *line)
{
    struct comm *comm = line->comm;
    if (line->is_serving)
        return;
    line->is_serving = true;
    while (line->comm && !line->request && !line->is_ending &&
           line->nserved < line->waiting.count) {
        const struct message *waiting = line->waiting.data;
        take_word(line, waiting[line->nserved++]);
    }
    line->is_serving = false;
    if (!line->comm) {
        hand_over(line, comm);
    } else if (line->nserved == line->waiting.count) {
        line->nserved = line->waiting.count = 0;
        comm_resume(comm);
    } else if (line->waiting.count - line->nserved >= WAITING_MAX) {
        comm_pause(comm);
    }
}

static void on_received(void *self, struct message *message)
{
    struct line *line = self;
    if (vector_append(&line->waiting, message, 1) == DK_OK) {
        serve(line);
        return;
    }
    message_deinit(message);
    comm_close(line->comm);
}

/* ---- listening ---- */

static void on_accepted(void *self, struct comm *comm)
{
    struct server *server = self;
    struct line *line = memory_calloc(server->memory, sizeof(*line));
    if (!line) {
        comm_close(comm);
        return;
    }
    *line = (struct line){.server = server, .comm = comm, .next = server->lines};
    vector_init(&line->waiting, server->memory, sizeof(struct message));
    if (line->next)
        line->next->previous = line;
    server->lines = line;
    comm_set_events(
        comm, (struct comm_events){.self = line, .received = on_received, .closed = on_closed});
}

static void on_refused(void *self, const dk_error *why)
{
    const struct server *server = self;
    if (server->events.refused)
        server->events.refused(server->events.self, why);
}

dk_status server_new(uv_loop_t *loop, struct memory *memory, const struct listener_options *options,
                     const struct server_op *ops, size_t nops, struct server_events events,
                     struct server **out, dk_error *err)
{
    struct server *server = memory_calloc(memory, sizeof(*server));
    if (!server)
        return error_nomem(err);
    server->memory = memory;
    server->ops = ops;
    server->nops = nops;
    server->events = events;
    struct listener_events heard = {server, on_accepted, on_refused, on_listener_closed};
    dk_status status = listener_new(loop, memory, options, heard, &server->listener, err);
    if (status != DK_OK) {
        memory_free(memory, server, sizeof(*server));
        return status;
    }
    server->address = *listener_address(server->listener);
    *out = server;
    return DK_OK;
}

const struct node_address *server_address(const struct server *server)
{
    return &server->address;
}
