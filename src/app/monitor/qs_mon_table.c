#include "app/monitor/qs_mon_view.h"

static qs_mon_table_t table;
static qs_mon_row_t nowhere;
static u32 sort_col;
static bool sort_text;

qs_mon_table_t *
qs_mon_table_begin(qs_mon_col_t const *col, u32 col_cnt)
{
    table.col = col;
    table.col_cnt = col_cnt;
    table.row_cnt = table.more = 0;
    return &table;
}

qs_mon_row_t *
qs_mon_table_row(qs_mon_table_t *t)
{
    if (t->row_cnt == QS_MON_ROW_MAX) {
        t->more++;
        return &nowhere;
    }
    qs_mon_row_t *row = &t->row[t->row_cnt++];
    *row = (qs_mon_row_t){0};
    return row;
}

void
qs_mon_text(qs_mon_row_t *row, u32 col, char const *text)
{
    snprintf(row->text[col], QS_MON_TEXT_SZ, "%s", text);
}

char const *
qs_mon_human(char out[16], double value)
{
    char const *unit = "kMGTP";
    double v = value / 1000;

    if (value < 10000) {
        snprintf(out, 16, "%.0f", value);
        return out;
    }
    for (; v >= 999.5 && unit[1]; v /= 1000)
        unit++;
    snprintf(out, 16, v < 100 ? "%.1f%c" : "%.0f%c", v, *unit);
    return out;
}

char const *
qs_mon_human_ns(char out[16], u64 ns)
{
    double v = (double)ns;

    if (ns < 1000)
        snprintf(out, 16, "%luns", ns);
    else if (ns < 1000000)
        snprintf(out, 16, "%.1fus", v / 1e3);
    else if (ns < 1000000000)
        snprintf(out, 16, "%.1fms", v / 1e6);
    else
        snprintf(out, 16, "%.1fs", v / 1e9);
    return out;
}

void
qs_mon_num(qs_mon_row_t *row, u32 col, double value)
{
    char text[16];
    row->key[col] = value;
    qs_mon_text(row, col, qs_mon_human(text, value));
}

void
qs_mon_ns(qs_mon_row_t *row, u32 col, u64 ns)
{
    char text[16];
    row->key[col] = (double)ns;
    qs_mon_text(row, col, qs_mon_human_ns(text, ns));
}

static int
compare(void const *a, void const *b)
{
    qs_mon_row_t const *x = *(qs_mon_row_t const *const *)a, *y = *(qs_mon_row_t const *const *)b;
    int order = sort_text
                    ? strcmp(x->text[sort_col], y->text[sort_col])
                    : (x->key[sort_col] < y->key[sort_col]) - (x->key[sort_col] > y->key[sort_col]);
    return order ? order : (x > y) - (x < y);
}

static bool
let_through(qs_mon_table_t const *t, qs_mon_row_t const *row, char const *filter)
{
    for (u32 i = 0; i < t->col_cnt; i++)
        if (strstr(row->text[i], filter))
            return true;
    return false;
}

static void
draw_row(qs_mon_table_t const *t, qs_mon_cells_t *c, u32 y, qs_mon_row_t const *row, bool picked,
         qs_mon_ui_t const *ui)
{
    static char const mark[2][2] = {" ", "*"};
    qs_mon_tone_t tone = !row ? QS_MON_HEAD : picked ? QS_MON_PICKED : row->tone;
    bool bad = row && row->tone >= QS_MON_WARN && row->tone <= QS_MON_BAD;
    u32 x = qs_mon_put(c, 0, y, tone, bad && !picked ? "!" : mark[picked]);

    for (u32 i = 0; i < t->col_cnt; i++) {
        qs_mon_col_t const *col = &t->col[i];
        char title[QS_MON_TEXT_SZ];
        if (i && i <= ui->side)
            continue;
        snprintf(title, sizeof(title), "%s%s", col->name, ui->sort == i + 1 ? "^" : "");
        char const *text = row ? row->text[i] : title;
        x = qs_mon_putf(c, x, y, tone, col->left ? "%-*.*s " : "%*.*s ", (int)col->width,
                        (int)col->width, text);
    }
}

void
qs_mon_table_draw(qs_mon_table_t *t, qs_mon_cells_t *c, u32 y, qs_mon_ui_t *ui)
{
    static qs_mon_row_t *shown[QS_MON_ROW_MAX];
    u32 cnt = 0, room = c->h > y + 1 ? c->h - y - 1 : 0;

    for (u32 i = 0; i < t->row_cnt; i++)
        if (!ui->filter[0] || let_through(t, &t->row[i], ui->filter))
            shown[cnt++] = &t->row[i];
    if (ui->sort > t->col_cnt)
        ui->sort = 0;
    if (ui->side >= t->col_cnt)
        ui->side = t->col_cnt - 1;
    if (ui->sort && cnt) {
        sort_col = ui->sort - 1;
        sort_text = t->col[sort_col].left;
        qsort(shown, cnt, sizeof(*shown), compare);
    }
    if (ui->picked >= cnt)
        ui->picked = cnt ? cnt - 1 : 0;
    u32 top = room && ui->picked >= room ? ui->picked - room + 1 : 0;
    draw_row(t, c, y, NULL, false, ui);
    for (u32 i = 0; i < room && top + i < cnt; i++)
        draw_row(t, c, y + 1 + i, shown[top + i], top + i == ui->picked && ui->picked, ui);
}

u32
qs_mon_reasons(qs_mon_t const *m, qs_mon_table_t *t, char const *tile_row)
{
    u32 cnt = 0;

    for (u32 i = 0; i < m->is->own_cnt; i++) {
        qs_attach_metric_t const *v = &m->is->own[i];
        char label[QS_NAME_MAX + 4];
        u64 value = qs_mon_own_since(m, i);
        if (!value || strcmp(v->tile->name, tile_row))
            continue;
        qs_mon_row_t *row = qs_mon_table_row(t);
        u32 tile = (u32)(v->tile - m->a->plan->tile);
        qs_mon_text(row, 0, qs_plan_label(m->a->plan, tile, label, sizeof(label)));
        qs_mon_text(row, 1, v->desc->name);
        qs_mon_num(row, 2, (double)value);
        if (v->desc->kind == QS_METRIC_COUNTER && i < m->was->own_cnt)
            qs_mon_num(row, 3, qs_mon_rate(m->was->own[i].value, v->value, qs_mon_seconds(m)));
        qs_mon_text(row, 4, v->desc->help);
        cnt++;
    }
    return cnt;
}
