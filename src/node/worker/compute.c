/* Running a task: its arguments are looked up here, all else happens in one of the threads. */
#include <pthread.h>
#include <string.h>
#include <sys/time.h>

#include "base/error.h"
#include "base/hash.h"
#include "core/worker/messages.h"
#include "graph/value.h"
#include "node/reply.h"
#include "node/process_memory.h"
#include "node/worker/parts.h"
#include "payload/task.h"
#include "payload/value.h"
#include "wire/build.h"
#include "wire/pickle.h"
#include "wire/unpack.h"
#include "wire/unpickle.h"

struct argument {
    struct wkr_task_id task;
    struct wire_bytes key; /* in the run's arena */
    dk_value value;
    bool has_value;
    bool is_read;            /* here: the store may have the value, too */
    struct wire_box *box;    /* of which to make one; */
    struct spilled *spilled; /* or this */
};

struct run {
    struct job job;
    struct list link; /* among the node's runs */
    double submitted;
    struct worker_node *node;
    uint32_t epoch;
    struct arena arena; /* of arguments and their keys */
    struct wkr_task_id task;
    int64_t run_id;
    struct wire_box *run_spec;
    bool is_actor;
    bool is_foreign; /* and cannot be run here */
    struct foreign foreign;
    struct argument *arguments;
    size_t narguments;
    uint32_t *places; /* of arguments by the hash of their key: 1 + index, or 0 */
    size_t nplaces;   /* a power of two */
    /* What comes of it. */
    bool has_begun;
    dk_status status;
    dk_error err;
    dk_value result;
    struct raised raised;
    int64_t nbytes;
    uint64_t thread;
    double start;
    double stop;
};

/* ---- in a thread ---- */

static dk_status refuse(struct run *run)
{
    run->is_foreign = true;
    error_set(&run->err, DK_ENOTSUP,
              "this is a task of Python's, and the worker '%s' runs native tasks only",
              run->node->name);
    return DK_ENOTSUP;
}

/* The native payload inside the pickle of a dask Task. */
static dk_status find_in_pickle(struct run *run, const struct wire_payload *payload,
                                struct wire_bytes *out)
{
    struct wire_value header;
    struct arena arena;
    struct wire_bytes pickle;
    arena_init(&arena, run->node->memory);
    dk_status status = wire_unpack(&arena, payload->header, &header, &run->err);
    if (status == DK_OK) {
        const struct wire_value *object = wire_find(&header, "pickled-obj");
        bool is_pickle = object && object->kind == WIRE_BIN;
        if (is_pickle)
            pickle = (struct wire_bytes){object->as.bytes, object->count};
        if (!is_pickle || !pickle_find_bytes(pickle, out) || !payload_is_task(*out))
            status = refuse(run);
    }
    arena_deinit(&arena); /* bytes stay in the header */
    return status;
}

static dk_status find_payload(struct run *run, struct wire_bytes *out)
{
    struct wire_value spec = wire_box_value(run->run_spec);
    if (spec.kind == WIRE_PICKLED)
        return find_in_pickle(run, spec.as.payload, out);
    if (spec.kind != WIRE_BIN)
        return refuse(run);
    *out = (struct wire_bytes){spec.as.bytes, spec.count};
    return payload_is_task(*out) ? DK_OK : refuse(run);
}

/* The place of the argument with this key, or a free one. */
static uint32_t *place_of(struct run *run, struct wire_bytes key)
{
    size_t mask = run->nplaces - 1, at = hash_bytes(key.data, key.nbytes) & mask;
    for (; run->places[at]; at = (at + 1) & mask) {
        const struct argument *argument = &run->arguments[run->places[at] - 1];
        if (argument->key.nbytes == key.nbytes &&
            memcmp(argument->key.data, key.data, key.nbytes) == 0)
            break;
    }
    return &run->places[at];
}

static struct argument *find_argument(struct run *run, struct wire_bytes key)
{
    uint32_t place = *place_of(run, key);
    return place ? &run->arguments[place - 1] : NULL;
}

