/* What a task costs in OpenMP: one million that do nothing, independent and in chains of two.
 *
 *     bench_openmp_tasks [NTASKS] [NTHREADS]
 */
#include "../measure.h"

#include <stdlib.h>
#include <omp.h>

#ifdef __clang__
#define COMPILER "Clang " __clang_version__
#else
#define COMPILER "GCC " __VERSION__
#endif

/* Each task adds one to its slot, so that none can be optimised away and each chain has a result.
 */
static void run_independent(int64_t *slots, int64_t ntasks)
{
#pragma omp parallel
#pragma omp single
    for (int64_t i = 0; i < ntasks; i++) {
#pragma omp task firstprivate(i) shared(slots)
        slots[i]++;
    }
}

static void run_chains(int64_t *slots, int64_t ntasks)
{
#pragma omp parallel
#pragma omp single
    for (int64_t i = 0; i < ntasks / 2; i++) {
        int64_t *slot = &slots[i];

#pragma omp task depend(out : slot[0]) firstprivate(slot)
        slot[0]++;
#pragma omp task depend(inout : slot[0]) firstprivate(slot)
        slot[0]++;
    }
}

static int measure(const char *name, void (*run)(int64_t *, int64_t), int64_t ntasks)
{
    int64_t *slots = calloc((size_t)ntasks, sizeof *slots);
    int64_t sum = 0;
    double start = measure_now();

    if (!slots)
        return 1;
    run(slots, ntasks);
    measure_report_tasks(name, "of " COMPILER, ntasks, measure_now() - start);
    for (int64_t i = 0; i < ntasks; i++)
        sum += slots[i];
    free(slots);
    return sum != ntasks;
}

int main(int argc, char **argv)
{
    int64_t ntasks = argc > 1 ? atoll(argv[1]) / 2 * 2 : 1000000;

    if (argc > 2)
        omp_set_num_threads(atoi(argv[2]));
    if (ntasks < 2) {
        fprintf(stderr, "usage: bench_openmp_tasks [NTASKS] [NTHREADS]\n");
        return 2;
    }
    return measure("task independent", run_independent, ntasks) ||
           measure("task chains", run_chains, ntasks);
}
