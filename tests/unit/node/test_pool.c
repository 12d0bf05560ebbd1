/* Questions by a pool to a server: kept connections, limits, and every way in which an answer does
 * not come. */
#include "answers_support.h"

#include "node/pool.h"

struct asker {
    uv_loop_t loop;
    struct memory *memory;
    struct answers answers;
    struct pool *pool;
};

/* One question and what came of it. */
struct asked {
    struct pool_call *call;
    struct message answer;
    bool has_answer;
    size_t nends;
    dk_error why;
};

static void on_answered(void *self, struct message *answer, const dk_error *why)
{
    struct asked *asked = self;
    asked->nends++;
    if (why)
        asked->why = *why;
    if (answer) {
        asked->answer = *answer;
        asked->has_answer = true;
    }
}

static void forget(struct asked *asked)
{
    if (asked->has_answer)
        message_deinit(&asked->answer);
    *asked = (struct asked){0};
}

static void asker_open(struct asker *asker, size_t comms_max)
{
    struct pool_options options = {.comm = roomy, .comms_max = comms_max};
    *asker = (struct asker){.memory = memory_new(NULL, 0)};
    assert_int_equal(uv_loop_init(&asker->loop), 0);
    assert_int_equal(answers_open(&asker->answers, &asker->loop, asker->memory, 0), DK_OK);
    assert_int_equal(pool_new(&asker->loop, asker->memory, &options, &asker->pool, NULL), DK_OK);
}

static void on_pool_closed(void *self)
{
    *(struct pool **)self = NULL;
}

static void asker_close(struct asker *asker)
{
    if (asker->pool)
        pool_close(asker->pool, on_pool_closed, &asker->pool);
    if (asker->answers.server)
        server_close(asker->answers.server);
    uv_run(&asker->loop, UV_RUN_DEFAULT);
    assert_null(asker->pool);
    assert_int_equal(uv_loop_close(&asker->loop), 0);
    assert_int_equal(memory_use(asker->memory).current, 0);
    memory_close(asker->memory);
}

static struct pool_question question_of(struct asked *asked, const struct node_address *address,
                                        const struct wire_value *message)
{
    return (struct pool_question){
        .address = *address, .message = message, .answered = on_answered, .self = asked};
}

static void ask(struct asker *asker, struct asked *asked, const char *op, int64_t timeout_ms)
{
    struct wire_entry entries[] = {{wire_text("op"), wire_text(op)},
                                   {wire_text("say"), wire_text("well")}};
    struct wire_value message = wire_map(entries, 2);
    struct pool_question question =
        question_of(asked, server_address(asker->answers.server), &message);
    question.timeout_ms = timeout_ms;
    question.confirms = strcmp(op, "data") == 0;
    *asked = (struct asked){0};
    assert_int_equal(pool_ask(asker->pool, &question, &asked->call, NULL), DK_OK);
    assert_int_equal(asked->nends, 0);
}

/* Proves that questions one after the other take one connection, and that those at the same time
 * take one each. */
static void test_connections(void **state)
{
    (void)state;
    struct asker asker;
    struct asked asked[20];
    asker_open(&asker, 0);
    for (int i = 0; i < 3; i++) {
        ask(&asker, &asked[0], "echo", 0);
        assert_int_equal(pool_nidle(asker.pool), 0);
        RUN_UNTIL(&asker.loop, asked[0].nends);
        assert_true(asked[0].has_answer && wire_text_is(&asked[0].answer.root, "well"));
        assert_int_equal(asked[0].why.status, DK_OK);
        assert_int_equal(pool_ncomms(asker.pool), 1);
        assert_int_equal(pool_nidle(asker.pool), 1);
        forget(&asked[0]);
    }
    for (int i = 0; i < 20; i++)
        ask(&asker, &asked[i], "echo", 0);
    for (int i = 0; i < 20; i++) {
        RUN_UNTIL(&asker.loop, asked[i].nends);
        forget(&asked[i]);
    }
    assert_int_equal(pool_nidle(asker.pool), 20);
    pool_forget(asker.pool, server_address(asker.answers.server)->text);
    RUN_UNTIL(&asker.loop, pool_ncomms(asker.pool) == 0);
    asker_close(&asker);
}

/* Proves that no more connections are open than may be, and that those who wait get theirs in turn,
 * also when others must be closed for it. */
