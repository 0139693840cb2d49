/* Goal: a request leaves when its root is signed, in its turn, with the signature in its last bytes; a root
   is asked for once; nothing waits without bound.
   Method: requests whose bytes tell their number, roots that tell theirs. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "disco/shred/qs_resign.h"

#define SZ 100u

static qs_resign_t r;

static qs_resign_root_t *
root_of(u32 n, bool *is_new)
{
    u8 root[32] = {(u8)n, (u8)(n >> 8), 1};
    return qs_resign_find(&r, root, is_new);
}

static bool
push(u32 root, u8 number)
{
    bool is_new;
    u8 *room = qs_resign_room(&r);
    if (!room)
        return false;
    memset(room, number, SZ);
    qs_resign_push(&r, root_of(root, &is_new), SZ);
    return true;
}

static void
sign(u32 root, u8 with)
{
    bool is_new;
    u8 sig[64];
    memset(sig, with, sizeof(sig));
    u32 tag = root_of(root, &is_new)->tag;
    cr_assert(not(is_new));
    qs_resign_signed(&r, tag, sig);
}

/* leaves checks that the next to leave is number, signed with sig. */
static void
leaves(u8 number, u8 sig)
{
    u32 sz;
    u8 const *req = qs_resign_peek(&r, &sz);
    cr_assert(req != NULL);
    cr_assert(eq(u32, sz, SZ));
    for (u32 i = 0; i < SZ; i++)
        cr_assert(eq(u32, req[i], i < SZ - 64 ? number : sig), "byte %u", i);
    qs_resign_pop(&r);
}

Test(resign, a_root_is_asked_for_once_and_every_tag_is_another)
{
    bool is_new;
    qs_resign_init(&r, QS_RESIGN_TAG_MASK - 3);
    u32 first = root_of(1, &is_new)->tag;
    cr_assert(is_new);
    cr_assert(eq(u32, root_of(1, &is_new)->tag, first));
    cr_assert(not(is_new));
    for (u32 i = 2; i < QS_RESIGN_ROOT_CNT; i++) {
        u32 tag = root_of(i, &is_new)->tag;
        cr_assert(is_new);
        cr_assert(ne(u32, tag, first));
        cr_assert(tag <= QS_RESIGN_TAG_MASK);
    }
}

Test(resign, requests_leave_in_order_when_their_root_is_signed)
{
    u32 sz;
    qs_resign_init(&r, 7);
    push(1, 10);
    push(2, 20);
    push(1, 11);
    cr_assert(qs_resign_peek(&r, &sz) == NULL);
    sign(2, 0xbb);
    cr_assert(qs_resign_peek(&r, &sz) == NULL);
    sign(1, 0xaa);
    leaves(10, 0xaa);
    leaves(20, 0xbb);
    leaves(11, 0xaa);
    push(2, 21); /* its signature is here already */
    leaves(21, 0xbb);
    cr_assert(qs_resign_peek(&r, &sz) == NULL);
}

Test(resign, a_signature_counts_once_and_for_nobody_else)
{
    u8 sig[64] = {1};
    u32 sz;
    qs_resign_init(&r, 7);
    push(1, 10);
    qs_resign_signed(&r, 7, sig);
    qs_resign_signed(&r, 9, sig);
    cr_assert(eq(u64, r.stray, 2));
    cr_assert(qs_resign_peek(&r, &sz) == NULL);
    sign(1, 0xaa);
    sign(1, 0xcc); /* too late */
    cr_assert(eq(u64, r.stray, 3));
    leaves(10, 0xaa);
}

Test(resign, when_too_many_wait_there_is_no_room)
{
    qs_resign_init(&r, 7);
    for (u32 i = 0; i < QS_RESIGN_WAIT_CNT; i++)
        cr_assert(push(1, (u8)i));
    cr_assert(not(push(1, 0)));
    sign(1, 5);
    leaves(0, 5);
    cr_assert(push(1, 0));
}

Test(resign, what_waits_for_a_root_that_had_to_go_is_dropped_and_counted)
{
    bool is_new;
    qs_resign_init(&r, 7);
    push(0, 10);
    push(0, 11);
    for (u32 i = 1; i <= QS_RESIGN_ROOT_CNT; i++)
        root_of(i, &is_new);
    push(QS_RESIGN_ROOT_CNT, 12);
    sign(QS_RESIGN_ROOT_CNT, 5);
    leaves(12, 5);
    cr_assert(eq(u64, r.dropped, 2));
    root_of(0, &is_new);
    cr_assert(is_new);
}
