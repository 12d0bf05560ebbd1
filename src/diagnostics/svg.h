/* The pieces of a picture over time, as SVG. */
#ifndef DIAGNOSTICS_SVG_H
#define DIAGNOSTICS_SVG_H

#include "base/text.h"

#define SVG_WIDTH 1000.0
#define SVG_LEFT  84.0 /* of what is drawn over time; names stand left of it */
#define SVG_RIGHT 976.0

struct svg {
    struct text *text;
    int64_t begin_ns;
    int64_t end_ns;
};

/* The document's begin, for `height` pixels; whoever draws past SVG_LEFT and SVG_RIGHT may clip to
 * url(#plot). svg_end() closes it. */
void svg_begin(struct svg *svg, double height);
void svg_end(struct svg *svg);

/* Where a moment is: outside of the plot when it is before or after. */
double svg_x(const struct svg *svg, int64_t time_ns);

void svg_put_escaped(struct svg *svg, const char *string);
/* `anchor`: "start", "middle" or "end" of the text is at x. */
void svg_label(struct svg *svg, double x, double y, const char *anchor, const char *label);
void svg_line(struct svg *svg, double x1, double y1, double x2, double y2, const char *color);
/* Vertical lines at round times from `top` to `bottom`, and the times below. */
void svg_time_grid(struct svg *svg, double top, double bottom);

/* 1, 2 or 5 times a power of ten: at most `most` of them in `span`. */
double svg_round_step(double span, int most);

#endif