static void test_limit(void **state)
{
    (void)state;
    struct asker asker;
    struct answers other;
    struct asked asked[50];
    struct wire_entry entries[] = {{wire_text("op"), wire_text("echo")}};
    struct wire_value message = wire_map(entries, 1);
    asker_open(&asker, 2);
    assert_int_equal(answers_open(&other, &asker.loop, asker.memory, 0), DK_OK);
    for (int i = 0; i < 50; i++) {
        const struct server *server = i % 3 ? asker.answers.server : other.server;
        struct pool_question question = question_of(&asked[i], server_address(server), &message);
        asked[i] = (struct asked){0};
        assert_int_equal(pool_ask(asker.pool, &question, NULL, NULL), DK_OK);
        assert_true(pool_ncomms(asker.pool) <= 2);
    }
    for (int i = 0; i < 50; i++) {
        while (!asked[i].nends) {
            assert_true(uv_run(&asker.loop, UV_RUN_ONCE));
            assert_true(pool_ncomms(asker.pool) <= 2);
        }
        assert_true(asked[i].has_answer);
        forget(&asked[i]);
    }
    server_close(other.server);
    asker_close(&asker);
}

/* Proves that what failed there comes as such, with the whole answer. */
static void test_failed_there(void **state)
{
    (void)state;
    struct asker asker;
    struct asked asked;
    asker_open(&asker, 0);
    ask(&asker, &asked, "fail", 0);
    RUN_UNTIL(&asker.loop, asked.nends);
    assert_int_equal(asked.why.status, DK_ETASK);
    assert_non_null(strstr(asked.why.message, "the operation failed there: no such key: 'x'"));
    assert_int_equal(wire_find(&asked.answer.root, "exception")->kind, WIRE_BIN);
    forget(&asked);
    asker_close(&asker);
}

/* Proves that data is confirmed, before the connection is asked anything else. */
static void test_confirms(void **state)
{
    (void)state;
    struct asker asker;
    struct asked asked;
    asker_open(&asker, 1);
    for (int i = 0; i < 3; i++) {
        ask(&asker, &asked, "data", 0);
        RUN_UNTIL(&asker.loop, asked.nends);
        assert_int_equal(wire_find(&asked.answer.root, "data")->as.payload->frames[0].nbytes,
                         LARGE_NBYTES);
        forget(&asked);
    }
    RUN_UNTIL(&asker.loop, asker.answers.nconfirmed == 3);
    assert_int_equal(asker.answers.nreleased, 3);
    asker_close(&asker);
}

/* Proves that nobody there, and a peer that dies, are told. */
static void test_peer_died(void **state)
{
    (void)state;
    struct asker asker;
    struct asked asked;
    struct asked idle;
    asker_open(&asker, 0);
    struct node_address address = *server_address(asker.answers.server);
    ask(&asker, &idle, "echo", 0);
    ask(&asker, &asked, "later", 0);
    RUN_UNTIL(&asker.loop, idle.nends && asker.answers.nlater);
    server_close(asker.answers.server);
    RUN_UNTIL(&asker.loop, asked.nends && !asker.answers.server);
    assert_int_equal(asked.why.status, DK_EIO);
    assert_non_null(strstr(asked.why.message, "the peer has closed the connection"));
    RUN_UNTIL(&asker.loop, pool_ncomms(asker.pool) == 0);
    forget(&idle);
    struct wire_value nil = wire_nil();
    request_reply(asker.answers.later[0], &nil);
    struct pool_question question = question_of(&asked, &address, &nil);
    forget(&asked);
    assert_int_equal(pool_ask(asker.pool, &question, NULL, NULL), DK_OK);
    RUN_UNTIL(&asker.loop, asked.nends);
    assert_int_equal(asked.why.status, DK_EIO);
    assert_non_null(strstr(asked.why.message, "nothing listens there"));
    asker_close(&asker);
}

/* Proves that late answers are given up, whatever is missing, and that their connection is not used
 * again. */
static void test_timeout(void **state)
{
    (void)state;
    struct asker asker;
    struct asked slow;
    struct asked waiting;
    struct wire_value nil = wire_nil();
    asker_open(&asker, 1);
    ask(&asker, &slow, "later", 0);
    ask(&asker, &waiting, "echo", 20);
    RUN_UNTIL(&asker.loop, waiting.nends);
    assert_int_equal(waiting.why.status, DK_EIO);
    assert_non_null(
        strstr(waiting.why.message, "no connection of the pool was free within 0.02 s"));
    pool_cancel(slow.call);
    RUN_UNTIL(&asker.loop, asker.answers.ngone == 1);
    request_reply(asker.answers.later[0], &nil);
    ask(&asker, &slow, "later", 100);
    RUN_UNTIL(&asker.loop, slow.nends);
    assert_non_null(strstr(slow.why.message, ": no reply within 0.1 s"));
    RUN_UNTIL(&asker.loop, asker.answers.ngone == 2);
    request_reply(asker.answers.later[1], &nil);
    assert_int_equal(pool_ncomms(asker.pool), 0);
    asker_close(&asker);
}

