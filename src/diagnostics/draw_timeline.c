/* A time line of recorded tasks, one lane a worker, and under it CPU and memory, as SVG. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "diagnostics/curves.h"
#include "diagnostics/human.h"
#include "diagnostics/palette.h"
#include "diagnostics/recorder.h"
#include "diagnostics/svg.h"

#define TOP            40.0
#define LANES_HEIGHT   640.0 /* of all lanes, unless they would get too thin or too thick */
#define NARROW         0.7   /* pixels: neighbours so small become one rectangle */
#define LEGEND_HEIGHT  18.0
#define LEGEND_WIDTH   223.0
#define LEGEND_COLUMNS 4
#define FAILED_COLOR   "#000000"

/* A function, and what it took in all. */
struct share {
    const char *function;
    int64_t total_ns;
};

/* What is about to be drawn in a lane: a task, or several as one. */
struct block {
    const dk_task_record *first;
    size_t ntasks; /* 0: nothing yet */
    int64_t end_ns;
    int64_t busy_ns;
};

struct timeline {
    const dk_recorder *recorder;
    const dk_resources *resources; /* NULL: none */
    struct svg svg;
    struct vector shares; /* of struct share, largest first */
    struct vector blocks; /* of struct block, by worker */
    double lane_height;
};

static const dk_task_record *record_at(const struct timeline *line, size_t i)
{
    return &((const dk_task_record *)line->recorder->records.data)[i];
}

/* ---- measuring ---- */

static struct share *share_of(struct timeline *line, const char *function)
{
    struct share *shares = line->shares.data;
    for (size_t i = 0; i < line->shares.count; i++) {
        if (shares[i].function == function || strcmp(shares[i].function, function) == 0)
            return &shares[i];
    }
    struct share *share = vector_push(&line->shares);
    if (share)
        share->function = function;
    return share;
}

static dk_status measure_record(struct timeline *line, const dk_task_record *record)
{
    struct share *share = share_of(line, record->function);
    if (!share)
        return DK_ENOMEM;
    share->total_ns += record->end_ns - record->start_ns;
    if (record->start_ns < line->svg.begin_ns)
        line->svg.begin_ns = record->start_ns;
    if (record->end_ns > line->svg.end_ns)
        line->svg.end_ns = record->end_ns;
    while (line->blocks.count <= (size_t)record->worker) {
        if (!vector_push(&line->blocks))
            return DK_ENOMEM;
    }
    return DK_OK;
}

static void sort_shares(struct timeline *line)
{
    struct share *shares = line->shares.data;
    for (size_t i = 1; i < line->shares.count; i++) {
        struct share share = shares[i];
        size_t at = i;
        for (; at > 0 && shares[at - 1].total_ns < share.total_ns; at--)
            shares[at] = shares[at - 1];
        shares[at] = share;
    }
}

static dk_status measure(struct timeline *line)
{
    line->svg.begin_ns = INT64_MAX;
    for (size_t i = 0; i < line->recorder->records.count; i++)
        DK_TRY(measure_record(line, record_at(line, i)));
    sort_shares(line);
    double height = LANES_HEIGHT / (double)line->blocks.count;
    line->lane_height = height > 22 ? 22 : height < 5 ? 5 : height;
    return DK_OK;
}

/* ---- lanes ---- */

static const char *color_of(struct timeline *line, const char *function)
{
    const struct share *share = share_of(line, function);
    return palette_at((size_t)(share - (const struct share *)line->shares.data));
}

static void put_tooltip(struct svg *svg, const struct block *block)
{
    char time[HUMAN_MAX];
    human_duration(block->busy_ns, time);
    if (block->ntasks > 1) {
        text_printf(svg->text, "%zu tasks", block->ntasks);
    } else {
        svg_put_escaped(svg, block->first->key);
    }
    text_puts(svg->text, ": ");
    svg_put_escaped(svg, block->first->function);
    text_printf(svg->text, ", %s", time);
    if (block->first->status != DK_OK)
        text_printf(svg->text, ", %s", dk_status_text(block->first->status));
}

static void put_block(struct timeline *line, const struct block *block)
{
    if (!block->ntasks)
        return;
    const dk_task_record *first = block->first;
    double x = svg_x(&line->svg, first->start_ns);
    double width = svg_x(&line->svg, block->end_ns) - x;
    width -= width > 4 ? 0.5 : 0; /* a gap to the next one */
    text_printf(line->svg.text,
                "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\" fill=\"%s\"><title>", x,
                TOP + first->worker * line->lane_height, width > 0.5 ? width : 0.5,
                line->lane_height * 0.85,
                first->status == DK_OK ? color_of(line, first->function) : FAILED_COLOR);
    put_tooltip(&line->svg, block);
    text_puts(line->svg.text, "</title></rect>\n");
}

/* Tasks too narrow to be seen join the neighbour before them, if it is of the same colour. */
static bool joins(const struct timeline *line, const struct block *block,
                  const dk_task_record *record)
{
    if (!block->ntasks || (block->first->status == DK_OK) != (record->status == DK_OK))
        return false;
    double end_x = svg_x(&line->svg, record->end_ns);
    return end_x - svg_x(&line->svg, record->start_ns) < NARROW &&
           end_x - svg_x(&line->svg, block->end_ns) < NARROW &&
           strcmp(block->first->function, record->function) == 0;
}

