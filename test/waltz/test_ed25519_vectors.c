/* Goal: published signatures get the published verdict, from every kernel and by both rules.
   Method: Wycheproof's cases and the small-order signatures that Solana's validators must refuse,
   read from $QS_VECTORS/ed25519 (../shared/vectors); skipped, and said so, if it is absent. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "waltz/ed25519_cases.h"
#include "waltz/ed25519_ifma.h"

/* Returns the file's bytes, zero-terminated, or null after a line that says so. */
static char *
read_vectors(char const *name, u64 *sz)
{
    char path[512];
    char const *dir = getenv("QS_VECTORS");
    snprintf(path, sizeof(path), "%s/ed25519/%s", dir ? dir : "../shared/vectors", name);
    FILE *f = fopen(path, "rb");
    if (!f) {
        printf("skipped: no vectors at %s\n", path);
        return NULL;
    }
    static char buf[1u << 20];
    *sz = fread(buf, 1, sizeof(buf) - 1, f);
    buf[*sz] = 0;
    fclose(f);
    return buf;
}

static void
expect_ok(qs_ed25519_item_t const *item, qs_ed25519_rule_t rule, bool want, u64 case_id)
{
    for (u32 k = 0; kernel(k); k++) {
        qs_ed25519_item_t all[8];
        qs_ed25519_verdict_t got[8];
        for (u32 i = 0; i < 8; i++)
            all[i] = *item;
        qs_ed25519_verify_batch_with(kernel(k), got, all, 8, rule);
        for (u32 i = 0; i < 8; i++)
            cr_assert(want == (got[i] == QS_ED25519_OK), "case %lu, %s, rule %d: %s", case_id,
                      kernel(k)->name, (int)rule, qs_ed25519_verdict_name(got[i]));
    }
}

/* Records of a signature and a key; the message is always the same. */
static void
check_malleability(char const *name, bool want)
{
    u64 sz;
    char const *data = read_vectors(name, &sz);
    if (!data)
        return;
    cr_assert(sz && sz % 96 == 0);
    for (u64 i = 0; i < sz / 96; i++) {
        u8 const *record = (u8 const *)data + 96 * i;
        qs_ed25519_item_t item = {record, record + 64, (u8 const *)"Zcash", 5};
        expect_ok(&item, QS_ED25519_STRICT, want, i);
        expect_ok(&item, QS_ED25519_SIMD376, want, i);
    }
}

Test(ed25519_vectors, signatures_that_must_fail_fail)
{
    check_malleability("test_ed25519_signature_malleability_should_fail.bin", false);
}

Test(ed25519_vectors, signatures_that_must_pass_pass)
{
    check_malleability("test_ed25519_signature_malleability_should_pass.bin", true);
}

/* The value of "name" in the object that starts at text: a string's inside, or what follows. */
static char const *
value_of(char const *text, char const *name)
{
    char key[32];
    snprintf(key, sizeof(key), "\"%s\"", name);
    char const *at = strstr(text, key);
    cr_assert(ne(ptr, (void *)at, NULL));
    at += strlen(key);
    at += strspn(at, ": ");
    return *at == '"' ? at + 1 : at;
}

static u64
hex_value(u8 *out, u64 cap, char const *text, char const *name)
{
    char const *hex = value_of(text, name);
    size_t sz = 0;
    cr_assert(sodium_hex2bin(out, cap, hex, strcspn(hex, "\""), NULL, &sz, NULL) == 0);
    return sz;
}

Test(ed25519_vectors, wycheproof)
{
    u64 sz, cnt = 0;
    char const *text = read_vectors("wycheproof.json", &sz);
    if (!text)
        return;
    for (char const *at = strstr(text, "\"tc_id\""); at; at = strstr(at + 1, "\"tc_id\""), cnt++) {
        static u8 msg[1u << 16];
        u8 signature[64] = {0}, key[32];
        qs_ed25519_item_t item = {signature, key, msg, hex_value(msg, sizeof(msg), at, "msg")};
        char const *hex = value_of(at, "sig");
        if (strcspn(hex, "\"") != 128 || hex_value(key, 32, at, "pub") != 32)
            continue; /* not a signature's size: no item can hold it */
        hex_value(signature, 64, at, "sig");
        expect_ok(&item, QS_ED25519_STRICT, *value_of(at, "strict") == 't', cnt);
        expect_ok(&item, QS_ED25519_SIMD376, *value_of(at, "simd376") == 't', cnt);
    }
    cr_assert(cnt > 100);
}

Test(ed25519_vectors, small_order_encodings_are_those_the_tests_know)
{
    u64 sz;
    char const *text = read_vectors("small_order.json", &sz);
    if (!text)
        return;
    char const *at = strstr(text, "\"small_order_encodings\"");
    for (u32 i = 0; i < SMALL_CNT; i++) {
        u8 want[32];
        char hex[65];
        small_order(want, i);
        sodium_bin2hex(hex, sizeof(hex), want, sizeof(want));
        at = strstr(at, hex);
        cr_assert(ne(ptr, (void *)at, NULL), "%s", hex);
    }
}
