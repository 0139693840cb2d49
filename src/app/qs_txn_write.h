/* qs_txn_write - a transaction for people and programs to read: every field that its descriptor names.

   Threads: any.  Blocks: on the FILE written to.  Allocates: never. */

#ifndef QS_APP_TXN_WRITE_H
#define QS_APP_TXN_WRITE_H

#include "waltz/codec/qs_txn.h"

/* qs_txn_write_json writes one object, without a newline, of the transaction at data that parsed as t. */
void qs_txn_write_json(FILE *f, qs_txn_t const *t, u8 const *data);

/* qs_txn_write_text writes lines. */
void qs_txn_write_text(FILE *f, qs_txn_t const *t, u8 const *data);

/* qs_txn_write_hex writes sz bytes as hexadecimal digits. */
void qs_txn_write_hex(FILE *f, u8 const *data, u64 sz);

#endif
