#include "app/monitor/qs_mon_loop.h"

#include <unistd.h>

#include "app/monitor/qs_mon_screen.h"

#define PAGE 15u

typedef struct find {
    char const *after;
    char (*next)[QS_INSTANCE_NAME_MAX + 1];
    bool alive, found, behind; /* behind: next is one after `after` */
} find_t;

static int
offer(void *ctx, qs_instance_info_t const *info)
{
    find_t *f = ctx;
    bool behind = strcmp(info->name, f->after) > 0;

    if (f->alive && !info->alive)
        return 0;
    if (!f->found || behind > f->behind ||
        (behind == f->behind && strcmp(info->name, *f->next) < 0)) {
        snprintf(*f->next, sizeof(*f->next), "%s", info->name);
        f->found = true;
        f->behind = behind;
    }
    return 0;
}

bool
qs_mon_next(char const *name, char next[QS_INSTANCE_NAME_MAX + 1])
{
    char found[QS_INSTANCE_NAME_MAX + 1] = "";
    find_t f = {.after = name, .next = &found, .alive = true};

    qs_instance_list(geteuid(), offer, &f);
    if (!f.found) {
        f.alive = false;
        qs_instance_list(geteuid(), offer, &f);
    }
    memcpy(next, found, sizeof(found));
    return f.found;
}

static void
type(qs_mon_ui_t *ui, int key)
{
    u64 len = strlen(ui->filter);

    if (key == '\r' || key == '\n')
        ui->typing = false;
    else if (key == 27)
        ui->filter[0] = 0, ui->typing = false;
    else if (key == QS_MON_KEY_BACK && len)
        ui->filter[len - 1] = 0;
    else if (key >= ' ' && key <= '~' && len + 1 < sizeof(ui->filter))
        ui->filter[len] = (char)key, ui->filter[len + 1] = 0;
}

static void
turn_to(qs_mon_ui_t *ui, u32 view)
{
    ui->view = view % QS_MON_VIEW_CNT;
    ui->sort = ui->picked = ui->side = 0;
    ui->help = false;
}

static void
move_row(qs_mon_ui_t *ui, int key)
{
    switch (key) {
    case QS_MON_KEY_DOWN:
    case 'j':
        ui->picked++;
        break;
    case QS_MON_KEY_UP:
    case 'k':
        ui->picked -= ui->picked > 0;
        break;
    case QS_MON_KEY_RIGHT:
    case 'l':
        ui->side++;
        break;
    case QS_MON_KEY_LEFT:
    case 'h':
        ui->side -= ui->side > 0;
        break;
    case QS_MON_KEY_PAGE_DOWN:
        ui->picked += PAGE;
        break;
    case QS_MON_KEY_PAGE_UP:
        ui->picked -= ui->picked < PAGE ? ui->picked : PAGE;
        break;
    case QS_MON_KEY_HOME:
        ui->picked = 0;
        break;
    case QS_MON_KEY_END:
        ui->picked = QS_MON_ROW_MAX;
        break;
    default:
        break;
    }
}

void
qs_mon_ui_key(qs_mon_ui_t *ui, int key)
{
    if (ui->typing) {
        type(ui, key);
        return;
    }
    if (key >= '1' && key < '1' + (int)QS_MON_VIEW_CNT) {
        turn_to(ui, (u32)(key - '1'));
        return;
    }
    switch (key) {
    case '\t':
        turn_to(ui, ui->view + 1);
        break;
    case QS_MON_KEY_BACK_TAB:
        turn_to(ui, ui->view + QS_MON_VIEW_CNT - 1);
        break;
    case '?':
        ui->help = !ui->help;
        break;
    case '/':
        ui->typing = true;
        break;
    case 27:
        ui->filter[0] = 0, ui->help = false;
        break;
    case 'p':
        ui->paused = !ui->paused;
        break;
    case 's':
    case '>':
        ui->sort++;
        break;
    case '<':
        ui->sort -= ui->sort > 0;
        break;
    default:
        move_row(ui, key);
        break;
    }
}

static void
look_anew(qs_mon_t *m, qs_attach_t *a)
{
    m->a = a;
    m->past_cnt = 0;
    free(m->zero);
    m->zero = NULL;
    qs_mon_take(a, m->was);
    qs_mon_take(a, m->is);
}

/* go_next turns to the next instance; if it cannot be looked at the present one stays. */
static void
go_next(qs_mon_t *m, qs_attach_t *a, qs_topo_t const *const *topos)
{
    char name[QS_INSTANCE_NAME_MAX + 1];
    qs_attach_t other;

    if (!qs_mon_next(a->instance.name, name) || qs_attach_open(&other, name, topos))
        return;
    qs_attach_close(a);
    *a = other;
    look_anew(m, a);
}

static void
reset(qs_mon_t *m)
{
    if (!m->zero)
        m->zero = malloc(sizeof(*m->zero));
    if (m->zero)
        memcpy(m->zero, m->is, sizeof(*m->zero));
}

int
qs_mon_loop(qs_attach_t *a, qs_mon_ui_t *ui, qs_topo_t const *const *topos)
{
    static qs_mon_cells_t cells;
    qs_mon_t m = {.was = calloc(1, sizeof(*m.was)), .is = calloc(1, sizeof(*m.is))};
    int key = QS_MON_KEY_NONE, err = m.was && m.is ? qs_mon_screen_open() : -ENOMEM;
    u32 w, h;

    if (!err)
        look_anew(&m, a);
    while (!err && key != QS_MON_KEY_QUIT && (key != 'q' || ui->typing)) {
        u64 now = qs_clock_os_ns(), due = m.is->at_ns + QS_MON_REFRESH_MS * 1000000ul;
        if (key == 'n' && !ui->typing)
            go_next(&m, a, topos);
        else if (key == 'r' && !ui->typing)
            reset(&m);
        else
            qs_mon_ui_key(ui, key);
        if (!ui->paused && now >= due)
            qs_mon_step(&m);
        qs_mon_screen_size(&w, &h);
        qs_mon_cells_clear(&cells, w, h);
        qs_mon_draw(&m, &cells, ui);
        qs_mon_screen_show(&cells);
        now = qs_clock_os_ns();
        due = m.is->at_ns + QS_MON_REFRESH_MS * 1000000ul;
        key = qs_mon_screen_key(ui->paused || due <= now ? QS_MON_REFRESH_MS
                                                         : (int)((due - now) / 1000000) + 1);
    }
    if (!err)
        qs_mon_screen_close();
    free(m.was);
    free(m.is);
    free(m.zero);
    return err;
}
