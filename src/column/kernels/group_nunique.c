/* nunique: the set of distinct pairs of group and value. */
#include <string.h>

#include "base/hash.h"
#include "column/kernels/group_index.h"
#include "column/kernels/group_state.h"

/* A free slot: no group has the number GROUP_NONE. */
#define FREE      UINT64_MAX
#define SLOTS_MIN 64

struct nunique_state {
    struct group_state head;
    struct group_index values; /* values to numbers */
    struct group_array counts; /* of int64_t */
    uint64_t *pairs;           /* open addressing: group << 32 | value */
    uint64_t npairs;
    uint64_t nslots;
    uint32_t groups[GROUP_BLOCK];
    uint32_t numbers[GROUP_BLOCK];
};

static void nunique_free(struct group_state *state)
{
    struct nunique_state *nunique = (struct nunique_state *)state;
    group_index_deinit(&nunique->values);
    group_array_free(&nunique->counts, state->memory, sizeof(int64_t));
    memory_free(state->memory, nunique->pairs, nunique->nslots * sizeof *nunique->pairs);
    memory_free(state->memory, nunique, sizeof *nunique);
}

static dk_status nunique_begin(struct group_state *state, const struct view *values)
{
    return group_index_begin(&((struct nunique_state *)state)->values, values);
}

static dk_status nunique_reserve(struct group_state *state, int64_t ngroups)
{
    struct nunique_state *nunique = (struct nunique_state *)state;
    return group_array_reserve(&nunique->counts, state->memory, sizeof(int64_t), ngroups);
}

/* The slot of `pair`, or the free one where it belongs. */
static uint64_t *find_pair(uint64_t *pairs, uint64_t nslots, uint64_t pair)
{
    uint64_t at = hash_u64(pair) & (nslots - 1);
    while (pairs[at] != pair && pairs[at] != FREE)
        at = (at + 1) & (nslots - 1);
    return &pairs[at];
}

static dk_status grow_pairs(struct nunique_state *nunique)
{
    struct memory *memory = nunique->head.memory;
    uint64_t old = nunique->nslots, nslots = old ? 2 * old : SLOTS_MIN;
    uint64_t *pairs = memory_alloc(memory, nslots * sizeof *pairs);
    if (!pairs)
        return DK_ENOMEM;
    memset(pairs, 0xff, nslots * sizeof *pairs);
    for (uint64_t i = 0; i < old; i++)
        if (nunique->pairs[i] != FREE)
            *find_pair(pairs, nslots, nunique->pairs[i]) = nunique->pairs[i];
    memory_free(memory, nunique->pairs, old * sizeof *pairs);
    nunique->pairs = pairs;
    nunique->nslots = nslots;
    return DK_OK;
}

static dk_status add_pair(struct nunique_state *nunique, uint32_t group, uint32_t value)
{
    uint64_t pair = (uint64_t)group << 32 | value;
    if (2 * (nunique->npairs + 1) > nunique->nslots)
        DK_TRY(grow_pairs(nunique));
    uint64_t *slot = find_pair(nunique->pairs, nunique->nslots, pair);
    if (*slot == pair)
        return DK_OK;
    *slot = pair;
    nunique->npairs++;
    ((int64_t *)nunique->counts.data)[group]++;
    return DK_OK;
}

static dk_status nunique_update(struct group_state *state, const struct group_rows *rows,
                                const struct view *values)
{
    struct nunique_state *nunique = (struct nunique_state *)state;
    const uint32_t *groups = group_rows_scatter(rows, nunique->groups);
    const uint32_t *numbers = nunique->numbers;
    DK_TRY(group_index_scatter(&nunique->values, values, groups, nunique->numbers));
    for (int64_t i = 0; i < rows->nrows; i++) {
        /* A repeated pair is in the set already. */
        if (numbers[i] == GROUP_NONE)
            continue;
        if (i > 0 && numbers[i] == numbers[i - 1] && groups[i] == groups[i - 1])
            continue;
        DK_TRY(add_pair(nunique, groups[i], numbers[i]));
    }
    return DK_OK;
}

/* The slots that are taken: their groups and value numbers. */
static void list_pairs(const struct nunique_state *nunique, int64_t *groups, int64_t *numbers)
{
    int64_t n = 0;
    for (uint64_t i = 0; i < nunique->nslots; i++) {
        if (nunique->pairs[i] == FREE)
            continue;
        groups[n] = (int64_t)(nunique->pairs[i] >> 32);
        numbers[n++] = (int64_t)(uint32_t)nunique->pairs[i];
    }
}

static dk_status nunique_pairs(const struct group_state *state, int64_t **groups, int64_t *npairs,
                               struct column **values)
{
    const struct nunique_state *nunique = (const struct nunique_state *)state;
    struct column *all = NULL;
    size_t nbytes = nunique->npairs * sizeof(int64_t);
    int64_t *numbers = memory_alloc(state->memory, nbytes);
    int64_t *list = memory_alloc(state->memory, nbytes);
    dk_status status = numbers && list ? DK_OK : DK_ENOMEM;
    if (status == DK_OK)
        status = group_index_column(&nunique->values, &all);
    if (status == DK_OK) {
        list_pairs(nunique, list, numbers);
        status =
            column_take(state->memory, &all->view, numbers, (int64_t)nunique->npairs, values, NULL);
    }
    column_unref(all);
    memory_free(state->memory, numbers, nbytes);
    if (status != DK_OK) {
        memory_free(state->memory, list, nbytes);
        return status;
    }
    *groups = list;
    *npairs = (int64_t)nunique->npairs;
    return DK_OK;
}

static dk_status nunique_result(const struct group_state *state, enum agg agg,
                                const int64_t *groups, int64_t n, struct vec *out)
{
    const struct nunique_state *nunique = (const struct nunique_state *)state;
    const int64_t *counts = nunique->counts.data;
    int64_t *data = out->data;
    (void)agg;
    for (int64_t i = 0; i < n; i++)
        data[i] = counts[groups[i]];
    return DK_OK;
}

static const struct group_state_ops nunique_ops = {
    .free = nunique_free,
    .begin = nunique_begin,
    .reserve = nunique_reserve,
    .update = nunique_update,
    .pairs = nunique_pairs,
    .result = nunique_result,
};

struct group_state *group_nunique_new(struct memory *memory, dk_type type)
{
    struct nunique_state *nunique = memory_calloc(memory, sizeof *nunique);
    if (!nunique)
        return NULL;
    nunique->head = (struct group_state){&nunique_ops, memory, type};
    if (group_index_init(&nunique->values, memory, type) != DK_OK) {
        nunique_free(&nunique->head);
        return NULL;
    }
    return &nunique->head;
}
