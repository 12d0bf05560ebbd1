/* Two ends of a connection over loopback: listening, shaking hands, sending both ways, and every
 * way in which it ends. */
#include "loop_support.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/stream.h"

static void check_text(const struct end *end, const char *text)
{
    assert_true(wire_text_is(&end->message.root, text));
}

static void say(struct end *end, const char *text)
{
    struct wire_value value = wire_text(text);
    assert_int_equal(comm_send(end->comm, &value, NULL), DK_OK);
}

/* Proves that both ends send and receive, know each other, and end without a word to blame. */
static void test_both_ways(void **state)
{
    (void)state;
    struct pair pair;
    struct node_address local;
    pair_open(&pair);
    assert_string_equal(comm_peer(pair.ours.comm), listener_address(pair.listener)->text);
    assert_int_equal(comm_local(pair.ours.comm, &local, NULL), DK_OK);
    assert_string_equal(comm_peer(pair.theirs.comm), local.text);
    say(&pair.ours, "question");
    RUN_UNTIL(&pair.loop, pair.theirs.nreceived == 1);
    check_text(&pair.theirs, "question");
    say(&pair.theirs, "answer");
    RUN_UNTIL(&pair.loop, pair.ours.nreceived == 1);
    check_text(&pair.ours, "answer");
    comm_close(pair.ours.comm);
    RUN_UNTIL(&pair.loop, pair.ours.nclosed && pair.theirs.nclosed);
    assert_int_equal(pair.ours.why.status, DK_OK);
    assert_int_equal(pair.theirs.why.status, DK_EIO);
    assert_non_null(strstr(pair.theirs.why.message, ": the peer has closed the connection"));
    pair_close(&pair);
}

/* Proves that the handshake settles on what both can read. */
static void test_handshake(void **state)
{
    (void)state;
    struct pair pair;
    struct memory *memory = memory_new(NULL, 0);
    struct listener_options options = local_options();
    struct comm_options ours = roomy;
    options.comm.pickle_protocol = ours.pickle_protocol = 5;
    options.comm.compression = ours.compression = "lz4";
    assert_int_equal(pair_listen(&pair, memory, &options, NULL), DK_OK);
    assert_int_equal(pair_connect(&pair, &ours), DK_OK);
    RUN_UNTIL(&pair.loop, pair.ours.nopened && pair.theirs.nopened);
    assert_int_equal(comm_pickle_protocol(pair.theirs.comm), 5);
    assert_string_equal(comm_compression(pair.ours.comm), "lz4");
    comm_close(pair.ours.comm);
    RUN_UNTIL(&pair.loop, pair.ours.nclosed && pair.theirs.nclosed);
    pair.theirs.nopened = pair.ours.nopened = 0;
    ours.pickle_protocol = 0;
    ours.compression = "zstd";
    assert_int_equal(pair_connect(&pair, &ours), DK_OK);
    RUN_UNTIL(&pair.loop, pair.ours.nopened && pair.theirs.nopened);
    assert_int_equal(comm_pickle_protocol(pair.theirs.comm), 4);
    assert_int_equal(comm_pickle_protocol(pair.ours.comm), 4);
    assert_null(comm_compression(pair.ours.comm));
    assert_null(comm_compression(pair.theirs.comm));
    pair_close(&pair);
}

/* Proves that many messages in one turn come in order, and that all are known to be written. */
static void test_many(void **state)
{
    (void)state;
    struct pair pair;
    struct wire_value zero = wire_int(0);
    pair_open(&pair);
    for (int i = 0; i < 10000; i++) {
        struct wire_value value = wire_int(i);
        assert_int_equal(comm_send(pair.ours.comm, &value, NULL), DK_OK);
    }
    assert_true(comm_queued_nbytes(pair.ours.comm) >= 10000 * 25);
    RUN_UNTIL(&pair.loop, pair.theirs.nreceived == 10000);
    assert_int_equal(pair.theirs.message.root.as.integer, 9999);
    RUN_UNTIL(&pair.loop, pair.ours.ndrained);
    assert_int_equal(comm_queued_nbytes(pair.ours.comm), 0);
    assert_int_equal(comm_send(pair.theirs.comm, &zero, NULL), DK_OK);
    RUN_UNTIL(&pair.loop, pair.ours.nreceived);
    pair_close(&pair);
}

