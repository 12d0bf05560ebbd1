/* A time line of recorded tasks, one lane a worker, and under it CPU and memory, as SVG. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <cdask/diagnostics.h>

#include "base/error.h"
#include "base/text.h"
#include "diagnostics/palette.h"
#include "diagnostics/recorder.h"

#define WIDTH        1000.0
#define MARGIN       70.0
#define LANE_HEIGHT  22.0
#define CHART_HEIGHT 90.0
#define MAX_COLORED  10

struct timeline {
    const dk_recorder *recorder;
    const dk_resources *resources; /* NULL: none */
    struct text *text;
    int64_t begin_ns;
    int64_t end_ns;
    int32_t nworkers;
    const char *functions[MAX_COLORED]; /* in order of appearance */
    size_t nfunctions;
};

static double x_of(const struct timeline *line, int64_t time_ns)
{
    double span_ns = (double)(line->end_ns - line->begin_ns);
    double at = (double)(time_ns - line->begin_ns) / (span_ns > 0 ? span_ns : 1);
    return MARGIN + (at < 0 ? 0 : at > 1 ? 1 : at) * (WIDTH - MARGIN - 20);
}

static void measure(struct timeline *line)
{
    line->begin_ns = INT64_MAX;
    for (size_t i = 0; i < dk_recorder_count(line->recorder); i++) {
        dk_task_record record = dk_recorder_at(line->recorder, i);
        if (record.start_ns < line->begin_ns)
            line->begin_ns = record.start_ns;
        if (record.end_ns > line->end_ns)
            line->end_ns = record.end_ns;
        if (record.worker >= line->nworkers)
            line->nworkers = record.worker + 1;
    }
}

static void put_escaped(struct text *text, const char *string)
{
    for (; *string; string++) {
        if (*string == '<')
            text_puts(text, "&lt;");
        else if (*string == '&')
            text_puts(text, "&amp;");
        else
            text_putc(text, *string);
    }
}

static void put_label(struct text *text, double x, double y, const char *anchor, const char *label)
{
    text_printf(text, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    put_escaped(text, label);
    text_puts(text, "</text>\n");
}

/* Functions beyond the first ten share the last colour. */
static const char *color_of(struct timeline *line, const char *function)
{
    size_t i = 0;
    while (i < line->nfunctions && strcmp(line->functions[i], function) != 0)
        i++;
    if (i == line->nfunctions && i < MAX_COLORED)
        line->functions[line->nfunctions++] = function;
    return palette_at(i < MAX_COLORED ? i : MAX_COLORED - 1);
}

static void put_task(struct timeline *line, const dk_task_record *record)
{
    double x = x_of(line, record->start_ns);
    double width = x_of(line, record->end_ns) - x;
    const char *color = record->status == DK_OK ? color_of(line, record->function) : "#000000";
    text_printf(line->text,
                "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\" fill=\"%s\"><title>", x,
                40 + record->worker * LANE_HEIGHT, width > 0.5 ? width : 0.5, LANE_HEIGHT - 4,
                color);
    put_escaped(line->text, record->key);
    text_printf(line->text, ": %s, %.3f ms</title></rect>\n", record->function,
                (double)(record->end_ns - record->start_ns) * 1e-6);
}

/* Which colour is which function, right of the title. */
static void put_legend(const struct timeline *line)
{
    double x = MARGIN + 200;
    for (size_t i = 0; i < line->nfunctions; i++) {
        text_printf(line->text,
                    "<rect x=\"%.1f\" y=\"13\" width=\"10\" height=\"10\" fill=\"%s\"/>\n", x,
                    palette_at(i));
        put_label(line->text, x + 14, 22, "start", line->functions[i]);
        x += 30 + 6.5 * (double)strlen(line->functions[i]);
    }
}

static void put_lanes(struct timeline *line)
{
    char label[64];
    for (int32_t worker = 0; worker < line->nworkers; worker++) {
        snprintf(label, sizeof(label), "worker %d", worker);
        put_label(line->text, MARGIN - 8, 53 + worker * LANE_HEIGHT, "end", label);
    }
    for (size_t i = 0; i < dk_recorder_count(line->recorder); i++) {
        dk_task_record record = dk_recorder_at(line->recorder, i);
        put_task(line, &record);
    }
}

static double cpu_percent(const dk_resource_reading *reading)
{
    return reading->cpu_percent;
}

static double rss_mib(const dk_resource_reading *reading)
{
    return (double)reading->rss_nbytes / (1 << 20);
}

/* One curve over the readings, scaled to its largest value, which is written beside it. */
static void put_curve(const struct timeline *line, double top, const char *name, const char *unit,
                      const char *color, double (*value)(const dk_resource_reading *))
{
    size_t count = dk_resources_count(line->resources);
    double most = 0;
    for (size_t i = 0; i < count; i++) {
        dk_resource_reading reading = dk_resources_at(line->resources, i);
        most = value(&reading) > most ? value(&reading) : most;
    }
    char label[96];
    snprintf(label, sizeof(label), "%s, up to %.0f %s", name, most, unit);
    put_label(line->text, MARGIN, top + 12, "start", label);
    text_printf(line->text, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" points=\"",
                color);
    for (size_t i = 0; i < count; i++) {
        dk_resource_reading reading = dk_resources_at(line->resources, i);
        double part = most > 0 ? value(&reading) / most : 0;
        text_printf(line->text, "%.1f,%.1f ", x_of(line, reading.time_ns),
                    top + CHART_HEIGHT - part * (CHART_HEIGHT - 20));
    }
    text_puts(line->text, "\"/>\n");
}

static void put_document(struct timeline *line)
{
    double lanes_end = 40 + line->nworkers * LANE_HEIGHT;
    double height = lanes_end + (line->resources ? 2 * CHART_HEIGHT : 0) + 30;
    text_printf(line->text,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
                "font-family=\"sans-serif\" font-size=\"11\" fill=\"" PALETTE_INK "\">\n"
                "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
                WIDTH, height);
    char title[96];
    snprintf(title, sizeof(title), "%zu tasks in %.1f ms", dk_recorder_count(line->recorder),
             (double)(line->end_ns - line->begin_ns) * 1e-6);
    put_label(line->text, MARGIN, 22, "start", title);
    put_lanes(line);
    put_legend(line);
    if (line->resources) {
        put_curve(line, lanes_end + 5, "CPU", "%", palette_at(0), cpu_percent);
        put_curve(line, lanes_end + CHART_HEIGHT + 10, "memory", "MiB", palette_at(1), rss_mib);
    }
    text_puts(line->text, "</svg>\n");
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
    struct text text;
    text_init(&text, recorder->records.memory);
    struct timeline line = {.recorder = recorder, .resources = resources, .text = &text};
    measure(&line);
    put_document(&line);
    dk_status status = text_status(&text) == DK_OK ? DK_OK : error_nomem(err);
    if (status == DK_OK)
        status = write_document(&text, path, err);
    text_deinit(&text);
    return status;
}
