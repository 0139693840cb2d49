/* Goal: the answer to our question is found, through aliases and offsets, and what is not that answer is named.
   Method: one answer written by hand, then one byte or part of it wrong at a time. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "waltz/codec/qs_dns.h"

#define ID 0x1234

/* Entry.Example is an alias of real.example, which is at 10.1.2.3. */
static u8 const good[] = {
    0x12, 0x34, 0x81, 0x80, 0,   1,    0,  2,   0,   0,   0,   0,   /*  0 header */
    5,    'E',  'n',  't',  'r', 'y',  7,  'e', 'x', 'a', 'm', 'p', /* 12 question */
    'l',  'e',  0,    0,    1,   0,    1,                           /* 24 */
    0xc0, 12,   0,    5,    0,   1,    0,  0,   0,   9,   0,   7,   /* 31 alias */
    4,    'r',  'e',  'a',  'l', 0xc0, 18,                          /* 43 */
    0xc0, 43,   0,    1,    0,   1,    0,  0,   0,   9,   0,   4,   /* 50 address */
    10,   1,    2,    3};

static qs_dns_reason_t
parse(u8 const *data, u32 sz, u32 *ip)
{
    return qs_dns_parse_answer(data, sz, ID, "entry.example", ip);
}

Test(dns, a_question_is_written_as_it_is_read)
{
    u8 room[QS_DNS_MTU];
    u32 ip = 0, sz = qs_dns_write_query(room, sizeof(room), ID, "entry.EXAMPLE");

    cr_assert(eq(u32, sz, 31));
    cr_assert(eq(int, memcmp(room + 13, "entry", 5), 0));
    cr_assert(eq(u32, qs_dns_write_query(room, sizeof(room), ID, "entry.example."), 31));
    cr_assert(eq(u32, qs_dns_write_query(room, 30, ID, "entry.example"), 0));
    cr_assert(eq(int, parse(room, sz, &ip), QS_DNS_query), "a question is no answer");
    room[2] |= 0x80;
    cr_assert(eq(int, parse(room, sz, &ip), QS_DNS_none), "an answer without addresses");
}

Test(dns, what_is_no_name_is_not_asked_for)
{
    u8 room[QS_DNS_MTU];
    char label[66] = {0}, name[300] = {0};

    memset(label, 'a', 64);
    cr_assert(eq(u32, qs_dns_write_query(room, sizeof(room), ID, label), 0));
    label[63] = 0;
    cr_assert(ne(u32, qs_dns_write_query(room, sizeof(room), ID, label), 0));
    cr_assert(eq(u32, qs_dns_write_query(room, sizeof(room), ID, ""), 0));
    cr_assert(eq(u32, qs_dns_write_query(room, sizeof(room), ID, "."), 0));
    cr_assert(eq(u32, qs_dns_write_query(room, sizeof(room), ID, "a..b"), 0));
    for (u32 i = 0; i < 253; i++)
        name[i] = i % 2 ? '.' : 'a';
    cr_assert(ne(u32, qs_dns_write_query(room, sizeof(room), ID, name), 0));
    strcpy(name + 253, "aa");
    cr_assert(eq(u32, qs_dns_write_query(room, sizeof(room), ID, name), 0));
}

Test(dns, an_address_is_found_behind_an_alias)
{
    u32 ip = 0;

    cr_assert(eq(int, parse(good, sizeof(good), &ip), QS_DNS_ok));
    cr_assert(eq(u32, ip, 0x0a010203));
    for (u32 sz = 0; sz < sizeof(good); sz++)
        cr_expect(eq(int, parse(good, sz, &ip), QS_DNS_cut), "%u", sz);
}

struct wrong {
    u32 at;
    u8 byte;
    qs_dns_reason_t reason;
};

Test(dns, one_wrong_byte_is_named)
{
    static struct wrong const wrong[] = {
        {1, 0x35, QS_DNS_id},     {2, 0x01, QS_DNS_query},    {2, 0x89, QS_DNS_query},
        {3, 0x83, QS_DNS_code},   {3, 0x82, QS_DNS_code},     {5, 2, QS_DNS_question},
        {5, 0, QS_DNS_question},  {13, 'x', QS_DNS_question}, {28, 28, QS_DNS_question},
        {30, 3, QS_DNS_question}, {12, 0x40, QS_DNS_name},    {18, 0x80, QS_DNS_name},
        {32, 31, QS_DNS_name},    {32, 40, QS_DNS_name},      {34, 15, QS_DNS_none},
        {36, 3, QS_DNS_none},     {44, 'x', QS_DNS_ok},       {51, 12, QS_DNS_none},
        {53, 28, QS_DNS_none},    {55, 3, QS_DNS_none},       {61, 5, QS_DNS_cut},
        {61, 3, QS_DNS_none},     {7, 1, QS_DNS_none},        {7, 3, QS_DNS_ok},
        {49, 44, QS_DNS_name},    {49, 49, QS_DNS_name},      {42, 8, QS_DNS_cut},
    };

    for (u32 i = 0; i < QS_COUNT(wrong); i++) {
        u8 data[sizeof(good)];
        u32 ip = 0;
        memcpy(data, good, sizeof(good));
        data[wrong[i].at] = wrong[i].byte;
        qs_dns_reason_t got = parse(data, sizeof(data), &ip);
        cr_expect(eq(int, got, wrong[i].reason), "byte %u as %u: %s", wrong[i].at, wrong[i].byte,
                  qs_dns_reason_name(got));
    }
}
