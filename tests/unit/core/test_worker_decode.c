/* The worker's core at the edge: the scheduler's messages as events, and instructions as messages.
 */
#include "support/failing.h"

#include <string.h>

#include "core/worker/decode.h"
#include "core/worker/messages.h"

static struct wire_bytes bytes_of(const char *text)
{
    return (struct wire_bytes){text, strlen(text)};
}

/* compute-task of ("x", 1), which needs "a" (100 bytes at two peers) and a GPU. */
static dk_status decode_compute(struct wkr_decoder *decoder, struct wkr_event *event)
{
    struct wire_value key[] = {wire_text("x"), wire_int(1)};
    struct wire_value peers[] = {wire_text("tcp://a:1"), wire_text("tcp://b:2")};
    struct wire_entry who_has[] = {{wire_text("a"), wire_array(peers, 2)}};
    struct wire_entry nbytes[] = {{wire_text("a"), wire_int(100)}};
    struct wire_entry resources[] = {{wire_text("GPU"), wire_int(2)}};
    struct wire_value priority[] = {wire_int(-3), wire_float(1.5), wire_int(7)};
    struct wire_entry entries[] = {
        {wire_text("op"), wire_text("compute-task")},
        {wire_text("key"), wire_array(key, 2)},
        {wire_text("run_id"), wire_int(9)},
        {wire_text("priority"), wire_array(priority, 3)},
        {wire_text("who_has"), wire_map(who_has, 1)},
        {wire_text("nbytes"), wire_map(nbytes, 1)},
        {wire_text("resource_restrictions"), wire_map(resources, 1)},
        {wire_text("run_spec"), wire_bin(bytes_of("code"))},
        {wire_text("actor"), wire_bool(false)},
        {wire_text("something new"), wire_nil()},
    };
    struct wire_value message = wire_map(entries, sizeof(entries) / sizeof(*entries));
    return wkr_decode(decoder, &message, event);
}

static dk_status decode_one(struct memory *memory)
{
    struct arena arena;
    struct vector scratch;
    struct wkr_event event;
    struct wkr_decoder decoder = {&arena, &scratch, NULL};
    arena_init(&arena, memory);
    vector_init(&scratch, memory, 1);
    dk_status status = decode_compute(&decoder, &event);
    if (status == DK_OK) {
        const struct wkr_compute_task *compute = &event.as.compute;
        assert_int_equal(event.kind, WKR_COMPUTE_TASK);
        assert_int_equal(compute->run_id, 9);
        assert_int_equal(compute->priority.user, -3);
        assert_true(compute->priority.generation == 1.5 && compute->priority.order == 7);
        assert_int_equal(compute->ndependencies, 1);
        assert_int_equal(compute->dependencies[0].nbytes, 100);
        assert_int_equal(compute->dependencies[0].naddresses, 2);
        assert_int_equal(compute->nresources, 1);
        assert_true(compute->resources[0].amount == 2);
        assert_int_equal(compute->run_spec->value.count, 4);
        wire_box_unref(compute->run_spec);
    }
    vector_deinit(&scratch);
    arena_deinit(&arena);
    return status;
}

/* Proves that compute-task says all that it should, unknown fields or not, and that no allocation
 * that fails is missed. */
static void test_compute_task(void **state)
{
    (void)state;
    fail_each_allocation(decode_one);
}

/* Proves that what is missing, wrong or unknown is refused with a reason. */
static void test_refused(void **state)
{
    (void)state;
    struct wire_entry no_key[] = {{wire_text("op"), wire_text("steal-request")}};
    struct wire_entry no_list[] = {{wire_text("op"), wire_text("free-keys")},
                                   {wire_text("keys"), wire_int(1)}};
    struct wire_entry unknown[] = {{wire_text("op"), wire_text("dance")}};
    struct {
        struct wire_value message;
        dk_status status;
        const char *words;
    } cases[] = {
        {wire_map(no_key, 1), DK_EPARSE, "a key is missing"},
        {wire_map(no_list, 2), DK_EPARSE, "an integer where keys are expected"},
        {wire_map(unknown, 1), DK_ENOTSUP, "'dance'"},
        {wire_nil(), DK_ENOTSUP, "no operation"},
    };
    struct memory *memory = memory_new(NULL, 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct arena arena;
        struct vector scratch;
        struct wkr_event event;
        dk_error err = {0};
        struct wkr_decoder decoder = {&arena, &scratch, &err};
        arena_init(&arena, memory);
        vector_init(&scratch, memory, 1);
        assert_int_equal(wkr_decode(&decoder, &cases[i].message, &event), cases[i].status);
        assert_non_null(strstr(err.message, cases[i].words));
        vector_deinit(&scratch);
        arena_deinit(&arena);
    }
    memory_close(memory);
}

/* A failed task and a stolen one that is not known, as messages. */
static dk_status tell(struct memory *memory)
{
    struct arena arena;
    arena_init(&arena, memory);
    struct wire_builder builder = {&arena, false};
    struct wire_box *error =
        wkr_error_new(memory, bytes_of("pickle"), (struct wire_bytes){0}, "no");
    struct wkr_instruction erred = {.kind = WKR_SEND_TASK_ERRED,
                                    .key = {"\xa1x", 2},
                                    .run_id = 4,
                                    .start = 1,
                                    .stop = 2,
                                    .error = error};
    struct wkr_instruction stolen = {
        .kind = WKR_SEND_STEAL_RESPONSE, .key = {"\xa1x", 2}, .state = WKR_FORGOTTEN};
    struct wire_value message =
        wkr_message(&builder, NULL, NULL, &erred, bytes_of("s-1"), (struct wkr_type){0});
    struct wire_value answer =
        wkr_message(&builder, NULL, NULL, &stolen, bytes_of("steal-2"), (struct wkr_type){0});
    if (!builder.failed && error) {
        int64_t run_id = 0;
        assert_true(wire_text_is(wire_find(&message, "op"), "task-erred"));
        assert_true(wire_text_is(wire_find(&message, "stimulus_id"), "s-1"));
        assert_true(wire_text_is(wire_find(&message, "exception_text"), "no"));
        assert_int_equal(wire_find(&message, "startstops")->count, 1);
        assert_true(wire_read_int(wire_find(&message, "run_id"), &run_id) && run_id == 4);
        assert_true(wire_text_is(wire_find(&answer, "stimulus_id"), "steal-2"));
        assert_int_equal(wire_find(&answer, "state")->kind, WIRE_NIL);
    }
    dk_status status = builder.failed || !error ? DK_ENOMEM : DK_OK;
    wire_box_unref(error);
    arena_deinit(&arena);
    return status;
}

/* Proves that messages have the fields that a scheduler in Python takes as arguments. */
static void test_messages(void **state)
{
    (void)state;
    fail_each_allocation(tell);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compute_task),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
