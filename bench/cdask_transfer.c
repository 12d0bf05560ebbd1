/* How fast results go from one worker to another on this machine: tables of one column are made by
 * one, and the other is asked how large they are.
 *
 *     bench_cdask_transfer [NBLOCKS] [BLOCK_BYTES] [tcp] [bytes] [client | scheduler]
 *
 * tcp: as between machines, without shared memory. bytes: not tables. client: they go to the client
 * instead; scheduler: to the client by way of the scheduler.
 */
#include "measure.h"

#include <cdask/arrow.h>
#include <cdask/distributed.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NBLOCKS_MAX 4096

static const char *const names[] = {"maker", "reader"};

static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void release_array(struct ArrowArray *array)
{
    free(array->private_data);
    array->private_data = NULL;
    array->release = NULL;
}

/* make(nbytes) -> a table of one column of so many bytes */
static dk_status make(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                      dk_error *err)
{
    int64_t nrows = args[0].as.integer / 8;
    double *cells = malloc((size_t)nrows * sizeof *cells);
    (void)nargs;
    if (!cells)
        return DK_ENOMEM;
    for (int64_t row = 0; row < nrows; row++)
        cells[row] = (double)row;
    const void *buffers[] = {NULL, cells}, *none[] = {NULL};
    struct ArrowSchema field = {.format = "g", .name = "x"}, *fields[] = {&field};
    struct ArrowArray column = {.length = nrows, .n_buffers = 2, .buffers = buffers};
    struct ArrowArray *columns[] = {&column};
    struct ArrowSchema schema = {
        .format = "+s", .n_children = 1, .children = fields, .release = release_schema};
    struct ArrowArray array = {.length = nrows,
                               .n_buffers = 1,
                               .buffers = none,
                               .n_children = 1,
                               .children = columns,
                               .release = release_array,
                               .private_data = cells};
    dk_table *table;
    dk_status status =
        dk_table_from_arrow(dk_task_context(task), &schema, &array, NULL, &table, err);
    if (status == DK_OK)
        *result = dk_value_table(table);
    return status;
}

/* fill(nbytes) -> so many bytes */
static dk_status fill(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                      dk_error *err)
{
    size_t nbytes = (size_t)args[0].as.integer;
    char *bytes = calloc(1, nbytes);
    (void)nargs, (void)err;
    if (!bytes)
        return DK_ENOMEM;
    dk_status status = dk_value_bytes(dk_task_context(task), bytes, nbytes, result);
    free(bytes);
    return status;
}

/* weigh(table or bytes) -> its bytes */
static dk_status weigh(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                       dk_error *err)
{
    (void)task, (void)nargs, (void)err;
    *result = dk_value_int(dk_value_nbytes(args[0]));
    return DK_OK;
}

static dk_status open_context(dk_context **out, dk_error *err)
{
    dk_status status = dk_open_with(NULL, out, err);
    if (status == DK_OK)
        status = dk_register(*out, "make", make, NULL, err);
    if (status == DK_OK)
        status = dk_register(*out, "fill", fill, NULL, err);
    if (status == DK_OK)
        status = dk_register(*out, "weigh", weigh, NULL, err);
    return status;
}

/* A process that is worker i once it can read an address, until its end of the pipe is closed. */
static pid_t start_worker(int i, bool by_tcp, int *out)
{
    int ends[2];
    pid_t pid = pipe(ends) == 0 ? fork() : -1;
    if (pid) {
        *out = ends[1];
        return pid;
    }
    char address[256] = "";
    close(ends[1]);
    dk_error err = {0};
    dk_context *dk = NULL;
    if (read(ends[0], address, sizeof address - 1) <= 0 || open_context(&dk, &err) != DK_OK)
        _exit(1);
    dk_worker_options options = {.address = address,
                                 .name = names[i],
                                 .nthreads = 1,
                                 .memory_limit = -1,
                                 .stop_fd = ends[0],
                                 .no_shared_memory = by_tcp};
    _exit(dk_worker_run(dk, &options, &err) != DK_OK);
}

struct run {
    dk_client *client;
    dk_future *made[NBLOCKS_MAX];
    dk_future *weighed[NBLOCKS_MAX];
    dk_value nbytes[NBLOCKS_MAX];
    size_t nblocks;
    int64_t block_nbytes;
    const char *maker;
    bool is_for_client;
    dk_direct direct;
};

