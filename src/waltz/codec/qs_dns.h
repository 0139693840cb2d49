/* qs_dns - the question "which IPv4 address has this name?" to a name server over UDP, and its answer.

       header    id u16 | flags u16 | questions, answers, authorities, additions u16 each     big endian
       question  name | type A u16 | class IN u16
       answer    name | type u16 | class u16 | ttl u32 | sz u16 | data
       name      labels of a length byte and at most 63 bytes, ended by 0; or, where two high bits of a length
                 are set, the rest is at that offset, before here

   Source: RFC 1035 4.1, RFC 5452 9.1 (an answer has our id and question).

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CODEC_DNS_H
#define QS_WALTZ_CODEC_DNS_H

#include "tango/base/qs_bits.h"

#define QS_DNS_MTU      512u /* without extensions nothing is larger */
#define QS_DNS_NAME_MAX 253u

#define QS_DNS_REASONS(X)                                                                          \
    X(ok, "valid")                                                                                 \
    X(cut, "it ends too soon")                                                                     \
    X(id, "the answer to another question")                                                        \
    X(query, "no answer, but a question")                                                          \
    X(code, "the server says that there is no such name, or an error")                             \
    X(question, "the question in it is not ours")                                                  \
    X(name, "a name that is none")                                                                 \
    X(none, "no IPv4 address in it")

typedef enum qs_dns_reason {
#define QS_DNS_ENUM_(name, text) QS_DNS_##name,
    QS_DNS_REASONS(QS_DNS_ENUM_)
#undef QS_DNS_ENUM_
        QS_DNS_REASON_CNT
} qs_dns_reason_t;

char const *qs_dns_reason_name(qs_dns_reason_t reason);

/* qs_dns_write_query writes the question for name, "a.b.c" or "a.b.c.".  Returns its bytes, or 0: that is no
   name, or room_sz does not do (QS_DNS_MTU always does). */
u32 qs_dns_write_query(u8 *room, u32 room_sz, u16 id, char const *name);

/* qs_dns_parse_answer finds the first address that sz bytes at data name for name, aliases followed. */
qs_dns_reason_t qs_dns_parse_answer(u8 const *data, u32 sz, u16 id, char const *name, u32 *ip);

#endif
