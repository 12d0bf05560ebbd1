/* Samples as a tree of function names. */
#include <elfutils/libdwfl.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/error.h"
#include "diagnostics/stacks.h"

/* Branches that have less than this part of all samples are not shown. */
#define SMALLEST_SHARE 0.01

struct node {
    const char *name;
    size_t count;
    struct node *child; /* the first one */
    struct node *sibling;
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

static Dwfl *open_symbols(void)
{
    Dwfl *symbols = dwfl_begin(&callbacks);
    if (!symbols)
        return NULL;
    dwfl_report_begin(symbols);
    dwfl_linux_proc_report(symbols, getpid());
    dwfl_report_end(symbols, NULL, NULL);
    return symbols;
}

/* A caller's address is behind the call, which may be the function's last instruction. */
static const char *name_of(Dwfl *symbols, void *frame, bool is_innermost)
{
    Dwarf_Addr address = (Dwarf_Addr)(uintptr_t)frame - (is_innermost ? 0 : 1);
    Dwfl_Module *module = symbols ? dwfl_addrmodule(symbols, address) : NULL;
    const char *name = module ? dwfl_module_addrname(module, address) : NULL;
    return name ? name : "(no symbol)";
}

static struct node *child_of(struct arena *arena, struct node *node, const char *name)
{
    struct node *child = node->child;
    while (child && strcmp(child->name, name) != 0)
        child = child->sibling;
    if (child)
        return child;
    child = arena_calloc(arena, sizeof(*child));
    if (!child)
        return NULL;
    child->name = arena_strdup(arena, name);
    if (!child->name)
        return NULL;
    child->sibling = node->child;
    node->child = child;
    return child;
}

static dk_status add_sample(struct arena *arena, Dwfl *symbols, struct node *root,
                            const struct stack_sample *sample)
{
    struct node *node = root;
    root->count++;
    for (int i = atomic_load(&sample->depth); i-- > 0;) {
        node = child_of(arena, node, name_of(symbols, sample->frames[i], i == 0));
        if (!node)
            return DK_ENOMEM;
        node->count++;
    }
    return DK_OK;
}

/* Takes the hottest child out of the list. */
static struct node *take_hottest(struct node *node)
{
    struct node **hottest = &node->child;
    for (struct node **at = &node->child; *at; at = &(*at)->sibling) {
        if ((*at)->count > (*hottest)->count)
            hottest = at;
    }
    struct node *child = *hottest;
    if (child)
        *hottest = child->sibling;
    return child;
}

static void put_children(struct text *text, struct node *node, size_t total, int depth)
{
    struct node *child = NULL;
    while ((child = take_hottest(node))) {
        double share = (double)child->count / (double)total;
        if (share < SMALLEST_SHARE)
            return;
        text_printf(text, "%5.1f%%  ", 100 * share);
        text_repeat(text, ' ', (size_t)depth * 2);
        text_printf(text, "%s\n", child->name);
        put_children(text, child, total, depth + 1);
    }
}

dk_status stacks_put_tree(struct memory *memory, const struct stack_sample *samples, size_t count,
                          struct text *text)
{
    struct arena arena;
    arena_init(&arena, memory);
    struct node root = {.name = ""};
    Dwfl *symbols = open_symbols();
    dk_status status = DK_OK;
    for (size_t i = 0; i < count && status == DK_OK; i++)
        status = add_sample(&arena, symbols, &root, &samples[i]);
    if (status == DK_OK)
        put_children(text, &root, root.count, 0);
    if (symbols)
        dwfl_end(symbols);
    arena_deinit(&arena);
    return status;
}