#define LARGE_NBYTES ((size_t)40 << 20)

static const char payload_header[] = "\x81\xae"
                                     "num-sub-frames\x01";

struct parcel {
    struct memory *memory;
    struct wire_bytes frame;
    struct wire_payload payload;
    size_t nreleased;
};

static struct wire_value parcel_init(struct parcel *parcel, struct memory *memory)
{
    char *bytes = memory_alloc(memory, LARGE_NBYTES);
    assert_non_null(bytes);
    memset(bytes, 'x', LARGE_NBYTES);
    *parcel = (struct parcel){.memory = memory, .frame = {bytes, LARGE_NBYTES}};
    parcel->payload =
        (struct wire_payload){{payload_header, sizeof(payload_header) - 1}, &parcel->frame, 1};
    return (struct wire_value){.kind = WIRE_SERIALIZED, .as.payload = &parcel->payload};
}

static void parcel_release(void *self)
{
    struct parcel *parcel = self;
    char *bytes;
    memcpy(&bytes, &parcel->frame.data, sizeof(bytes));
    memory_free(parcel->memory, bytes, LARGE_NBYTES);
    parcel->nreleased++;
}

/* Proves that a large payload is not copied on its way out, waits for a peer that does not read,
 * and is released once it is written. */
static void test_lent(void **state)
{
    (void)state;
    struct pair pair;
    struct parcel parcel;
    pair_open(&pair);
    struct wire_value value = parcel_init(&parcel, pair.memory);
    comm_pause(pair.theirs.comm);
    int64_t before = memory_use(pair.memory).current;
    struct loan loan = {parcel_release, &parcel};
    assert_int_equal(comm_send_lent(pair.ours.comm, &value, loan, NULL), DK_OK);
    uv_run(&pair.loop, UV_RUN_NOWAIT);
    assert_true(memory_use(pair.memory).current - before < 1 << 20);
    assert_true(comm_queued_nbytes(pair.ours.comm) > LARGE_NBYTES / 2);
    assert_int_equal(parcel.nreleased, 0);
    assert_int_equal(pair.ours.ndrained, 0);
    comm_resume(pair.theirs.comm);
    RUN_UNTIL(&pair.loop, pair.theirs.nreceived == 1);
    assert_int_equal(pair.theirs.message.root.as.payload->frames[0].nbytes, LARGE_NBYTES);
    RUN_UNTIL(&pair.loop, pair.ours.ndrained);
    assert_int_equal(parcel.nreleased, 1);
    assert_int_equal(pair.ours.ndrained, 1);
    pair_close(&pair);
}

/* Proves that a loan is released, once, however the connection ends. */
static void test_lent_in_vain(void **state)
{
    (void)state;
    struct parcel parcel;
    for (int way = 0; way < 4; way++) {
        struct pair pair;
        pair_open(&pair);
        struct wire_value value = parcel_init(&parcel, pair.memory);
        struct loan loan = {parcel_release, &parcel};
        comm_pause(pair.theirs.comm);
        if (way == 0) /* closed before */
            comm_close(pair.ours.comm);
        assert_int_equal(comm_send_lent(pair.ours.comm, &value, loan, NULL), DK_OK);
        if (way >= 2) /* with half of it under way */
            uv_run(&pair.loop, UV_RUN_NOWAIT);
        comm_close(way == 3 ? pair.theirs.comm : pair.ours.comm);
        RUN_UNTIL(&pair.loop, pair.ours.nclosed);
        assert_int_equal(parcel.nreleased, 1);
        assert_int_equal(pair.ours.why.status, way == 3 ? DK_EIO : DK_OK);
        pair_close(&pair);
    }
}

