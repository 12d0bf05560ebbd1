/* Hashes: 64 bits for tables in memory, 128 bits for tokens that must never collide. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A structural hash: equal work has equal tokens. */
struct token {
    uint64_t hi;
    uint64_t lo;
};

uint64_t hash_bytes(const void *bytes, size_t nbytes);
struct token token_of(const void *bytes, size_t nbytes);
/* Of a C string; NULL has the token of nothing. */
struct token token_of_text(const char *text);
struct token token_none(void);
/* Folds `more` into `token`; order matters. */
struct token token_mix(struct token token, struct token more);
bool token_equal(struct token a, struct token b);
/* 32 hexadecimal digits and a zero into `out`. */
void token_text(struct token token, char out[33]);

/* A mixer for integer keys (the finaliser of splitmix64). */
static inline uint64_t hash_u64(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

#endif
