/* Every allocation fails once, in whichever process it is, of computing under processes. They are
 * forked again and again, which is quick as long as the caller has not used much memory. */
#include <signal.h>

#include "foreign_table.h"

/* Tables and partial groups go from process to process. */
static dk_status groups(dk_context *dk, struct trial *trial)
{
    (void)trial;
    dk_frame df;
    dk_table *tables[2] = {NULL, NULL};
    DK_TRY(foreign_frame(dk, "at", 2, &df));
    dk_frame wanted[] = {dk_select(df, DK_NAMES("name", "price")),
                         dk_max(dk_col(dk_groupby_column(df, "code"), "price"))};
    dk_status status =
        dk_compute_many(wanted, 2, &(dk_compute_options){.get = dk_get_processes}, tables);
    if (status == DK_OK) {
        assert_int_equal(dk_table_nrows(tables[0]), FOREIGN_NROWS);
        assert_int_equal(dk_table_nrows(tables[1]), 2);
    }
    dk_table_unref(tables[0]);
    dk_table_unref(tables[1]);
    return status;
}

static void free_number(void *object)
{
    free(object);
}

static dk_status pack_number(dk_context *dk, void *object, dk_value *bytes, dk_error *err)
{
    (void)err;
    return dk_value_bytes(dk, object, sizeof(int), bytes);
}

static dk_status unpack_number(dk_context *dk, const void *bytes, size_t nbytes, void **object,
                               dk_error *err)
{
    (void)dk;
    (void)err;
    assert_int_equal(nbytes, sizeof(int));
    *object = malloc(nbytes);
    assert_non_null(*object);
    memcpy(*object, bytes, nbytes);
    return DK_OK;
}

static const dk_object_type number_object = {
    .name = "number", .free = free_number, .pack = pack_number, .unpack = unpack_number};

/* One more than the numbers of all arguments. */
static dk_status add_numbers(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                             dk_error *err)
{
    (void)err;
    int *sum = malloc(sizeof(*sum));
    assert_non_null(sum);
    *sum = 1;
    for (size_t i = 0; i < nargs; i++)
        *sum += *(const int *)dk_value_as_object(args[i], &number_object);
    return dk_value_object(dk_task_context(task), &number_object, sum, result);
}

/* Objects go from process to process packed. */
static dk_status objects(dk_context *dk, struct trial *trial)
{
    (void)trial;
    dk_value parts[3];
    dk_value result = dk_value_null();
    DK_TRY(dk_register_type(dk, &number_object, NULL));
    DK_TRY(dk_register(dk, "add_numbers", add_numbers, NULL, NULL));
    for (size_t i = 0; i < 3; i++)
        parts[i] = dk_lazy(dk_delayed(dk, "add_numbers", NULL, 0));
    dk_frame sum = dk_delayed(dk, "add_numbers", parts, 3);
    dk_compute_options options = {.scheduler = "processes"};
    DK_TRY(dk_compute_values(&sum, 1, &options, &result));
    assert_int_equal(*(const int *)dk_value_as_object(result, &number_object), 4);
    dk_value_unref(result);
    return DK_OK;
}

static dk_status die(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                     dk_error *err)
{
    (void)task;
    (void)args;
    (void)nargs;
    (void)result;
    (void)err;
    raise(SIGKILL);
    return DK_ETASK;
}

/* Others take the place of those that die, as far as there is memory for them. */
static dk_status deaths(dk_context *dk, struct trial *trial)
{
    (void)trial;
    dk_frame dying[3];
    dk_value results[3];
    DK_TRY(dk_register(dk, "die", die, NULL, NULL));
    for (size_t i = 0; i < 3; i++)
        dying[i] = dk_delayed(dk, "die", NULL, 0);
    dk_compute_options options = {.scheduler = "processes"};
    return refused(dk_compute_values(dying, 3, &options, results), DK_ECRASH);
}

static const struct scenario scenarios[] = {
    {"groups", groups},
    {"objects", objects},
    {"deaths", deaths},
};

int main(void)
{
    return run_scenarios(scenarios, sizeof(scenarios) / sizeof(scenarios[0]));
}
