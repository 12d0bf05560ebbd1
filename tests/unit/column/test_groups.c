#include "column/kernels/groups.h"
#include "kernels_support.h"

#define ROWS_MAX 9000

/* One column as numbers, which make_column() turns into any type. */
struct numbers {
    dk_type type;
    int64_t n;
    int64_t values[ROWS_MAX];
    bool missing[ROWS_MAX];
};

/* What a group's values come to, found the simple way. */
struct expected {
    int64_t size, count, first, last, min, max, sum, squares, nunique;
    bool seen[256];
};

static int64_t number_of(dk_type type, int64_t number)
{
    /* What is equal as a value must be equal as a number. */
    return type == DK_BOOL ? number & 1 : number;
}

/* Keys in [-range, range], in runs of about `run` rows; a tenth missing when `nulls`. */
static void draw(struct numbers *out, dk_type type, int64_t n, int64_t range, int64_t run,
                 bool nulls, uint64_t *seed)
{
    out->type = type;
    out->n = n;
    for (int64_t i = 0; i < n; i++) {
        bool again = i > 0 && random_below(seed, run) != 0;
        out->values[i] =
            again ? out->values[i - 1] : number_of(type, random_below(seed, 2 * range + 1) - range);
        out->missing[i] = again ? out->missing[i - 1] : nulls && random_below(seed, 10) == 0;
    }
}

static void observe(struct expected *group, dk_type type, int64_t number, bool missing)
{
    int64_t value = value_of(type, number);
    group->size++;
    if (missing)
        return;
    if (group->count == 0)
        group->first = group->min = group->max = number;
    group->last = number;
    if (number < group->min)
        group->min = number;
    if (number > group->max)
        group->max = number;
    group->count++;
    group->sum += value;
    group->squares += value * value;
    group->nunique += !group->seen[number + 128];
    group->seen[number + 128] = true;
}

/* Groups by key number: slot number + 128, of 256; without a key slot 0. */
static void aggregate(const struct numbers *key, const struct numbers *values,
                      struct expected groups[256])
{
    memset(groups, 0, 256 * sizeof *groups);
    for (int64_t i = 0; i < values->n; i++) {
        if (key && key->missing[i])
            continue;
        observe(&groups[key ? key->values[i] + 128 : 0], values->type, values->values[i],
                values->missing[i]);
    }
}

static void check_number(const dk_table *table, int32_t i, int64_t row, double expected)
{
    double found = dk_table_float(table, i, row);
    if (isnan(expected))
        assert_true(dk_table_is_missing(table, i, row));
    else
        assert_true(fabs(found - expected) <= 1e-12 * fabs(expected));
}

static double spread_of(const struct expected *group)
{
    int64_t n = group->count;
    return (double)(n * group->squares - group->sum * group->sum) / (double)(n * (n - 1));
}

/* Float32 results are the nearest float, times whole nanoseconds cut off toward zero. */
static double as_type(dk_type type, double value)
{
    if (type == DK_FLOAT32)
        return (double)(float)value;
    return type == DK_TIMESTAMP || type == DK_DURATION ? trunc(value) : value;
}

static void check_result(const dk_table *table, int32_t i, int64_t row, enum agg agg, dk_type type,
                         const struct expected *group)
{
    double scale = scale_of(type);
    dk_type out = dk_table_column_type(table, i);
    switch (agg) {
    case AGG_SIZE:
        check_number(table, i, row, (double)group->size);
        return;
    case AGG_COUNT:
        check_number(table, i, row, (double)group->count);
        return;
    case AGG_NUNIQUE:
        check_number(table, i, row, (double)group->nunique);
        return;
    case AGG_SUM:
        check_number(table, i, row, (double)group->sum * scale);
        return;
    default:
        break;
    }
    if (group->count == 0 || ((agg == AGG_STD || agg == AGG_VAR) && group->count < 2)) {
        assert_true(dk_table_is_missing(table, i, row));
        return;
    }
    switch (agg) {
    case AGG_MIN:
        check_value(table, i, row, group->min);
        break;
    case AGG_MAX:
        check_value(table, i, row, group->max);
        break;
    case AGG_FIRST:
        check_value(table, i, row, group->first);
        break;
    case AGG_LAST:
        check_value(table, i, row, group->last);
        break;
    case AGG_MEAN:
        check_number(table, i, row,
                     as_type(out, (double)group->sum * scale / (double)group->count));
        break;
    case AGG_STD:
        check_number(table, i, row, as_type(out, sqrt(spread_of(group)) * scale));
        break;
    default:
        check_number(table, i, row, as_type(out, spread_of(group) * scale * scale));
    }
}