/* Proves that a cancelled question is not answered, wherever it is, and that the next one is. */
static void test_cancel(void **state)
{
    (void)state;
    struct asker asker;
    struct asked first;
    struct asked second;
    struct asked third;
    struct wire_value nil = wire_nil();
    asker_open(&asker, 1);
    ask(&asker, &first, "later", 0);
    ask(&asker, &second, "echo", 0);
    ask(&asker, &third, "echo", 0);
    RUN_UNTIL(&asker.loop, asker.answers.nlater);
    pool_cancel(second.call);
    pool_cancel(first.call);
    RUN_UNTIL(&asker.loop, third.nends);
    assert_int_equal(first.nends + second.nends, 0);
    assert_true(third.has_answer);
    forget(&third);
    RUN_UNTIL(&asker.loop, asker.answers.ngone);
    request_reply(asker.answers.later[0], &nil);
    ask(&asker, &first, "echo", 0);
    ask(&asker, &second, "echo", 0);
    pool_cancel(first.call); /* before there is a connection */
    RUN_UNTIL(&asker.loop, second.nends);
    forget(&second);
    asker_close(&asker);
}

/* Proves that the end of the pool ends its questions, and that a closed one takes none. */
static void test_close(void **state)
{
    (void)state;
    struct asker asker;
    struct asked asked[4];
    struct wire_value nil = wire_nil();
    asker_open(&asker, 2);
    for (int i = 0; i < 4; i++)
        ask(&asker, &asked[i], "later", 1000);
    RUN_UNTIL(&asker.loop, asker.answers.nlater == 2);
    pool_close(asker.pool, on_pool_closed, &asker.pool);
    for (int i = 0; i < 4; i++)
        assert_int_equal(asked[i].why.status, DK_ECANCELED);
    struct pool_question question =
        question_of(&asked[0], server_address(asker.answers.server), &nil);
    assert_int_equal(pool_ask(asker.pool, &question, NULL, NULL), DK_ECANCELED);
    RUN_UNTIL(&asker.loop, !asker.pool && asker.answers.ngone == 2);
    request_reply(asker.answers.later[0], &nil);
    request_reply(asker.answers.later[1], &nil);
    asker_close(&asker);
}

/* A question in each of the two ways in which it may lie in memory. */
static dk_status ask_in_little_memory(struct memory *memory)
{
    struct pool_options options = {.comm = roomy};
    struct asker asker = {.memory = memory};
    struct asked asked = {0};
    struct wire_entry entries[] = {{wire_text("op"), wire_text("data")}};
    struct wire_value message = wire_map(entries, 1);
    uv_loop_init(&asker.loop);
    dk_status status = answers_open(&asker.answers, &asker.loop, memory, 0);
    if (status == DK_OK)
        status = pool_new(&asker.loop, memory, &options, &asker.pool, NULL);
    for (int way = 0; way < 2 && status == DK_OK; way++) {
        struct pool_question question =
            question_of(&asked, server_address(asker.answers.server), &message);
        question.loan = way ? (struct loan){answers_release, &asker.answers} : (struct loan){0};
        question.confirms = true;
        forget(&asked);
        size_t released = asker.answers.nreleased;
        status = pool_ask(asker.pool, &question, NULL, NULL);
        if (status == DK_OK) {
            RUN_UNTIL(&asker.loop, asked.nends);
            status = asked.has_answer && asked.why.status == DK_OK ? DK_OK : DK_ENOMEM;
        }
        assert_true(!way || asker.answers.nreleased > released);
    }
    forget(&asked);
    if (asker.pool)
        pool_close(asker.pool, on_pool_closed, &asker.pool);
    if (asker.answers.server)
        server_close(asker.answers.server);
    uv_run(&asker.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&asker.loop), 0);
    return status;
}

/* Proves that running out of memory fails the question, at every allocation of either side. */
static void test_no_memory(void **state)
{
    (void)state;
    fail_each_allocation(ask_in_little_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connections),  cmocka_unit_test(test_limit),
        cmocka_unit_test(test_failed_there), cmocka_unit_test(test_confirms),
        cmocka_unit_test(test_peer_died),    cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_cancel),       cmocka_unit_test(test_close),
        cmocka_unit_test(test_no_memory),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
