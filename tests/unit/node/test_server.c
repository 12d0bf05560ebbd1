/* A server that is asked by one connection: every way in which a question ends. */
#include "answers_support.h"

struct asker {
    uv_loop_t loop;
    struct memory *memory;
    struct answers answers;
    struct end end;
};

static void asker_open(struct asker *asker)
{
    *asker = (struct asker){.memory = memory_new(NULL, 0)};
    assert_int_equal(uv_loop_init(&asker->loop), 0);
    assert_int_equal(answers_open(&asker->answers, &asker->loop, asker->memory, 0), DK_OK);
    assert_int_equal(comm_connect(&asker->loop, asker->memory,
                                  server_address(asker->answers.server), &roomy,
                                  end_events(&asker->end), &asker->end.comm, NULL),
                     DK_OK);
    RUN_UNTIL(&asker->loop, asker->end.nopened);
}

static void asker_close(struct asker *asker)
{
    if (asker->end.comm)
        comm_close(asker->end.comm);
    if (asker->answers.server)
        server_close(asker->answers.server);
    uv_run(&asker->loop, UV_RUN_DEFAULT);
    assert_null(asker->answers.server);
    assert_int_equal(uv_loop_close(&asker->loop), 0);
    assert_int_equal(memory_use(asker->memory).current, 0);
    memory_close(asker->memory);
}

/* A question with one more entry. */
static void ask_with(struct asker *asker, const char *op, const char *name, struct wire_value value)
{
    struct wire_entry entries[] = {{wire_text("op"), wire_text(op)}, {wire_text(name), value}};
    struct wire_value question = wire_map(entries, 2);
    assert_int_equal(comm_send(asker->end.comm, &question, NULL), DK_OK);
}

static void ask(struct asker *asker, const char *op)
{
    ask_with(asker, op, "reply", wire_bool(true));
}

static void check_echo(struct asker *asker, const char *text)
{
    size_t before = asker->end.nreceived;
    ask_with(asker, "echo", "say", wire_text(text));
    RUN_UNTIL(&asker->loop, asker->end.nreceived > before);
    assert_true(wire_text_is(&asker->end.message.root, text));
}

/* Proves that answers come at once or later, in the order of the questions, and one at a time. */
static void test_order(void **state)
{
    (void)state;
    struct asker asker;
    struct wire_value answer = wire_text("at last");
    asker_open(&asker);
    check_echo(&asker, "one");
    ask(&asker, "later");
    for (int i = 0; i < 100; i++) /* more than may wait */
        ask_with(&asker, "echo", "say", wire_int(i));
    RUN_UNTIL(&asker.loop, asker.answers.nlater);
    assert_memory_equal(request_peer(asker.answers.later[0]), "tcp://127.0.0.1:", 16);
    assert_int_equal(asker.end.nreceived, 1);
    request_reply(asker.answers.later[0], &answer);
    RUN_UNTIL(&asker.loop, asker.end.nreceived == 102);
    assert_int_equal(asker.end.message.root.as.integer, 99);
    check_echo(&asker, "again");
    asker_close(&asker);
}

