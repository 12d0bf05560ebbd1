/* A loop, a ledger, and the two ends of a connection. Waits by running the loop, never by sleeping;
 * what never comes is for the time limit of the test. */
#ifndef LOOP_SUPPORT_H
#define LOOP_SUPPORT_H

#include "support/failing.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "node/listener.h"

#define RUN_UNTIL(loop, condition)                                                                 \
    while (!(condition))                                                                           \
    assert_true(uv_run(loop, UV_RUN_ONCE) || (condition))

/* One end. Keeps the last message. */
struct end {
    struct comm *comm;
    struct message message;
    size_t nopened;
    size_t nreceived;
    size_t ndrained;
    size_t nclosed;
    dk_error why;
};

static inline void end_opened(void *self)
{
    ((struct end *)self)->nopened++;
}

static inline void end_received(void *self, struct message *message)
{
    struct end *end = self;
    if (end->nreceived++)
        message_deinit(&end->message);
    end->message = *message;
}

static inline void end_drained(void *self)
{
    ((struct end *)self)->ndrained++;
}

static inline void end_closed(void *self, const dk_error *why)
{
    struct end *end = self;
    if (end->nreceived)
        message_deinit(&end->message);
    if (why)
        end->why = *why;
    end->comm = NULL;
    end->nclosed++;
}

static inline struct comm_events end_events(struct end *end)
{
    return (struct comm_events){end, end_opened, end_received, end_drained, end_closed};
}

/* A listener with one connection. */
struct pair {
    uv_loop_t loop;
    struct memory *memory;
    struct listener *listener;
    struct end ours;   /* has connected */
    struct end theirs; /* was accepted; the last one, if there are more */
    size_t nrefused;
    dk_error refused;
};

static inline void pair_accepted(void *self, struct comm *comm)
{
    struct pair *pair = self;
    pair->theirs.comm = comm;
    pair->theirs.nopened++;
    comm_set_events(comm, end_events(&pair->theirs));
}

static inline void pair_refused(void *self, const dk_error *why)
{
    struct pair *pair = self;
    pair->refused = *why;
    pair->nrefused++;
}

static inline void pair_unlistened(void *self)
{
    ((struct pair *)self)->listener = NULL;
}

static const struct comm_options roomy = {.limits = {.nframes = 1 << 16, .nbytes = 1 << 30}};

static inline struct listener_options local_options(void)
{
    return (struct listener_options){.host = "127.0.0.1", .comm = roomy};
}

static inline dk_status pair_listen(struct pair *pair, struct memory *memory,
                                    const struct listener_options *options, dk_error *err)
{
    struct listener_events events = {pair, pair_accepted, pair_refused, pair_unlistened};
    *pair = (struct pair){.memory = memory};
    assert_int_equal(uv_loop_init(&pair->loop), 0);
    return listener_new(&pair->loop, memory, options, events, &pair->listener, err);
}

static inline dk_status pair_connect(struct pair *pair, const struct comm_options *options)
{
    return comm_connect(&pair->loop, pair->memory, listener_address(pair->listener), options,
                        end_events(&pair->ours), &pair->ours.comm, NULL);
}

/* Both ends, hands shaken, on a ledger of their own. */
static inline void pair_open(struct pair *pair)
{
    struct listener_options options = local_options();
    struct memory *memory = memory_new(NULL, 0);
    assert_int_equal(pair_listen(pair, memory, &options, NULL), DK_OK);
    assert_int_equal(pair_connect(pair, &roomy), DK_OK);
    RUN_UNTIL(&pair->loop, pair->ours.nopened && pair->theirs.nopened);
}

/* Closes what is open and runs the loop until nothing is. */
static inline void pair_end(struct pair *pair)
{
    if (pair->listener)
        listener_close(pair->listener);
    if (pair->ours.comm)
        comm_close(pair->ours.comm);
    if (pair->theirs.comm)
        comm_close(pair->theirs.comm);
    uv_run(&pair->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&pair->loop), 0);
}

/* The same, and nothing is left on its ledger. */
static inline void pair_close(struct pair *pair)
{
    pair_end(pair);
    assert_int_equal(memory_use(pair->memory).current, 0);
    memory_close(pair->memory);
}

#endif