/* A case under test: the columns and the functions that their type allows. */
struct scene {
    struct memory *memory;
    struct numbers key_numbers, numbers;
    bool has_key;
    struct column *key, *column;
    int32_t nspecs;
    struct agg_spec specs[AGG_COUNT_OF];
};

static void set_scene(struct scene *scene, struct memory *memory)
{
    dk_type type = scene->numbers.type, out;
    const struct numbers *key = &scene->key_numbers, *values = &scene->numbers;
    scene->memory = memory;
    scene->column = make_column(memory, type, values->values, values->missing, values->n);
    scene->key = NULL;
    if (scene->has_key)
        scene->key = make_column(memory, key->type, key->values, key->missing, key->n);
    scene->nspecs = 0;
    for (enum agg agg = 0; agg < AGG_COUNT_OF; agg++)
        if (agg_type(agg, type, &out, NULL) == DK_OK)
            scene->specs[scene->nspecs++] = (struct agg_spec){agg, 0};
}

static void clear_scene(struct scene *scene)
{
    column_unref(scene->key);
    column_unref(scene->column);
}

static struct groups *new_groups(const struct scene *scene)
{
    struct groups *groups;
    dk_type type = scene->numbers.type;
    dk_error err = {0};
    assert_int_equal(groups_new(scene->memory, scene->has_key, scene->key_numbers.type, &type, 1,
                                scene->specs, scene->nspecs, &groups, &err),
                     DK_OK);
    return groups;
}

/* Rows [start, end) in morsels of random sizes. */
static void feed(const struct scene *scene, struct groups *groups, int64_t start, int64_t end,
                 int64_t morsel, uint64_t *seed)
{
    dk_error err = {0};
    while (start < end) {
        int64_t n = 1 + random_below(seed, morsel);
        if (n > end - start)
            n = end - start;
        struct view values = view_slice(&scene->column->view, start, n), key;
        if (scene->has_key)
            key = view_slice(&scene->key->view, start, n);
        assert_int_equal(groups_update(groups, scene->has_key ? &key : NULL, &values, n, &err),
                         DK_OK);
        start += n;
    }
}

static void merge_and_free(struct groups *total, struct groups *part)
{
    dk_table *tables[4];
    dk_error err = {0};
    int32_t npartials = groups_npartials(part);
    assert_int_equal(npartials, 2); /* nunique is asked for */
    assert_int_equal(groups_partial(part, tables, &err), DK_OK);
    assert_int_equal(groups_merge(total, tables, &err), DK_OK);
    for (int32_t i = 0; i < npartials; i++)
        dk_table_unref(tables[i]);
    groups_free(part);
}

static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"};

static dk_table *finish(struct groups *groups)
{
    dk_table *table;
    dk_error err = {0};
    assert_int_equal(groups_result(groups, names, "key", false, &table, &err), DK_OK);
    groups_free(groups);
    return table;
}

/* Cuts the rows into partitions at random, aggregates each on its own and merges in order. */
static dk_table *run_in_partitions(const struct scene *scene, uint64_t *seed)
{
    struct groups *total = new_groups(scene);
    for (int64_t start = 0, end; start < scene->numbers.n; start = end) {
        struct groups *part = new_groups(scene);
        end = start + 1 + random_below(seed, scene->numbers.n - start);
        feed(scene, part, start, end, 700, seed);
        merge_and_free(total, part);
    }
    return finish(total);
}

