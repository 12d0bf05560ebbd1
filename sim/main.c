/* cdask-sim: seeded runs of the cores in virtual time; exits with 1 when one fails. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/cluster.h"

static void print_run(const struct sim_result *result, uint64_t seed)
{
    printf("seed %" PRIu64 ": %.3f s, %" PRIu64 " events of the scheduler, %" PRIu64
           " of workers, %" PRIu64 " results moved, %" PRIu64 " workers lost, hash %016" PRIx64
           "\n",
           seed, (double)result->now_us / 1e6, result->nsteps, result->nworker_steps,
           result->nmoved, result->ndied, result->hash);
}

static void print_measures(const struct sim_result *result)
{
    const struct sim_watch *watch = &result->watch;
    double nevents = (double)watch->nevents, ntasks = (double)watch->peak_ntasks;
    printf("  %.2f us an event, %.2f us with its messages (slowest %.0f us); %.2f us a task of the "
           "graph; %" PRIu64 " messages sent\n",
           (double)watch->step_ns / nevents / 1e3,
           (double)(watch->step_ns + watch->wire_ns) / nevents / 1e3,
           (double)watch->slowest_ns / 1e3, (double)watch->graph_ns / ntasks / 1e3,
           watch->nmessages);
    printf("  %.0f bytes of scheduler memory a task (%zu tasks, %.1f MB)\n",
           (double)(watch->peak_nbytes - watch->empty_nbytes) / ntasks, watch->peak_ntasks,
           (double)watch->peak_nbytes / 1e6);
}

static uint32_t run_all(const struct sim_options *options)
{
    uint32_t nfailed = 0;
    uint64_t hash = 0;
    for (uint32_t i = 0; i < options->runs; i++) {
        struct sim_options drawn = sim_options_of(options, options->seed + i);
        struct sim_result result = sim_run(&drawn);
        nfailed += result.has_failed;
        hash = hash_u64(hash + result.hash);
        if (options->runs == 1 && !result.has_failed)
            print_run(&result, drawn.seed);
        if (options->measures)
            print_measures(&result);
    }
    if (options->runs > 1)
        printf("hash of all %016" PRIx64 "\n", hash);
    return nfailed;
}

int main(int argc, char **argv)
{
    struct sim_options options;
    dk_error err = {0};
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        sim_options_help();
        return 0;
    }
    if (sim_options_read(&options, argc, argv, &err) != DK_OK) {
        fprintf(stderr, "cdask-sim: %s\n", err.message);
        return 2;
    }
    uint32_t nfailed = run_all(&options);
    printf("%" PRIu32 " runs passed, %" PRIu32 " failed\n", options.runs - nfailed, nfailed);
    return nfailed > 0;
}