/* Proves that failures, unknown operations and what is no question are answered in Dask's form. */
static void test_failures(void **state)
{
    (void)state;
    static const char key_error[] = "\x80\x04\x8c\x08"
                                    "builtins\x8c\x08"
                                    "KeyError\x93(X\x10\0\0\0no such key: 'x'tR.";
    struct asker asker;
    struct wire_value bad = wire_int(5);
    asker_open(&asker);
    const struct wire_value *root = &asker.end.message.root;
    ask(&asker, "fail");
    RUN_UNTIL(&asker.loop, asker.end.nreceived == 1);
    assert_true(wire_text_is(wire_find(root, "status"), "uncaught-error"));
    assert_true(wire_text_is(wire_find(root, "exception_text"), "no such key: 'x'"));
    const struct wire_value *pickle = wire_find(root, "exception");
    assert_int_equal(pickle->count, sizeof(key_error) - 1);
    assert_memory_equal(pickle->as.bytes, key_error, sizeof(key_error) - 1);
    ask(&asker, "no-such-op");
    RUN_UNTIL(&asker.loop, asker.end.nreceived == 2);
    assert_int_equal(asker.answers.nunknown, 1);
    struct wire_bytes text;
    assert_true(wire_read_text(wire_find(root, "exception_text"), &text));
    assert_non_null(memmem(text.data, text.nbytes, "the operation 'no-such-op'", 26));
    assert_int_equal(comm_send(asker.end.comm, &bad, NULL), DK_OK);
    RUN_UNTIL(&asker.loop, asker.end.nreceived == 3);
    assert_true(wire_text_is(wire_find(root, "status"), "uncaught-error"));
    ask(&asker, "deep");
    RUN_UNTIL(&asker.loop, asker.end.nreceived == 4);
    assert_true(wire_read_text(wire_find(root, "exception_text"), &text));
    assert_non_null(memmem(text.data, text.nbytes, "nested deeper", 13));
    asker_close(&asker);
}

/* Proves that what asks for no reply gets none, and the next question is answered. */
static void test_no_reply(void **state)
{
    (void)state;
    struct asker asker;
    asker_open(&asker);
    ask_with(&asker, "fail", "reply", wire_bool(false));
    ask_with(&asker, "no-such-op", "reply", wire_bool(false));
    check_echo(&asker, "only this");
    assert_int_equal(asker.end.nreceived, 1);
    asker_close(&asker);
}

/* Proves the ways in which a peer ends the connection: after an answer, by a word, with or without
 * an answer to it. */
static void test_close(void **state)
{
    (void)state;
    struct asker asker;
    asker_open(&asker);
    ask_with(&asker, "fail", "close", wire_bool(true));
    ask(&asker, "fail");
    RUN_UNTIL(&asker.loop, asker.end.nclosed);
    assert_int_equal(asker.end.nreceived, 1);
    asker_close(&asker);
    asker_open(&asker);
    ask(&asker, "close");
    RUN_UNTIL(&asker.loop, asker.end.nclosed);
    assert_int_equal(asker.end.nreceived, 1);
    asker_close(&asker);
    asker_open(&asker);
    ask_with(&asker, "close", "reply", wire_bool(false));
    RUN_UNTIL(&asker.loop, asker.end.nclosed);
    assert_int_equal(asker.end.nreceived, 0);
    asker_close(&asker);
}

/* Proves that a handler learns that its peer has gone, may answer nevertheless, and that the end of
 * the server is the same. */
static void test_gone(void **state)
{
    (void)state;
    struct asker asker;
    struct wire_value nil = wire_nil();
    for (int way = 0; way < 2; way++) {
        asker_open(&asker);
        ask(&asker, "later");
        ask(&asker, "echo");
        RUN_UNTIL(&asker.loop, asker.answers.nlater);
        if (way == 0)
            comm_close(asker.end.comm);
        else
            server_close(asker.answers.server);
        RUN_UNTIL(&asker.loop, asker.answers.ngone && (way == 0 || !asker.answers.server));
        assert_string_equal(request_peer(asker.answers.later[0]), "");
        request_reply(asker.answers.later[0], &nil);
        asker_close(&asker);
        assert_int_equal(asker.answers.ngone, 1);
    }
}

/* Proves that a handler may keep the message it was asked with. */
static void test_take_message(void **state)
{
    (void)state;
    struct asker asker;
    struct message message;
    struct wire_value nil = wire_nil();
    asker_open(&asker);
    ask(&asker, "later");
    RUN_UNTIL(&asker.loop, asker.answers.nlater);
    request_take_message(asker.answers.later[0], &message);
    request_reply(asker.answers.later[0], &nil);
    assert_true(wire_text_is(wire_find(&message.root, "op"), "later"));
    message_deinit(&message);
    asker_close(&asker);
}

