/* Samples as a tree of function names, to read and for flame graphs. */
#include <string.h>

#include "base/error.h"
#include "diagnostics/stacks.h"
#include "diagnostics/symbols.h"

/* Branches that have less than this part of all samples are not shown. */
#define SMALLEST_SHARE 0.01

struct node {
    const char *name;
    size_t count;       /* samples in it or in what it called */
    size_t nself;       /* in itself */
    struct node *child; /* the first one */
    struct node *sibling;
    struct node *parent;
};

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
    *child = (struct node){.name = name, .sibling = node->child, .parent = node};
    node->child = child;
    return child;
}

/* From the outermost frame in. A caller's address is behind the call, which may be the function's
 * last instruction. */
static dk_status add_sample(struct symbols *symbols, struct node *root,
                            const struct stack_sample *sample)
{
    struct node *node = root;
    root->count++;
    for (int i = sample->depth; i-- > 0;) {
        uintptr_t address = (uintptr_t)sample->frames[i] - (i > 0 ? 1 : 0);
        const char *name = symbols_name(symbols, address);
        node = name ? child_of(&symbols->arena, node, name) : NULL;
        if (!node)
            return DK_ENOMEM;
        node->count++;
    }
    node->nself++;
    return DK_OK;
}

static dk_status add_samples(struct symbols *symbols, struct node *root,
                             const struct stack_sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        DK_TRY(add_sample(symbols, root, &samples[i]));
    return DK_OK;
}

/* ---- to read ---- */

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
        text_printf(text, "%5.1f%% %5.1f%%  ", 100 * share,
                    100 * (double)child->nself / (double)total);
        text_repeat(text, ' ', (size_t)depth);
        text_printf(text, "%s\n", child->name);
        put_children(text, child, total, depth + 1);
    }
}

dk_status stacks_put_tree(struct memory *memory, const struct stack_sample *samples, size_t count,
                          struct text *text)
{
    struct symbols symbols;
    symbols_init(&symbols, memory);
    struct node root = {.name = ""};
    dk_status status = add_samples(&symbols, &root, samples, count);
    if (status == DK_OK) {
        text_puts(text, " total   self  function, callers above\n");
        put_children(text, &root, root.count, 0);
    }
    symbols_deinit(&symbols);
    return status;
}

/* ---- for flame graphs ---- */

static void put_path(struct text *text, const struct node *node)
{
    if (node->parent->parent) {
        put_path(text, node->parent);
        text_putc(text, ';');
    }
    text_puts(text, node->name);
}

static void put_folded(struct text *text, const struct node *node)
{
    for (const struct node *child = node->child; child; child = child->sibling) {
        if (child->nself) {
            put_path(text, child);
            text_printf(text, " %zu\n", child->nself);
        }
        put_folded(text, child);
    }
}

dk_status stacks_put_folded(struct memory *memory, const struct stack_sample *samples, size_t count,
                            struct text *text)
{
    struct symbols symbols;
    symbols_init(&symbols, memory);
    struct node root = {.name = ""};
    dk_status status = add_samples(&symbols, &root, samples, count);
    if (status == DK_OK)
        put_folded(text, &root);
    symbols_deinit(&symbols);
    return status;
}