static dk_status make_blocks(struct run *run, dk_error *err)
{
    const dk_submit_options at_maker = {.workers = &names[0], .nworkers = 1};
    dk_value nbytes = dk_value_int(run->block_nbytes);
    dk_status status = DK_OK;
    for (size_t i = 0; i < run->nblocks && status == DK_OK; i++)
        status = dk_client_submit(run->client, run->maker, &nbytes, 1, NULL, 0, &at_maker,
                                  &run->made[i], err);
    for (size_t i = 0; i < run->nblocks && status == DK_OK; i++)
        status = dk_future_wait(run->made[i], -1, err);
    return status;
}

static dk_status read_blocks(struct run *run, dk_error *err)
{
    const dk_submit_options at_reader = {.workers = &names[1], .nworkers = 1};
    dk_value block = dk_value_task((dk_task_id){0});
    dk_status status = DK_OK;
    for (size_t i = 0; i < run->nblocks && status == DK_OK; i++)
        status = dk_client_submit(run->client, "weigh", &block, 1, &run->made[i], 1, &at_reader,
                                  &run->weighed[i], err);
    if (status == DK_OK)
        status = dk_client_gather(run->client, run->weighed, run->nblocks, run->nbytes, err);
    return status;
}

static dk_status gather_blocks(struct run *run, dk_error *err)
{
    dk_status status = dk_client_gather_with(run->client, run->made, run->nblocks, run->direct,
                                             NULL, run->nbytes, err);
    for (size_t i = 0; i < run->nblocks && status == DK_OK; i++) {
        dk_value block = run->nbytes[i];
        run->nbytes[i] = dk_value_int(dk_value_nbytes(block));
        dk_value_unref(block);
    }
    return status;
}

static dk_status measure(struct run *run, dk_error *err)
{
    int64_t total = 0;
    dk_status status = make_blocks(run, err);
    double start = measure_now();
    if (status == DK_OK)
        status = run->is_for_client ? gather_blocks(run, err) : read_blocks(run, err);
    double seconds = measure_now() - start;
    for (size_t i = 0; i < run->nblocks; i++) {
        total += run->nbytes[i].as.integer;
        dk_future_free(run->made[i]);
        dk_future_free(run->weighed[i]);
    }
    if (status == DK_OK)
        printf("{\"seconds\": %.6f, \"nbytes\": %lld, \"mb_per_s\": %.1f}\n", seconds,
               (long long)total, (double)total / seconds / 1e6);
    return status;
}

static dk_status measure_on_cluster(struct run *run, const int pipes[2], dk_error *err)
{
    const dk_cluster_options alone = {.no_workers = true};
    dk_context *dk = NULL;
    dk_cluster *cluster = NULL;
    dk_status status = open_context(&dk, err);
    if (status == DK_OK)
        status = dk_cluster_open(dk, &alone, &cluster, err);
    if (status == DK_OK) {
        const char *address = dk_cluster_address(cluster);
        for (int i = 0; i < 2; i++)
            if (write(pipes[i], address, strlen(address)) < 0)
                status = DK_EIO;
        const dk_client_options options = {.address = address};
        if (status == DK_OK)
            status = dk_client_open(dk, &options, &run->client, err);
    }
    if (status == DK_OK)
        status = measure(run, err);
    dk_client_close(run->client);
    for (int i = 0; i < 2; i++)
        close(pipes[i]);
    dk_cluster_close(cluster);
    dk_close(dk);
    return status;
}

static bool has_word(char **words, const char *word)
{
    while (*words && strcmp(*words, word) != 0)
        words++;
    return *words;
}

int main(int argc, char **argv)
{
    static struct run run;
    dk_error err = {0};
    int pipes[2];
    run.nblocks = argc > 1 ? (size_t)atoll(argv[1]) : 32;
    run.block_nbytes = argc > 2 ? atoll(argv[2]) : 16 << 20;
    run.maker = has_word(argv, "bytes") ? "fill" : "make";
    run.direct = has_word(argv, "client") ? DK_DIRECT_YES : DK_DIRECT_NO;
    run.is_for_client = has_word(argv, "client") || has_word(argv, "scheduler");
    if (run.nblocks < 1 || run.nblocks > NBLOCKS_MAX || run.block_nbytes < 1) {
        fprintf(stderr, "bench_cdask_transfer: 1 to %d blocks of at least one byte\n", NBLOCKS_MAX);
        return 2;
    }
    for (int i = 0; i < 2; i++)
        if (start_worker(i, has_word(argv, "tcp"), &pipes[i]) < 0)
            return 1;
    dk_status status = measure_on_cluster(&run, pipes, &err);
    while (wait(NULL) > 0)
        ;
    if (status != DK_OK)
        fprintf(stderr, "bench_cdask_transfer: %s\n", err.message);
    return status != DK_OK;
}