static dk_status read_spilled(struct run *run, struct argument *argument)
{
    struct held *held;
    DK_TRY(worker_read_spilled(run->node, argument->spilled, &held, &run->err));
    struct payload_owner owner = held_owner(held);
    dk_status status = payload_unpack_value(run->node->options.context, &held->message.root, &owner,
                                            &argument->value, &run->err);
    held_unref(held);
    return status;
}

static dk_status make_value(struct run *run, struct argument *argument)
{
    if (argument->spilled)
        return read_spilled(run, argument);
    return payload_unpack_value(run->node->options.context, &argument->box->value, NULL,
                                &argument->value, &run->err);
}

static dk_status read_argument(struct run *run, struct wire_bytes key, dk_value *out)
{
    char name[DK_ERROR_KEY_MAX];
    struct argument *argument = find_argument(run, key);
    key_text(key, name, sizeof(name));
    if (!argument)
        return error_set(&run->err, DK_EKEY, "the result of %s is not here", name);
    if (!argument->has_value) {
        dk_status status = make_value(run, argument);
        if (status != DK_OK) {
            error_prefix(&run->err, "the result of %s", name);
            return status;
        }
        argument->has_value = argument->is_read = true;
    }
    *out = argument->value;
    return DK_OK;
}

/* Puts results where the task names them: the task only borrows them. */
static dk_status fill(struct run *run, struct payload_task *task, dk_value *filled)
{
    for (uint32_t i = 0; i < task->nargs; i++) {
        filled[i] = task->args[i];
        if (filled[i].kind == DK_KIND_TASK)
            DK_TRY(read_argument(run, task->keys[filled[i].as.task], &filled[i]));
    }
    return DK_OK;
}

/* What dk_task_secede() and dk_task_rejoin() do. */
static void leave(void *self)
{
    struct run *run = self;
    executor_leave(run->node->executor, &run->job);
}

static void retake(void *self)
{
    struct run *run = self;
    executor_return(run->node->executor, &run->job);
}

static dk_status call(struct run *run, struct payload_task *task)
{
    struct memory *memory = run->node->memory;
    dk_value *filled = memory_alloc(memory, task->nargs * sizeof(*filled));
    if (!filled)
        return error_nomem(&run->err);
    dk_status status = fill(run, task, filled);
    const struct task_place place = {leave, retake, run};
    const struct task_worker worker = worker_for_tasks(run->node);
    if (status == DK_OK) {
        dk_task running = {.context = run->node->options.context,
                           .function = task->function,
                           .cancel = &run->node->cancel,
                           .worker = &worker,
                           .raised = &run->raised,
                           .place = &place};
        run->start = worker_now_s();
        status = task->function->call(&running, filled, task->nargs, &run->result, &run->err);
        run->stop = worker_now_s();
        if (run->stop < run->start + 1e-6)
            run->stop = run->start + 1e-6; /* schedulers divide by it */
    }
    memory_free(memory, filled, task->nargs * sizeof(*filled));
    return status;
}

static dk_status compute(struct run *run)
{
    struct wire_bytes payload;
    struct payload_task task;
    if (run->is_actor)
        return error_set(&run->err, DK_ENOTSUP, "actors live in Python's workers only");
    DK_TRY(find_payload(run, &payload));
    DK_TRY(payload_unpack_task(run->node->options.context, payload, &task, &run->err));
    dk_status status = call(run, &task);
    payload_task_deinit(&task);
    return status;
}

static void run_in_thread(struct job *job)
{
    struct run *run = LIST_ENTRY(job, struct run, job);
    if (worker_is_full(run->node))
        return;
    run->has_begun = true;
    run->thread = (uint64_t)pthread_self();
    run->status = compute(run);
    if (run->status == DK_OK)
        run->nbytes = dk_value_nbytes(run->result);
}

/* ---- in the loop ---- */

static void free_run(struct run *run)
{
    struct memory *memory = run->node->memory;
    list_remove(&run->link);
    for (size_t i = 0; i < run->narguments; i++) {
        dk_value_unref(run->arguments[i].value);
        wire_box_unref(run->arguments[i].box);
        spilled_unref(run->arguments[i].spilled);
    }
    wire_box_unref(run->run_spec);
    vector_deinit(&run->raised.exception);
    vector_deinit(&run->raised.traceback);
    arena_deinit(&run->arena);
    memory_free(memory, run, sizeof(*run));
}

