/* Connections under TLS: those who trust each other talk, all others are told why not. Against real
 * Dask: tests/black/test_node.py. */
#include "loop_support.h"

#include "certificates.h"

static struct certificates files;

static struct tls_config *config_of(const char *cert_file)
{
    struct tls_files chosen = {.ca_file = files.ca, .cert_file = cert_file};
    struct tls_config *config = NULL;
    assert_int_equal(tls_config_new(&chosen, &config, NULL), DK_OK);
    return config;
}

/* Both ends under TLS, not yet open. */
static void begin(struct pair *pair, struct tls_config *theirs, struct tls_config *ours)
{
    struct memory *memory = memory_new(NULL, 0);
    struct listener_options options = local_options();
    struct comm_options connecting = roomy;
    options.protocol = NODE_TLS;
    options.comm.tls = theirs;
    connecting.tls = ours;
    assert_int_equal(pair_listen(pair, memory, &options, NULL), DK_OK);
    assert_memory_equal(listener_address(pair->listener)->text, "tls://", 6);
    assert_int_equal(pair_connect(pair, &connecting), DK_OK);
}

#define LARGE_NBYTES ((size_t)20 << 20)

/* Proves that messages go both ways, small and large ones, and that the end of one side is known to
 * the other. */
static void test_talk(void **state)
{
    (void)state;
    struct pair pair;
    struct tls_config *config = config_of(files.node);
    begin(&pair, config, config);
    RUN_UNTIL(&pair.loop, pair.ours.nopened && pair.theirs.nopened);
    char *large = memory_alloc(pair.memory, LARGE_NBYTES);
    for (size_t i = 0; i < LARGE_NBYTES; i++)
        large[i] = (char)(i * 31 >> 8);
    struct wire_value value = wire_bin((struct wire_bytes){large, LARGE_NBYTES});
    struct wire_value text = wire_text("small");
    assert_int_equal(comm_send(pair.ours.comm, &value, NULL), DK_OK);
    assert_int_equal(comm_send(pair.theirs.comm, &text, NULL), DK_OK);
    assert_true(comm_queued_nbytes(pair.ours.comm) > LARGE_NBYTES / 2);
    RUN_UNTIL(&pair.loop, pair.ours.nreceived && pair.theirs.nreceived && pair.ours.ndrained);
    assert_true(wire_text_is(&pair.ours.message.root, "small"));
    assert_int_equal(pair.theirs.message.root.count, LARGE_NBYTES);
    assert_memory_equal(pair.theirs.message.root.as.bytes, large, LARGE_NBYTES);
    memory_free(pair.memory, large, LARGE_NBYTES);
    assert_int_equal(comm_queued_nbytes(pair.ours.comm), 0);
    assert_int_equal(comm_send(pair.ours.comm, &text, NULL), DK_OK);
    comm_finish(pair.ours.comm);
    RUN_UNTIL(&pair.loop, pair.theirs.nclosed && pair.ours.nclosed);
    assert_int_equal(pair.theirs.nreceived, 2);
    assert_non_null(strstr(pair.theirs.why.message, ": the peer has closed the connection"));
    pair_close(&pair);
    tls_config_free(config);
}

/* Proves that nobody talks to a node that another authority vouches for, on either side. */
static void test_strangers(void **state)
{
    (void)state;
    struct tls_config *node = config_of(files.node);
    struct tls_config *stranger = config_of(files.stranger);
    struct pair pair;
    begin(&pair, node, stranger);
    RUN_UNTIL(&pair.loop, pair.nrefused && pair.ours.nclosed);
    assert_non_null(strstr(pair.refused.message, "TLS: unable to get local issuer certificate"));
    assert_int_equal(pair.theirs.nopened, 0);
    pair_close(&pair);
    begin(&pair, stranger, node);
    RUN_UNTIL(&pair.loop, pair.nrefused && pair.ours.nclosed);
    assert_non_null(strstr(pair.ours.why.message, "TLS: unable to get local issuer certificate"));
    assert_int_equal(pair.theirs.nopened + pair.ours.nopened, 0);
    pair_close(&pair);
    tls_config_free(stranger);
    tls_config_free(node);
}

