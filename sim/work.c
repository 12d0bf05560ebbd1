#include "sim/work.h"

#include <stdio.h>

#include "sim/chance.h"
#include "sim/must.h"

#define CHAIN_LENGTH 10
#define TREE_INPUTS  4
#define NLAYERS      10

/* One graph while it is made: the numbers of its tasks begin at `first`. */
struct maker {
    struct sim_work *work;
    const struct sim_options *options;
    struct chance chance;
    uint32_t graph;
    uint32_t first;
    uint32_t count;
};

static uint32_t nfailures_of(struct maker *maker)
{
    if (!chance_hits(&maker->chance, maker->options->failing))
        return 0;
    return chance_below(&maker->chance, 2) ? SIM_ALWAYS : 1 + chance_below(&maker->chance, 3);
}

/* Half of all keys are texts, half are tuples. */
static void name_task(struct maker *maker, uint32_t layer)
{
    struct sim_work *work = maker->work;
    struct vector packed;
    char name[64];
    uint32_t number = sim_ntasks(work) - 1, id;
    bool is_new;
    vector_init(&packed, work->memory, 1);
    if (maker->graph % 2)
        snprintf(name, sizeof(name), "layer%u-%u", layer, number);
    else
        snprintf(name, sizeof(name), "layer%u-%08x", layer, (unsigned)maker->graph);
    struct wire_value items[] = {wire_text(name), wire_int(number)};
    struct wire_value key = maker->graph % 2 ? items[0] : wire_array(items, 2);
    must_do(key_pack(&key, &packed, NULL));
    must_do(keys_add(&work->keys, (struct wire_bytes){packed.data, packed.count}, &id, &is_new));
    vector_deinit(&packed);
}

static void begin_task(struct maker *maker, uint32_t layer)
{
    struct sim_task *task = must(vector_push(&maker->work->tasks));
    task->first_dependency = (uint32_t)maker->work->dependencies.count;
    task->nfailures = nfailures_of(maker);
    task->nbytes = chance_around(&maker->chance, (int64_t)maker->options->nbytes);
    task->takes_us = 1 + chance_around(&maker->chance, (int64_t)(maker->options->task_s * 1e6));
    name_task(maker, layer);
}

/* The newest task needs the one with this number; once only. */
static void depend(struct maker *maker, uint32_t on)
{
    struct sim_work *work = maker->work;
    struct sim_task *task = sim_task_at(work, sim_ntasks(work) - 1);
    const uint32_t *known = sim_dependencies(work, task);
    for (uint32_t i = 0; i < task->ndependencies && task->ndependencies <= TREE_INPUTS; i++)
        if (known[i] == on)
            return;
    must_do(vector_append(&work->dependencies, &on, 1));
    task->ndependencies++;
    sim_task_at(work, on)->ndependents++;
}

/* ---- shapes ---- */

static void make_independent(struct maker *maker)
{
    for (uint32_t i = 0; i < maker->count; i++)
        begin_task(maker, 0);
}

static void make_chains(struct maker *maker)
{
    for (uint32_t i = 0; i < maker->count; i++) {
        begin_task(maker, i % CHAIN_LENGTH);
        if (i % CHAIN_LENGTH)
            depend(maker, maker->first + i - 1);
    }
}

/* Leaves first; each later task takes the next few that nobody has taken. */
static void make_trees(struct maker *maker)
{
    uint32_t nleaves = maker->count - (maker->count + TREE_INPUTS - 1) / TREE_INPUTS;
    uint32_t taken = 0;
    for (uint32_t i = 0; i < maker->count; i++) {
        begin_task(maker, i >= nleaves);
        for (uint32_t j = 0; i >= nleaves && j < TREE_INPUTS && taken < i; j++)
            depend(maker, maker->first + taken++);
    }
}

static void make_layers(struct maker *maker)
{
    uint32_t width = (maker->count + NLAYERS - 1) / NLAYERS;
    for (uint32_t i = 0; i < maker->count; i++) {
        uint32_t layer = i / width;
        begin_task(maker, layer);
        uint32_t ninputs = layer ? 1 + chance_below(&maker->chance, TREE_INPUTS) : 0;
        for (uint32_t j = 0; j < ninputs; j++)
            depend(maker, maker->first + (layer - 1) * width + chance_below(&maker->chance, width));
    }
}

static void make_merge(struct maker *maker)
{
    for (uint32_t i = 0; i + 1 < maker->count; i++)
        begin_task(maker, 0);
    begin_task(maker, 1);
    for (uint32_t i = 0; i + 1 < maker->count; i++)
        depend(maker, maker->first + i);
}

static void (*const makers[SIM_NSHAPES])(struct maker *maker) = {
    [SIM_INDEPENDENT] = make_independent, [SIM_CHAINS] = make_chains, [SIM_TREES] = make_trees,
    [SIM_LAYERS] = make_layers,           [SIM_MERGE] = make_merge,
};

/* ---- all ---- */

void sim_work_init(struct sim_work *work, struct memory *memory, const struct sim_options *options)
{
    *work = (struct sim_work){.memory = memory, .ngraphs = options->graphs};
    vector_init(&work->tasks, memory, sizeof(struct sim_task));
    vector_init(&work->dependencies, memory, sizeof(uint32_t));
    keys_init(&work->keys, memory);
    work->graphs = must(memory_calloc(memory, (work->ngraphs + 1) * sizeof(*work->graphs)));
    struct maker maker = {.work = work, .options = options, .chance = {hash_u64(options->seed)}};
    for (; maker.graph < work->ngraphs; maker.graph++) {
        maker.first = sim_ntasks(work);
        maker.count = (options->tasks - maker.first) / (work->ngraphs - maker.graph);
        makers[options->shape](&maker);
        work->graphs[maker.graph + 1] = sim_ntasks(work);
    }
}

void sim_work_deinit(struct sim_work *work)
{
    vector_deinit(&work->tasks);
    vector_deinit(&work->dependencies);
    keys_deinit(&work->keys);
    memory_free(work->memory, work->graphs, (work->ngraphs + 1) * sizeof(*work->graphs));
}

/* Dependencies have smaller numbers, so marking downwards from `number` reaches them all. */
bool sim_depends_on(const struct sim_work *work, uint32_t number, uint32_t on)
{
    if (on > number)
        return false;
    size_t nbytes = (size_t)number + 1;
    bool *is_needed = must(memory_calloc(work->memory, nbytes));
    is_needed[number] = true;
    for (uint32_t i = number + 1; i-- > on;) {
        const struct sim_task *task = sim_task_at(work, i);
        for (uint32_t j = 0; is_needed[i] && j < task->ndependencies; j++)
            is_needed[sim_dependencies(work, task)[j]] = true;
    }
    bool depends = is_needed[on];
    memory_free(work->memory, is_needed, nbytes);
    return depends;
}
