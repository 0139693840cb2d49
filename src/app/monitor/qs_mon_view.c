#include "app/monitor/qs_mon_view.h"

qs_mon_view_t const qs_mon_view[QS_MON_VIEW_CNT] = {
    {"overview", qs_mon_overview}, {"tiles", qs_mon_tiles},   {"links", qs_mon_links},
    {"net", qs_mon_net},           {"shreds", qs_mon_shreds}, {"peers", qs_mon_peers},
    {"txns", qs_mon_txns},         {"errors", qs_mon_errors}};

static char const *const help[] = {
    "1-8, Tab, Shift-Tab   view",
    "arrows, h j k l       move; PgUp, PgDn, Home, End by pages",
    "< >  s                sort by another column",
    "/                     filter rows by a text; Enter ends, Esc forgets it",
    "p                     pause",
    "r                     count from now on",
    "n                     next instance",
    "?                     this help",
    "q                     quit",
    "",
    "Bars: # busy or received, + recovered, B blocked for credit, ! missing, . idle",
    "Marks: * picked, ! trouble"};

int
qs_mon_view_of(char const *name)
{
    for (u32 i = 0; i < QS_MON_VIEW_CNT; i++)
        if (!strcmp(qs_mon_view[i].name, name))
            return (int)i;
    return -1;
}

static void
draw_top(qs_mon_t const *m, qs_mon_cells_t *c, qs_mon_ui_t const *ui)
{
    u32 x = qs_mon_putf(c, 0, 0, QS_MON_HEAD, "%s  %s  ", m->a->instance.name, m->a->plan->topo);

    if (m->is->alive)
        x = qs_mon_put(c, x, 0, QS_MON_GOOD, "alive");
    else
        x = qs_mon_put(c, x, 0, QS_MON_BAD, "DEAD: its last state");
    x = qs_mon_putf(c, x, 0, QS_MON_PLAIN, "  pid %d", m->a->boot->supervisor_pid);
    if (ui->paused)
        x = qs_mon_put(c, x, 0, QS_MON_WARN, "  PAUSED");
    if (m->zero)
        x = qs_mon_put(c, x, 0, QS_MON_WARN, "  since reset");
    if (ui->filter[0] || ui->typing)
        qs_mon_putf(c, x, 0, QS_MON_WARN, "  /%s%s", ui->filter, ui->typing ? "_" : "");
    x = 0;
    for (u32 i = 0; i < QS_MON_VIEW_CNT; i++)
        x = qs_mon_putf(c, x, 1, i == ui->view ? QS_MON_PICKED : QS_MON_PLAIN,
                        i == ui->view ? "[%u %s]" : " %u %s ", i + 1, qs_mon_view[i].name);
    qs_mon_put(c, x + 1, 1, QS_MON_PLAIN, "?");
}

void
qs_mon_draw(qs_mon_t const *m, qs_mon_cells_t *c, qs_mon_ui_t *ui)
{
    draw_top(m, c, ui);
    if (!ui->help) {
        qs_mon_view[ui->view].draw(m, c, ui);
        return;
    }
    for (u32 i = 0; i < QS_COUNT(help); i++)
        qs_mon_put(c, 2, 3 + i, QS_MON_PLAIN, help[i]);
}
