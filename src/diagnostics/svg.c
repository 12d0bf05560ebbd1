#include "diagnostics/svg.h"

#include <math.h>
#include <stdio.h>

#include "diagnostics/palette.h"

#define TIMES_MAX 10

void svg_begin(struct svg *svg, double height)
{
    text_printf(svg->text,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
                "viewBox=\"0 0 %.0f %.0f\" font-family=\"Helvetica, Arial, sans-serif\" "
                "font-size=\"11\" fill=\"" PALETTE_INK "\">\n"
                "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
                "<clipPath id=\"plot\"><rect x=\"%.0f\" y=\"0\" width=\"%.0f\" height=\"%.0f\"/>"
                "</clipPath>\n",
                SVG_WIDTH, height, SVG_WIDTH, height, SVG_LEFT, SVG_RIGHT - SVG_LEFT, height);
}

void svg_end(struct svg *svg)
{
    text_puts(svg->text, "</svg>\n");
}

double svg_x(const struct svg *svg, int64_t time_ns)
{
    int64_t span_ns = svg->end_ns > svg->begin_ns ? svg->end_ns - svg->begin_ns : 1;
    double part = (double)(time_ns - svg->begin_ns) / (double)span_ns;
    return SVG_LEFT + part * (SVG_RIGHT - SVG_LEFT);
}

/* XML has no place for control characters at all. */
void svg_put_escaped(struct svg *svg, const char *string)
{
    for (; *string; string++) {
        if (*string == '<')
            text_puts(svg->text, "&lt;");
        else if (*string == '&')
            text_puts(svg->text, "&amp;");
        else
            text_putc(svg->text, (unsigned char)*string < 0x20 ? ' ' : *string);
    }
}

void svg_label(struct svg *svg, double x, double y, const char *anchor, const char *label)
{
    text_printf(svg->text, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    svg_put_escaped(svg, label);
    text_puts(svg->text, "</text>\n");
}

void svg_line(struct svg *svg, double x1, double y1, double x2, double y2, const char *color)
{
    text_printf(svg->text,
                "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n", x1, y1,
                x2, y2, color);
}

double svg_round_step(double span, int most)
{
    double least = span / most;
    double step = pow(10, floor(log10(least)));
    if (step * 1.000001 < least)
        step *= step * 2 >= least ? 2 : step * 5 >= least ? 5 : 10;
    return step;
}

void svg_time_grid(struct svg *svg, double top, double bottom)
{
    double span_s = (double)(svg->end_ns - svg->begin_ns) * 1e-9;
    if (span_s < 1e-9)
        return;
    double step_s = svg_round_step(span_s, TIMES_MAX);
    double scale = span_s < 1e-3 ? 1e6 : span_s < 1 ? 1e3 : 1;
    const char *unit = span_s < 1e-3 ? "us" : span_s < 1 ? "ms" : "s";
    for (int i = 0; i * step_s <= span_s; i++) {
        double x = svg_x(svg, svg->begin_ns + (int64_t)(i * step_s * 1e9));
        char label[48];
        snprintf(label, sizeof(label), "%g %s", round(i * step_s * scale * 1e6) / 1e6, unit);
        svg_line(svg, x, top, x, bottom, PALETTE_GRID);
        svg_label(svg, x, bottom + 14, "middle", label);
    }
}
