/* What is done on workers themselves, beside their tasks: functions that are run, and shared
 * objects that are loaded. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "graph/context.h"
#include "graph/value.h"
#include "node/client/question.h"
#include "payload/task.h"
#include "payload/value.h"

/* ---- answers of all workers ---- */

/* What one has answered: {"status": "OK", "result": ...}, or a failure. */
static dk_status read_one(dk_client *client, const struct wire_entry *entry, dk_value *out,
                          dk_error *err)
{
    struct wire_bytes address = {"", 0};
    struct wire_bytes text = {"it cannot do that", 17};
    const struct wire_value *result = wire_find(&entry->value, "result");
    (void)wire_read_text(&entry->key, &address);
    if (wire_text_is(wire_find(&entry->value, "status"), "OK") && result)
        return payload_unpack_value(client->dk, result, NULL, out, err);
    (void)wire_read_text(wire_find(&entry->value, "text"), &text);
    return error_set(err, DK_ETASK, "worker %.*s: %.*s", (int)address.nbytes, address.data,
                     (int)text.nbytes, text.data);
}

/* `items` has room for a key and a value of each. */
static dk_status read_answers(dk_client *client, const struct wire_value *answers, dk_value *items,
                              size_t *count, dk_error *err)
{
    for (uint32_t i = 0; i < answers->count; i++) {
        const struct wire_entry *entry = &answers->as.entries[i];
        dk_value result = dk_value_null();
        DK_TRY(read_one(client, entry, &result, err));
        items[*count + 1] = result;
        items[*count] = dk_value_null();
        *count += 2;
        struct wire_bytes address;
        if (!wire_read_text(&entry->key, &address))
            return error_set(err, DK_EPARSE, "an answer of nobody");
        if (value_text(client->memory, address.data, address.nbytes, &items[*count - 2]) != DK_OK)
            return error_nomem(err);
    }
    return DK_OK;
}

static dk_status map_answers(dk_client *client, const struct wire_value *answers, dk_value *out,
                             dk_error *err)
{
    size_t room = answers->kind == WIRE_MAP ? 2 * (size_t)answers->count : 0, count = 0;
    dk_value *items = memory_calloc(client->memory, room * sizeof(*items));
    if (!items)
        return error_nomem(err);
    dk_status status = room ? read_answers(client, answers, items, &count, err) : DK_OK;
    if (status != DK_OK)
        for (size_t i = 0; i < count; i++)
            dk_value_unref(items[i]);
    else if (value_map(client->memory, items, count, out) != DK_OK)
        status = error_nomem(err);
    memory_free(client->memory, items, room * sizeof(*items));
    return status;
}

/* Has the scheduler ask `message` of the workers. */
static dk_status broadcast(struct question_form *form, struct wire_value message,
                           const char *const *workers, size_t nworkers, struct message *answers,
                           dk_error *err)
{
    wire_put(&form->fields, "msg", message);
    wire_put(&form->fields, "workers", question_texts(form, workers, nworkers));
    wire_put(&form->fields, "hosts", wire_nil());
    wire_put(&form->fields, "nanny", wire_bool(false));
    wire_put(&form->fields, "on_error", wire_text("raise"));
    return question_receive(form, answers, err);
}

/* ---- running ---- */

static dk_status run_packed(dk_client *client, const struct vector *task,
                            const char *const *workers, size_t nworkers, dk_value *out,
                            dk_error *err)
{
    struct question_form form;
    struct message answers;
    question_begin(&form, client, "broadcast", 5);
    struct wire_filling message = wire_begin_map(&form.builder, 2);
    wire_put(&message, "op", wire_text("run_native"));
    wire_put(&message, "task", wire_bin((struct wire_bytes){task->data, task->count}));
    DK_TRY(broadcast(&form, wire_end_map(&message), workers, nworkers, &answers, err));
    dk_status status = map_answers(client, &answers.root, out, err);
    message_deinit(&answers);
    return status;
}

static dk_status check_args(const dk_value *args, size_t nargs, dk_error *err)
{
    for (size_t i = 0; i < nargs; i++)
        if (args[i].kind == DK_KIND_TASK)
            return error_set(err, DK_EINVAL, "argument %zu is a future, and this is no task", i);
    return DK_OK;
}

dk_status dk_client_run(dk_client *client, const char *function, const dk_value *args, size_t nargs,
                        const char *const *workers, size_t nworkers, dk_value *out, dk_error *err)
{
    struct vector task;
    DK_TRY(check_args(args, nargs, err));
    vector_init(&task, client->memory, 1);
    dk_status status = payload_pack_task(client->dk, function, args, nargs, NULL, &task, err);
    if (status == DK_OK)
        status = run_packed(client, &task, workers, nworkers, out, err);
    vector_deinit(&task);
    return status;
}

/* ---- loading ---- */

/* Messages hold no more in one value. */
#define FILE_NBYTES_MAX ((long)1 << 30)

static dk_status read_file(const char *path, struct vector *out, dk_error *err)
{
    FILE *file = fopen(path, "rbe");
    if (!file)
        return error_errno(err, errno, path);
    dk_status status = DK_OK;
    long nbytes = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    if (nbytes < 0 || nbytes > FILE_NBYTES_MAX)
        status = error_set(err, DK_EIO, "%s is no file of at most 1 GiB", path);
    else if (vector_reserve(out, (size_t)nbytes) != DK_OK)
        status = error_nomem(err);
    rewind(file);
    if (status == DK_OK && fread(out->data, 1, (size_t)nbytes, file) != (size_t)nbytes)
        status = error_set(err, DK_EIO, "%s cannot be read", path);
    if (status == DK_OK)
        out->count = (size_t)nbytes;
    fclose(file);
    return status;
}

static dk_status send_file(dk_client *client, const char *name, const struct vector *bytes,
                           dk_error *err)
{
    struct question_form form;
    struct message answers;
    dk_value results = dk_value_null();
    question_begin(&form, client, "broadcast", 5);
    struct wire_filling message = wire_begin_map(&form.builder, 3);
    wire_put(&message, "op", wire_text("preload_native"));
    wire_put(&message, "filename", wire_text(name));
    wire_put(&message, "data", wire_bin((struct wire_bytes){bytes->data, bytes->count}));
    DK_TRY(broadcast(&form, wire_end_map(&message), NULL, 0, &answers, err));
    dk_status status = map_answers(client, &answers.root, &results, err);
    message_deinit(&answers);
    dk_value_unref(results);
    return status;
}

dk_status dk_client_upload_file(dk_client *client, const char *path, dk_error *err)
{
    struct vector bytes;
    const char *slash = strrchr(path, '/');
    vector_init(&bytes, client->memory, 1);
    dk_status status = read_file(path, &bytes, err);
    if (status == DK_OK)
        status = send_file(client, slash ? slash + 1 : path, &bytes, err);
    vector_deinit(&bytes);
    return status;
}
