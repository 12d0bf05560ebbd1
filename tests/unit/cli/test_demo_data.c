#include "cli/demo_data.h"

#include "column/kernels/datetime.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FILE_MAX 65536

/* Gives `budget` blocks, then none. */
struct budget {
    int budget;
};

static void *resize_within_budget(void *self, void *ptr, size_t old_nbytes, size_t new_nbytes)
{
    struct budget *budget = self;

    (void)old_nbytes;
    if (new_nbytes == 0) {
        free(ptr);
        return NULL;
    }
    return budget->budget-- > 0 ? realloc(ptr, new_nbytes) : NULL;
}

/* A folder of its own for each test, and options for two weeks of hourly bars in it. */
struct fixture {
    char directory[64];
    struct memory *memory;
    struct demo_data_options options;
    struct demo_data_report report;
    dk_error err;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    assert_non_null(fixture);
    strcpy(fixture->directory, "/tmp/test_cli_demo_data.XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    fixture->memory = memory_new(NULL, 0);
    assert_non_null(fixture->memory);
    fixture->options = (struct demo_data_options){
        .directory = fixture->directory,
        .symbol = "GOOG",
        .seed = 42,
        .first_day = days_from_civil(2015, 4, 20),
        .last_day = days_from_civil(2015, 5, 3),
        .session = {9 * 3600, 17 * 3600, 3600},
    };
    *state = fixture;
    return 0;
}

static int remove_entry(const char *path, const struct stat *entry, int type, struct FTW *place)
{
    (void)entry, (void)type, (void)place;
    return remove(path);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(nftw(fixture->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
    memory_close(fixture->memory);
    free(fixture);
    return 0;
}

static dk_status write_data(struct fixture *fixture)
{
    return demo_data_write(fixture->memory, &fixture->options, &fixture->report, &fixture->err);
}

static void data_path(const struct fixture *fixture, const char *name, char path[128])
{
    snprintf(path, 128, "%s/stocks/GOOG/%s", fixture->directory, name);
}

static size_t read_data(const struct fixture *fixture, const char *name, char content[FILE_MAX])
{
    char path[128];
    FILE *file;
    size_t nbytes;

    data_path(fixture, name, path);
    file = fopen(path, "r");
    assert_non_null(file);
    nbytes = fread(content, 1, FILE_MAX - 1, file);
    fclose(file);
    content[nbytes] = '\0';
    return nbytes;
}

static void remove_data(const struct fixture *fixture, const char *name)
{
    char path[128];

    data_path(fixture, name, path);
    assert_int_equal(unlink(path), 0);
}

/* The bytes of a seed are the same everywhere and for ever: other tests and tables rely on them. */
static void test_bytes_of_a_seed(void **state)
{
    static const char expected[] =
        "timestamp,close,high,low,open\n"
        "2015-04-20 "
        "09:00:00,251.1069135268098,257.4438673052171,249.842069590686,255.5889624822582\n";
    struct demo_session session = {9 * 3600, 17 * 3600, 28800};
    char content[FILE_MAX];
    size_t nbytes = demo_prices_render(42, "GOOG", days_from_civil(2015, 4, 20), &session, content);

    (void)state;
    content[nbytes] = '\0';
    assert_string_equal(content, expected);
}

/* Each row keeps the file's shape: times in step, low <= open, close <= high, prices that read back
 * as written. */
static void test_rows_are_sound(void **state)
{
    struct demo_session session = {9 * 3600, 15 * 3600 + 1800, 60};
    char content[FILE_MAX], again[64];
    int64_t nrows = 0;
    char *row;

    (void)state;
    content[demo_prices_render(7, "AAPL", 0, &session, content)] = '\0';
    for (row = strchr(content, '\n') + 1; *row; row = strchr(row, '\n') + 1) {
        double price[4];
        char *end = row + 19;
        int minute = 9 * 60 + (int)nrows++;

        snprintf(again, sizeof again, "1970-01-01 %02d:%02d:00", minute / 60, minute % 60);
        assert_memory_equal(row, again, 19);
        for (int i = 0; i < 4; i++) {
            const char *start = end + 1;

            price[i] = strtod(start, &end);
            snprintf(again, sizeof again, "%.16g", price[i]);
            assert_int_equal(strncmp(again, start, (size_t)(end - start)), 0);
        }
        assert_true(price[2] <= price[0] && price[0] <= price[1]);
        assert_true(price[2] <= price[3] && price[3] <= price[1]);
        assert_int_equal(*end, '\n');
    }
    assert_int_equal(nrows, demo_prices_nrows(&session));
    assert_int_equal(nrows, 390);
}

/* One file a business day: two weeks have ten, and what is written is what the report says. */
static void test_writes_business_days(void **state)
{
    struct fixture *fixture = *state;
    char content[FILE_MAX], path[128];

    assert_int_equal(write_data(fixture), DK_OK);
    assert_int_equal(fixture->report.nfiles, 10);
    assert_int_equal(fixture->report.nwritten, 10);
    assert_int_equal(fixture->report.nrows, 80);
    assert_int_equal(fixture->report.nothers, 0);
    assert_in_range(read_data(fixture, "2015-05-01.csv", content), 600, 800);
    data_path(fixture, "2015-05-02.csv", path); /* a Saturday */
    assert_int_not_equal(access(path, F_OK), 0);
}

/* A file's bytes do not depend on which days are written with it. */
static void test_days_are_independent(void **state)
{
    struct fixture *fixture = *state;
    char before[FILE_MAX], after[FILE_MAX];

    assert_int_equal(write_data(fixture), DK_OK);
    read_data(fixture, "2015-04-30.csv", before);
    remove_data(fixture, "2015-04-30.csv");
    fixture->options.first_day = fixture->options.last_day = days_from_civil(2015, 4, 30);
    assert_int_equal(write_data(fixture), DK_OK);
    read_data(fixture, "2015-04-30.csv", after);
    assert_string_equal(before, after);
    assert_int_equal(fixture->report.nothers, 9);
}

/* A second run writes nothing, and after an interrupted one only what is missing. */
static void test_resumes(void **state)
{
    struct fixture *fixture = *state;
    FILE *file;
    char path[128];

    assert_int_equal(write_data(fixture), DK_OK);
    assert_int_equal(write_data(fixture), DK_OK);
    assert_int_equal(fixture->report.nwritten, 0);
    remove_data(fixture, "2015-04-20.csv");
    data_path(fixture, "2015-04-20.csv.partial", path);
    file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(write_data(fixture), DK_OK);
    assert_int_equal(fixture->report.nwritten, 1);
    assert_int_not_equal(access(path, F_OK), 0);
}

/* Data of other options is not mixed in silently; force replaces it. */
static void test_refuses_other_data(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(write_data(fixture), DK_OK);
    fixture->options.seed = 7;
    assert_int_equal(write_data(fixture), DK_EINVAL);
    assert_non_null(strstr(fixture->err.message, "/stocks/GOOG/2015-04-20.csv"));
    assert_non_null(strstr(fixture->err.message, "--force"));
    fixture->options.force = true;
    assert_int_equal(write_data(fixture), DK_OK);
    assert_int_equal(fixture->report.nwritten, 10);
}

/* What cannot be done is refused by the name of its option, and nothing is made. */
static void test_refuses_bad_options(void **state)
{
    struct fixture *fixture = *state;
    const struct demo_data_options good = fixture->options;
    char folder[128];

    fixture->options.symbol = "../GOOG";
    assert_int_equal(write_data(fixture), DK_EINVAL);
    assert_non_null(strstr(fixture->err.message, "--symbols: '../GOOG'"));
    fixture->options = good;
    fixture->options.last_day = good.first_day - 1;
    assert_int_equal(write_data(fixture), DK_EINVAL);
    assert_non_null(strstr(fixture->err.message, "--end"));
    fixture->options = good;
    fixture->options.session.close_second = good.session.open_second;
    assert_int_equal(write_data(fixture), DK_EINVAL);
    assert_non_null(strstr(fixture->err.message, "--hours"));
    fixture->options = good;
    fixture->options.session.bar_seconds = 0;
    assert_int_equal(write_data(fixture), DK_EINVAL);
    assert_non_null(strstr(fixture->err.message, "--freq"));
    snprintf(folder, sizeof folder, "%s/stocks", fixture->directory);
    assert_int_not_equal(access(folder, F_OK), 0);
}

/* Where nothing can be made, the error names the path. */
static void test_names_the_path(void **state)
{
    struct fixture *fixture = *state;

    fixture->options.directory = "/dev/null";
    assert_int_not_equal(write_data(fixture), DK_OK);
    assert_non_null(strstr(fixture->err.message, "/dev/null/stocks"));
}

/* Whichever allocation fails, the call says so and leaks nothing. */
static void test_out_of_memory(void **state)
{
    struct fixture *fixture = *state;
    dk_status status = DK_ENOMEM;

    for (int budget = 1; status != DK_OK; budget++) {
        struct budget allowed = {budget};
        struct memory *memory = memory_new(&(dk_allocator){resize_within_budget, &allowed}, 0);

        assert_in_range(budget, 1, 10);
        assert_non_null(memory);
        status = demo_data_write(memory, &fixture->options, &fixture->report, &fixture->err);
        assert_true(status == DK_OK || status == DK_ENOMEM);
        assert_int_equal(memory_use(memory).blocks, 0);
        memory_close(memory);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_of_a_seed),
        cmocka_unit_test(test_rows_are_sound),
        cmocka_unit_test_setup_teardown(test_writes_business_days, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_days_are_independent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_resumes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refuses_other_data, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refuses_bad_options, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names_the_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_out_of_memory, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
