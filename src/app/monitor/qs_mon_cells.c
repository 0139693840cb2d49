#include "app/monitor/qs_mon_cells.h"

#include <stdarg.h>
#include <string.h>

void
qs_mon_cells_clear(qs_mon_cells_t *c, u32 w, u32 h)
{
    c->w = w < QS_MON_W_MAX ? w : QS_MON_W_MAX;
    c->h = h < QS_MON_H_MAX ? h : QS_MON_H_MAX;
    memset(c->text, ' ', sizeof(c->text));
    memset(c->tone, QS_MON_PLAIN, sizeof(c->tone));
}

u32
qs_mon_put(qs_mon_cells_t *c, u32 x, u32 y, qs_mon_tone_t tone, char const *text)
{
    for (; *text; text++, x++) {
        if (y >= c->h || x >= c->w)
            continue;
        c->text[y][x] = *text >= ' ' && *text <= '~' ? *text : '?';
        c->tone[y][x] = (u8)tone;
    }
    return x;
}

u32
qs_mon_putf(qs_mon_cells_t *c, u32 x, u32 y, qs_mon_tone_t tone, char const *format, ...)
{
    char text[QS_MON_W_MAX + 1];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return qs_mon_put(c, x, y, tone, text);
}

void
qs_mon_bar(char *out, u32 width, double const *part, char const *letter, u32 cnt, double whole)
{
    double sum = 0;
    u32 at = 0;

    for (u32 i = 0; i < cnt; i++) {
        sum += part[i];
        double end = whole > 0 ? sum / whole * width + 0.5 : 0;
        while (at < width && (double)at + 1 <= end)
            out[at++] = letter[i];
    }
    while (at < width)
        out[at++] = '.';
    out[width] = 0;
}

static u32
line_len(qs_mon_cells_t const *c, u32 y)
{
    u32 len = c->w;
    while (len && c->text[y][len - 1] == ' ')
        len--;
    return len;
}

void
qs_mon_cells_write(qs_mon_cells_t const *c, FILE *out)
{
    u32 h = c->h;

    while (h && !line_len(c, h - 1))
        h--;
    for (u32 y = 0; y < h; y++)
        fprintf(out, "%.*s\n", (int)line_len(c, y), c->text[y]);
}