struct wire_box *worker_error(struct worker_node *node, const dk_error *why)
{
    struct vector pickle;
    struct wire_box *box = NULL;
    const char *text = *why->message ? why->message : dk_status_text(why->status);
    vector_init(&pickle, node->memory, 1);
    if (pickle_exception(&pickle, "builtins", error_reply_kind(why->status),
                         (struct wire_bytes){text, strlen(text)}) == DK_OK)
        box = wkr_error_new(node->memory, (struct wire_bytes){pickle.data, pickle.count},
                            (struct wire_bytes){0}, text);
    vector_deinit(&pickle);
    return box;
}

/* What the task has raised, if its language has exceptions. */
static struct wire_box *find_error(struct run *run)
{
    const struct vector *exception = &run->raised.exception, *traceback = &run->raised.traceback;
    run->err.status = run->status;
    if (!exception->count)
        return worker_error(run->node, &run->err);
    return wkr_error_new(run->node->memory, (struct wire_bytes){exception->data, exception->count},
                         (struct wire_bytes){traceback->data, traceback->count}, run->err.message);
}

static void tell_core(struct run *run)
{
    struct wkr_event event = {.kind = WKR_EXECUTE_SUCCEEDED};
    struct wkr_executed *executed = &event.as.executed;
    *executed = (struct wkr_executed){run->task, run->run_id, run->nbytes, run->start,
                                      run->stop, run->thread, NULL};
    struct brought brought = {.task = run->task,
                              .content = {run->result, true, NULL, NULL, run->nbytes}};
    run->result = dk_value_null();
    if (run->status != DK_OK) {
        event.kind = WKR_EXECUTE_FAILED;
        executed->error = find_error(run);
    }
    worker_happen(run->node, &event,
                  event.kind == WKR_EXECUTE_FAILED ? "task-erred" : "task-finished", &brought,
                  run->status == DK_OK);
    wire_box_unref(executed->error);
}

/* So that the next task need not read it again. */
static void share_argument(struct run *run, struct argument *argument)
{
    struct store *store = &run->node->store;
    struct stored *stored = argument->is_read ? store_find(store, argument->task) : NULL;
    if (!stored || stored->content.has_value || stored->content.box != argument->box ||
        stored->content.spilled != argument->spilled)
        return;
    store_set_value(store, stored, argument->value);
    argument->value = dk_value_null();
}

static void tell_secession(struct job *job)
{
    struct run *run = LIST_ENTRY(job, struct run, job);
    struct wkr_event event = {.kind = WKR_SECEDED};
    event.as.seceded = (struct wkr_seceded){run->task, worker_now_s() - run->start};
    if (run->epoch == run->node->epoch && run->node->status != WORKER_CLOSING)
        worker_happen(run->node, &event, "worker-secede", NULL, 0);
}

/* It was given out ahead of its time, and what is before it takes long, or has filled the memory.
 */
static void give_back(struct run *run)
{
    struct wkr_event event = {.kind = WKR_EXECUTE_RESCHEDULED};
    event.as.executed = (struct wkr_executed){.task = run->task, .run_id = run->run_id};
    run->node->process_nbytes = process_memory_nbytes(0); /* not given out again at once */
    worker_happen(run->node, &event, "task-not-begun", NULL, 0);
}

static bool is_wanted_still(const struct run *run)
{
    return run->epoch == run->node->epoch && run->node->status != WORKER_CLOSING;
}

static void decide_foreign(struct foreign *foreign, bool others_can)
{
    struct run *run = LIST_ENTRY(foreign, struct run, foreign);
    if (is_wanted_still(run) && others_can)
        give_back(run);
    else if (is_wanted_still(run))
        tell_core(run);
    free_run(run);
}

