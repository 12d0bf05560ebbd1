/* The structural scan with AVX2, and carry-less multiplication for the quotes. */
#include "io/csv/structure.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define TARGET __attribute__((target("avx2,bmi,bmi2,popcnt,lzcnt,pclmul")))
#define SCAN   csv_structure_avx2
/* tzcnt of 0 is 64, where __builtin_ctzll(0) is undefined. */
#define LOWEST(bits) _tzcnt_u64(bits)

struct masks {
    uint64_t separators;
    uint64_t newlines;
    uint64_t returns;
    uint64_t quotes;
};

static inline TARGET uint64_t equal_bits(__m256i low, __m256i high, char c)
{
    __m256i wanted = _mm256_set1_epi8(c);
    uint32_t l = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted));
    uint32_t h = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted));
    return l | (uint64_t)h << 32;
}

static inline TARGET struct masks find_masks(const char *bytes, char separator)
{
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)bytes);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(bytes + 32));
    return (struct masks){equal_bits(low, high, separator), equal_bits(low, high, '\n'),
                          equal_bits(low, high, '\r'), equal_bits(low, high, '"')};
}

/* The product with all ones, without carries, is the prefix XOR. */
static inline TARGET uint64_t prefix_xor(uint64_t bits)
{
    __m128i product =
        _mm_clmulepi64_si128(_mm_set_epi64x(0, (long long)bits), _mm_set1_epi8((char)0xff), 0);
    return (uint64_t)_mm_cvtsi128_si64(product);
}

#include "io/csv/structure.inc.h"

#endif
