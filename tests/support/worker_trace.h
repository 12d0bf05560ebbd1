/* Stories about the worker's core: a script of events, and the decisions they must lead to.
 *
 * A line is an event; lines that begin with "> " are what the core must answer to it. After each
 * event the state is validated.
 *
 *     compute x [run=1] [prio=0,0,0] [needs=a@A+B:100,b@C] [res=GPU:1]
 *     free x y | remove x | acquire a@A:100 | refresh a@A+B | steal x | cancel x | lost A
 *     scatter x:8 | done x [8 [microseconds]] | fail x | reschedule x | secede x
 *     came A x:8 y | busy A | down A | garbled A | pause | unpause | at 150 (milliseconds)
 *     ? x y  (which states they are in)
 *
 * Peers are called as their host: B is another machine than A, and w:2 is on this worker's.
 */
#ifndef SUPPORT_WORKER_TRACE_H
#define SUPPORT_WORKER_TRACE_H

#include <stdio.h>
#include <string.h>

#include "support/failing.h"

#include "base/text.h"
#include "core/worker/worker.h"

#define TRACE_MAX 64

struct trace_run {
    char key[32];
    struct wkr_task_id task;
    int64_t run_id;
};

struct trace_gather {
    char address[32];
    struct wkr_peer_id peer;
    struct wkr_task_id tasks[TRACE_MAX];
    uint32_t ntasks;
};

struct trace {
    struct memory *memory;
    struct wkr *worker;
    struct wkr_instructions instructions;
    struct text log;
    struct wire_box *box;
    struct trace_run runs[TRACE_MAX];
    size_t nruns;
    struct trace_gather gathers[TRACE_MAX];
    size_t ngathers;
    int64_t now_us;
    /* What an event borrows. */
    char packed[TRACE_MAX][40];
    size_t npacked;
    struct wire_bytes addresses[TRACE_MAX];
    size_t naddresses;
    struct wkr_replicas replicas[TRACE_MAX];
    struct wire_bytes keys[TRACE_MAX];
    struct wkr_scattered scattered[TRACE_MAX];
    struct wkr_gathered_task gathered[TRACE_MAX];
    struct wkr_resource resources[TRACE_MAX];
};

static inline struct wire_bytes trace_bytes(const char *text)
{
    return (struct wire_bytes){text, strlen(text)};
}

/* A short text is its length in one byte, and itself. */
static inline struct wire_bytes trace_key(struct trace *trace, const char *name)
{
    char *packed = trace->packed[trace->npacked++];
    snprintf(packed, sizeof(trace->packed[0]), "%c%s", (char)(0xa0 | strlen(name)), name);
    return trace_bytes(packed);
}

/* ---- what the core says ---- */

static inline void trace_name(struct trace *trace, struct wire_bytes key)
{
    char name[64];
    key_text(key, name, sizeof(name));
    text_printf(&trace->log, " %s", name);
}

static inline void trace_names(struct trace *trace, const struct wkr_instruction *instruction)
{
    const struct wkr_task_id *tasks = wkr_instruction_tasks(&trace->instructions, instruction);
    for (uint32_t i = 0; i < instruction->ntasks; i++)
        trace_name(trace, wkr_task_key(trace->worker, tasks[i]));
}

static inline void trace_execute(struct trace *trace, const struct wkr_instruction *instruction)
{
    struct trace_run *run = &trace->runs[trace->nruns++];
    key_text(instruction->key, run->key, sizeof(run->key));
    run->task = instruction->task;
    run->run_id = instruction->run_id;
}

static inline void trace_gather(struct trace *trace, const struct wkr_instruction *instruction)
{
    struct trace_gather *gather = &trace->gathers[trace->ngathers++];
    struct wire_bytes address = wkr_peer_address(trace->worker, instruction->peer);
    snprintf(gather->address, sizeof(gather->address), "%.*s", (int)address.nbytes, address.data);
    gather->peer = instruction->peer;
    gather->ntasks = instruction->ntasks;
    memcpy(gather->tasks, wkr_instruction_tasks(&trace->instructions, instruction),
           instruction->ntasks * sizeof(*gather->tasks));
    text_printf(&trace->log, " %s:", gather->address);
    trace_names(trace, instruction);
    text_printf(&trace->log, " (%lld)", (long long)instruction->nbytes);
}

