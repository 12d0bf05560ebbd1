/* What schedulers ask. Some questions wait for the end of the worker, or for the next one.
 *
 * Source: distributed.nanny.Nanny.handlers. */
#include "node/nanny/parts.h"

#include "base/error.h"
#include "base/timedelta.h"
#include "wire/build.h"

/* What may be asked of a nanny is small. */
#define NFRAMES_MAX ((uint64_t)1 << 10)
#define NBYTES_MAX  ((uint64_t)64 << 20)
#define OPEN_MS     10000
/* How long a worker has to end, and to be there again, when nobody says so. */
#define KILL_S    5.0
#define RESTART_S 30.0

/* ---- questions that wait ---- */

static void on_waiting_closed(uv_handle_t *handle)
{
    struct waiting *waiting = handle->data;
    struct nanny *nanny = waiting->nanny;
    memory_free(nanny->options.memory, waiting, sizeof(*waiting));
    nanny_part_closed(nanny);
}

static void answer(struct waiting *waiting, const char *text)
{
    struct waiting **link = &waiting->nanny->waiting;
    struct wire_value reply = text ? wire_text(text) : wire_nil();
    while (*link != waiting)
        link = &(*link)->next;
    *link = waiting->next;
    request_reply(waiting->request, &reply);
    uv_close((uv_handle_t *)&waiting->timer, on_waiting_closed);
}

/* Those that wait for the end of the worker, or for the next one. */
void nanny_answer(struct nanny *nanny, bool are_for_next, const char *otherwise)
{
    struct waiting *waiting = nanny->waiting;
    while (waiting) {
        struct waiting *next = waiting->next;
        if (waiting->is_for_next == are_for_next) {
            answer(waiting, otherwise ? otherwise : waiting->reply);
            next = nanny->waiting; /* whoever was answered may have asked again */
        }
        waiting = next;
    }
}

static void on_timed_out(uv_timer_t *timer)
{
    struct waiting *waiting = timer->data;
    nanny_say(waiting->nanny, "ERROR", "Restart timed out; returning before finished");
    answer(waiting, "timed out");
}

static void await(struct nanny *nanny, struct request *request, bool is_for_next, const char *reply,
                  double timeout_s)
{
    struct waiting *waiting = memory_calloc(nanny->options.memory, sizeof(*waiting));
    if (!waiting) {
        request_raise(request, "MemoryError", "out of memory");
        return;
    }
    *waiting = (struct waiting){nanny->waiting, nanny, request, is_for_next, reply, {0}};
    nanny->waiting = waiting;
    uv_timer_init(nanny->loop, &waiting->timer);
    waiting->timer.data = waiting;
    nanny->nopen++;
    if (is_for_next)
        uv_timer_start(&waiting->timer, on_timed_out, (uint64_t)(timeout_s * 1e3), 0);
}

/* ---- what schedulers ask ---- */

static double read_timeout_s(struct request *request, double otherwise)
{
    const struct wire_value *timeout = wire_find(request_message(request), "timeout");
    struct wire_bytes text;
    double seconds = otherwise;
    if (wire_read_text(timeout, &text))
        (void)!timedelta_parse(text.data, text.nbytes, &seconds, NULL);
    else
        (void)wire_read_float(timeout, &seconds);
    return seconds >= 0 && seconds < 1e9 ? seconds : otherwise;
}

static void reply_text(struct request *request, const char *text)
{
    struct wire_value reply = text ? wire_text(text) : wire_nil();
    request_reply(request, &reply);
}

/* The worker ends, and another follows. */
static void take_kill(void *self, struct request *request)
{
    struct nanny *nanny = self;
    if (!nanny->pid) {
        reply_text(request, NULL);
        return;
    }
    double timeout_s = read_timeout_s(request, KILL_S);
    await(nanny, request, false, NULL, 0);
    nanny_end_worker(nanny, timeout_s);
}

