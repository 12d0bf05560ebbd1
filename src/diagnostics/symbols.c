#include "diagnostics/symbols.h"

#include <elfutils/libdwfl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"

struct symbol {
    uintptr_t address; /* 0: free */
    const char *name;
};

/* Symbol tables of the files that are mapped do: nothing is looked for elsewhere, on disk or by
 * network. */
static int find_no_debuginfo(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base,
                             const char *file, const char *link, GElf_Word crc, char **found)
{
    (void)module, (void)data, (void)name, (void)base, (void)file, (void)link, (void)crc,
        (void)found;
    return -1;
}

static const Dwfl_Callbacks callbacks = {
    .find_elf = dwfl_linux_proc_find_elf,
    .find_debuginfo = find_no_debuginfo,
};

void symbols_init(struct symbols *symbols, struct memory *memory)
{
    *symbols = (struct symbols){.memory = memory, .dwfl = dwfl_begin(&callbacks)};
    arena_init(&symbols->arena, memory);
    if (!symbols->dwfl)
        return;
    dwfl_report_begin(symbols->dwfl);
    dwfl_linux_proc_report(symbols->dwfl, getpid());
    dwfl_report_end(symbols->dwfl, NULL, NULL);
}

void symbols_deinit(struct symbols *symbols)
{
    if (symbols->dwfl)
        dwfl_end(symbols->dwfl);
    memory_free(symbols->memory, symbols->slots, symbols->nslots * sizeof(*symbols->slots));
    arena_deinit(&symbols->arena);
}

/* Compilers name their parts of a function after it: "scan.constprop.0", "scan.part.0.cold". */
static size_t length_of_source_name(const char *name)
{
    const char *point = *name ? strchr(name + 1, '.') : NULL;
    return point ? (size_t)(point - name) : strlen(name);
}

static const char *look_up(struct symbols *symbols, uintptr_t address)
{
    Dwfl_Module *module = symbols->dwfl ? dwfl_addrmodule(symbols->dwfl, address) : NULL;
    if (!module)
        return arena_strdup(&symbols->arena, "(unknown)");
    const char *name = dwfl_module_addrname(module, address);
    if (name)
        return arena_text(&symbols->arena, name, length_of_source_name(name));
    const char *path = dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    const char *file = path ? strrchr(path, '/') : NULL;
    char text[256];
    snprintf(text, sizeof(text), "(%s)", file ? file + 1 : path ? path : "unknown");
    return arena_strdup(&symbols->arena, text);
}

/* The slot of `address`, or the free one where it belongs. */
static struct symbol *slot_of(const struct symbols *symbols, uintptr_t address)
{
    size_t at = hash_u64(address) & (symbols->nslots - 1);
    while (symbols->slots[at].address && symbols->slots[at].address != address)
        at = (at + 1) & (symbols->nslots - 1);
    return &symbols->slots[at];
}

static bool make_room(struct symbols *symbols)
{
    if (symbols->nused * 2 < symbols->nslots)
        return true;
    struct symbols wider = *symbols;
    wider.nslots = symbols->nslots ? symbols->nslots * 2 : 256;
    wider.slots = memory_calloc(symbols->memory, wider.nslots * sizeof(*wider.slots));
    if (!wider.slots)
        return false;
    for (size_t i = 0; i < symbols->nslots; i++) {
        if (symbols->slots[i].address)
            *slot_of(&wider, symbols->slots[i].address) = symbols->slots[i];
    }
    memory_free(symbols->memory, symbols->slots, symbols->nslots * sizeof(*symbols->slots));
    *symbols = wider;
    return true;
}

/* A look-up goes through a whole symbol table, so each address is looked up once. */
const char *symbols_name(struct symbols *symbols, uintptr_t address)
{
    if (!make_room(symbols))
        return NULL;
    struct symbol *slot = slot_of(symbols, address);
    if (slot->address)
        return slot->name;
    const char *name = look_up(symbols, address);
    if (!name)
        return NULL;
    *slot = (struct symbol){address, name};
    symbols->nused++;
    return name;
}