static inline void trace_instruction(struct trace *trace, const struct wkr_instruction *instruction)
{
    static const char *const names[] = {
        [WKR_EXECUTE] = "execute",
        [WKR_GATHER] = "gather",
        [WKR_KEEP] = "keep",
        [WKR_RELEASE_DATA] = "release-worker-data",
        [WKR_SEND_TASK_FINISHED] = "task-finished",
        [WKR_SEND_TASK_ERRED] = "task-erred",
        [WKR_SEND_ADD_KEYS] = "add-keys",
        [WKR_SEND_LONG_RUNNING] = "long-running",
        [WKR_SEND_RESCHEDULE] = "reschedule",
        [WKR_SEND_STEAL_RESPONSE] = "steal-response",
        [WKR_SEND_REQUEST_REFRESH_WHO_HAS] = "request-refresh-who-has",
    };
    text_printf(&trace->log, "> %s", names[instruction->kind]);
    if (instruction->key.nbytes)
        trace_name(trace, instruction->key);
    if (instruction->kind == WKR_EXECUTE)
        trace_execute(trace, instruction);
    else if (instruction->kind == WKR_GATHER)
        trace_gather(trace, instruction);
    else if (instruction->kind == WKR_SEND_REQUEST_REFRESH_WHO_HAS)
        trace_names(trace, instruction);
    else if (instruction->kind == WKR_SEND_TASK_FINISHED)
        text_printf(&trace->log, " run=%lld nbytes=%lld", (long long)instruction->run_id,
                    (long long)instruction->nbytes);
    else if (instruction->kind == WKR_SEND_TASK_ERRED)
        text_printf(&trace->log, " run=%lld%s", (long long)instruction->run_id,
                    instruction->error == trace->box ? "" : " without its error");
    else if (instruction->kind == WKR_SEND_STEAL_RESPONSE)
        text_printf(&trace->log, " %s", wkr_state_name(instruction->state));
    text_putc(&trace->log, '\n');
}

/* ---- what happens ---- */

static inline dk_status trace_step(struct trace *trace, struct wkr_event *event)
{
    dk_error err = {0};
    wkr_instructions_clear(&trace->instructions);
    event->now_us = trace->now_us;
    dk_status status = wkr_step(trace->worker, event, &trace->instructions, &err);
    for (size_t i = 0; status == DK_OK && i < trace->instructions.list.count; i++)
        trace_instruction(trace, wkr_instruction_at(&trace->instructions, i));
    if (status == DK_EINVAL)
        text_printf(&trace->log, "> refused: %s\n", err.message);
    if (status == DK_OK && wkr_validate(trace->worker, &err) != DK_OK)
        text_printf(&trace->log, "> invalid: %s\n", err.message);
    return status == DK_EINVAL ? DK_OK : status;
}

/* "name:12": cuts the name off, and gives the number or `otherwise`. */
static inline double trace_number(char *word, double otherwise)
{
    char *colon = strrchr(word, ':');
    if (!colon)
        return otherwise;
    *colon = '\0';
    return strtod(colon + 1, NULL);
}

/* "a@A+B:100" */
static inline struct wkr_replicas trace_replicas(struct trace *trace, char *word)
{
    struct wkr_replicas replicas = {.nbytes = 1};
    char *at = strchr(word, '@');
    char *colon = at ? strrchr(at, ':') : NULL;
    if (colon && strchr("0123456789", colon[1]) && colon[-1] != 'w')
        replicas.nbytes = (int64_t)trace_number(word, 1);
    replicas.addresses = &trace->addresses[trace->naddresses];
    if (at) {
        *at = '\0';
        char *rest;
        for (char *name = strtok_r(at + 1, "+", &rest); name; name = strtok_r(NULL, "+", &rest)) {
            trace->addresses[trace->naddresses++] = trace_bytes(name);
            replicas.naddresses++;
        }
    }
    replicas.key = trace_key(trace, word);
    return replicas;
}

static inline struct wkr_replicas_list trace_replicas_list(struct trace *trace, char *words,
                                                           const char *separator)
{
    struct wkr_replicas_list list = {trace->replicas, 0};
    char *rest;
    for (char *word = strtok_r(words, separator, &rest); word;
         word = strtok_r(NULL, separator, &rest))
        trace->replicas[list.count++] = trace_replicas(trace, word);
    return list;
}

