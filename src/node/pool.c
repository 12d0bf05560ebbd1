#include "node/pool.h"

#include "base/error.h"
#include "base/hash.h"
#include "node/reply.h"
#include "wire/box.h"

#define COMMS_MAX 512
#define NBUCKETS  256

/* A connection: either it has a question, or it is idle. */
struct line {
    struct pool *pool;
    struct comm *comm;
    struct node_address address;
    struct pool_call *call;
    bool is_open;
    bool is_idle;
    struct line *previous; /* of all lines; those that became idle last come first */
    struct line *next;
    struct line *next_idle; /* in its bucket */
};

struct pool_call {
    struct pool *pool;
    struct pool_question question;
    struct wire_box *box; /* holds the message, unless it is lent */
    struct line *line;    /* NULL while it waits for one */
    struct pool_call *previous;
    struct pool_call *next; /* of those that wait */
    bool is_waiting;
    uv_timer_t timer;
};

struct pool {
    uv_loop_t *loop;
    struct memory *memory;
    struct pool_options options;
    struct line *idle[NBUCKETS];
    struct line *lines;
    struct pool_call *first_waiting;
    struct pool_call *last_waiting;
    size_t nlines;
    size_t nidle;
    size_t ncalls; /* whose blocks are not freed */
    bool is_closing;
    void (*closed)(void *self);
    void *closed_self;
};

static void end_if_left(struct pool *pool)
{
    if (!pool->is_closing || pool->nlines || pool->ncalls)
        return;
    void (*closed)(void *self) = pool->closed;
    void *self = pool->closed_self;
    memory_free(pool->memory, pool, sizeof(*pool));
    closed(self);
}

/* ---- lines ---- */

static struct line **bucket_of(struct pool *pool, const char *address)
{
    return &pool->idle[hash_bytes(address, strlen(address)) % NBUCKETS];
}

static void list_line(struct line *line)
{
    struct pool *pool = line->pool;
    line->previous = NULL;
    line->next = pool->lines;
    if (line->next)
        line->next->previous = line;
    pool->lines = line;
}

static void unlist_line(struct line *line)
{
    if (line->previous)
        line->previous->next = line->next;
    else
        line->pool->lines = line->next;
    if (line->next)
        line->next->previous = line->previous;
}

static void make_idle(struct line *line)
{
    struct line **bucket = bucket_of(line->pool, line->address.text);
    line->is_idle = true;
    line->next_idle = *bucket;
    *bucket = line;
    line->pool->nidle++;
}

static void make_busy(struct line *line)
{
    struct line **at = bucket_of(line->pool, line->address.text);
    if (!line->is_idle)
        return;
    while (*at != line)
        at = &(*at)->next_idle;
    *at = line->next_idle;
    line->is_idle = false;
    line->pool->nidle--;
}

static struct line *find_idle(struct pool *pool, const char *address)
{
    struct line *line = *bucket_of(pool, address);
    while (line && strcmp(line->address.text, address) != 0)
        line = line->next_idle;
    return line;
}

static void close_line(struct line *line)
{
    make_busy(line);
    comm_close(line->comm);
}

/* ---- calls ---- */

static void put_last(struct pool_call *call)
{
    struct pool *pool = call->pool;
    call->next = NULL;
    call->previous = pool->last_waiting;
    if (call->previous)
        call->previous->next = call;
    else
        pool->first_waiting = call;
    pool->last_waiting = call;
    call->is_waiting = true;
}

static void take_out(struct pool_call *call)
{
    struct pool *pool = call->pool;
    if (!call->is_waiting)
        return;
    if (call->previous)
        call->previous->next = call->next;
    else
        pool->first_waiting = call->next;
    if (call->next)
        call->next->previous = call->previous;
    else
        pool->last_waiting = call->previous;
    call->is_waiting = false;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct pool_call *call = handle->data;
    struct pool *pool = call->pool;
    memory_free(pool->memory, call, sizeof(*call));
    pool->ncalls--;
    end_if_left(pool);
}

/* Neither waits nor has a line any more. */
static void call_free(struct pool_call *call)
{
    wire_box_unref(call->box);
    if (call->question.loan.release)
        call->question.loan.release(call->question.loan.self);
    uv_close((uv_handle_t *)&call->timer, on_timer_closed);
}

