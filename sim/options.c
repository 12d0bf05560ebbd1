#include "sim/options.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "sim/chance.h"

enum kind { FLAG, COUNT, SEED, NUMBER, SHAPE };

/* An option, what it is without being given, and between what it is drawn (both 0: it is not). */
struct option {
    const char *name;
    enum kind kind;
    size_t offset;
    double otherwise;
    double least;
    double most;
    const char *meaning;
};

#define AT(field) offsetof(struct sim_options, field)

static const struct option options_known[] = {
    {"seed", SEED, AT(seed), 1, 0, 0, "of the first run"},
    {"runs", COUNT, AT(runs), 1, 0, 0, "how many, of consecutive seeds"},
    {"draw", FLAG, AT(draws), 0, 0, 0, "what is not given is drawn from the seed"},
    {"measure", FLAG, AT(measures), 0, 0, 0, "time and memory of the scheduler"},
    {"tell", FLAG, AT(tells), 0, 0, 0, "each event, while it happens"},
    {"validate-every", COUNT, AT(validate_every), 0, 0, 0, "so many events; 0: by size"},
    {"workers", COUNT, AT(workers), 4, 1, 12, "up to 10,000"},
    {"threads", COUNT, AT(threads), 2, 1, 4, "of each worker"},
    {"clients", COUNT, AT(clients), 1, 1, 3, "that share the graphs"},
    {"graphs", COUNT, AT(graphs), 1, 1, 6, "one after the other"},
    {"tasks", COUNT, AT(tasks), 100, 10, 200, "of all graphs together"},
    {"shape", SHAPE, AT(shape), SIM_LAYERS, 0, SIM_NSHAPES - 1, "of the graphs"},
    {"retries", COUNT, AT(retries), 0, 0, 2, "of each task"},
    {"task", NUMBER, AT(task_s), 0.05, 0.001, 0.4, "seconds that one takes"},
    {"nbytes", NUMBER, AT(nbytes), 1e5, 10, 3e6, "of its result"},
    {"latency", NUMBER, AT(latency_s), 0.0005, 0.0001, 0.02, "seconds"},
    {"bandwidth", NUMBER, AT(bandwidth), 1e8, 1e6, 1e9, "bytes a second"},
    {"ttl", NUMBER, AT(ttl_s), 30, 3, 30, "seconds of silence that a worker may keep"},
    {"failing", NUMBER, AT(failing), 0, 0, 0.03, "fraction of tasks"},
    {"seceding", NUMBER, AT(seceding), 0, 0, 0.1, "fraction of runs"},
    {"rescheduling", NUMBER, AT(rescheduling), 0, 0, 0.1, "fraction of runs"},
    {"slow-workers", NUMBER, AT(slow_workers), 0, 0, 0.3, "fraction of workers"},
    {"slow-links", NUMBER, AT(slow_links), 0, 0, 0.3, "fraction of workers"},
    {"lost", NUMBER, AT(lost), 0, 0, 0.1, "fraction of transfers"},
    {"busy", NUMBER, AT(busy), 0, 0, 0.2, "fraction of questions for data"},
    {"garbled", NUMBER, AT(garbled), 0, 0, 0.03, "fraction of transfers"},
    {"storm", NUMBER, AT(storm_s), 10, 1, 20, "seconds in which the following happens"},
    {"deaths", NUMBER, AT(deaths), 0, 0, 0.5, "of workers, a second"},
    {"joins", NUMBER, AT(joins), 0, 0, 0.7, "of workers, a second"},
    {"cuts", NUMBER, AT(cuts), 0, 0, 0.5, "connections lost, a second"},
    {"freezes", NUMBER, AT(freezes), 0, 0, 0.3, "of workers, perhaps past their ttl, a second"},
    {"pauses", NUMBER, AT(pauses), 0, 0, 0.5, "of workers, a second"},
    {"retires", NUMBER, AT(retires), 0, 0, 0.2, "of workers, a second"},
    {"releases", NUMBER, AT(releases), 0, 0, 4, "of keys by clients, a second"},
    {"cancels", NUMBER, AT(cancels), 0, 0, 2, "of keys by clients, a second"},
};

#define NOPTIONS (sizeof(options_known) / sizeof(*options_known))

static const char *const shape_names[SIM_NSHAPES] = {"independent", "chains", "trees", "layers",
                                                     "merge"};

static void put(struct sim_options *options, const struct option *option, double value)
{
    char *field = (char *)options + option->offset;
    if (option->kind == FLAG)
        *(bool *)field = value > 0;
    else if (option->kind == SEED)
        *(uint64_t *)field = (uint64_t)value;
    else if (option->kind == NUMBER)
        *(double *)field = value;
    else
        *(uint32_t *)field = (uint32_t)value;
}