static void take_restart(void *self, struct request *request)
{
    double timeout_s = read_timeout_s(request, RESTART_S);
    await(self, request, true, "OK", timeout_s);
    nanny_end_worker(self, timeout_s / 4 < KILL_S ? timeout_s / 4 : KILL_S);
}

static void take_instantiate(void *self, struct request *request)
{
    struct nanny *nanny = self;
    if (nanny->is_registered && nanny->pid)
        reply_text(request, "running");
    else
        await(nanny, request, true, "running", RESTART_S);
}

static void take_close_gracefully(void *self, struct request *request)
{
    struct nanny *nanny = self;
    nanny->is_last = true;
    nanny_say(nanny, "INFO", "Closing Nanny gracefully at '%s'", nanny_address(nanny));
    reply_text(request, NULL);
}

static void take_terminate(void *self, struct request *request)
{
    struct nanny *nanny = self;
    nanny->is_last = true;
    if (!nanny->pid) {
        reply_text(request, "OK");
        return;
    }
    double timeout_s = read_timeout_s(request, KILL_S);
    await(nanny, request, false, "OK", 0);
    nanny_end_worker(nanny, timeout_s);
}

static void take_identity(void *self, struct request *request)
{
    struct nanny *nanny = self;
    struct wire_entry fields[] = {{wire_text("type"), wire_text("Nanny")},
                                  {wire_text("id"), wire_text(nanny_address(nanny))},
                                  {wire_text("cdask"), wire_text(CDASK_VERSION)}};
    struct wire_value reply = wire_map(fields, 3);
    request_reply(request, &reply);
}

static void take_get_logs(void *self, struct request *request)
{
    const struct nanny *nanny = self;
    logs_reply(&nanny->logs, request);
}

static void take_ping(void *self, struct request *request)
{
    struct wire_value pong = wire_bin((struct wire_bytes){"pong", 4});
    (void)self;
    request_reply(request, &pong);
}

/* Plug-ins are Python's; whoever registers one for a whole cluster should not fail because of us.
 */
static void ignore_plugin(void *self, struct request *request)
{
    struct wire_entry field = {wire_text("status"), wire_text("OK")};
    struct wire_value reply = wire_map(&field, 1);
    nanny_say(self, "WARNING", "a plug-in of Python's is ignored");
    request_reply(request, &reply);
}

static void refuse_run(void *self, struct request *request)
{
    (void)self;
    request_raise(request, "NotImplementedError", "run needs Python, and this nanny has none");
}

static const struct server_op ops[] = {
    {"kill", take_kill},
    {"restart", take_restart},
    {"instantiate", take_instantiate},
    {"close_gracefully", take_close_gracefully},
    {"terminate", take_terminate},
    {"identity", take_identity},
    {"get_logs", take_get_logs},
    {"ping", take_ping},
    {"plugin_add", ignore_plugin},
    {"plugin_remove", ignore_plugin},
    {"run", refuse_run},
};

/* ---- listening ---- */

static void on_refused(void *self, const dk_error *why)
{
    nanny_say(self, "WARNING", "%s", why->message);
}

dk_status nanny_listen(struct nanny *nanny, dk_error *err)
{
    struct listener_options options = {
        .protocol = nanny->options.protocol,
        .host = nanny->options.host,
        .ports = nanny->options.ports,
        .comm = {.limits = {NFRAMES_MAX, NBYTES_MAX},
                 .open_ms = OPEN_MS,
                 .tls = nanny->options.tls},
    };
    struct server_events events = {
        .self = nanny, .refused = on_refused, .closed = nanny_part_closed};
    DK_TRY(server_new(nanny->loop, nanny->options.memory, &options, ops, sizeof(ops) / sizeof(*ops),
                      events, &nanny->server, err));
    nanny->nopen++;
    nanny_say(nanny, "INFO", "        Start Nanny at: '%s'", nanny_address(nanny));
    return DK_OK;
}