/* Proves that finishing writes all that was sent, and nothing that comes after. */
static void test_finish(void **state)
{
    (void)state;
    struct pair pair;
    struct parcel parcel;
    pair_open(&pair);
    struct wire_value value = parcel_init(&parcel, pair.memory);
    struct loan loan = {parcel_release, &parcel};
    assert_int_equal(comm_send_lent(pair.ours.comm, &value, loan, NULL), DK_OK);
    say(&pair.ours, "last");
    comm_finish(pair.ours.comm);
    say(&pair.ours, "too late");
    say(&pair.theirs, "unheard");
    RUN_UNTIL(&pair.loop, pair.theirs.nclosed && pair.ours.nclosed);
    assert_int_equal(pair.ours.nreceived, 0);
    assert_int_equal(pair.theirs.nreceived, 2);
    assert_int_equal(pair.ours.why.status, DK_OK);
    pair_close(&pair);
}

/* Proves that a peer's silence after connecting is ended by the deadline, on both sides. */
static void test_deadline(void **state)
{
    (void)state;
    struct pair pair;
    struct memory *memory = memory_new(NULL, 0);
    struct listener_options options = local_options();
    options.comm.open_ms = 20;
    assert_int_equal(pair_listen(&pair, memory, &options, NULL), DK_OK);
    int silent = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    to.sin_port = htons((uint16_t)atoi(listener_address(pair.listener)->port));
    assert_int_equal(connect(silent, (struct sockaddr *)&to, sizeof(to)), 0);
    RUN_UNTIL(&pair.loop, pair.nrefused);
    assert_non_null(strstr(pair.refused.message, "no handshake of Dask's within 0.02 s"));
    assert_int_equal(pair.theirs.nopened, 0);
    close(silent);
    pair_close(&pair);
}

/* Proves that other languages and bad messages are refused, with what is wrong with them. */
static void test_garbage(void **state)
{
    (void)state;
    static const char *const reasons[] = {"not Dask's protocol: it begins with 'GET / HT'",
                                          "a first chunk of",
                                          "the peer has closed the connection at once"};
    static const struct wire_bytes words[] = {
        {"GET / HTTP/1.1\r\n\r\n", 18}, {"\0\0\0\0\1\0\0\0", 8}, {"", 0}};
    struct pair pair;
    struct memory *memory = memory_new(NULL, 0);
    struct listener_options options = local_options();
    assert_int_equal(pair_listen(&pair, memory, &options, NULL), DK_OK);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    to.sin_port = htons((uint16_t)atoi(listener_address(pair.listener)->port));
    for (size_t i = 0; i < 3; i++) {
        int stranger = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(stranger, (struct sockaddr *)&to, sizeof(to)), 0);
        assert_int_equal(send(stranger, words[i].data, words[i].nbytes, 0), words[i].nbytes);
        shutdown(stranger, SHUT_WR);
        RUN_UNTIL(&pair.loop, pair.nrefused == i + 1);
        assert_non_null(strstr(pair.refused.message, reasons[i]));
        assert_null(strstr(pair.refused.message, "TLS")); /* who waits for it does not begin */
        close(stranger);
    }
    pair_close(&pair);
}

/* Proves that more connections than may be are closed at once, and that room comes back. */
static void test_full(void **state)
{
    (void)state;
    struct pair pair;
    struct end more[3] = {{0}};
    struct memory *memory = memory_new(NULL, 0);
    struct listener_options options = local_options();
    options.comms_max = 1;
    assert_int_equal(pair_listen(&pair, memory, &options, NULL), DK_OK);
    assert_int_equal(pair_connect(&pair, &roomy), DK_OK);
    RUN_UNTIL(&pair.loop, pair.ours.nopened && pair.theirs.nopened);
    for (int i = 0; i < 3; i++)
        assert_int_equal(comm_connect(&pair.loop, memory, listener_address(pair.listener), &roomy,
                                      end_events(&more[i]), &more[i].comm, NULL),
                         DK_OK);
    RUN_UNTIL(&pair.loop, more[0].nclosed && more[1].nclosed && more[2].nclosed);
    assert_int_equal(pair.nrefused, 3);
    assert_non_null(strstr(pair.refused.message, "there are as many as may be"));
    comm_close(pair.ours.comm);
    RUN_UNTIL(&pair.loop, pair.theirs.nclosed);
    assert_int_equal(pair_connect(&pair, &roomy), DK_OK);
    RUN_UNTIL(&pair.loop, pair.ours.nopened == 2);
    pair_close(&pair);
}