static double get(const struct sim_options *options, const struct option *option)
{
    const char *field = (const char *)options + option->offset;
    if (option->kind == FLAG)
        return *(const bool *)field;
    if (option->kind == SEED)
        return (double)*(const uint64_t *)field;
    if (option->kind == NUMBER)
        return *(const double *)field;
    return *(const uint32_t *)field;
}

/* ---- reading ---- */

static const struct option *find(const char *word)
{
    for (size_t i = 0; i < NOPTIONS; i++)
        if (strncmp(word, "--", 2) == 0 && strcmp(word + 2, options_known[i].name) == 0)
            return &options_known[i];
    return NULL;
}

static dk_status read_value(const struct option *option, const char *word, double *value,
                            dk_error *err)
{
    char *end = NULL;
    for (uint32_t i = 0; option->kind == SHAPE && i < SIM_NSHAPES; i++)
        if (strcmp(word, shape_names[i]) == 0) {
            *value = i;
            return DK_OK;
        }
    *value = strtod(word, &end);
    if (option->kind == SHAPE || end == word || *end || !(*value >= 0))
        return error_set(err, DK_EINVAL, "--%s: not '%s'", option->name, word);
    return DK_OK;
}

static dk_status check(const struct sim_options *options, dk_error *err)
{
    if (!options->workers || options->workers > 10000 || !options->threads || !options->clients ||
        !options->graphs || options->tasks < options->graphs)
        return error_set(err, DK_EINVAL,
                         "there must be 1 to 10,000 workers, threads, clients, and a task a graph");
    return DK_OK;
}

dk_status sim_options_read(struct sim_options *options, int argc, char **argv, dk_error *err)
{
    *options = (struct sim_options){0};
    for (size_t i = 0; i < NOPTIONS; i++)
        put(options, &options_known[i], options_known[i].otherwise);
    for (int i = 1; i < argc; i++) {
        const struct option *option = find(argv[i]);
        double value = 1;
        if (!option)
            return error_set(err, DK_EINVAL, "no option '%s'", argv[i]);
        if (option->kind != FLAG && i + 1 == argc)
            return error_set(err, DK_EINVAL, "%s: what?", argv[i]);
        if (option->kind != FLAG)
            DK_TRY(read_value(option, argv[++i], &value, err));
        put(options, option, value);
        options->given |= (uint64_t)1 << (option - options_known);
    }
    return check(options, err);
}

/* ---- drawing ---- */

/* Sizes are drawn evenly over their magnitudes; and every third fault does not happen at all. */
static double draw(struct chance *chance, const struct option *option)
{
    double unit = chance_unit(chance);
    bool is_absent = chance_below(chance, 3) == 0;
    if (option->kind == COUNT || option->kind == SHAPE)
        return option->least + floor(unit * (option->most - option->least + 1));
    if (option->least > 0)
        return option->least * pow(option->most / option->least, unit);
    return is_absent ? 0 : unit * option->most;
}

struct sim_options sim_options_of(const struct sim_options *options, uint64_t seed)
{
    struct sim_options drawn = *options;
    struct chance chance = {hash_u64(seed) ^ 0x64726177};
    drawn.seed = seed;
    for (size_t i = 0; i < NOPTIONS && options->draws; i++) {
        double value = draw(&chance, &options_known[i]);
        if (options_known[i].most > 0 && !(options->given >> i & 1))
            put(&drawn, &options_known[i], value);
    }
    if (drawn.tasks < drawn.graphs)
        drawn.graphs = drawn.tasks;
    return drawn;
}

/* ---- showing ---- */

void sim_options_help(void)
{
    printf("cdask-sim [OPTION VALUE]...: the cores of scheduler and workers in virtual time\n\n");
    for (size_t i = 0; i < NOPTIONS; i++)
        printf("  --%-15s %8g  %s\n", options_known[i].name, options_known[i].otherwise,
               options_known[i].meaning);
    printf("\nshapes:");
    for (size_t i = 0; i < SIM_NSHAPES; i++)
        printf(" %s", shape_names[i]);
    printf("\n");
}

void sim_options_show(const struct sim_options *options)
{
    for (size_t i = 0; i < NOPTIONS; i++) {
        const struct option *option = &options_known[i];
        if (option->kind == FLAG || option->offset == AT(runs))
            continue;
        if (option->kind == SHAPE)
            printf(" --%s %s", option->name, shape_names[options->shape]);
        else
            printf(" --%s %.17g", option->name, get(options, option));
    }
    printf("\n");
}
