#include "support/failing_allocator.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "local/processes/pipe_message.h"

struct ends {
    struct memory *memory;
    int sockets[2];
    struct outbox out;
    struct inbox in;
};

static void open_ends(struct ends *ends)
{
    ends->memory = memory_new(NULL, 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends->sockets), 0);
    outbox_init(&ends->out, ends->memory);
    inbox_init(&ends->in, ends->memory);
}

static void close_ends(struct ends *ends)
{
    outbox_deinit(&ends->out);
    inbox_deinit(&ends->in);
    close(ends->sockets[0]);
    close(ends->sockets[1]);
    assert_int_equal(memory_use(ends->memory).current, 0);
    memory_close(ends->memory);
}

/* Proves that records come in the order they were put, a message at a time, and that nothing is
 * half read. */
static void test_records(void **state)
{
    (void)state;
    struct ends ends;
    struct cursor message;
    open_ends(&ends);
    for (uint32_t i = 0; i < 3; i++) {
        outbox_record(&ends.out);
        outbox_put_u8(&ends.out, 7);
        outbox_put_u32(&ends.out, i);
    }
    assert_int_equal(inbox_receive(&ends.in, ends.sockets[1], false), TRANSFER_LATER);
    assert_int_equal(outbox_send(&ends.out, ends.sockets[0], false), TRANSFER_DONE);
    assert_true(outbox_is_empty(&ends.out));
    assert_false(inbox_next(&ends.in, &message));
    assert_int_equal(inbox_receive(&ends.in, ends.sockets[1], true), TRANSFER_DONE);
    assert_true(inbox_next(&ends.in, &message));
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(cursor_u8(&message), 7);
        assert_int_equal(cursor_u32(&message), i);
    }
    assert_int_equal(cursor_left(&message), 0);
    assert_int_equal(cursor_u64(&message), 0);
    assert_true(message.overrun);
    assert_false(inbox_next(&ends.in, &message));
    close_ends(&ends);
}

/* Proves that a message larger than the socket's buffer is sent and received in pieces by one
 * thread, without waiting. */
static void test_large(void **state)
{
    (void)state;
    struct ends ends;
    struct cursor message;
    size_t nbytes = 3000000;
    open_ends(&ends);
    char *bytes = malloc(nbytes);
    for (size_t i = 0; i < nbytes; i++)
        bytes[i] = (char)(i * 7);
    outbox_record(&ends.out);
    outbox_put(&ends.out, bytes, nbytes);
    outbox_record(&ends.out); /* a new message, as the first is large */
    outbox_put_u8(&ends.out, 9);
    bool is_sent = false;
    size_t nturns = 0;
    while (!inbox_next(&ends.in, &message)) {
        if (!is_sent)
            is_sent = outbox_send(&ends.out, ends.sockets[0], false) == TRANSFER_DONE;
        assert_int_equal(inbox_receive(&ends.in, ends.sockets[1], false), TRANSFER_DONE);
        nturns++;
    }
    assert_true(nturns > 2);
    assert_memory_equal(cursor_skip(&message, nbytes), bytes, nbytes);
    assert_int_equal(cursor_left(&message), 0);
    while (!inbox_next(&ends.in, &message)) {
        if (!is_sent)
            is_sent = outbox_send(&ends.out, ends.sockets[0], false) == TRANSFER_DONE;
        assert_int_equal(inbox_receive(&ends.in, ends.sockets[1], false), TRANSFER_DONE);
    }
    assert_int_equal(cursor_u8(&message), 9);
    free(bytes);
    close_ends(&ends);
}

static ino_t inode_of(int fd)
{
    struct stat status;
    assert_int_equal(fstat(fd, &status), 0);
    return status.st_ino;
}

/* Proves that descriptors arrive with their messages, in order, more of them than one message can
 * carry; that owned ones are closed once sent, and the others are not. */
static void test_descriptors(void **state)
{
    (void)state;
    enum { NFDS = 450 };
    struct ends ends;
    struct cursor message;
    ino_t inodes[NFDS];
    int kept[2];
    open_ends(&ends);
    assert_int_equal(pipe(kept), 0);
    for (uint32_t i = 0; i < NFDS; i++) {
        bool is_owned = i % 3 != 0;
        int fd = is_owned ? memfd_create("test", MFD_CLOEXEC) : kept[0];
        inodes[i] = inode_of(fd);
        outbox_record(&ends.out);
        outbox_put_u32(&ends.out, i);
        outbox_put_fd(&ends.out, fd, is_owned);
    }
    int last = outbox_last_fd(&ends.out);
    assert_int_equal(outbox_send(&ends.out, ends.sockets[0], false), TRANSFER_DONE);
    assert_int_equal(fcntl(last, F_GETFD), -1);
    assert_int_not_equal(fcntl(kept[0], F_GETFD), -1);
    uint32_t n = 0;
    while (n < NFDS) {
        assert_int_equal(inbox_receive(&ends.in, ends.sockets[1], false), TRANSFER_DONE);
        while (inbox_next(&ends.in, &message)) {
            for (; cursor_left(&message); n++) {
                assert_int_equal(cursor_u32(&message), n);
                int fd = inbox_take_fd(&ends.in);
                assert_true(inode_of(fd) == inodes[n]);
                assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
                close(fd);
            }
        }
    }
    assert_int_equal(inbox_take_fd(&ends.in), -1);
    close(kept[0]);
    close(kept[1]);
    close_ends(&ends);
}

/* Proves that a record can be taken back with its descriptor, and what was before it is sent. */
static void test_rewind(void **state)
{
    (void)state;
    struct ends ends;
    struct cursor message;
    open_ends(&ends);
    outbox_record(&ends.out);
    outbox_put_u8(&ends.out, 1);
    struct outbox_mark mark = outbox_mark(&ends.out);
    int fd = memfd_create("test", MFD_CLOEXEC);
    outbox_put_u64(&ends.out, 2);
    outbox_put_fd(&ends.out, fd, true);
    outbox_rewind(&ends.out, mark);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_int_equal(outbox_send(&ends.out, ends.sockets[0], false), TRANSFER_DONE);
    assert_int_equal(inbox_receive(&ends.in, ends.sockets[1], false), TRANSFER_DONE);
    assert_true(inbox_next(&ends.in, &message));
    assert_int_equal(cursor_left(&message), 1);
    close_ends(&ends);
}

/* Proves that the end of the other side is seen, after everything it had sent. */
static void test_end(void **state)
{
    (void)state;
    struct ends ends;
    struct cursor message;
    open_ends(&ends);
    outbox_record(&ends.out);
    outbox_put_u8(&ends.out, 1);
    assert_int_equal(outbox_send(&ends.out, ends.sockets[0], false), TRANSFER_DONE);
    close(ends.sockets[0]);
    assert_int_equal(inbox_receive(&ends.in, ends.sockets[1], true), TRANSFER_DONE);
    assert_true(inbox_next(&ends.in, &message));
    assert_int_equal(inbox_receive(&ends.in, ends.sockets[1], true), TRANSFER_END);
    outbox_record(&ends.out);
    assert_int_equal(outbox_send(&ends.out, ends.sockets[1], false), TRANSFER_END);
    ends.sockets[0] = dup(ends.sockets[1]);
    close_ends(&ends);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),     cmocka_unit_test(test_large),
        cmocka_unit_test(test_descriptors), cmocka_unit_test(test_rewind),
        cmocka_unit_test(test_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
