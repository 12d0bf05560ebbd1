/* One source, many threads: blocks of one file are scanned at the same time. */
#include "csv_fixture.h"

#include <pthread.h>

enum { THREADS = 4, ROWS = 20000 };

struct job {
    struct memory *memory;
    struct csv_source *source;
    int32_t first;
    int64_t nrows;
    int64_t sum;
    dk_error err;
};

static dk_status scan_block(struct job *job, int32_t block)
{
    struct csv_scan *scan;
    struct vec vec;
    int32_t columns[] = {0};
    int64_t nrows = 1;
    dk_status status = csv_scan_open(job->memory, job->source, block, columns, 1, &scan, &job->err);
    if (status != DK_OK)
        return status;
    vec_init(&vec, job->memory, DK_INT64);
    while (status == DK_OK && nrows > 0) {
        status = scan_all(scan, 100, 1, &vec, &nrows, &job->err);
        for (int64_t i = 0; i < nrows; i++)
            job->sum += ((int64_t *)vec.data)[i];
        job->nrows += nrows;
    }
    vec_deinit(&vec);
    csv_scan_close(scan);
    return status;
}

static void *run(void *argument)
{
    struct job *job = argument;
    int32_t nblocks = csv_source_nblocks(job->source);
    for (int32_t block = job->first; block < nblocks; block += THREADS)
        if (scan_block(job, nblocks - 1 - block) != DK_OK)
            break;
    csv_source_unref(job->source);
    return NULL;
}

/* Every row is seen once, whichever thread finds the starts of the blocks. */
static void test_threads(void **state)
{
    struct fixture *fixture = *state;
    char *csv = malloc(ROWS * 16 + 16);
    size_t n = (size_t)sprintf(csv, "a,b\n");
    for (int i = 0; i < ROWS; i++)
        n += (size_t)sprintf(csv + n, i % 3 ? "%d,x\n" : "%d,\"\n\"\n", i);
    const char *path = fixture_write_bytes(fixture, "f.csv", csv, n);
    free(csv);
    dk_csv_options options = {.blocksize = 5000};
    struct csv_source *source;
    struct job jobs[THREADS] = {0};
    pthread_t threads[THREADS];
    assert_int_equal(csv_source_open(fixture->memory, &path, 1, &options, &source, &fixture->err),
                     DK_OK);
    assert_in_range(csv_source_nblocks(source), 20, 100);
    for (int i = 0; i < THREADS; i++) {
        jobs[i] =
            (struct job){.memory = fixture->memory, .source = csv_source_ref(source), .first = i};
        assert_int_equal(pthread_create(&threads[i], NULL, run, &jobs[i]), 0);
    }
    csv_source_unref(source);
    int64_t nrows = 0;
    int64_t sum = 0;
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_string_equal(jobs[i].err.message, "");
        nrows += jobs[i].nrows;
        sum += jobs[i].sum;
    }
    assert_int_equal(nrows, ROWS);
    assert_int_equal(sum, (int64_t)ROWS * (ROWS - 1) / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {fixture_test(test_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
