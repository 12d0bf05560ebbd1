#include "base/hash.h"

#include <stdio.h>
#include <xxhash.h>

uint64_t hash_bytes(const void *bytes, size_t nbytes)
{
    return XXH3_64bits(bytes, nbytes);
}

struct token token_of(const void *bytes, size_t nbytes)
{
    XXH128_hash_t hash = XXH3_128bits(bytes, nbytes);
    return (struct token){hash.high64, hash.low64};
}

struct token token_mix(struct token token, struct token more)
{
    struct token pair[2] = {token, more};
    return token_of(pair, sizeof(pair));
}

bool token_equal(struct token a, struct token b)
{
    return a.hi == b.hi && a.lo == b.lo;
}

void token_text(struct token token, char out[33])
{
    snprintf(out, 33, "%016llx%016llx", (unsigned long long)token.hi, (unsigned long long)token.lo);
}