static inline dk_status trace_compute(struct trace *trace, char *words)
{
    struct wkr_event event = {.kind = WKR_COMPUTE_TASK};
    struct wkr_compute_task *compute = &event.as.compute;
    char *rest;
    compute->key = trace_key(trace, strtok_r(words, " ", &rest));
    compute->run_id = 1;
    compute->run_spec = trace->box;
    for (char *word = strtok_r(NULL, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(word, '=') + 1;
        if (strncmp(word, "run=", 4) == 0) {
            compute->run_id = strtoll(value, NULL, 10);
        } else if (strncmp(word, "prio=", 5) == 0) {
            long long user = 0, order = 0;
            sscanf(value, "%lld,%lf,%lld", &user, &compute->priority.generation, &order);
            compute->priority.user = user;
            compute->priority.order = order;
        } else if (strncmp(word, "res=", 4) == 0) {
            trace->resources[0].amount = trace_number(value, 1);
            trace->resources[0].name = trace_bytes(value);
            compute->resources = trace->resources;
            compute->nresources = 1;
        } else {
            struct wkr_replicas_list list = trace_replicas_list(trace, value, ",");
            compute->dependencies = list.list;
            compute->ndependencies = list.count;
        }
    }
    return trace_step(trace, &event);
}

static inline dk_status trace_keys(struct trace *trace, enum wkr_event_kind kind, char *words)
{
    struct wkr_event event = {.kind = kind, .as.keys = {trace->keys, 0}};
    char *rest;
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        trace->keys[event.as.keys.count++] = trace_key(trace, word);
    return trace_step(trace, &event);
}

static inline dk_status trace_scatter(struct trace *trace, char *words)
{
    struct wkr_event event = {.kind = WKR_UPDATE_DATA, .as.scattered = {trace->scattered, 0}};
    char *rest;
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        struct wkr_scattered *scattered = &trace->scattered[event.as.scattered.count++];
        scattered->nbytes = (int64_t)trace_number(word, 1);
        scattered->key = trace_key(trace, word);
    }
    return trace_step(trace, &event);
}

static inline dk_status trace_executed(struct trace *trace, enum wkr_event_kind kind, char *words)
{
    char *rest, *key = strtok_r(words, " ", &rest), *nbytes = strtok_r(NULL, " ", &rest);
    char *took = nbytes ? strtok_r(NULL, " ", &rest) : NULL;
    size_t at = 0;
    while (at < trace->nruns && strcmp(trace->runs[at].key, key) != 0)
        at++;
    if (at == trace->nruns)
        fail_msg("%s does not run", key);
    struct trace_run run = trace->runs[at];
    struct wkr_event event = {.kind = kind};
    if (kind == WKR_SECEDED) {
        event.as.seceded = (struct wkr_seceded){run.task, 1.0};
        return trace_step(trace, &event);
    }
    trace->runs[at] = trace->runs[--trace->nruns];
    event.as.executed = (struct wkr_executed){.task = run.task, .run_id = run.run_id};
    event.as.executed.nbytes = nbytes ? strtoll(nbytes, NULL, 10) : 1;
    event.as.executed.start = 1;
    event.as.executed.stop = 1 + (took ? strtod(took, NULL) : 1e6) * 1e-6;
    if (kind == WKR_EXECUTE_RESCHEDULED)
        event.as.executed.start = event.as.executed.stop = 0;
    if (kind == WKR_EXECUTE_FAILED)
        event.as.executed.error = trace->box;
    return trace_step(trace, &event);
}

static inline dk_status trace_gathered(struct trace *trace, enum wkr_event_kind kind, char *words)
{
    char *rest, *address = strtok_r(words, " ", &rest);
    size_t at = 0;
    while (at < trace->ngathers && strcmp(trace->gathers[at].address, address) != 0)
        at++;
    if (at == trace->ngathers)
        fail_msg("nothing is expected of %s", address);
    struct wkr_event event = {.kind = kind};
    event.as.gathered = (struct wkr_gathered){trace->gathers[at].peer, trace->gathered, 0,
                                              kind == WKR_GATHER_FAILED ? trace->box : NULL};
    trace->gathers[at] = trace->gathers[--trace->ngathers];
    for (char *word = strtok_r(NULL, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        struct wkr_gathered_task *task = &trace->gathered[event.as.gathered.ntasks++];
        task->nbytes = (int64_t)trace_number(word, 1);
        if (!wkr_find(trace->worker, trace_key(trace, word), &task->task))
            fail_msg("%s is not known", word);
    }
    return trace_step(trace, &event);
}

static inline dk_status trace_at(struct trace *trace, char *words)
{
    struct wkr_event event = {.kind = WKR_DEADLINE};
    trace->now_us = strtoll(words, NULL, 10) * 1000;
    return wkr_deadline(trace->worker) > trace->now_us ? DK_OK : trace_step(trace, &event);
}

static inline dk_status trace_states(struct trace *trace, char *words)
{
    char *rest;
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        struct wkr_task_id task;
        bool is_known = wkr_find(trace->worker, trace_key(trace, word), &task);
        text_printf(&trace->log, "> %s is %s\n", word,
                    is_known ? wkr_state_name(wkr_task_state(trace->worker, task)) : "unknown");
    }
    return DK_OK;
}

