#include "node/nanny/parts.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"

/* The worker's memory is looked at this often. */
#define MONITOR_MS 100
/* It has so long to end when it is stopped. */
#define STOP_S 5.0

void nanny_say(struct nanny *nanny, const char *level, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    logs_add(&nanny->logs, level, "distributed.nanny", text);
    nanny->options.log(nanny->options.self, level, "distributed.nanny", text);
}

const char *nanny_address(const struct nanny *nanny)
{
    return nanny->server ? server_address(nanny->server)->text : "";
}

pid_t nanny_pid(const struct nanny *nanny)
{
    return nanny->pid;
}

/* ---- closing ---- */

void nanny_part_closed(void *self)
{
    struct nanny *nanny = self;
    if (--nanny->nopen)
        return;
    struct nanny_options options = nanny->options;
    logs_deinit(&nanny->logs);
    if (options.closed)
        options.closed(options.self, nanny, nanny->exit_status);
    memory_free(options.memory, nanny, sizeof(*nanny));
}

static void on_handle_closed(uv_handle_t *handle)
{
    nanny_part_closed(handle->data);
}

static void close_all(struct nanny *nanny)
{
    if (nanny->is_closing)
        return;
    nanny->is_closing = true;
    if (nanny->server) {
        nanny_say(nanny, "INFO", "Closing Nanny at '%s'", nanny_address(nanny));
        server_close(nanny->server);
    }
    uv_close((uv_handle_t *)&nanny->monitor, on_handle_closed);
    uv_close((uv_handle_t *)&nanny->patience, on_handle_closed);
}

void nanny_end(struct nanny *nanny, int exit_status)
{
    nanny->exit_status = exit_status;
    nanny_answer(nanny, true, "the nanny closes");
    close_all(nanny);
}

void nanny_close(struct nanny *nanny)
{
    nanny->is_last = true;
    if (nanny->pid)
        nanny_tell(nanny, NANNY_LEAVE);
    if (nanny->pid && !nanny->is_registered)
        kill(nanny->pid, SIGTERM); /* it may not listen yet */
}

void nanny_stop(struct nanny *nanny)
{
    nanny->is_last = true;
    nanny_end_worker(nanny, STOP_S);
}

static void init_timer(struct nanny *nanny, uv_timer_t *timer)
{
    uv_timer_init(nanny->loop, timer);
    timer->data = nanny;
    nanny->nopen++;
}

dk_status nanny_new(uv_loop_t *loop, const struct nanny_options *options, struct nanny **out,
                    dk_error *err)
{
    struct nanny *nanny = memory_calloc(options->memory, sizeof(*nanny));
    if (!nanny)
        return error_nomem(err);
    nanny->options = *options;
    nanny->loop = loop;
    logs_init(&nanny->logs, options->memory);
    init_timer(nanny, &nanny->monitor);
    init_timer(nanny, &nanny->patience);
    dk_status status = options->only_waits ? DK_OK : nanny_listen(nanny, err);
    if (status == DK_OK && !options->only_waits && options->memory_limit)
        uv_timer_start(&nanny->monitor, nanny_look_at_memory, MONITOR_MS, MONITOR_MS);
    if (status == DK_OK && !nanny_start_worker(nanny))
        status = error_set(err, DK_EIO, "cannot start the process of a worker");
    if (status != DK_OK) {
        nanny->options.closed = NULL;
        close_all(nanny);
        return status;
    }
    *out = nanny;
    return DK_OK;
}