static dk_table *run_at_once(const struct scene *scene, uint64_t *seed)
{
    struct groups *groups = new_groups(scene);
    feed(scene, groups, 0, scene->numbers.n, INT64_C(2) * ROWS_MAX, seed);
    return finish(groups);
}

static void check_group(const struct scene *scene, const dk_table *table, int64_t row,
                        const struct expected *group)
{
    for (int32_t i = 0; i < scene->nspecs; i++)
        check_result(table, i, row, scene->specs[i].agg, scene->numbers.type, group);
}

static void check_table(const struct scene *scene, dk_table *table)
{
    static struct expected groups[256];
    int64_t row = 0;
    aggregate(scene->has_key ? &scene->key_numbers : NULL, &scene->numbers, groups);
    assert_int_equal(dk_table_ncolumns(table), scene->nspecs);
    for (int64_t slot = 0; slot < 256; slot++) {
        if (!groups[slot].size && (scene->has_key || slot))
            continue;
        if (scene->has_key)
            check_value(table, -1, row, slot - 128);
        check_group(scene, table, row++, &groups[slot]);
    }
    assert_int_equal(dk_table_nrows(table), row);
    dk_table_unref(table);
}

static struct scene scene;

static void check_case(dk_type key, dk_type type, int64_t n, int64_t run, uint64_t *seed)
{
    struct memory *memory = memory_new(NULL, 0);
    scene.has_key = key != DK_TYPE_COUNT;
    if (scene.has_key)
        draw(&scene.key_numbers, key, n, 40, run, random_below(seed, 2), seed);
    int64_t value_run = random_below(seed, 4) ? 1 + random_below(seed, 3) : 150;
    draw(&scene.numbers, type, n, 50, value_run, random_below(seed, 2), seed);
    set_scene(&scene, memory);
    check_table(&scene, run_at_once(&scene, seed));
    check_table(&scene, run_in_partitions(&scene, seed));
    clear_scene(&scene);
    assert_int_equal(memory_use(memory).blocks, 0);
    memory_close(memory);
}

/* Proves all functions right for every key type and every value type, in long runs, short runs and
 * at random, with and without missing keys and values, however the rows are cut into morsels and
 * partitions. */
static void agrees_with_a_simple_count(void **state)
{
    static const int64_t runs[] = {1, 3, 60, 2000};
    uint64_t seed = 3;
    (void)state;
    /* DK_TYPE_COUNT stands for no key. */
    for (dk_type key = 0; key <= DK_TYPE_COUNT; key++)
        for (dk_type type = 0; type < DK_TYPE_COUNT; type++)
            check_case(key, type, random_below(&seed, 400), runs[(key + type) % 4], &seed);
}

/* Proves the same beyond one block of rows. */
static void agrees_over_many_blocks(void **state)
{
    static const int64_t runs[] = {1, 3, 10, 5000};
    uint64_t seed = 4;
    (void)state;
    for (int i = 0; i < 4; i++) {
        check_case(DK_INT64, DK_FLOAT64, ROWS_MAX, runs[i], &seed);
        check_case(DK_TEXT, DK_INT32, ROWS_MAX - 1, runs[i], &seed);
        check_case(DK_CATEGORY, DK_FLOAT32, ROWS_MAX - 7, runs[i], &seed);
        check_case(DK_TYPE_COUNT, DK_INT8, ROWS_MAX, runs[i], &seed);
    }
}

