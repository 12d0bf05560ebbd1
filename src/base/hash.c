#include "base/hash.h"

#include <stdio.h>
#include <string.h>
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

struct token token_none(void)
{
    return (struct token){0, 0};
}

struct token token_of_text(const char *text)
{
    return text ? token_of(text, strlen(text)) : token_none();
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