static void put_record(struct timeline *line, const dk_task_record *record)
{
    struct block *block = &((struct block *)line->blocks.data)[record->worker];
    if (!joins(line, block, record)) {
        put_block(line, block);
        *block = (struct block){.first = record};
    }
    block->ntasks++;
    block->end_ns = record->end_ns;
    block->busy_ns += record->end_ns - record->start_ns;
}

/* Thin lanes have no room for a name each: every tenth, then. */
static void put_lanes(struct timeline *line)
{
    size_t step = line->lane_height > 11 ? 1 : 10;
    for (size_t worker = 0; worker < line->blocks.count; worker += step) {
        char label[32];
        snprintf(label, sizeof(label), "worker %zu", worker);
        svg_label(&line->svg, SVG_LEFT - 8, TOP + ((double)worker + 0.42) * line->lane_height + 4,
                  "end", label);
    }
    for (size_t i = 0; i < line->recorder->records.count; i++)
        put_record(line, record_at(line, i));
    for (size_t worker = 0; worker < line->blocks.count; worker++)
        put_block(line, &((const struct block *)line->blocks.data)[worker]);
}

/* ---- the rest ---- */

static void put_title(struct timeline *line)
{
    char title[128], ntasks[HUMAN_MAX], time[HUMAN_MAX];
    size_t nrecords = line->recorder->records.count;
    size_t nworkers = line->blocks.count;
    snprintf(title, sizeof(title), "%s task%s on %zu worker%s in %s",
             human_count((int64_t)nrecords, ntasks), nrecords == 1 ? "" : "s", nworkers,
             nworkers == 1 ? "" : "s", human_duration(line->svg.end_ns - line->svg.begin_ns, time));
    text_puts(line->svg.text, "<g font-size=\"13\">");
    svg_label(&line->svg, SVG_LEFT, 25, "start", title);
    text_puts(line->svg.text, "</g>\n");
}

static size_t legend_rows(const struct timeline *line)
{
    return (line->shares.count + LEGEND_COLUMNS - 1) / LEGEND_COLUMNS;
}

/* Which colour is which function, and what it took. */
static void put_legend(struct timeline *line, double top)
{
    const struct share *shares = line->shares.data;
    for (size_t i = 0; i < line->shares.count; i++) {
        size_t row = i / LEGEND_COLUMNS;
        double x = SVG_LEFT + LEGEND_WIDTH * (double)(i % LEGEND_COLUMNS);
        double y = top + LEGEND_HEIGHT * (double)row;
        char label[128], time[HUMAN_MAX];
        snprintf(label, sizeof(label), "%.24s%s  %s", shares[i].function,
                 strlen(shares[i].function) > 24 ? "…" : "",
                 human_duration(shares[i].total_ns, time));
        text_printf(line->svg.text,
                    "<rect x=\"%.1f\" y=\"%.1f\" width=\"10\" height=\"10\" fill=\"%s\"/>\n", x, y,
                    palette_at(i));
        svg_label(&line->svg, x + 15, y + 9, "start", label);
    }
}

static void put_document(struct timeline *line)
{
    double lanes_end = TOP + (double)line->blocks.count * line->lane_height;
    double plot_end = lanes_end + 4 + (line->resources ? CURVES_HEIGHT : 0);
    double legend_top = plot_end + 32;
    svg_begin(&line->svg, legend_top + LEGEND_HEIGHT * (double)legend_rows(line) + 8);
    put_title(line);
    svg_time_grid(&line->svg, TOP - 6, plot_end);
    put_lanes(line);
    if (line->resources)
        curves_put(&line->svg, line->resources, lanes_end + 4);
    put_legend(line, legend_top);
    svg_end(&line->svg);
}

static dk_status write_document(const struct text *text, const char *path, dk_error *err)
{
    FILE *file = fopen(path, "we");
    if (!file)
        return error_errno(err, errno, path);
    bool written = fwrite(text->data, 1, text->length, file) == text->length;
    int failed = written ? 0 : errno;
    if (fclose(file) != 0 && !failed)
        failed = errno;
    return failed ? error_errno(err, failed, path) : DK_OK;
}

dk_status dk_draw_timeline(const dk_recorder *recorder, const dk_resources *resources,
                           const char *path, dk_error *err)
{
    if (!dk_recorder_count(recorder))
        return error_set(err, DK_EINVAL, "%s: no task has been recorded", path);
    struct memory *memory = recorder->records.memory;
    struct text text;
    struct timeline line = {.recorder = recorder, .resources = resources, .svg.text = &text};
    text_init(&text, memory);
    vector_init(&line.shares, memory, sizeof(struct share));
    vector_init(&line.blocks, memory, sizeof(struct block));
    dk_status status = measure(&line);
    if (status == DK_OK) {
        put_document(&line);
        status = text_status(&text);
    }
    status = status == DK_OK ? write_document(&text, path, err) : error_nomem(err);
    vector_deinit(&line.blocks);
    vector_deinit(&line.shares);
    text_deinit(&text);
    return status;
}