/* Proves that data is confirmed by an "OK", and that anything else ends the connection. */
static void test_confirmation(void **state)
{
    (void)state;
    struct asker asker;
    struct wire_value ok = wire_text("OK");
    asker_open(&asker);
    ask(&asker, "data");
    RUN_UNTIL(&asker.loop, asker.end.nreceived == 1);
    assert_int_equal(asker.answers.nconfirmed, 0);
    assert_int_equal(comm_send(asker.end.comm, &ok, NULL), DK_OK);
    check_echo(&asker, "next");
    assert_int_equal(asker.answers.nconfirmed, 1);
    assert_int_equal(asker.answers.nreleased, 1);
    assert_int_equal(comm_send(asker.end.comm, &ok, NULL), DK_OK); /* says nothing */
    check_echo(&asker, "after a stray word");
    ask(&asker, "data");
    RUN_UNTIL(&asker.loop, asker.end.nreceived == 4);
    ask(&asker, "echo");
    RUN_UNTIL(&asker.loop, asker.end.nclosed);
    assert_int_equal(asker.answers.ndenied, 1);
    asker_close(&asker);
    asker_open(&asker);
    ask(&asker, "data");
    RUN_UNTIL(&asker.loop, asker.end.nreceived == 1);
    comm_close(asker.end.comm);
    RUN_UNTIL(&asker.loop, asker.answers.ndenied);
    asker_close(&asker);
}

/* Proves that a handler makes a stream of its connection, which gets all that follows. */
static void test_stream(void **state)
{
    (void)state;
    struct asker asker;
    struct wire_value ok = wire_text("later's answer");
    asker_open(&asker);
    ask(&asker, "later");
    ask(&asker, "stream");
    for (int i = 0; i < 3; i++)
        ask(&asker, "echo");
    RUN_UNTIL(&asker.loop, asker.answers.nlater);
    request_reply(asker.answers.later[0], &ok);
    RUN_UNTIL(&asker.loop, asker.answers.nstreamed == 3);
    ask(&asker, "close-stream");
    RUN_UNTIL(&asker.loop, asker.answers.nstream_closed && asker.end.nclosed);
    asker_close(&asker);
}

/* A question and its answer, or its failure. */
static dk_status answer_in_little_memory(struct memory *memory)
{
    uv_loop_t loop;
    struct answers answers;
    struct end end = {0};
    struct wire_entry entries[] = {{wire_text("op"), wire_text("data")}};
    struct wire_value question = wire_map(entries, 1);
    uv_loop_init(&loop);
    dk_status status = answers_open(&answers, &loop, memory, 0);
    if (status == DK_OK) {
        status = comm_connect(&loop, memory, server_address(answers.server), &roomy,
                              end_events(&end), &end.comm, NULL);
        if (status == DK_OK)
            RUN_UNTIL(&loop, end.nopened || end.nclosed);
        if (status == DK_OK && end.comm)
            status = comm_send(end.comm, &question, NULL);
        if (status == DK_OK)
            RUN_UNTIL(&loop, end.nreceived || end.nclosed);
        if (end.nreceived == 0 || !wire_text_is(wire_find(&end.message.root, "status"), "OK"))
            status = DK_ENOMEM;
        if (end.comm)
            comm_close(end.comm);
        server_close(answers.server);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    return status;
}

/* Proves that running out of memory fails the question or its connection, at every allocation. */
static void test_no_memory(void **state)
{
    (void)state;
    fail_each_allocation(answer_in_little_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_no_reply),     cmocka_unit_test(test_close),
        cmocka_unit_test(test_gone),         cmocka_unit_test(test_take_message),
        cmocka_unit_test(test_confirmation), cmocka_unit_test(test_stream),
        cmocka_unit_test(test_no_memory),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
