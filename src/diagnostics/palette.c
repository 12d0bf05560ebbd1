#include "diagnostics/palette.h"

#include <stdio.h>

const char *palette_at(size_t i)
{
    static const char *const colors[] = {
        "#3b6fa0", "#d98032", "#5a9a52", "#8a63a6", "#c9a93a",
        "#4fa3a0", "#a65a4a", "#7d8b99", "#b0708f", "#6d7a2e",
    };
    return colors[i % (sizeof(colors) / sizeof(colors[0]))];
}

bool palette_ramp(double t, char out[8])
{
    static const unsigned char stops[][3] = {
        {250, 246, 212}, {190, 221, 178}, {98, 175, 175}, {52, 106, 150}, {36, 42, 96}};
    double at = (t < 0 ? 0 : t > 1 ? 1 : t) * 4;
    int i = at < 3 ? (int)at : 3;
    double part = at - i;
    int rgb[3];
    for (int c = 0; c < 3; c++)
        rgb[c] = (int)(stops[i][c] + part * (stops[i + 1][c] - stops[i][c]) + 0.5);
    snprintf(out, 8, "#%02x%02x%02x", rgb[0] & 255, rgb[1] & 255, rgb[2] & 255);
    return t > 0.6;
}
