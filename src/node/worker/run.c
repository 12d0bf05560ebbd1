/* What a client has a worker do at once, beside its tasks: run a function, load a shared object. In
 * a thread of its own, so that neither the loop nor the tasks wait. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "node/worker/parts.h"
#include "node/worker/preload.h"
#include "payload/task.h"
#include "payload/value.h"
#include "wire/build.h"

struct errand {
    struct worker_node *node;
    struct request *request;
    uv_work_t work;
    struct vector bytes; /* of char: the task, or the object */
    char name[256];      /* of the object's file */
    dk_status (*run)(struct errand *errand);
    dk_value result;
    dk_status status;
    dk_error err;
};

/* ---- in the thread ---- */

static dk_status call(struct errand *errand)
{
    struct payload_task task;
    dk_context *dk = errand->node->options.context;
    struct wire_bytes bytes = {errand->bytes.data, errand->bytes.count};
    DK_TRY(payload_unpack_task(dk, bytes, &task, &errand->err));
    struct task_worker worker = worker_for_tasks(errand->node);
    dk_task running = {.context = dk,
                       .function = task.function,
                       .cancel = &errand->node->cancel,
                       .worker = &worker};
    dk_status status =
        task.nkeys
            ? error_set(&errand->err, DK_EINVAL, "it needs results, as tasks do")
            : task.function->call(&running, task.args, task.nargs, &errand->result, &errand->err);
    payload_task_deinit(&task);
    return status;
}

static dk_status write_file(struct errand *errand, const char *path)
{
    FILE *file = fopen(path, "wbe");
    if (!file)
        return error_errno(&errand->err, errno, path);
    size_t nwritten = fwrite(errand->bytes.data, 1, errand->bytes.count, file);
    bool is_whole = fclose(file) == 0 && nwritten == errand->bytes.count;
    return is_whole ? DK_OK : error_set(&errand->err, DK_EIO, "%s cannot be written", path);
}

/* A file that is mapped must not be written over. */
static dk_status load(struct errand *errand)
{
    char path[1536];
    const struct worker_node *node = errand->node;
    snprintf(path, sizeof(path), "%s/%s", node->spill_folder.path, errand->name);
    (void)unlink(path);
    dk_status status = write_file(errand, path);
    if (status == DK_OK)
        status = preload(node->options.context, path, &errand->err);
    (void)unlink(path); /* what is loaded stays */
    return status;
}

static void run_errand(uv_work_t *work)
{
    struct errand *errand = work->data;
    errand->status = errand->run(errand);
}

/* ---- in the loop ---- */

static void free_errand(struct errand *errand)
{
    dk_value_unref(errand->result);
    vector_deinit(&errand->bytes);
    memory_free(errand->node->memory, errand, sizeof(*errand));
}

static void answer_failure(struct errand *errand)
{
    const char *text = *errand->err.message ? errand->err.message : dk_status_text(errand->status);
    struct wire_entry fields[] = {{wire_text("status"), wire_text("failed")},
                                  {wire_text("text"), wire_text(text)}};
    struct wire_value answer = wire_map(fields, 2);
    request_reply(errand->request, &answer);
}

static dk_status answer_result(struct errand *errand)
{
    struct payload_value packed;
    DK_TRY(
        payload_pack_value(errand->node->options.context, errand->result, &packed, &errand->err));
    struct wire_entry fields[] = {{wire_text("status"), wire_text("OK")},
                                  {wire_text("result"), payload_wire(&packed)}};
    struct wire_value answer = wire_map(fields, 2);
    request_reply(errand->request, &answer);
    payload_value_deinit(&packed);
    return DK_OK;
}

static void on_done(uv_work_t *work, int status)
{
    struct errand *errand = work->data;
    struct worker_node *node = errand->node;
    (void)status;
    if (errand->status == DK_OK)
        errand->status = answer_result(errand);
    if (errand->status != DK_OK)
        answer_failure(errand);
    free_errand(errand);
    worker_part_closed(node);
}

static struct errand *errand_new(struct worker_node *node, struct request *request,
                                 const char *field, dk_status (*run)(struct errand *errand))
{
    const struct wire_value *bytes = wire_find(request_message(request), field);
    struct errand *errand = memory_calloc(node->memory, sizeof(*errand));
    if (!errand)
        return NULL;
    *errand = (struct errand){.node = node, .request = request, .run = run};
    errand->work.data = errand;
    vector_init(&errand->bytes, node->memory, 1);
    if (!bytes || bytes->kind != WIRE_BIN)
        errand->status = error_set(&errand->err, DK_EINVAL, "the question has no '%s'", field);
    else
        errand->status = vector_append(&errand->bytes, bytes->as.bytes, bytes->count);
    return errand;
}

static void begin(struct errand *errand)
{
    struct worker_node *node = errand->node;
    if (errand->status == DK_OK &&
        uv_queue_work(node->loop, &errand->work, run_errand, on_done) == 0) {
        node->nopen++;
        return;
    }
    answer_failure(errand);
    free_errand(errand);
}

static void fail_for_memory(struct request *request)
{
    request_fail(request, &(dk_error){.status = DK_ENOMEM, .message = "out of memory"});
}

void worker_run_native(void *self, struct request *request)
{
    struct errand *errand = errand_new(self, request, "task", call);
    if (errand)
        begin(errand);
    else
        fail_for_memory(request);
}

/* No way out of the worker's folder. */
static dk_status take_name(struct errand *errand)
{
    struct wire_bytes name = {NULL, 0};
    (void)wire_read_text(wire_find(request_message(errand->request), "filename"), &name);
    if (!name.nbytes || name.nbytes >= sizeof(errand->name) || memchr(name.data, '/', name.nbytes))
        return error_set(&errand->err, DK_EINVAL, "the file has no name, or too long a one");
    memcpy(errand->name, name.data, name.nbytes);
    return DK_OK;
}

void worker_preload_native(void *self, struct request *request)
{
    struct errand *errand = errand_new(self, request, "data", load);
    if (!errand) {
        fail_for_memory(request);
        return;
    }
    if (errand->status == DK_OK)
        errand->status = take_name(errand);
    begin(errand);
}
