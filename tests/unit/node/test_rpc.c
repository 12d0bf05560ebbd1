/* One question to a peer of every sort: a good one, and those that refuse, stop, stay silent, hang
 * up or speak another language. The peer is a thread that plays what it is told. */
#include "support/failing.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/rpc.h"

#define PATIENCE_MS 60000

/* What the peer says once a connection stands. */
struct peer {
    struct wire_bytes hello; /* at once */
    struct wire_bytes reply; /* after the request */
    bool is_silent;          /* it waits for us to hang up first */
    int listener;
    struct node_address address;
    pthread_t thread;
};

/* Waits for the question: our handshake and the request are two messages, each with its length. */
static bool read_message(int socket)
{
    uint64_t length;
    char bytes[4096];
    return recv(socket, &length, sizeof(length), MSG_WAITALL) == sizeof(length) &&
           length <= sizeof(bytes) && recv(socket, bytes, length, MSG_WAITALL) == (ssize_t)length;
}

static void serve(const struct peer *peer, int socket)
{
    if (!read_message(socket))
        return;
    send(socket, peer->hello.data, peer->hello.nbytes, MSG_NOSIGNAL);
    if (peer->reply.nbytes && read_message(socket))
        send(socket, peer->reply.data, peer->reply.nbytes, MSG_NOSIGNAL);
}

/* Ends when the listener is shut down. */
static void *run_peer(void *self)
{
    const struct peer *peer = self;
    for (;;) {
        int socket = accept(peer->listener, NULL, NULL);
        if (socket < 0)
            return NULL;
        serve(peer, socket);
        if (!peer->is_silent)
            shutdown(socket, SHUT_WR);
        for (char byte; recv(socket, &byte, 1, 0) > 0;) {
        }
        close(socket);
    }
}

static void listen_somewhere(struct peer *peer)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(name);
    char text[64];
    peer->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(peer->listener, (struct sockaddr *)&name, length), 0);
    assert_int_equal(getsockname(peer->listener, (struct sockaddr *)&name, &length), 0);
    snprintf(text, sizeof(text), "127.0.0.1:%d", ntohs(name.sin_port));
    assert_int_equal(node_address_parse(text, &peer->address, NULL), DK_OK);
}

static void start_peer(struct peer *peer)
{
    listen_somewhere(peer);
    assert_int_equal(listen(peer->listener, 8), 0);
    assert_int_equal(pthread_create(&peer->thread, NULL, run_peer, peer), 0);
}

static void stop_peer(struct peer *peer)
{
    shutdown(peer->listener, SHUT_RDWR);
    pthread_join(peer->thread, NULL);
    close(peer->listener);
}

/* A message of one frame of up to 127 bytes. */
#define MESSAGE(length, literal)                                                                   \
    "\x10\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0" length "\0\0\0\0\0\0\0" literal
#define BYTES(literal) ((struct wire_bytes){literal, sizeof(literal) - 1})

static const char handshake[] = MESSAGE("\x1f", "\x82\xab"
                                                "compression"
                                                "\xc0\xafpickle-protocol\x05");

static struct peer good_peer(void)
{
    return (struct peer){
        .hello = BYTES(handshake),
        .reply = BYTES(MESSAGE("\x05", "\x91\xa3yes")),
        .is_silent = true,
    };
}

static dk_status ask(struct memory *memory, const struct peer *peer, int64_t timeout_ms,
                     struct message *reply, dk_error *err)
{
    struct wire_entry entries[] = {{wire_text("op"), wire_text("identity")}};
    struct wire_value request = wire_map(entries, 1);
    return node_rpc(memory, &peer->address, NULL, &request, timeout_ms, reply, err);
}

