/* qs_mon_view - the monitor's views.  A view draws what the model knows into cells; it needs no terminal.

   Threads: one.  Blocks: never.  Allocates: never. */

#ifndef QS_APP_MONITOR_MON_VIEW_H
#define QS_APP_MONITOR_MON_VIEW_H

#include "app/monitor/qs_mon_cells.h"
#include "app/monitor/qs_mon_model.h"

#define QS_MON_COL_MAX 12u
#define QS_MON_ROW_MAX 512u
#define QS_MON_TEXT_SZ 48u

/* What the user chose. */
typedef struct qs_mon_ui {
    u32 view;
    u32 sort;   /* 0: as they come; else a column, from 1 on */
    u32 picked; /* row */
    u32 side;   /* columns scrolled off */
    char filter[32];
    bool typing, paused, help;
} qs_mon_ui_t;

typedef struct qs_mon_col {
    char const *name;
    u32 width;
    bool left; /* a text, sorted from a to z; else a number, the largest first */
} qs_mon_col_t;

typedef struct qs_mon_row {
    qs_mon_tone_t tone;
    double key[QS_MON_COL_MAX];
    char text[QS_MON_COL_MAX][QS_MON_TEXT_SZ];
} qs_mon_row_t;

typedef struct qs_mon_table {
    qs_mon_col_t const *col;
    u32 col_cnt, row_cnt;
    u32 more; /* rows that there was no room for */
    qs_mon_row_t row[QS_MON_ROW_MAX];
} qs_mon_table_t;

/* qs_mon_table_begin empties the one table that there is, and returns it. */
qs_mon_table_t *qs_mon_table_begin(qs_mon_col_t const *col, u32 col_cnt);

/* qs_mon_table_row adds a row; when there is no room one that nobody sees. */
qs_mon_row_t *qs_mon_table_row(qs_mon_table_t *t);

/* qs_mon_text and qs_mon_num fill a cell. */
void qs_mon_text(qs_mon_row_t *row, u32 col, char const *text);
void qs_mon_num(qs_mon_row_t *row, u32 col, double value);
void qs_mon_ns(qs_mon_row_t *row, u32 col, u64 ns);

/* qs_mon_table_draw draws from line y to the end, filtered, sorted and scrolled to the picked row. */
void qs_mon_table_draw(qs_mon_table_t *t, qs_mon_cells_t *c, u32 y, qs_mon_ui_t *ui);

/* qs_mon_human writes 1234567 as "1.23M". */
char const *qs_mon_human(char out[16], double value);
char const *qs_mon_human_ns(char out[16], u64 ns);

/* qs_mon_reasons adds a row for each own metric that is not 0 of the tiles of a row: tile, name,
   value, rate, help.  Returns how many. */
u32 qs_mon_reasons(qs_mon_t const *m, qs_mon_table_t *t, char const *tile_row);

typedef struct qs_mon_view {
    char const *name;
    void (*draw)(qs_mon_t const *m, qs_mon_cells_t *c, qs_mon_ui_t *ui); /* from line 2 on */
} qs_mon_view_t;

void qs_mon_overview(qs_mon_t const *m, qs_mon_cells_t *c, qs_mon_ui_t *ui);
void qs_mon_tiles(qs_mon_t const *m, qs_mon_cells_t *c, qs_mon_ui_t *ui);
void qs_mon_links(qs_mon_t const *m, qs_mon_cells_t *c, qs_mon_ui_t *ui);
void qs_mon_net(qs_mon_t const *m, qs_mon_cells_t *c, qs_mon_ui_t *ui);
void qs_mon_shreds(qs_mon_t const *m, qs_mon_cells_t *c, qs_mon_ui_t *ui);
void qs_mon_peers(qs_mon_t const *m, qs_mon_cells_t *c, qs_mon_ui_t *ui);
void qs_mon_txns(qs_mon_t const *m, qs_mon_cells_t *c, qs_mon_ui_t *ui);
void qs_mon_errors(qs_mon_t const *m, qs_mon_cells_t *c, qs_mon_ui_t *ui);

#define QS_MON_VIEW_CNT 8u
extern qs_mon_view_t const qs_mon_view[QS_MON_VIEW_CNT];

/* qs_mon_view_of returns the number of a view, or -1. */
int qs_mon_view_of(char const *name);

/* qs_mon_draw draws all: what is looked at, the view or the help, and the keys. */
void qs_mon_draw(qs_mon_t const *m, qs_mon_cells_t *c, qs_mon_ui_t *ui);

#endif