static inline dk_status trace_event(struct trace *trace, char *line)
{
    static const struct {
        const char *word;
        dk_status (*play)(struct trace *trace, enum wkr_event_kind kind, char *words);
        enum wkr_event_kind kind;
    } plays[] = {
        {"free", trace_keys, WKR_FREE_KEYS},
        {"remove", trace_keys, WKR_REMOVE_REPLICAS},
        {"done", trace_executed, WKR_EXECUTE_SUCCEEDED},
        {"fail", trace_executed, WKR_EXECUTE_FAILED},
        {"reschedule", trace_executed, WKR_EXECUTE_RESCHEDULED},
        {"secede", trace_executed, WKR_SECEDED},
        {"came", trace_gathered, WKR_GATHER_SUCCEEDED},
        {"busy", trace_gathered, WKR_GATHER_BUSY},
        {"down", trace_gathered, WKR_GATHER_NETWORK_FAILED},
        {"garbled", trace_gathered, WKR_GATHER_FAILED},
    };
    char *words, *word = strtok_r(line, " ", &words);
    struct wkr_event event = {0};
    trace->npacked = trace->naddresses = 0;
    for (size_t i = 0; i < sizeof(plays) / sizeof(*plays); i++)
        if (strcmp(word, plays[i].word) == 0)
            return plays[i].play(trace, plays[i].kind, words);
    if (strcmp(word, "compute") == 0)
        return trace_compute(trace, words);
    if (strcmp(word, "scatter") == 0)
        return trace_scatter(trace, words);
    if (strcmp(word, "at") == 0)
        return trace_at(trace, words);
    if (strcmp(word, "?") == 0)
        return trace_states(trace, words);
    if (strcmp(word, "acquire") == 0 || strcmp(word, "refresh") == 0) {
        event.kind = *word == 'a' ? WKR_ACQUIRE_REPLICAS : WKR_REFRESH_WHO_HAS;
        event.as.replicas = trace_replicas_list(trace, words, " ");
    } else if (strcmp(word, "steal") == 0 || strcmp(word, "cancel") == 0) {
        event.kind = *word == 's' ? WKR_STEAL_REQUEST : WKR_CANCEL_COMPUTE;
        event.as.key = trace_key(trace, words);
    } else if (strcmp(word, "lost") == 0) {
        event.kind = WKR_REMOVE_WORKER;
        event.as.address = trace_bytes(words);
    } else if (strcmp(word, "pause") == 0 || strcmp(word, "unpause") == 0) {
        event.kind = *word == 'p' ? WKR_PAUSE : WKR_UNPAUSE;
    } else {
        fail_msg("no event: %s", word);
    }
    return trace_step(trace, &event);
}

/* Plays the events of the script, and copies them with what the core says to the log. */
static inline dk_status trace_play(struct trace *trace, const char *script)
{
    dk_status status = DK_OK;
    while (*script && status == DK_OK) {
        char line[256];
        size_t length = strcspn(script, "\n");
        assert_true(length < sizeof(line));
        memcpy(line, script, length);
        line[length] = '\0';
        script += length + (script[length] == '\n');
        if (!length || line[0] == '>')
            continue;
        text_printf(&trace->log, "%s\n", line);
        status = trace_event(trace, line);
    }
    return status;
}

static inline dk_status trace_open(struct trace *trace, struct memory *memory,
                                   const struct wkr_options *options)
{
    struct wire_value nil = wire_nil();
    memset(trace, 0, sizeof(*trace));
    trace->memory = memory;
    text_init(&trace->log, memory);
    wkr_instructions_init(&trace->instructions, memory);
    trace->box = wire_box_new(memory, &nil);
    return trace->box ? wkr_new(memory, options, &trace->worker) : DK_ENOMEM;
}

static inline void trace_close(struct trace *trace)
{
    wkr_free(trace->worker);
    wkr_instructions_deinit(&trace->instructions);
    text_deinit(&trace->log);
    wire_box_unref(trace->box);
}

/* Plays the script with a worker of these options: it must say exactly what the script says. */
static inline void trace_tell(struct wkr_options options, const char *script)
{
    struct memory *memory = memory_new(NULL, 0);
    struct trace trace;
    options.address = trace_bytes("w:1");
    assert_int_equal(trace_open(&trace, memory, &options), DK_OK);
    trace_play(&trace, script);
    assert_string_equal(trace.log.data, script);
    trace_close(&trace);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

#endif
