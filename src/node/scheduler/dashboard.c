/* The scheduler's pages. */
#include "node/dashboard.h"

#include "base/error.h"
#include "core/prometheus.h"
#include "core/scheduler/metrics.h"
#include "node/scheduler/coordination.h"
#include "wire/json.h"

#define TYPE_JSON "application/json; charset=UTF-8"

/* A value that is made in `arena`, written, and gone. */
static void write_made(struct scheduler_node *node, struct text *out,
                       struct wire_value (*make)(const struct scheduler_node *node,
                                                 struct wire_builder *builder))
{
    struct arena arena;
    arena_init(&arena, node->memory);
    struct wire_builder builder = {&arena, false};
    struct wire_value value = make(node, &builder);
    if (builder.failed)
        out->failed = true;
    else
        wire_write_json(out, &value);
    arena_deinit(&arena);
}

static struct wire_value describe_all(const struct scheduler_node *node,
                                      struct wire_builder *builder)
{
    return scheduler_describe(node, builder, UINT32_MAX);
}

static void write_identity(void *self, struct text *out)
{
    write_made(self, out, describe_all);
}

void scheduler_node_write_identity(struct scheduler_node *node, struct text *out)
{
    write_identity(node, out);
}

static struct wire_value describe_counts(const struct scheduler_node *node,
                                         struct wire_builder *builder)
{
    return sched_describe_counts(node->sched, builder);
}

static void write_counts(void *self, struct text *out)
{
    write_made(self, out, describe_counts);
}

static void write_metrics(void *self, struct text *out)
{
    const struct scheduler_node *node = self;
    sched_write_metrics(node->sched, out);
    coordination_write_metrics(node, out);
    dashboard_write_process_metrics(out, node->started);
}

static const struct http_page pages[] = {
    {"/health", "text/plain; charset=utf-8", dashboard_write_health},
    {"/json/counts.json", TYPE_JSON, write_counts},
    {"/json/identity.json", TYPE_JSON, write_identity},
    {"/metrics", PROMETHEUS_TYPE, write_metrics},
};

static void on_closed(void *self)
{
    scheduler_part_closed(self);
}

dk_status scheduler_open_dashboard(struct scheduler_node *node, dk_error *err)
{
    struct http_options http = {.host = node->options.host,
                                .pages = pages,
                                .npages = sizeof(pages) / sizeof(*pages),
                                .self = node,
                                .closed = on_closed};
    char line[DASHBOARD_LINE_MAX];
    if (!node->options.dashboard)
        return DK_OK;
    DK_TRY(dashboard_open(node->loop, node->memory, node->options.dashboard, &http,
                          &node->dashboard, line, err));
    node->nclosing++;
    if (line[0])
        scheduler_log(node, "WARNING", "%s", line);
    return DK_OK;
}