/* Proves that a reply comes back, and that nothing stays open or on the ledger. */
static void test_reply(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct peer peer = good_peer();
    struct message reply;
    start_peer(&peer);
    int before = dup(0);
    close(before);
    assert_int_equal(ask(memory, &peer, PATIENCE_MS, &reply, NULL), DK_OK);
    int after = dup(0);
    close(after);
    assert_true(after <= before + 1); /* the peer may not have closed its end yet */
    assert_true(wire_text_is(&reply.root.as.items[0], "yes"));
    message_deinit(&reply);
    stop_peer(&peer);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

static void check_failed(const struct peer *peer, int64_t timeout_ms, dk_status expected,
                         const char *reason)
{
    struct memory *memory = memory_new(NULL, 0);
    struct message reply;
    dk_error err = {0};
    char message[512];
    assert_int_equal(ask(memory, peer, timeout_ms, &reply, &err), expected);
    snprintf(message, sizeof(message), "%s: %s", peer->address.text, reason);
    assert_string_equal(err.message, message);
    assert_int_equal(err.status, expected);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

static void check_peer(struct peer peer, int64_t timeout_ms, dk_status expected, const char *reason)
{
    start_peer(&peer);
    check_failed(&peer, timeout_ms, expected, reason);
    stop_peer(&peer);
}

/* Proves that nobody, and no such host, are told apart. */
static void test_nobody(void **state)
{
    (void)state;
    struct peer peer = {.hello = {NULL, 0}};
    listen_somewhere(&peer); /* bound, so that nobody else comes there, and not listening */
    check_failed(&peer, PATIENCE_MS, DK_EIO,
                 "cannot connect: connection refused: nothing listens there");
    close(peer.listener);
    struct node_address address;
    struct message reply;
    struct wire_value request = wire_nil();
    dk_error err = {0};
    struct memory *memory = memory_new(NULL, 0);
    assert_int_equal(node_address_parse("no-such-host.invalid:1", &address, NULL), DK_OK);
    assert_int_equal(node_rpc(memory, &address, NULL, &request, PATIENCE_MS, &reply, &err), DK_EIO);
    assert_non_null(strstr(err.message, "cannot find the host 'no-such-host.invalid'"));
    memory_close(memory);
}

/* Proves that a peer that stops anywhere is told by where it stopped. */
static void test_hung_up(void **state)
{
    (void)state;
    check_peer((struct peer){.hello = {NULL, 0}}, PATIENCE_MS, DK_EIO,
               "the peer has closed the connection at once: it may have ended, or want TLS");
    check_peer((struct peer){.hello = {handshake, 20}}, PATIENCE_MS, DK_EIO,
               "the peer has closed the connection in the middle of a message");
    check_peer((struct peer){.hello = BYTES(handshake)}, PATIENCE_MS, DK_EIO,
               "the peer has closed the connection");
    check_peer((struct peer){.hello = BYTES(handshake), .reply = {handshake, 30}}, PATIENCE_MS,
               DK_EIO, "the peer has closed the connection in the middle of a message");
}

/* Proves that a silent peer is given up, and what it owes is named. */
static void test_silence(void **state)
{
    (void)state;
    check_peer((struct peer){.is_silent = true}, 20, DK_EIO,
               "no handshake of Dask's within 0.02 s: is it a scheduler's port, not its "
               "dashboard's?");
    check_peer((struct peer){.hello = BYTES(handshake), .is_silent = true}, 50, DK_EIO,
               "no reply within 0.05 s");
}

/* Proves that other languages are recognised as such, whatever stage they begin at. */
static void test_garbage(void **state)
{
    (void)state;
    check_peer((struct peer){.hello = BYTES("HTTP/1.1 400 Bad Request\r\n\r\n")}, PATIENCE_MS,
               DK_EPARSE, "not Dask's protocol: it begins with 'HTTP/1.1'");
    check_peer((struct peer){.hello = BYTES(MESSAGE("\x01", "\x80"))}, PATIENCE_MS, DK_EPARSE,
               "the peer's first message is no handshake of Dask's");
    check_peer((struct peer){.hello = BYTES(handshake), .reply = BYTES(MESSAGE("\x01", "\xc1"))},
               PATIENCE_MS, DK_EPARSE, "frame 0: no msgpack at byte 0");
}

/* Proves that what failed at the peer comes with its own words. */
static void test_failed_there(void **state)
{
    (void)state;
    struct peer peer = good_peer();
    peer.reply = BYTES(MESSAGE("\x2b", "\x82\xa6status\xaeuncaught-error\xae"
                                       "exception_text\xa4"
                                       "oops"));
    check_peer(peer, PATIENCE_MS, DK_ETASK, "the operation failed there: oops");
    peer.reply = BYTES(MESSAGE("\x17", "\x81\xa6status\xae"
                                       "uncaught-error"));
    check_peer(peer, PATIENCE_MS, DK_ETASK, "the operation failed there: no reason given");
}

static struct peer served;

static dk_status ask_in_little_memory(struct memory *memory)
{
    struct message reply;
    dk_status status = ask(memory, &served, PATIENCE_MS, &reply, NULL);
    if (status == DK_OK)
        message_deinit(&reply);
    return status;
}

/* Proves that running out of memory is reported at every allocation. */
static void test_no_memory(void **state)
{
    (void)state;
    served = good_peer();
    start_peer(&served);
    fail_each_allocation(ask_in_little_memory);
    stop_peer(&served);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reply),     cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_hung_up),   cmocka_unit_test(test_silence),
        cmocka_unit_test(test_garbage),   cmocka_unit_test(test_failed_there),
        cmocka_unit_test(test_no_memory),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
