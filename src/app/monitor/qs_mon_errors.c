/* Errors: deaths that the supervisor recorded, then what it and the tiles warned of. */

#include <sys/wait.h>
#include <time.h>

#include "app/monitor/qs_mon_view.h"

static qs_mon_col_t const col[] = {{"tile", 9, true},
                                   {"id", 11, true},
                                   {"count", 6, false},
                                   {"last", 9, true},
                                   {"what", 47, true}};

static void
add_death(qs_mon_t const *m, qs_mon_table_t *t, u32 tile, char const *label)
{
    qs_boot_tile_t const *life = &m->is->life[tile];
    int status = life->last_status;

    if (!life->deaths)
        return;
    qs_mon_row_t *row = qs_mon_table_row(t);
    row->tone = QS_MON_BAD;
    qs_mon_text(row, 0, label);
    qs_mon_text(row, 1, "death");
    qs_mon_num(row, 2, (double)life->deaths);
    if (WIFSIGNALED(status))
        snprintf(row->text[4], QS_MON_TEXT_SZ, "ended by signal %d", WTERMSIG(status));
    else
        snprintf(row->text[4], QS_MON_TEXT_SZ, "ended with code %d", WEXITSTATUS(status));
}

static void
add_errs(qs_mon_table_t *t, char const *label, qs_errs_t const *errs)
{
    qs_errs_row_t e;

    for (u32 i = 0; errs && i < QS_ERRS_MAX; i++) {
        if (!qs_errs_read(errs, i, &e))
            continue;
        qs_mon_row_t *row = qs_mon_table_row(t);
        time_t s = (time_t)(e.last_ns / 1000000000u);
        struct tm tm;
        row->tone = QS_MON_WARN;
        qs_mon_text(row, 0, label);
        qs_mon_text(row, 1, e.id);
        qs_mon_num(row, 2, (double)e.cnt);
        row->key[3] = (double)e.last_ns;
        strftime(row->text[3], QS_MON_TEXT_SZ, "%H:%M:%SZ", gmtime_r(&s, &tm));
        snprintf(row->text[4], QS_MON_TEXT_SZ, "%.47s", e.text);
    }
}

void
qs_mon_errors(qs_mon_t const *m, qs_mon_cells_t *c, qs_mon_ui_t *ui)
{
    qs_mon_table_t *t = qs_mon_table_begin(col, QS_COUNT(col));
    char label[QS_NAME_MAX + 4];

    add_errs(t, "main", &m->a->boot->errs);
    for (u32 i = 0; i < m->a->plan->tile_cnt; i++) {
        qs_plan_label(m->a->plan, i, label, sizeof(label));
        add_death(m, t, i, label);
        add_errs(t, label, qs_attach_at(m->a, i, m->a->plan->tile[i].errs_off, sizeof(qs_errs_t)));
    }
    if (!t->row_cnt)
        qs_mon_put(c, 1, 4, QS_MON_GOOD, "no tile died, and nothing was warned of");
    qs_mon_table_draw(t, c, 2, ui);
}
