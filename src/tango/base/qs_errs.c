#include "tango/base/qs_errs.h"

#define TRIES 4u

static void
copy_text(char *to, char const *from, u64 sz)
{
    u64 len = strnlen(from, sz - 1);

    memcpy(to, from, len);
    memset(to + len, 0, sz - len);
}

static qs_errs_row_t *
row_for(qs_errs_t *errs, char const *id)
{
    for (u32 i = 0; i < QS_ERRS_MAX; i++) {
        qs_errs_row_t *row = &errs->row[i];
        if (!row->cnt || !strncmp(row->id, id, QS_ERRS_ID_SZ - 1))
            return row;
    }
    return NULL;
}

void
qs_errs_note(qs_errs_t *errs, char const *id, u32 level, u64 now_ns, char const *text)
{
    qs_errs_row_t *row = row_for(errs, id);

    if (!row) {
        qs_store_relaxed(&errs->more, errs->more + 1);
        return;
    }
    qs_store_relaxed(&row->version, row->version | 1); /* a writer that died may have left it odd */
    qs_fence(__ATOMIC_RELEASE);
    if (!row->cnt) {
        copy_text(row->id, id, sizeof(row->id));
        row->first_ns = now_ns;
        row->level = level;
    }
    if (text)
        copy_text(row->text, text, sizeof(row->text));
    row->last_ns = now_ns;
    qs_store_release(&row->cnt, row->cnt + 1);
    qs_store_release(&row->version, row->version + 1);
}

bool
qs_errs_read(qs_errs_t const *errs, u32 i, qs_errs_row_t *row)
{
    if (i >= QS_ERRS_MAX || !qs_load_acquire(&errs->row[i].cnt))
        return false;
    for (u32 n = 0; n < TRIES; n++) {
        u32 version = qs_load_acquire(&errs->row[i].version);
        memcpy(row, &errs->row[i], sizeof(*row));
        qs_fence(__ATOMIC_ACQUIRE);
        if (!(version & 1) && version == qs_load_relaxed(&errs->row[i].version))
            break;
    }
    row->id[sizeof(row->id) - 1] = 0;
    row->text[sizeof(row->text) - 1] = 0;
    return true;
}
