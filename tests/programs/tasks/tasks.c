/* Tasks for tests of `cdask worker --preload`. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cdask/graph.h>

static dk_status fail(dk_error *err, dk_status status, const char *message)
{
    if (err) {
        err->status = status;
        snprintf(err->message, sizeof(err->message), "%s", message);
    }
    return status;
}

/* The sum of its arguments, which are integers. */
static dk_status add(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                     dk_error *err)
{
    int64_t sum = 0;
    (void)task;
    for (size_t i = 0; i < nargs; i++) {
        if (args[i].kind != DK_KIND_INT)
            return fail(err, DK_ETYPE, "add: an argument is no integer");
        sum += args[i].as.integer;
    }
    *result = dk_value_int(sum);
    return DK_OK;
}

/* Its arguments as a list. */
static dk_status collect(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                         dk_error *err)
{
    dk_value items[16];
    if (nargs > 16)
        return fail(err, DK_EINVAL, "collect: at most 16 arguments");
    for (size_t i = 0; i < nargs; i++)
        items[i] = dk_value_ref(args[i]);
    return dk_value_list(dk_task_context(task), items, nargs, result);
}

/* So many bytes of a letter. */
static dk_status fill(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                      dk_error *err)
{
    (void)nargs;
    size_t nbytes = (size_t)args[0].as.integer;
    char *bytes = malloc(nbytes ? nbytes : 1);
    if (!bytes)
        return fail(err, DK_ENOMEM, "fill");
    memset(bytes, 'x', nbytes);
    dk_status status = dk_value_bytes(dk_task_context(task), bytes, nbytes, result);
    free(bytes);
    return status;
}

/* How many bytes its arguments have together. */
static dk_status length(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                        dk_error *err)
{
    size_t total = 0;
    (void)task;
    for (size_t i = 0; i < nargs; i++) {
        size_t nbytes = 0;
        if (!dk_value_data(args[i], &nbytes))
            return fail(err, DK_ETYPE, "length: neither text nor bytes");
        total += nbytes;
    }
    *result = dk_value_int((int64_t)total);
    return DK_OK;
}

/* The process that runs it. The arguments make one task differ from another. */
static dk_status pid(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                     dk_error *err)
{
    (void)task, (void)args, (void)nargs, (void)err;
    *result = dk_value_int(getpid());
    return DK_OK;
}

/* Opens the FIFO, which waits for whoever opens its other end. */
static bool meet(dk_value path, int flags)
{
    size_t nbytes;
    int fd = open(dk_value_data(path, &nbytes), flags | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* Tells by the FIFO args[0] that it runs, waits at the FIFO args[1], and gives args[2]. */
static dk_status wait_for(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                          dk_error *err)
{
    (void)task, (void)nargs;
    if (!meet(args[0], O_WRONLY) || !meet(args[1], O_RDONLY))
        return fail(err, DK_EIO, "wait: cannot open the FIFO");
    *result = dk_value_ref(args[2]);
    return DK_OK;
}

/* Takes args[2] bytes while it waits as test.wait does. */
static dk_status hoard(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                       dk_error *err)
{
    size_t nbytes = (size_t)args[2].as.integer;
    volatile char *bytes = malloc(nbytes);
    if (!bytes)
        return fail(err, DK_ENOMEM, "hoard");
    for (size_t i = 0; i < nbytes; i += 4096)
        bytes[i] = 'x';
    dk_status status = wait_for(task, args, nargs, result, err);
    free((void *)(uintptr_t)bytes);
    return status;
}

/* Fails with the text. */
static dk_status refuse(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                        dk_error *err)
{
    size_t nbytes;
    (void)task, (void)nargs, (void)result;
    return fail(err, DK_EINVAL, dk_value_data(args[0], &nbytes));
}

__attribute__((visibility("default"))) dk_status cdask_preload(dk_context *dk);

dk_status cdask_preload(dk_context *dk)
{
    static const struct {
        const char *name;
        dk_function function;
    } functions[] = {{"test.add", add},       {"test.collect", collect}, {"test.fill", fill},
                     {"test.length", length}, {"test.pid", pid},         {"test.wait", wait_for},
                     {"test.refuse", refuse}, {"test.hoard", hoard}};
    for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
        dk_status status = dk_register(dk, functions[i].name, functions[i].function, NULL, NULL);
        if (status != DK_OK)
            return status;
    }
    return DK_OK;
}
