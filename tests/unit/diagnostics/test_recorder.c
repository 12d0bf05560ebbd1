/* The recorder and what it exports. */
#include "unit/diagnostics/diagnostics_support.h"

#include "diagnostics/recorder.h"

static dk_status record_sum(dk_context *dk, dk_get get, dk_recorder *recorder, int32_t nparts)
{
    dk_callbacks callbacks = dk_recorder_callbacks(recorder);
    dk_get_options options = {.callbacks = &callbacks, .ncallbacks = 1};
    return run_sum(dk, get, &options, nparts);
}

static void check_records(dk_get get)
{
    struct memory *memory = memory_new(NULL, 0);
    dk_context *dk = context_open(memory);
    dk_recorder *recorder = NULL;
    assert_int_equal(dk_recorder_new(dk, &recorder), DK_OK);
    assert_int_equal(record_sum(dk, get, recorder, 10), DK_OK);
    assert_int_equal(dk_recorder_count(recorder), 11);
    assert_int_equal(dk_recorder_ndropped(recorder), 0);
    for (size_t i = 0; i < 11; i++) {
        dk_task_record record = dk_recorder_at(recorder, i);
        assert_string_equal(record.function, "add");
        assert_int_equal(record.status, DK_OK);
        assert_true(record.start_ns > 0 && record.end_ns >= record.start_ns);
        assert_in_range(record.worker, 0, 1);
    }
    assert_string_equal(dk_recorder_at(recorder, 10).key, "total");
    dk_recorder_free(recorder);
    context_close(dk);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Every task has a record, the last one last. */
static void test_records(void **state)
{
    (void)state;
    check_records(dk_get_sync);
    check_records(dk_get_threads);
}

static void put(dk_recorder *recorder, const char *key, const char *function)
{
    dk_task_record *record = vector_push(&recorder->records);
    assert_non_null(record);
    *record = (dk_task_record){key, function, 3, DK_ETASK, 10, 25, 8};
}

/* Quotes, commas and control characters survive both formats. */
static void test_export(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    dk_context *dk = context_open(memory);
    dk_recorder *recorder = NULL;
    assert_int_equal(dk_recorder_new(dk, &recorder), DK_OK);
    put(recorder, "('a', 1)", "add");
    put(recorder, "say \"hi\"\\\t", "f");
    char *text = NULL;
    assert_int_equal(dk_recorder_csv(recorder, &text), DK_OK);
    assert_string_equal(text, "key,function,worker,start_ns,end_ns,result_nbytes,status\n"
                              "\"('a', 1)\",\"add\",3,10,25,8,DK_ETASK\n"
                              "\"say \"\"hi\"\"\\\t\",\"f\",3,10,25,8,DK_ETASK\n");
    dk_text_free(text);
    assert_int_equal(dk_recorder_json(recorder, &text), DK_OK);
    assert_string_equal(text, "[{\"key\": \"('a', 1)\", \"function\": \"add\", \"worker\": 3, "
                              "\"start_ns\": 10, \"end_ns\": 25, \"result_nbytes\": 8, "
                              "\"status\": \"DK_ETASK\"},\n"
                              " {\"key\": \"say \\\"hi\\\"\\\\\\u0009\", \"function\": \"f\", "
                              "\"worker\": 3, \"start_ns\": 10, \"end_ns\": 25, "
                              "\"result_nbytes\": 8, \"status\": \"DK_ETASK\"}]\n");
    dk_text_free(text);
    dk_recorder_free(recorder);
    context_close(dk);
    memory_close(memory);
}

static dk_status record_everything(struct memory *memory)
{
    dk_context *dk = context_open(memory);
    if (!dk)
        return DK_ENOMEM;
    dk_recorder *recorder = NULL;
    char *text = NULL;
    dk_status status = dk_recorder_new(dk, &recorder);
    if (status == DK_OK)
        status = record_sum(dk, dk_get_sync, recorder, 3);
    if (status == DK_OK)
        assert_int_equal((int64_t)dk_recorder_count(recorder) + dk_recorder_ndropped(recorder), 4);
    if (status == DK_OK)
        status = dk_recorder_json(recorder, &text);
    dk_text_free(text);
    dk_recorder_free(recorder);
    context_close(dk);
    return status;
}

/* A record without memory is counted, an export without memory refused. */
static void test_memory(void **state)
{
    (void)state;
    fail_each_allocation(record_everything);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_export),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