static void finish_run(struct job *job)
{
    struct run *run = LIST_ENTRY(job, struct run, job);
    bool is_wanted = is_wanted_still(run);
    if (is_wanted && run->is_foreign) {
        run->foreign.decide = decide_foreign;
        worker_hold_foreign(run->node, &run->foreign);
        return;
    }
    if (is_wanted && !run->has_begun && run->node->refuses && worker_is_full(run->node)) {
        run->has_begun = true;
        run->status = worker_refuse_full(run->node, &run->err);
    } else if (is_wanted && !run->has_begun) {
        give_back(run);
    }
    for (size_t i = 0; i < run->narguments && is_wanted && run->has_begun; i++)
        share_argument(run, &run->arguments[i]);
    if (is_wanted && run->has_begun)
        tell_core(run);
    dk_value_unref(run->result);
    free_run(run);
}

static dk_status take_argument(struct run *run, struct wkr_task_id task)
{
    struct worker_node *node = run->node;
    const struct stored *stored = store_find(&node->store, task);
    if (!stored)
        return DK_OK; /* the thread will say that it is not here */
    struct argument *argument = &run->arguments[run->narguments];
    struct wire_bytes key = wkr_task_key(node->core, task);
    char *copy = arena_alloc(&run->arena, key.nbytes);
    if (!copy)
        return DK_ENOMEM;
    memcpy(copy, key.data, key.nbytes);
    argument->key = (struct wire_bytes){copy, key.nbytes};
    argument->task = task;
    argument->value = dk_value_ref(stored->content.value);
    argument->has_value = stored->content.has_value;
    argument->is_read = false;
    argument->box = wire_box_ref(stored->content.box);
    argument->spilled = spilled_ref(stored->content.spilled);
    worker_count_use(node, &stored->content);
    *place_of(run, argument->key) = (uint32_t)++run->narguments;
    return DK_OK;
}

static dk_status take_arguments(struct run *run)
{
    const struct wkr *core = run->node->core;
    size_t count = wkr_task_ndependencies(core, run->task);
    struct wkr_task_id *tasks = arena_alloc(&run->arena, count * sizeof(*tasks));
    run->arguments = arena_alloc(&run->arena, count * sizeof(*run->arguments));
    for (run->nplaces = 1; run->nplaces < count + count / 2 + 1;)
        run->nplaces *= 2;
    run->places = arena_alloc(&run->arena, run->nplaces * sizeof(*run->places));
    if (!tasks || !run->arguments || !run->places)
        return DK_ENOMEM;
    memset(run->places, 0, run->nplaces * sizeof(*run->places));
    wkr_task_dependencies(core, run->task, tasks);
    for (size_t i = 0; i < count; i++)
        DK_TRY(take_argument(run, tasks[i]));
    return DK_OK;
}

dk_status worker_execute(struct worker_node *node, const struct wkr_instruction *instruction)
{
    struct run *run = memory_calloc(node->memory, sizeof(*run));
    if (!run)
        return DK_ENOMEM;
    arena_init(&run->arena, node->memory);
    run->job = (struct job){.run = run_in_thread, .done = finish_run, .left = tell_secession};
    run->node = node;
    run->epoch = node->epoch;
    run->task = instruction->task;
    run->run_id = instruction->run_id;
    run->is_actor = wkr_task_is_actor(node->core, run->task);
    run->run_spec = wire_box_ref(wkr_task_run_spec(node->core, run->task));
    run->result = dk_value_null();
    vector_init(&run->raised.exception, node->memory, 1);
    vector_init(&run->raised.traceback, node->memory, 1);
    run->submitted = worker_now_s();
    list_append(&node->runs, &run->link);
    dk_status status = take_arguments(run);
    if (status == DK_OK)
        executor_submit(node->executor, &run->job);
    else
        free_run(run);
    return status;
}

struct wire_value worker_running(struct worker_node *node, struct wire_builder *builder)
{
    double now = worker_now_s();
    struct wire_filling map = wire_begin_map(builder, executor_njobs(node->executor));
    LIST_EACH (at, &node->runs) {
        const struct run *run = LIST_ENTRY(at, struct run, link);
        if (run->epoch == node->epoch)
            wire_put_key(&map, wire_packed(wkr_task_key(node->core, run->task)),
                         wire_float(now - run->submitted));
    }
    return wire_end_map(&map);
}
