/* What is simulated: the size of the cluster, the graphs, and what goes wrong how often. */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include <cdask/status.h>

#include <stdbool.h>
#include <stdint.h>

enum sim_shape {
    SIM_INDEPENDENT, /* no dependencies */
    SIM_CHAINS,      /* of ten tasks */
    SIM_TREES,       /* reductions, four inputs a task */
    SIM_LAYERS,      /* ten layers, each task of up to four random ones of the layer before */
    SIM_MERGE,       /* independent ones, and one that needs them all */
    SIM_NSHAPES
};

struct sim_options {
    uint64_t seed;
    uint32_t runs; /* of consecutive seeds */
    bool draws;    /* what is not given is drawn from the seed */
    bool measures;
    bool tells; /* each event, while it happens */
    uint32_t validate_every;

    uint32_t workers;
    uint32_t threads;
    uint32_t clients;
    uint32_t graphs;
    uint32_t tasks; /* of all graphs together */
    uint32_t shape;
    uint32_t retries;
    double task_s;
    double nbytes; /* of a result */
    double latency_s;
    double bandwidth; /* bytes a second */
    double ttl_s;

    /* Fractions. */
    double failing;      /* of tasks: half of them always, half of them at first */
    double seceding;     /* of runs */
    double rescheduling; /* of runs */
    double slow_workers; /* a tenth as fast */
    double slow_links;   /* a hundredth */
    double lost;         /* of transfers, on their way */
    double busy;         /* of questions for data */
    double garbled;      /* of transfers: they cannot be read */

    /* Times a second, in the whole cluster, during the first `storm_s`. */
    double storm_s;
    double deaths;
    double joins;
    double cuts; /* connections to the scheduler */
    double freezes;
    double pauses;
    double retires;
    double releases;
    double cancels;

    uint64_t given; /* options that were, a bit for each */
};

/* Reads the command line. Errors: DK_EINVAL (`err` names the option). */
dk_status sim_options_read(struct sim_options *options, int argc, char **argv,
                           dk_error *err) DK_NODISCARD;
/* The options of the run with this seed: those that are drawn are drawn. */
struct sim_options sim_options_of(const struct sim_options *options, uint64_t seed);
void sim_options_help(void);
void sim_options_show(const struct sim_options *options);

#endif
