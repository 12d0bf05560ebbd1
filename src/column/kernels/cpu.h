/* Which instructions the processor has, asked at run time. */
#ifndef KERNELS_CPU_H
#define KERNELS_CPU_H

#include <stdbool.h>

#if defined(__x86_64__)
#define CPU_X86 1
static inline bool cpu_has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}
#else
#define CPU_X86 0
#endif

#endif
