/* Numbering keys of one fixed-width type: define T, NAME(function), WORD(value) (64 bits that are
 * equal when the values are) and MISSING(value), and DIFFERS(a, b), of type FLAG and zero when the
 * values are equal; all undefined at the end. */

/* How many neighbours are compared before asking whether any differed. */
#define STRIDE 16
/* So many short runs at the beginning settle it: these keys do not come in runs. */
#define PATIENCE 64
#define CHUNK    256

/* Appends the runs of equal values in rows [start, end) to the `n` in scratch; their number, or -1
 * when there are more than `limit`. */
static int32_t NAME(find_runs)(const T *data, int64_t start, int64_t end, int32_t limit,
                               struct group_scratch *scratch, int32_t n)
{
    int64_t i = start + 1;
    scratch->starts[n++] = (int32_t)start;
    while (i < end) {
        FLAG differ = 0;
        int64_t stop = i + STRIDE < end ? i + STRIDE : end;
        if (stop == i + STRIDE)
            for (int k = 0; k < STRIDE; k++)
                differ = (FLAG)(differ | DIFFERS(data[i + k], data[i + k - 1]));
        else
            differ = 1;
        if (differ) {
            if (n + STRIDE > limit || n > i / GROUP_RUN_MIN + PATIENCE)
                return -1;
            for (; i < stop; i++) {
                /* Written always, kept when it was a boundary: no branch to mispredict. */
                scratch->starts[n] = scratch->ends[n - 1] = (int32_t)i;
                n += DIFFERS(data[i], data[i - 1]) != 0;
            }
        }
        i = stop;
    }
    scratch->ends[n - 1] = (int32_t)end;
    return n;
}

static dk_status NAME(number)(struct group_index *index, T value, uint32_t *out)
{
    if (MISSING(value)) {
        *out = GROUP_NONE;
        return DK_OK;
    }
    uint64_t word = WORD(value);
    *out = find_word(index, word);
    return *out == GROUP_NONE ? insert_word(index, word, out) : DK_OK;
}

/* Looks every run up once, and closes the gaps that runs of missing keys leave. */
static dk_status NAME(number_runs)(struct group_index *index, const T *data, int32_t nruns,
                                   struct group_scratch *scratch, int32_t *nkept)
{
    int32_t kept = 0;
    for (int32_t i = 0; i < nruns; i++) {
        uint32_t number;
        DK_TRY(NAME(number)(index, data[scratch->starts[i]], &number));
        scratch->starts[kept] = scratch->starts[i];
        scratch->ends[kept] = scratch->ends[i];
        scratch->groups[kept] = number;
        kept += number != GROUP_NONE;
    }
    *nkept = kept;
    return DK_OK;
}

static void NAME(prefetch)(const struct group_index *index, const T *data, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        __builtin_prefetch(&index->slots[home(WORD(data[i]), index->shift)]);
}

/* Numbers n <= CHUNK keys. Most are found in the first slot probed: these are done without a
 * branch, which would be mispredicted for the rest. */
static dk_status NAME(scatter_chunk)(struct group_index *index, const T *data, int64_t n,
                                     uint32_t *groups)
{
    int32_t others[CHUNK], nothers = 0;
    for (int32_t i = 0; i < n; i++) {
        uint64_t word = WORD(data[i]);
        const struct group_slot *slot = &index->slots[home(word, index->shift)];
        bool found = (slot->key == word) & (slot->number != GROUP_NONE) & !MISSING(data[i]);
        groups[i] = slot->number;
        others[nothers] = i;
        nothers += !found;
    }
    for (int32_t i = 0; i < nothers; i++)
        DK_TRY(NAME(number)(index, data[others[i]], &groups[others[i]]));
    return DK_OK;
}

static dk_status NAME(scatter)(struct group_index *index, const struct view *keys,
                               const uint32_t *keep, uint32_t *groups)
{
    const T *data = keys->data;
    if (is_large(index))
        NAME(prefetch)(index, data, keys->nrows);
    for (int64_t i = 0; !keep && i < keys->nrows; i += CHUNK) {
        int64_t n = keys->nrows - i < CHUNK ? keys->nrows - i : CHUNK;
        DK_TRY(NAME(scatter_chunk)(index, data + i, n, groups + i));
    }
    for (int64_t i = 0; keep && i < keys->nrows; i++) {
        if (keep[i] == GROUP_NONE)
            groups[i] = GROUP_NONE;
        else
            DK_TRY(NAME(number)(index, data[i], &groups[i]));
    }
    return DK_OK;
}

/* True when the keys come in runs that are long enough; they are then in `scratch`. */
static dk_status NAME(map_runs)(struct group_index *index, const struct view *keys,
                                struct group_scratch *scratch, bool *worthwhile, int32_t *nruns)
{
    int32_t limit = (int32_t)(keys->nrows / GROUP_RUN_MIN);
    int64_t start, stop = 0;
    int32_t n = 0;
    while (n >= 0 && next_valid_run(keys, stop, keys->nrows, &start, &stop))
        n = n < limit ? NAME(find_runs)(keys->data, start, stop, limit, scratch, n) : -1;
    *worthwhile = n >= 0;
    *nruns = 0;
    return n > 0 ? NAME(number_runs)(index, keys->data, n, scratch, nruns) : DK_OK;
}

#undef STRIDE
#undef PATIENCE
#undef CHUNK
#undef T
#undef NAME
#undef WORD
#undef MISSING
#undef FLAG
#undef DIFFERS