/* Tells the end of the call; `answer` is NULL when there is none. */
static void end_call(struct pool_call *call, struct message *answer, const dk_error *why)
{
    take_out(call);
    call->question.answered(call->question.self, answer, why);
    call_free(call);
}

/* Its connection cannot be used for another question: an answer may still come. */
static void leave_line(struct pool_call *call)
{
    if (!call->line)
        return;
    call->line->call = NULL;
    close_line(call->line);
    call->line = NULL;
}

void pool_cancel(struct pool_call *call)
{
    leave_line(call);
    take_out(call);
    call_free(call);
}

static void on_timeout(uv_timer_t *timer)
{
    struct pool_call *call = timer->data;
    const char *missing = "no reply";
    dk_error why = {0};
    if (!call->line)
        missing = "no connection of the pool was free";
    else if (!call->line->is_open)
        missing = "not connected";
    error_set(&why, DK_EIO, "%s: %s within %g s", call->question.address.text, missing,
              (double)call->question.timeout_ms / 1e3);
    leave_line(call);
    end_call(call, NULL, &why);
}

static dk_status send_question(struct line *line, dk_error *err)
{
    struct pool_question *question = &line->call->question;
    struct loan loan = question->loan;
    question->loan = (struct loan){NULL, NULL}; /* is the comm's now */
    return comm_send_lent(line->comm, question->message, loan, err);
}

/* ---- what lines tell ---- */

static void serve_next(struct pool *pool);

static void fail_call(struct line *line, const dk_error *why)
{
    struct pool_call *call = line->call;
    leave_line(call);
    end_call(call, NULL, why);
}

static void ask_now(struct line *line)
{
    dk_error err = {0};
    if (send_question(line, &err) != DK_OK)
        fail_call(line, &err);
}

static void on_opened(void *self)
{
    struct line *line = self;
    line->is_open = true;
    if (line->call)
        ask_now(line);
}

/* Whoever asked for data says that it has come. */
static void say_ok(struct line *line)
{
    struct wire_value ok = wire_text("OK");
    if (comm_send(line->comm, &ok, NULL) != DK_OK)
        close_line(line);
}

static void on_received(void *self, struct message *message)
{
    struct line *line = self;
    struct pool_call *call = line->call;
    dk_error why = {0};
    if (!call) {
        message_deinit(message);
        close_line(line);
        return;
    }
    line->call = NULL;
    call->line = NULL;
    make_idle(line);
    if (call->question.confirms && wire_text_is(wire_find(&message->root, "status"), "OK"))
        say_ok(line);
    dk_status status = reply_check(&message->root, line->address.text, &why);
    struct pool *pool = line->pool;
    serve_next(pool);
    end_call(call, message, status == DK_OK ? NULL : &why);
}

static void on_closed(void *self, const dk_error *why)
{
    struct line *line = self;
    struct pool *pool = line->pool;
    struct pool_call *call = line->call;
    make_busy(line);
    unlist_line(line);
    memory_free(pool->memory, line, sizeof(*line));
    if (call) {
        call->line = NULL;
        end_call(call, NULL, why);
    }
    pool->nlines--;
    serve_next(pool);
    end_if_left(pool);
}

/* ---- finding a line ---- */

static dk_status open_line(struct pool_call *call, dk_error *err)
{
    struct pool *pool = call->pool;
    struct line *line = memory_calloc(pool->memory, sizeof(*line));
    if (!line)
        return error_nomem(err);
    line->pool = pool;
    line->address = call->question.address;
    struct comm_events events = {
        .self = line, .opened = on_opened, .received = on_received, .closed = on_closed};
    dk_status status = comm_connect(pool->loop, pool->memory, &line->address, &pool->options.comm,
                                    events, &line->comm, err);
    if (status != DK_OK) {
        memory_free(pool->memory, line, sizeof(*line));
        return status;
    }
    list_line(line);
    pool->nlines++;
    line->call = call;
    call->line = line;
    return DK_OK;
}

static dk_status reuse_line(struct pool_call *call, struct line *line, dk_error *err)
{
    make_busy(line);
    unlist_line(line);
    list_line(line);
    line->call = call;
    call->line = line;
    dk_status status = send_question(line, err);
    if (status != DK_OK)
        leave_line(call);
    return status;
}

