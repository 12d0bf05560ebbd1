/* How many small messages a stream carries: task-finished messages, as a worker sends them, from
 * one process to another over loopback. Prints what a message costs each of them, in time of a
 * core: encoding and writing it, and reading and decoding it.
 *
 *     bench_node_stream [MESSAGES] [MESSAGES A TURN OF THE LOOP]
 */
#include "measure.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/listener.h"
#include "node/stream.h"

#define QUEUED_MAX ((size_t)8 << 20)

static const struct comm_options options = {.limits = {1 << 20, 1 << 30}};

struct side {
    uv_loop_t loop;
    struct memory *memory;
    struct listener *listener;
    struct stream stream;
    struct comm *comm;
    uv_idle_t turn;
    long nmessages;
    long nturn;
    long ndone;
};

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void report(const char *what, const struct side *side, double seconds, double cpu)
{
    printf("%-18s %9ld messages  %6.0f ns of a core each  %6.2f M/s wall\n", what, side->ndone,
           cpu / (double)side->ndone * 1e9, (double)side->ndone / seconds / 1e6);
}

/* ---- reading ---- */

static void on_message(void *self, const struct wire_value *message)
{
    struct side *side = self;
    side->ndone += wire_find(message, "op") != NULL;
}

static void on_reader_closed(void *self, const dk_error *why)
{
    struct side *side = self;
    (void)why;
    listener_close(side->listener);
}

static void on_accepted(void *self, struct comm *comm)
{
    struct side *side = self;
    stream_init(&side->stream, comm,
                (struct stream_events){side, on_message, NULL, NULL, on_reader_closed});
}

static void on_unlistened(void *self)
{
    (void)self;
}

static int run_reader(int pipe)
{
    struct side side = {.memory = memory_new(NULL, 0)};
    struct listener_options where = {.host = "127.0.0.1", .comm = options};
    struct listener_events events = {&side, on_accepted, NULL, on_unlistened};
    uv_loop_init(&side.loop);
    if (listener_new(&side.loop, side.memory, &where, events, &side.listener, NULL) != DK_OK)
        return 1;
    const struct node_address *address = listener_address(side.listener);
    if (write(pipe, address, sizeof(*address)) != sizeof(*address))
        return 1;
    double start = measure_now();
    uv_run(&side.loop, UV_RUN_DEFAULT);
    report("read and decoded", &side, measure_now() - start, cpu_seconds());
    return 0;
}

/* ---- writing ---- */

static dk_status push(struct side *side)
{
    static const char type[] = "\x80\x05\x95\x14\0\0\0\0\0\0\0\x8c\x08"
                               "builtins\x94\x8c\x03int\x93\x94.";
    char key[64];
    int length = snprintf(key, sizeof(key), "inc-%032lx", side->ndone);
    struct wire_entry spans[] = {
        {wire_text("action"), wire_text("compute")},
        {wire_text("start"), wire_float(1.7e9)},
        {wire_text("stop"), wire_float(1.7e9)},
    };
    struct wire_value span = wire_map(spans, 3);
    struct wire_entry entries[] = {
        {wire_text("op"), wire_text("task-finished")},
        {wire_text("key"), {WIRE_TEXT, (uint32_t)length, {.bytes = key}}},
        {wire_text("run_id"), wire_int(side->ndone)},
        {wire_text("nbytes"), wire_int(28)},
        {wire_text("type"), wire_bin((struct wire_bytes){type, sizeof(type) - 1})},
        {wire_text("typename"), wire_text("int")},
        {wire_text("metadata"), wire_map(NULL, 0)},
        {wire_text("thread"), wire_int(140123456789)},
        {wire_text("startstops"), wire_array(&span, 1)},
        {wire_text("stimulus_id"), wire_text("task-finished-1700000000.123")},
        {wire_text("status"), wire_text("OK")},
    };
    struct wire_value message = wire_map(entries, 11);
    return stream_push(&side->stream, &message, NULL);
}

static void on_turn(uv_idle_t *turn)
{
    struct side *side = turn->data;
    for (long i = 0; i < side->nturn && side->ndone < side->nmessages; i++, side->ndone++) {
        if (comm_queued_nbytes(side->comm) > QUEUED_MAX) {
            uv_idle_stop(turn);
            return;
        }
        if (push(side) != DK_OK)
            abort();
    }
    if (side->ndone < side->nmessages)
        return;
    stream_close(&side->stream);
    uv_close((uv_handle_t *)turn, NULL);
}

static void on_drained(void *self)
{
    struct side *side = self;
    if (side->ndone < side->nmessages)
        uv_idle_start(&side->turn, on_turn);
}

static void on_ignored(void *self, const struct wire_value *message)
{
    (void)self;
    (void)message;
}

static void on_writer_closed(void *self, const dk_error *why)
{
    (void)self;
    if (why)
        fprintf(stderr, "%s\n", why->message);
}

static void on_opened(void *self)
{
    struct side *side = self;
    stream_init(&side->stream, side->comm,
                (struct stream_events){side, on_ignored, NULL, on_drained, on_writer_closed});
    uv_idle_init(&side->loop, &side->turn);
    side->turn.data = side;
    uv_idle_start(&side->turn, on_turn);
}

static int run_writer(int pipe, long nmessages, long nturn)
{
    struct side side = {.memory = memory_new(NULL, 0), .nmessages = nmessages, .nturn = nturn};
    struct node_address address;
    struct comm_events events = {.self = &side, .opened = on_opened, .closed = on_writer_closed};
    if (read(pipe, &address, sizeof(address)) != sizeof(address))
        return 1;
    uv_loop_init(&side.loop);
    if (comm_connect(&side.loop, side.memory, &address, &options, events, &side.comm, NULL))
        return 1;
    double start = measure_now();
    uv_run(&side.loop, UV_RUN_DEFAULT);
    report("encoded and written", &side, measure_now() - start, cpu_seconds());
    return 0;
}

int main(int argc, char **argv)
{
    long nmessages = argc > 1 ? atol(argv[1]) : 5000000;
    long nturn = argc > 2 ? atol(argv[2]) : 1000;
    int pipes[2];
    signal(SIGPIPE, SIG_IGN);
    if (pipe(pipes) < 0)
        return 1;
    pid_t child = fork();
    if (child == 0)
        return run_reader(pipes[1]);
    int failed = run_writer(pipes[0], nmessages, nturn);
    waitpid(child, NULL, 0);
    return failed;
}