/* Proves that an address in use is named, that of a range the next one is taken, and that a whole
 * range may be in use. */
static void test_ports(void **state)
{
    (void)state;
    struct pair pair;
    struct pair other;
    struct memory *memory = memory_new(NULL, 0);
    struct listener_options options = local_options();
    dk_error err = {0};
    char expected[512];
    assert_int_equal(pair_listen(&pair, memory, &options, NULL), DK_OK);
    const struct node_address *taken = listener_address(pair.listener);
    uint16_t port = (uint16_t)atoi(taken->port);
    options.ports = (struct node_ports){port, port};
    assert_int_equal(pair_listen(&other, memory, &options, &err), DK_EIO);
    uv_loop_close(&other.loop);
    snprintf(expected, sizeof(expected), "%s: cannot listen: address already in use", taken->text);
    assert_string_equal(err.message, expected);
    if (port < 65000) {
        options.ports = (struct node_ports){port, (uint16_t)(port + 500)};
        assert_int_equal(pair_listen(&other, memory, &options, &err), DK_OK);
        int found = atoi(listener_address(other.listener)->port);
        assert_true(found > port && found <= port + 500);
        pair_end(&other);
    }
    options.ports = (struct node_ports){0, 0};
    options.host = "192.0.2.1";
    assert_int_equal(pair_listen(&other, memory, &options, &err), DK_EIO);
    uv_loop_close(&other.loop);
    assert_string_equal(err.message, "tcp://192.0.2.1:0: cannot listen: address not available");
    pair_close(&pair);
}

/* Proves that who listens at all addresses tells one that can be connected to. */
static void test_any_host(void **state)
{
    (void)state;
    static const char *const hosts[] = {NULL, "", "0.0.0.0", "::", "localhost"};
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        struct pair pair;
        struct memory *memory = memory_new(NULL, 0);
        struct listener_options options = local_options();
        options.host = hosts[i];
        dk_status status = pair_listen(&pair, memory, &options, NULL);
        assert_true(status == DK_OK || i == 3); /* there may be no IPv6 */
        if (status == DK_OK) {
            assert_int_equal(pair_connect(&pair, &roomy), DK_OK);
            RUN_UNTIL(&pair.loop, pair.ours.nopened && pair.theirs.nopened);
        }
        pair_close(&pair);
    }
}

/* ---- streams ---- */

struct log {
    struct stream stream;
    size_t nitems;
    size_t nbatches;
    int64_t last;
    size_t close_after; /* items */
    size_t nclosed;
    dk_error why;
};

static void log_item(void *self, const struct wire_value *message)
{
    struct log *log = self;
    wire_read_int(wire_find(message, "n"), &log->last);
    if (++log->nitems == log->close_after)
        stream_close(&log->stream);
}

static void log_batch(void *self)
{
    ((struct log *)self)->nbatches++;
}

static void log_closed(void *self, const dk_error *why)
{
    struct log *log = self;
    log->nclosed++;
    if (why)
        log->why = *why;
}

static void open_logs(struct pair *pair, struct log *ours, struct log *theirs)
{
    pair_open(pair);
    *ours = *theirs = (struct log){.last = -1};
    stream_init(&ours->stream, pair->ours.comm,
                (struct stream_events){ours, log_item, log_batch, NULL, log_closed});
    stream_init(&theirs->stream, pair->theirs.comm,
                (struct stream_events){theirs, log_item, log_batch, NULL, log_closed});
    pair->ours.comm = pair->theirs.comm = NULL;
}

static dk_status push(struct log *log, int64_t n)
{
    struct wire_entry entries[] = {{wire_text("op"), wire_text("count")},
                                   {wire_text("n"), wire_int(n)}};
    struct wire_value message = wire_map(entries, 2);
    return stream_push(&log->stream, &message, NULL);
}

/* Proves that what is pushed in one turn goes in one array, in order, and that both sides end when
 * one says so. */
