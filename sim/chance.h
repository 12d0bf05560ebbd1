/* Chance that a seed repeats. Nothing else in a simulation is random. */
#ifndef SIM_CHANCE_H
#define SIM_CHANCE_H

#include <math.h>

#include "base/hash.h"

struct chance {
    uint64_t state;
};

static inline uint64_t chance_next(struct chance *chance)
{
    chance->state += 0x9e3779b97f4a7c15u;
    return hash_u64(chance->state);
}

/* At least 0, below 1. */
static inline double chance_unit(struct chance *chance)
{
    return (double)(chance_next(chance) >> 11) / 9007199254740992.0;
}

static inline bool chance_hits(struct chance *chance, double rate)
{
    return rate > 0 && chance_unit(chance) < rate;
}

/* Below `limit`; 0 when that is 0. */
static inline uint32_t chance_below(struct chance *chance, uint32_t limit)
{
    return limit ? (uint32_t)(chance_next(chance) % limit) : 0;
}

/* Around `mean`, from half to half as much again. */
static inline int64_t chance_around(struct chance *chance, int64_t mean)
{
    return mean / 2 + (int64_t)(chance_unit(chance) * (double)mean);
}

/* Until the next of things that happen `rate` times a second, without memory. */
static inline int64_t chance_gap_us(struct chance *chance, double rate)
{
    return (int64_t)(-log(1 - chance_unit(chance)) / rate * 1e6) + 1;
}

#endif
