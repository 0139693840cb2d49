/* qs_errors - what a user meets when something is wrong: a stable id, where, why, what to do next.

   The list of ids is qs_errors.def; any module of app/ adds its rows there.  Whoever finds an
   error fills a qs_error_t; printing it is the caller's.

   Threads: any.  Blocks: on the FILE written to.  Allocates: never. */

#ifndef QS_APP_ERRORS_H
#define QS_APP_ERRORS_H

#include "tango/base/qs_base.h"

/* clang-format off */
typedef enum qs_error_id {
#define QS_ERROR(name, id, title, text) QS_ERROR_##name,
#include "app/qs_errors.def"
#undef QS_ERROR
    QS_ERROR_ID_CNT
} qs_error_id_t;
/* clang-format on */

typedef struct qs_error_info {
    char const *id;    /* "QS-CFG-001" */
    char const *title; /* a few words, lower case, no full stop */
    char const *text;  /* sentences: what it means and what to do */
} qs_error_info_t;

/* qs_error_infos has a row for each qs_error_id_t, in its order. */
extern qs_error_info_t const qs_error_infos[QS_ERROR_ID_CNT];

/* One error.  All strings end with 0 and are cut when too long; none is ever null. */
typedef struct qs_error {
    char const *id;  /* of qs_error_infos */
    u32 line, col;   /* from 1, col in characters; 0: where is not a text */
    char where[256]; /* file, environment variable, or argument */
    char text[256];  /* the cause, one line */
    char hint[256];  /* the next step, one line */
} qs_error_t;

#define QS_ERROR_LIST_MAX 8u

/* The first errors of one run; what comes after the last that fits is only counted. */
typedef struct qs_error_list {
    qs_error_t error[QS_ERROR_LIST_MAX];
    u32 cnt;  /* in error[] */
    u64 more; /* not kept */
} qs_error_list_t;

/* qs_error_add appends an error whose text is made from fmt, and returns it, for its hint to be
   filled.  When the list is full it returns an entry that is not part of it. */
qs_error_t *qs_error_add(qs_error_list_t *list, qs_error_id_t id, char const *where, u32 line,
                         u32 col, char const *fmt, ...) __attribute__((format(printf, 6, 7)));

/* qs_error_hint fills the hint of an error. */
void qs_error_hint(qs_error_t *error, char const *fmt, ...) __attribute__((format(printf, 2, 3)));

/* qs_error_find returns the row of an id, in any case of letters, or NULL. */
qs_error_info_t const *qs_error_find(char const *id);

/* qs_error_list_write prints all errors for people, two lines each:
     quickstep.toml:7:8: net.tiles = 70: must be 1..16 [QS-CFG-008]
         next: the default is 1 */
void qs_error_list_write(FILE *out, qs_error_list_t const *list);

/* qs_error_list_write_json prints the errors as one JSON array, without a line end:
   [{"id","where","line","col","text","hint"}]. */
void qs_error_list_write_json(FILE *out, qs_error_list_t const *list);

#endif
