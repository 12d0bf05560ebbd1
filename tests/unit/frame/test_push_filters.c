/* Which columns of a file are converted in all rows, and which only behind a filter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "column/table.h"
#include "frame/lower.h"
#include "graph/profile.h"
#include "support/failing_allocator.h"

/* Column `a` counts the rows from 1; c is 10 times, and d 100 times as much. */
static const char ROWS[] = "a,b,c,d,word\n1,1.5,10,100,x\n2,2.5,20,200,y\n3,3.5,30,300,x\n"
                           "4,4.5,40,400,z\n5,5.5,50,500,y\n6,6.5,60,600,x\n";

struct world {
    struct dk_context dk;
    char path[64];
    dk_error err;
};

static dk_status world_fill(struct dk_context *dk)
{
    dk->default_get = dk_get_sync;
    dk->expressions = expressions_new(dk->memory);
    return dk->expressions ? frame_register(dk, NULL) : DK_ENOMEM;
}

static int world_setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    assert_true(context_open(&world->dk, NULL));
    assert_int_equal(world_fill(&world->dk), DK_OK);
    strcpy(world->path, "/tmp/cdask-push-XXXXXX");
    int file = mkstemp(world->path);
    assert_true(file >= 0);
    close(file);
    *state = world;
    return 0;
}

