/* Plugins of workers and nannies: kept as they came, for those who join later, and passed on.
 *
 * Source: distributed.scheduler.Scheduler.register_worker_plugin, register_nanny_plugin. */
#include "base/error.h"
#include "node/scheduler/survey.h"
#include "wire/pickle_tree.h"

struct plugin {
    struct wire_box *name; /* a text */
    struct wire_box *code; /* bin: its pickle */
    bool is_nannys;
};

static struct plugin *plugin_at(const struct scheduler_node *node, size_t i)
{
    return &((struct plugin *)node->plugins.data)[i];
}

static struct plugin *find_plugin(const struct scheduler_node *node, bool is_nannys,
                                  const struct wire_value *name)
{
    for (size_t i = 0; i < node->plugins.count; i++) {
        struct plugin *plugin = plugin_at(node, i);
        struct wire_value own = plugin->name->value;
        if (plugin->is_nannys == is_nannys && own.count == name->count &&
            memcmp(own.as.bytes, name->as.bytes, name->count) == 0)
            return plugin;
    }
    return NULL;
}

void scheduler_plugins_init(struct scheduler_node *node)
{
    vector_init(&node->plugins, node->memory, sizeof(struct plugin));
}

void scheduler_plugins_deinit(struct scheduler_node *node)
{
    for (size_t i = 0; i < node->plugins.count; i++) {
        wire_box_unref(plugin_at(node, i)->name);
        wire_box_unref(plugin_at(node, i)->code);
    }
    vector_deinit(&node->plugins);
}

struct wire_value scheduler_list_plugins(const struct scheduler_node *node,
                                         struct wire_builder *builder, bool of_nannies)
{
    struct wire_filling map = wire_begin_map(builder, node->plugins.count);
    for (size_t i = 0; i < node->plugins.count; i++) {
        const struct plugin *plugin = plugin_at(node, i);
        if (plugin->is_nannys == of_nannies)
            wire_put_key(&map, plugin->name->value, plugin->code->value);
    }
    return wire_end_map(&map);
}

/* ---- coming and going ---- */

static dk_status keep(struct scheduler_node *node, bool is_nannys, const struct wire_value *name,
                      const struct wire_value *code)
{
    struct plugin made = {.is_nannys = is_nannys};
    struct plugin *known = find_plugin(node, is_nannys, name);
    made.name = wire_box_new(node->memory, name);
    made.code = wire_box_new(node->memory, code);
    dk_status status = made.name && made.code ? DK_OK : DK_ENOMEM;
    if (status == DK_OK && known) {
        struct plugin old = *known;
        *known = made;
        made = old;
    } else if (status == DK_OK && (status = vector_append(&node->plugins, &made, 1)) == DK_OK) {
        return DK_OK;
    }
    wire_box_unref(made.name);
    wire_box_unref(made.code);
    return status;
}

static void forget(struct scheduler_node *node, struct plugin *plugin)
{
    wire_box_unref(plugin->name);
    wire_box_unref(plugin->code);
    size_t place = (size_t)(plugin - plugin_at(node, 0));
    memmove(plugin, plugin + 1, (--node->plugins.count - place) * sizeof(*plugin));
}

/* Tells all who have it now: {op, name, plugin}. */
static void pass_on(struct scheduler_node *node, struct request *request, const char *op,
                    bool to_nannies)
{
    struct survey *survey =
        survey_new(node, request, sched_nworkers(node->sched) + 1, survey_reply_all);
    if (!survey)
        return;
    const struct wire_value *code = wire_find(&survey->question.root, "plugin");
    struct wire_entry fields[] = {
        {wire_text("op"), wire_text(op)},
        {wire_text("name"), *wire_find(&survey->question.root, "name")},
        {wire_text("plugin"), code ? *code : wire_nil()},
    };
    struct wire_value question = wire_map(fields, code ? 3 : 2);
    scheduler_ask_all(survey, to_nannies, &question);
}

static bool is_true(const struct wire_value *value)
{
    return value && value->kind == WIRE_BOOL && value->as.boolean;
}

static void add_plugin(struct scheduler_node *node, struct request *request, bool is_nannys)
{
    const struct wire_value *message = request_message(request);
    const struct wire_value *name = wire_find(message, "name");
    const struct wire_value *code = wire_find(message, "plugin");
    struct wire_value nothing = wire_map(NULL, 0);
    if (!name || name->kind != WIRE_TEXT || !code || code->kind != WIRE_BIN)
        request_raise(request, "ValueError", "a plugin has a name and a pickle");
    else if (is_true(wire_find(message, "idempotent")) && find_plugin(node, is_nannys, name))
        request_reply(request, &nothing);
    else if (keep(node, is_nannys, name, code) != DK_OK)
        request_raise(request, "MemoryError", "out of memory");
    else
        pass_on(node, request, is_nannys ? "plugin_add" : "plugin-add", is_nannys);
}

static void remove_plugin(struct scheduler_node *node, struct request *request, bool is_nannys)
{
    const struct wire_value *name = wire_find(request_message(request), "name");
    struct plugin *known =
        name && name->kind == WIRE_TEXT ? find_plugin(node, is_nannys, name) : NULL;
    if (!known) {
        request_raise(request, "ValueError", "there is no plugin of that name");
        return;
    }
    forget(node, known);
    pass_on(node, request, is_nannys ? "plugin_remove" : "plugin-remove", is_nannys);
}

void scheduler_register_worker_plugin(void *self, struct request *request)
{
    add_plugin(self, request, false);
}

void scheduler_unregister_worker_plugin(void *self, struct request *request)
{
    remove_plugin(self, request, false);
}

void scheduler_register_nanny_plugin(void *self, struct request *request)
{
    add_plugin(self, request, true);
}

void scheduler_unregister_nanny_plugin(void *self, struct request *request)
{
    remove_plugin(self, request, true);
}

/* ---- plugins of the scheduler itself ---- */

/* client.upload_file sends one beside the workers', so that the scheduler can import the file, too:
 * here nothing is imported. */
static bool is_for_nothing(struct scheduler_node *node, const struct wire_value *code)
{
    struct arena arena;
    struct pickle_tree tree;
    arena_init(&arena, node->memory);
    bool is_one = code && code->kind == WIRE_BIN &&
                  pickle_tree_read(&tree, &arena, (struct wire_bytes){code->as.bytes, code->count},
                                   NULL) == DK_OK &&
                  tree.root->kind == PICKLE_NEW &&
                  pickle_node_is_global(tree.root->parts[0], "distributed.diagnostics.plugin",
                                        "SchedulerUploadFile");
    arena_deinit(&arena);
    return is_one;
}

void scheduler_register_scheduler_plugin(void *self, struct request *request)
{
    struct wire_value nothing = wire_nil();
    if (is_for_nothing(self, wire_find(request_message(request), "plugin")))
        request_reply(request, &nothing);
    else
        request_raise(request, "NotImplementedError",
                      "cdask's scheduler has no Python: it takes plugins for workers and nannies, "
                      "but none for itself");
}
