#include "diagnostics/curves.h"

#include <math.h>
#include <stdio.h>

#include "diagnostics/human.h"
#include "diagnostics/palette.h"

#define GAP    30.0 /* above a curve, with its name */
#define HEIGHT 76.0
#define NLINES 4 /* horizontal ones, at round values */

struct curve {
    struct svg *svg;
    const dk_resources *resources;
    double top;
    double most; /* the value at the top */
};

static double cpu_percent(const dk_resource_reading *reading)
{
    return reading->cpu_percent;
}

static double rss_nbytes(const dk_resource_reading *reading)
{
    return (double)reading->rss_nbytes;
}

static double ledger_nbytes(const dk_resource_reading *reading)
{
    return (double)reading->ledger_nbytes;
}

static double largest(const dk_resources *resources, double (*value)(const dk_resource_reading *))
{
    double most = 0;
    for (size_t i = 0; i < dk_resources_count(resources); i++) {
        dk_resource_reading reading = dk_resources_at(resources, i);
        double here = value(&reading);
        most = here > most ? here : most;
    }
    return most;
}

static double y_of(const struct curve *curve, double value)
{
    return curve->top + HEIGHT * (1 - value / curve->most);
}

static const char *percent_text(double value, char out[HUMAN_MAX])
{
    snprintf(out, HUMAN_MAX, "%.0f %%", value);
    return out;
}

static const char *bytes_text(double value, char out[HUMAN_MAX])
{
    return human_bytes((int64_t)value, out);
}

static void put_axis(const struct curve *curve, double step,
                     const char *(*text)(double, char[HUMAN_MAX]))
{
    char label[HUMAN_MAX];
    for (int i = 0; i * step <= curve->most * 1.0001; i++) {
        double value = i * step;
        double y = y_of(curve, value);
        svg_line(curve->svg, SVG_LEFT, y, SVG_RIGHT, y, i > 0 ? PALETTE_GRID : PALETTE_LINE);
        svg_label(curve->svg, SVG_LEFT - 8, y + 4, "end", text(value, label));
    }
}

/* A mean over the time since the reading before is a step, a level a slope. */
static void put_points(const struct curve *curve, bool steps,
                       double (*value)(const dk_resource_reading *))
{
    double before_x = SVG_LEFT;
    for (size_t i = 0; i < dk_resources_count(curve->resources); i++) {
        dk_resource_reading reading = dk_resources_at(curve->resources, i);
        double x = svg_x(curve->svg, reading.time_ns);
        double y = y_of(curve, value(&reading));
        if (steps && i > 0)
            text_printf(curve->svg->text, "%.1f,%.1f ", before_x, y);
        if (!steps || i > 0)
            text_printf(curve->svg->text, "%.1f,%.1f ", x, y);
        before_x = x;
    }
}

static void put_curve(const struct curve *curve, const char *color, bool steps,
                      double (*value)(const dk_resource_reading *))
{
    text_printf(curve->svg->text,
                "<polyline clip-path=\"url(#plot)\" fill=\"none\" stroke=\"%s\" "
                "stroke-width=\"1.5\" stroke-linejoin=\"round\" points=\"",
                color);
    put_points(curve, steps, value);
    text_puts(curve->svg->text, "\"/>\n");
}

static void put_name(const struct curve *curve, double x, const char *color, const char *name)
{
    svg_line(curve->svg, x, curve->top - 12, x + 12, curve->top - 12, color);
    svg_label(curve->svg, x + 17, curve->top - 8, "start", name);
}

/* Powers of two make round bytes. */
static double bytes_step(double most)
{
    double step = 4096;
    while (step * NLINES < most)
        step *= 2;
    return step;
}

static void put_cpu(struct svg *svg, const dk_resources *resources, double top)
{
    double most = largest(resources, cpu_percent);
    double step = svg_round_step(most > 100 ? most : 100, NLINES);
    struct curve curve = {svg, resources, top, most > 100 ? most : 100};
    put_axis(&curve, step, percent_text);
    put_curve(&curve, palette_at(0), true, cpu_percent);
    put_name(&curve, SVG_LEFT, palette_at(0), "CPU");
}

static void put_memory(struct svg *svg, const dk_resources *resources, double top)
{
    /* What has been allocated and never touched is on the ledger, but not resident. */
    double most = fmax(largest(resources, rss_nbytes), largest(resources, ledger_nbytes));
    double step = bytes_step(most);
    struct curve curve = {svg, resources, top, most > step ? most : step};
    put_axis(&curve, step, bytes_text);
    put_curve(&curve, palette_at(1), false, rss_nbytes);
    put_curve(&curve, palette_at(2), false, ledger_nbytes);
    put_name(&curve, SVG_LEFT, palette_at(1), "resident memory");
    put_name(&curve, SVG_LEFT + 130, palette_at(2), "on the ledger");
}

void curves_put(struct svg *svg, const dk_resources *resources, double top)
{
    put_cpu(svg, resources, top + GAP);
    put_memory(svg, resources, top + 2 * GAP + HEIGHT);
}