static void test_stream(void **state)
{
    (void)state;
    struct pair pair;
    struct log ours;
    struct log theirs;
    open_logs(&pair, &ours, &theirs);
    for (int n = 0; n < 1000; n++)
        assert_int_equal(push(&ours, n), DK_OK);
    RUN_UNTIL(&pair.loop, theirs.nitems);
    assert_int_equal(theirs.nitems, 1000);
    assert_int_equal(theirs.nbatches, 1);
    assert_int_equal(theirs.last, 999);
    assert_int_equal(push(&theirs, 7), DK_OK);
    stream_close(&theirs.stream);
    stream_close(&theirs.stream);
    assert_int_equal(push(&theirs, 8), DK_OK);
    RUN_UNTIL(&pair.loop, ours.nclosed && theirs.nclosed);
    assert_int_equal(ours.last, 7);
    assert_int_equal(ours.why.status, DK_OK);
    assert_int_equal(theirs.why.status, DK_OK);
    pair_close(&pair);
}

/* Proves that what Dask takes is taken: a bare map, an "OK" in between; and that a stream that is
 * closed in the midst of an array gets no more of it. */
static void test_stream_forms(void **state)
{
    (void)state;
    struct pair pair;
    struct log theirs;
    pair_open(&pair);
    theirs = (struct log){.last = -1, .close_after = 3};
    stream_init(&theirs.stream, pair.theirs.comm,
                (struct stream_events){&theirs, log_item, NULL, NULL, log_closed});
    pair.theirs.comm = NULL;
    struct wire_entry entries[] = {{wire_text("n"), wire_int(5)}};
    struct wire_value map = wire_map(entries, 1);
    struct wire_value items[] = {wire_text("OK"), map, map, map};
    struct wire_value array = wire_array(items, 4);
    assert_int_equal(comm_send(pair.ours.comm, &map, NULL), DK_OK);
    assert_int_equal(comm_send(pair.ours.comm, &array, NULL), DK_OK);
    RUN_UNTIL(&pair.loop, theirs.nclosed && pair.ours.nclosed);
    assert_int_equal(theirs.nitems, 3);
    assert_int_equal(pair.ours.nreceived, 1); /* its "close-stream" */
    pair_close(&pair);
}

/* Proves that a peer that dies is told as such. */
static void test_stream_lost(void **state)
{
    (void)state;
    struct pair pair;
    struct log ours;
    struct log theirs;
    open_logs(&pair, &ours, &theirs);
    comm_close(ours.stream.comm);
    RUN_UNTIL(&pair.loop, theirs.nclosed && ours.nclosed);
    assert_int_equal(theirs.why.status, DK_EIO);
    pair_close(&pair);
}

/* ---- memory ---- */

/* A question and its answer; whatever fails must end in a status. */
static dk_status talk_in_little_memory(struct memory *memory)
{
    struct pair pair;
    struct listener_options options = local_options();
    struct wire_value value = wire_text("question");
    dk_status status = pair_listen(&pair, memory, &options, NULL);
    if (status == DK_OK)
        status = pair_connect(&pair, &roomy);
    if (status == DK_OK) {
        RUN_UNTIL(&pair.loop,
                  (pair.ours.nopened && pair.theirs.nopened) || pair.ours.nclosed || pair.nrefused);
        if (pair.ours.comm && pair.theirs.comm)
            status = comm_send(pair.ours.comm, &value, NULL);
        if (status == DK_OK && pair.ours.comm && pair.theirs.comm)
            RUN_UNTIL(&pair.loop, pair.theirs.nreceived || pair.ours.nclosed);
        if (pair.theirs.nreceived == 0)
            status = DK_ENOMEM;
    }
    pair_end(&pair);
    return status;
}

/* Proves that running out of memory ends in an error on one of the sides, at every allocation. */
static void test_no_memory(void **state)
{
    (void)state;
    fail_each_allocation(talk_in_little_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),    cmocka_unit_test(test_handshake),
        cmocka_unit_test(test_many),         cmocka_unit_test(test_lent),
        cmocka_unit_test(test_lent_in_vain), cmocka_unit_test(test_finish),
        cmocka_unit_test(test_deadline),     cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_full),         cmocka_unit_test(test_ports),
        cmocka_unit_test(test_any_host),     cmocka_unit_test(test_stream),
        cmocka_unit_test(test_stream_forms), cmocka_unit_test(test_stream_lost),
        cmocka_unit_test(test_no_memory),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