/* Proves that a table of many groups grows and comes out sorted. */
static void grows_to_many_groups(void **state)
{
    enum { GROUPS = 100000 };
    struct memory *memory = memory_new(NULL, 0);
    struct agg_spec specs[] = {{AGG_SIZE, 0}, {AGG_SUM, 0}, {AGG_LAST, 0}};
    dk_type type = DK_FLOAT64;
    struct groups *groups;
    int64_t *keys = calloc(GROUPS, sizeof *keys);
    double *values = calloc(GROUPS, sizeof *values);
    (void)state;
    for (int64_t i = 0; i < GROUPS; i++) {
        keys[i] = i * 7919 % GROUPS - 50000;
        values[i] = (double)keys[i];
    }
    struct view key = {.type = DK_INT64, .nrows = GROUPS, .data = keys};
    struct view view = {.type = DK_FLOAT64, .nrows = GROUPS, .data = values};
    assert_int_equal(groups_new(memory, true, DK_INT64, &type, 1, specs, 3, &groups, NULL), DK_OK);
    assert_int_equal(groups_update(groups, &key, &view, GROUPS, NULL), DK_OK);
    assert_int_equal(groups_update(groups, &key, &view, GROUPS, NULL), DK_OK);
    dk_table *table = finish(groups);
    assert_int_equal(dk_table_nrows(table), GROUPS);
    for (int64_t i = 0; i < GROUPS; i++) {
        assert_int_equal(dk_table_int(table, -1, i), i - 50000);
        assert_int_equal(dk_table_int(table, 0, i), 2);
        assert_true(dk_table_float(table, 1, i) == 2 * (double)(i - 50000));
        assert_true(dk_table_float(table, 2, i) == (double)(i - 50000));
    }
    dk_table_unref(table);
    free(keys);
    free(values);
    memory_close(memory);
}

/* Two partitions through partial tables, with every kind of state. */
static dk_status two_partitions(struct memory *memory, void *context)
{
    struct column **columns = context;
    struct groups *total = NULL, *part = NULL;
    dk_table *tables[4] = {NULL}, *result = NULL;
    dk_type types[] = {columns[1]->view.type, columns[2]->view.type};
    static const struct agg_spec specs[] = {{AGG_SUM, 0},   {AGG_STD, 0},     {AGG_MIN, 0},
                                            {AGG_COUNT, 0}, {AGG_FIRST, 1},   {AGG_LAST, 1},
                                            {AGG_SIZE, 0},  {AGG_NUNIQUE, 1}, {AGG_NUNIQUE, 0}};
    struct view values[] = {columns[1]->view, columns[2]->view};
    int64_t n = columns[0]->view.nrows;
    dk_status status =
        groups_new(memory, true, columns[0]->view.type, types, 2, specs, 9, &total, NULL);
    if (status == DK_OK)
        status = groups_new(memory, true, columns[0]->view.type, types, 2, specs, 9, &part, NULL);
    if (status == DK_OK)
        status = groups_update(part, &columns[0]->view, values, n, NULL);
    if (status == DK_OK)
        status = groups_partial(part, tables, NULL);
    if (status == DK_OK)
        status = groups_merge(total, tables, NULL);
    if (status == DK_OK)
        status = groups_merge(total, tables, NULL);
    if (status == DK_OK)
        status = groups_result(total, names, "key", false, &result, NULL);
    dk_table_unref(result);
    for (int i = 0; i < 4; i++)
        dk_table_unref(tables[i]);
    groups_free(total);
    groups_free(part);
    return status;
}

/* Proves that running out of memory anywhere is reported and leaks nothing. */
static void survives_failed_allocations(void **state)
{
    enum { N = 30 };
    static const dk_type keys[] = {DK_TIMESTAMP, DK_TEXT, DK_CATEGORY};
    struct memory *memory = memory_new(NULL, 0);
    int64_t numbers[N];
    double wide[N];
    (void)state;
    for (int i = 0; i < N; i++) {
        numbers[i] = i % 5;
        wide[i] = ldexp(1, i * 40 % 301);
    }
    for (int i = 0; i < 3; i++) {
        struct column *columns[] = {make_column(memory, keys[i], numbers, NULL, N),
                                    double_column(memory, wide, N),
                                    make_column(memory, keys[(i + 1) % 3], numbers, NULL, N)};
        fail_every_allocation(two_partitions, columns);
        for (int k = 0; k < 3; k++)
            column_unref(columns[k]);
    }
    memory_close(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_simple_count),
        cmocka_unit_test(agrees_over_many_blocks),
        cmocka_unit_test(grows_to_many_groups),
        cmocka_unit_test(survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