static int world_teardown(void **state)
{
    struct world *world = *state;
    unlink(world->path);
    expressions_free(world->dk.expressions);
    assert_int_equal(context_close(&world->dk), 0);
    free(world);
    return 0;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static dk_frame read_with(struct world *world, const char *text, const dk_csv_options *options)
{
    write_file(world->path, text);
    return dk_read_csv(&world->dk, world->path, options);
}

static dk_frame read_rows(struct world *world)
{
    return read_with(world, ROWS, NULL);
}

static dk_frame above(dk_frame df, const char *column, double least)
{
    return dk_filter(df, dk_gt(dk_col(df, column), dk_float(df.dk, least)));
}

/* The columns of each domain, as "a; b c; d". */
static void describe_loads(const struct program *program, char *out)
{
    const struct csv_source *csv = program->source->csv;
    *out = '\0';
    for (size_t d = 0; d < program->domains.count; d++) {
        const struct domain *domain = program_domain(program, (int32_t)d);
        if (d)
            strcat(out, "; ");
        for (int32_t i = 0; i < domain->nloads; i++) {
            if (i)
                strcat(out, " ");
            size_t load = (size_t)(domain->first_load + i);
            strcat(out, csv_source_name(csv, vector_int(&program->loads, load)));
        }
    }
}

/* Each load has one step, which is in its domain; nothing is used before it is there. */
static void check_program(const struct program *program)
{
    const struct step *steps = program_steps(program);
    bool filled[64] = {false};
    int32_t nloads = 0;
    assert_true(program->registers.count <= 64);
    for (size_t i = 0; i < program->steps.count; i++) {
        const struct step *step = &steps[i];
        const struct domain *domain = program_domain(program, step->domain);
        if (step->kind >= STEP_BINARY)
            assert_true(filled[step->a]);
        if (step->kind == STEP_BINARY)
            assert_true(filled[step->b]);
        if (step->kind != STEP_SELECT)
            filled[step->out] = true;
        if (step->kind != STEP_LOAD)
            continue;
        assert_in_range(step->number, domain->first_load, domain->first_load + domain->nloads - 1);
        nloads++;
    }
    assert_int_equal(nloads, program->loads.count);
    for (size_t i = 0; i < program_sink(program, 0)->registers.count; i++)
        assert_true(filled[vector_int(&program_sink(program, 0)->registers, i)]);
}

/* Lowers frames of one file to one pass and compares where its columns are loaded. */
static void expect_loads(const dk_frame *frames, size_t nframes, const char *expected)
{
    struct lowering lowering;
    struct place place;
    char found[256];
    lowering_init(&lowering, frames[0].dk);
    for (size_t i = 0; i < nframes; i++)
        assert_int_equal(lower_frame(&lowering, frames[i].expression, &place), DK_OK);
    assert_int_equal(lower_push_filters(&lowering), DK_OK);
    const struct program *program = lowering_pass(&lowering, 0)->program;
    check_program(program);
    describe_loads(program, found);
    assert_string_equal(found, expected);
    lowering_deinit(&lowering);
}

static dk_table *compute(struct world *world, dk_frame frame)
{
    dk_table *table = NULL;
    dk_compute_options options = {.error = &world->err};
    if (dk_compute(frame, &options, &table) != DK_OK)
        fail_msg("%s", world->err.message);
    return table;
}

/* The values of the last column are `expected`. */
static void expect_last(struct world *world, dk_frame frame, const int64_t *expected, int64_t nrows)
{
    dk_table *table = compute(world, frame);
    assert_int_equal(dk_table_nrows(table), nrows);
    for (int64_t i = 0; i < nrows; i++)
        assert_int_equal(dk_table_int(table, dk_table_ncolumns(table) - 1, i), expected[i]);
    dk_table_unref(table);
}

/* What the filter does not look at is loaded behind it. */
static void test_behind_a_filter(void **state)
{
    struct world *world = *state;
    dk_frame df = above(read_rows(world), "b", 3);
    expect_loads(&df, 1, "b; a c d word");
    dk_frame columns = dk_select(df, DK_NAMES("word", "c"));
    expect_loads(&columns, 1, "b; word c");
    expect_last(world, columns, (int64_t[]){30, 40, 50, 60}, 4);
    dk_frame sum = dk_add(dk_col(df, "c"), dk_col(df, "a"));
    expect_loads(&sum, 1, "b; c a");
    expect_last(world, sum, (int64_t[]){33, 44, 55, 66}, 4);
}

/* What something in front of the filter uses, too, is loaded in all rows. */
static void test_in_front_and_behind(void **state)
{
    struct world *world = *state;
    dk_frame df = read_rows(world);
    dk_frame both[2] = {dk_select(df, DK_NAMES("c")), above(df, "b", 3)};
    expect_loads(both, 2, "c b; a d word");
    dk_frame wider = dk_assign(df, "e", dk_mul(dk_col(df, "c"), dk_int(df.dk, 2)));
    dk_frame some = dk_select(above(wider, "b", 3), DK_NAMES("c", "d", "e"));
    expect_loads(&some, 1, "b c; d");
    expect_last(world, some, (int64_t[]){60, 80, 100, 120}, 4);
}

/* Behind two filters that stand side by side each row may be wanted. */
static void test_two_filters(void **state)
{
    struct world *world = *state;
    dk_frame df = dk_select(read_rows(world), DK_NAMES("a", "b", "c"));
    dk_frame both[2] = {dk_select(above(df, "b", 3), DK_NAMES("a", "c")),
                        dk_select(above(df, "b", 5), DK_NAMES("c"))};
    expect_loads(both, 2, "b c; a; ");
    dk_table *tables[2];
    dk_compute_options options = {.error = &world->err};
    assert_int_equal(dk_compute_many(both, 2, &options, tables), DK_OK);
    assert_int_equal(dk_table_nrows(tables[0]), 4);
    assert_int_equal(dk_table_nrows(tables[1]), 2);
    assert_int_equal(dk_table_int(tables[0], 0, 0), 3);
    assert_int_equal(dk_table_int(tables[1], 0, 0), 50);
    dk_table_unref(tables[0]);
    dk_table_unref(tables[1]);
}

/* Behind a filter of a filter the last one decides; its rows are those of the file again. */
static void test_nested(void **state)
{
    struct world *world = *state;
    dk_frame df = above(above(above(read_rows(world), "a", 1), "b", 3), "c", 45);
    expect_loads(&df, 1, "a; b; c; d word");
    expect_last(world, dk_select(df, DK_NAMES("d")), (int64_t[]){500, 600}, 2);
    dk_frame b = dk_col(above(above(read_rows(world), "a", 1), "c", 45), "b");
    expect_loads(&b, 1, "a; c; b");
    dk_frame none = dk_select(above(df, "d", 1000), DK_NAMES("word", "a"));
    expect_loads(&none, 1, "a; b; c; d; word");
    expect_last(world, none, NULL, 0);
}

/* The filter's column may be behind a filter itself, and used again behind the next. */
static void test_mask_behind_a_filter(void **state)
{
    struct world *world = *state;
    dk_frame df = above(above(read_rows(world), "a", 2), "c", 35);
    dk_frame columns = dk_select(df, DK_NAMES("a", "d", "c"));
    expect_loads(&columns, 1, "a; c; d");
    expect_last(world, columns, (int64_t[]){40, 50, 60}, 3);
}

/* Keys and values of groups, and reductions. */
static void test_groups(void **state)
{
    struct world *world = *state;
    dk_frame df = above(read_rows(world), "a", 1);
    dk_frame sums = dk_sum(dk_col(dk_groupby_column(df, "word"), "c"));
    struct lowering lowering;
    struct place place;
    char found[64];
    lowering_init(&lowering, &world->dk);
    assert_int_equal(lower_frame(&lowering, sums.expression, &place), DK_OK);
    assert_int_equal(lower_push_filters(&lowering), DK_OK);
    assert_int_equal(lowering.passes.count, 2);
    for (int32_t i = 0; i < 2; i++) {
        const struct program *program = lowering_pass(&lowering, i)->program;
        if (program->source->kind != ROWS_CSV)
            continue;
        describe_loads(program, found);
        assert_string_equal(found, "a; word c");
    }
    lowering_deinit(&lowering);
    expect_last(world, sums, (int64_t[]){90, 70, 40}, 3);
    expect_last(world, dk_max(dk_col(df, "d")), (int64_t[]){600}, 1);
}

/* head() stops as early as without a filter. */
static void test_head(void **state)
{
    struct world *world = *state;
    dk_table *table = NULL;
    dk_compute_options options = {.error = &world->err};
    dk_frame df = above(read_rows(world), "a", 2);
    assert_int_equal(dk_head(df, 2, &options, &table), DK_OK);
    assert_int_equal(dk_table_nrows(table), 2);
    assert_int_equal(dk_table_int(table, 3, 1), 400);
    dk_table_unref(table);
    assert_int_equal(dk_head(dk_col(df, "d"), 100, &options, &table), DK_OK);
    assert_int_equal(dk_table_nrows(table), 4);
    dk_table_unref(table);
}

/* A category has the words of all rows, as in pandas, and so has the column of paths. */
static void test_categories(void **state)
{
    static const dk_column_type types[] = {{"word", DK_CATEGORY}};
    struct world *world = *state;
    dk_csv_options options = {.dtype = types, .ndtype = 1, .include_path_column = "path"};
    dk_frame df = above(read_with(world, ROWS, &options), "a", 4);
    dk_frame columns = dk_select(df, DK_NAMES("word", "path", "d"));
    expect_loads(&columns, 1, "a word path; d");
    dk_table *table = compute(world, columns);
    size_t nbytes = 0;
    assert_int_equal(dk_table_nrows(table), 2);
    assert_int_equal(table->columns[0]->dictionary->view.nrows, 3);
    assert_memory_equal(dk_table_text(table, 0, 1, &nbytes), "x", 1);
    const char *path = dk_table_text(table, 1, 0, &nbytes);
    assert_int_equal(nbytes, strlen(world->path));
    assert_memory_equal(path, world->path, nbytes);
    dk_table_unref(table);
}

/* Passes over tables stay as they are. */
static void test_tables(void **state)
{
    struct world *world = *state;
    dk_table *table = compute(world, read_rows(world));
    dk_frame df = above(dk_from_table(&world->dk, table, 2), "a", 3);
    struct lowering lowering;
    struct place place;
    lowering_init(&lowering, &world->dk);
    assert_int_equal(lower_frame(&lowering, df.expression, &place), DK_OK);
    const struct program *program = lowering_pass(&lowering, 0)->program;
    size_t nsteps = program->steps.count;
    assert_int_equal(lower_push_filters(&lowering), DK_OK);
    assert_int_equal(program->steps.count, nsteps);
    lowering_deinit(&lowering);
    expect_last(world, dk_select(df, DK_NAMES("d")), (int64_t[]){400, 500, 600}, 3);
    dk_table_unref(table);
}

static const dk_column_type NUMBERS[] = {{"a", DK_INT64}, {"b", DK_INT64}, {"c", DK_INT64}};
static const dk_csv_options FAULTY = {.dtype = NUMBERS, .ndtype = 3};

/* What stands in a row that the filter drops is not looked at; what is wrong in one that it keeps
 * is reported with file, line and column. */
static void test_faulty_cells(void **state)
{
    struct world *world = *state;
    dk_frame df = read_with(world, "a,b,c\n1,bad,10\n2,20,worse\n3,30,30\n", &FAULTY);
    expect_last(world, above(df, "a", 2), (int64_t[]){30}, 1);
    dk_table *table = NULL;
    char expected[160];
    dk_compute_options options = {.error = &world->err};
    assert_int_equal(dk_compute(above(df, "a", 1), &options, &table), DK_EPARSE);
    snprintf(expected, sizeof(expected), "%s:3: column 'c': cannot parse 'worse'", world->path);
    if (!strstr(world->err.message, expected))
        fail_msg("%s", world->err.message);
    assert_int_equal(world->err.line, 3);
    dk_frame nested = above(above(df, "a", 1), "b", 20);
    expect_last(world, nested, (int64_t[]){30}, 1);
    assert_int_equal(dk_compute(above(df, "b", 20), &options, &table), DK_EPARSE);
    assert_non_null(strstr(world->err.message, ":2: column 'b': cannot parse 'bad'"));
}

/* Rows, bytes and time of reading are those of the files, however often columns are converted. */
static void test_profile(void **state)
{
    struct world *world = *state;
    struct dk_profile profile = {0};
    profile_init(&profile.lines, world->dk.memory);
    dk_table *table = NULL;
    dk_compute_options options = {.error = &world->err, .run.profile = &profile};
    assert_int_equal(dk_compute(above(read_rows(world), "a", 3), &options, &table), DK_OK);
    dk_table_unref(table);
    const struct profile_line *lines = profile.lines.lines.data;
    bool found = false;
    for (size_t i = 0; i < profile.lines.lines.count; i++) {
        if (strcmp(lines[i].name, "read_csv") != 0)
            continue;
        found = true;
        assert_int_equal(lines[i].nrows, 6);
        assert_int_equal(lines[i].nbytes, sizeof(ROWS) - 1);
        assert_true(lines[i].total_ns > 0);
    }
    assert_true(found);
    profile_deinit(&profile.lines);
}

static char memory_path[] = "/tmp/cdask-push-XXXXXX";

static dk_status filter_twice(struct dk_context *dk)
{
    dk_status status = world_fill(dk);
    dk_table *table = NULL;
    if (status == DK_OK) {
        dk_frame df = above(above(dk_read_csv(dk, memory_path, NULL), "a", 1), "b", 3);
        status = dk_compute(df, NULL, &table);
    }
    dk_table_unref(table);
    expressions_free(dk->expressions);
    return status;
}

static void test_memory(void **state)
{
    (void)state;
    int file = mkstemp(memory_path);
    assert_true(file >= 0);
    close(file);
    write_file(memory_path, ROWS);
    fail_each_allocation_of(filter_twice);
    unlink(memory_path);
}

#define world_test(function) cmocka_unit_test_setup_teardown(function, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_behind_a_filter),
        world_test(test_in_front_and_behind),
        world_test(test_two_filters),
        world_test(test_nested),
        world_test(test_mask_behind_a_filter),
        world_test(test_groups),
        world_test(test_head),
        world_test(test_categories),
        world_test(test_tables),
        world_test(test_faulty_cells),
        world_test(test_profile),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