/* Proves that a plain peer and one under TLS part, both ways round. */
static void test_plain_peer(void **state)
{
    (void)state;
    struct tls_config *config = config_of(files.node);
    struct pair pair;
    struct node_address address;
    struct listener_options options = local_options();
    for (int way = 0; way < 2; way++) {
        struct memory *memory = memory_new(NULL, 0);
        struct comm_options connecting = roomy;
        options.protocol = way ? NODE_TCP : NODE_TLS;
        options.comm.tls = connecting.tls = config;
        assert_int_equal(pair_listen(&pair, memory, &options, NULL), DK_OK);
        uint16_t port = (uint16_t)atoi(listener_address(pair.listener)->port);
        enum node_protocol other = way ? NODE_TLS : NODE_TCP;
        assert_int_equal(node_address_make(other, "127.0.0.1", port, &address, NULL), DK_OK);
        assert_int_equal(comm_connect(&pair.loop, memory, &address, &connecting,
                                      end_events(&pair.ours), &pair.ours.comm, NULL),
                         DK_OK);
        RUN_UNTIL(&pair.loop, pair.nrefused && pair.ours.nclosed);
        assert_int_equal(pair.theirs.nopened + pair.ours.nopened, 0);
        assert_non_null(strstr(way ? pair.ours.why.message : pair.refused.message, "TLS"));
        pair_close(&pair);
    }
    tls_config_free(config);
}

/* Proves that files which do not do are named, and that tls:// needs them. */
static void test_files(void **state)
{
    (void)state;
    struct {
        struct tls_files files;
        const char *words;
    } cases[] = {
        {{NULL, files.node, NULL}, "TLS needs the files"},
        {{files.ca, NULL, NULL}, "TLS needs the files"},
        {{"no-such-file", files.node, NULL}, "no-such-file: no authority for TLS: no such file"},
        {{files.ca, "no-such-file", NULL}, "no-such-file: no certificate for TLS: no such file"},
        {{files.ca, files.other_key, NULL}, "key.pem: no certificate for TLS"},
        {{files.ca, files.node, files.ca}, "ca.pem: no key of the certificate for TLS"},
        {{files.ca, files.node, files.other_key}, "key.pem: no key of the certificate for TLS"},
    };
    struct tls_config *config = NULL;
    dk_error err = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(tls_config_new(&cases[i].files, &config, &err), DK_EINVAL);
        assert_non_null(strstr(err.message, cases[i].words));
    }
    struct pair pair;
    struct memory *memory = memory_new(NULL, 0);
    struct listener_options options = local_options();
    struct node_address address;
    options.protocol = NODE_TLS;
    assert_int_equal(pair_listen(&pair, memory, &options, &err), DK_ENOTSUP);
    assert_int_equal(node_address_parse("tls://127.0.0.1:1", &address, NULL), DK_OK);
    assert_int_equal(comm_connect(&pair.loop, memory, &address, &roomy, end_events(&pair.ours),
                                  &pair.ours.comm, &err),
                     DK_ENOTSUP);
    assert_string_equal(err.message, "tls://127.0.0.1:1: TLS needs certificates");
    pair_close(&pair);
}

static struct tls_config *shared;

static dk_status talk_in_little_memory(struct memory *memory)
{
    struct pair pair;
    struct listener_options options = local_options();
    struct comm_options connecting = roomy;
    struct wire_value value = wire_text("question");
    options.protocol = NODE_TLS;
    options.comm.tls = connecting.tls = shared;
    dk_status status = pair_listen(&pair, memory, &options, NULL);
    if (status == DK_OK)
        status = pair_connect(&pair, &connecting);
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
    shared = config_of(files.node);
    fail_each_allocation(talk_in_little_memory);
    tls_config_free(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_talk),       cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_plain_peer), cmocka_unit_test(test_files),
        cmocka_unit_test(test_no_memory),
    };
    signal(SIGPIPE, SIG_IGN);
    certificates_make(&files);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    certificates_remove(&files);
    return failed;
}
