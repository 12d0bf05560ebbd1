/* Names of the functions at addresses of this process. */
#ifndef DIAGNOSTICS_SYMBOLS_H
#define DIAGNOSTICS_SYMBOLS_H

#include "base/arena.h"

struct symbols {
    struct arena arena; /* names */
    struct memory *memory;
    struct symbol *slots; /* what has been looked up, by address: open addressing */
    size_t nslots;        /* a power of two */
    size_t nused;
    struct Dwfl *dwfl; /* NULL: nothing has a name */
};

void symbols_init(struct symbols *symbols, struct memory *memory);
void symbols_deinit(struct symbols *symbols);

/* The function's name, or "(LIBRARY)" where only the file is known; NULL when out of memory.
 * It lives as long as the symbols. */
const char *symbols_name(struct symbols *symbols, uintptr_t address);

#endif