/* Makes room for a connection to another address. */
static void close_oldest_idle(struct pool *pool)
{
    struct line *oldest = NULL;
    for (struct line *line = pool->lines; line && pool->nidle; line = line->next) {
        if (line->is_idle)
            oldest = line;
    }
    if (oldest)
        close_line(oldest);
}

/* Gives the call a line, or lets it wait for one. */
static dk_status place(struct pool_call *call, dk_error *err)
{
    struct pool *pool = call->pool;
    struct line *line = find_idle(pool, call->question.address.text);
    if (line)
        return reuse_line(call, line, err);
    if (pool->nlines < pool->options.comms_max)
        return open_line(call, err);
    put_last(call);
    close_oldest_idle(pool);
    return DK_OK;
}

static bool can_be_placed(struct pool *pool, const struct pool_call *call)
{
    return pool->nlines < pool->options.comms_max || find_idle(pool, call->question.address.text);
}

/* Those that wait, in the order in which they came. */
static void serve_next(struct pool *pool)
{
    while (pool->first_waiting && can_be_placed(pool, pool->first_waiting)) {
        struct pool_call *call = pool->first_waiting;
        dk_error err = {0};
        take_out(call);
        if (place(call, &err) != DK_OK)
            end_call(call, NULL, &err);
    }
    if (pool->first_waiting)
        close_oldest_idle(pool);
}

/* ---- asking ---- */

dk_status pool_ask(struct pool *pool, const struct pool_question *question, struct pool_call **out,
                   dk_error *err)
{
    struct pool_call *call = memory_calloc(pool->memory, sizeof(*call));
    if (!call) {
        if (question->loan.release)
            question->loan.release(question->loan.self);
        return error_nomem(err);
    }
    call->pool = pool;
    call->question = *question;
    pool->ncalls++;
    uv_timer_init(pool->loop, &call->timer);
    call->timer.data = call;
    dk_status status = DK_OK;
    if (!question->loan.release) {
        call->box = wire_box_new(pool->memory, question->message);
        status = call->box ? DK_OK : error_nomem(err);
        call->question.message = call->box ? &call->box->value : NULL;
    }
    if (status == DK_OK && pool->is_closing)
        status = error_set(err, DK_ECANCELED, "%s: the pool is closed", question->address.text);
    if (status == DK_OK)
        status = place(call, err);
    if (status != DK_OK) {
        call_free(call);
        return status;
    }
    if (question->timeout_ms) {
        uv_update_time(pool->loop);
        uv_timer_start(&call->timer, on_timeout, (uint64_t)question->timeout_ms, 0);
    }
    if (out)
        *out = call;
    return DK_OK;
}

/* ---- beginning and end ---- */

dk_status pool_new(uv_loop_t *loop, struct memory *memory, const struct pool_options *options,
                   struct pool **out, dk_error *err)
{
    struct pool *pool = memory_calloc(memory, sizeof(*pool));
    if (!pool)
        return error_nomem(err);
    pool->loop = loop;
    pool->memory = memory;
    pool->options = *options;
    if (!pool->options.comms_max)
        pool->options.comms_max = COMMS_MAX;
    *out = pool;
    return DK_OK;
}

static void cancel_call(struct pool_call *call)
{
    dk_error why = {0};
    error_set(&why, DK_ECANCELED, "%s: the pool is closed", call->question.address.text);
    leave_line(call);
    end_call(call, NULL, &why);
}

void pool_close(struct pool *pool, void (*closed)(void *self), void *self)
{
    pool->is_closing = true;
    pool->closed = closed;
    pool->closed_self = self;
    while (pool->first_waiting)
        cancel_call(pool->first_waiting);
    for (struct line *line = pool->lines; line; line = line->next) {
        if (line->call)
            cancel_call(line->call);
        else
            close_line(line);
    }
    end_if_left(pool);
}

void pool_forget(struct pool *pool, const char *address)
{
    for (struct line *line = find_idle(pool, address); line; line = find_idle(pool, address))
        close_line(line);
}

size_t pool_ncomms(const struct pool *pool)
{
    return pool->nlines;
}

size_t pool_nidle(const struct pool *pool)
{
    return pool->nidle;
}
