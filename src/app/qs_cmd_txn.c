/* txn - transactions for people: show what one holds, judge its signatures, send one. */

#include <arpa/inet.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "app/qs_args.h"
#include "app/qs_cmd.h"
#include "app/qs_text.h"
#include "app/qs_txn_write.h"
#include "tango/base/qs_bits.h"
#include "tango/base/qs_rng.h"
#include "waltz/codec/qs_base58.h"
#include "waltz/codec/qs_keypair.h"
#include "waltz/codec/qs_txn_build.h"
#include "waltz/crypto/qs_ed25519.h"

#define TEXT_MAX (4u * QS_TXN_V1_SZ_MAX)
#define MEMO_MAX 566u /* what the memo program takes */

typedef struct txn_opt {
    bool json, help, simd376;
    char const *hex, *base58, *base64;
    char const *to, *memo, *key, *blockhash;
    u64 cnt;
    qs_args_t args;
    u8 bytes[QS_TXN_V1_SZ_MAX + 1]; /* one more, so that what is too long is seen to be */
    u64 sz;
} txn_opt_t;

static int
complain(char const *what, char const *why)
{
    fprintf(stderr, "quickstep txn: %s: %s\n", what, why);
    return 2;
}

static int
digit_of(char c, char const *digits)
{
    char const *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* decode_bits reads digits of that many bits each, the highest first, and stops at '='. */
static i64
decode_bits(u8 *out, u64 max, char const *text, char const *digits, u32 bits)
{
    u32 held = 0, have = 0;
    u64 sz = 0;

    for (; *text && *text != '=' && *text != '\n'; text++) {
        int digit = digit_of(*text, digits);
        if (digit < 0)
            return -EINVAL;
        held = held << bits | (u32)digit;
        have += bits;
        if (have < 8)
            continue;
        have -= 8;
        if (sz == max)
            return -ENOSPC;
        out[sz++] = (u8)(held >> have);
        held &= (1u << have) - 1;
    }
    return held || have >= bits ? -EINVAL : (i64)sz;
}

static i64
decode_hex(u8 *out, u64 max, char const *text)
{
    char lower[TEXT_MAX];
    u64 len = strlen(text);

    if (len >= sizeof(lower))
        return -ENOSPC;
    for (u64 i = 0; i <= len; i++)
        lower[i] = (char)(text[i] >= 'A' && text[i] <= 'F' ? text[i] + 32 : text[i]);
    return decode_bits(out, max, lower, "0123456789abcdef", 4);
}

static i64
decode_base64(u8 *out, u64 max, char const *text)
{
    return decode_bits(out, max, text,
                       "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 6);
}

static i64
read_file(u8 *out, u64 max, char const *path)
{
    FILE *f = strcmp(path, "-") ? fopen(path, "rb") : stdin;

    if (!f)
        return -errno;
    u64 sz = fread(out, 1, max, f);
    int err = ferror(f) ? -EIO : 0;
    if (f != stdin)
        fclose(f);
    return err ? err : (i64)sz;
}

/* read_input fills o->bytes from whichever source was named.  Returns 0 or an exit code. */
static int
read_input(txn_opt_t *o)
{
    char const *file = o->args.rest_cnt > 1 ? o->args.rest[1] : NULL;
    char const *what = file ? file : o->hex ? "--hex" : o->base58 ? "--base58" : "--base64";
    i64 got;

    if (!!file + !!o->hex + !!o->base58 + !!o->base64 != 1)
        return complain(o->args.rest[0],
                        "name one transaction: FILE, -, --hex, --base58 or --base64");
    if (file)
        got = read_file(o->bytes, sizeof(o->bytes), file);
    else if (o->hex)
        got = decode_hex(o->bytes, sizeof(o->bytes), o->hex);
    else if (o->base58)
        got = qs_base58_decode(o->bytes, sizeof(o->bytes), o->base58, strlen(o->base58));
    else
        got = decode_base64(o->bytes, sizeof(o->bytes), o->base64);
    if (got < 0)
        return complain(what, got == -EINVAL   ? "that is not how bytes are written"
                              : got == -ENOSPC ? "longer than any transaction"
                                               : strerror((int)-got));
    o->sz = (u64)got;
    return 0;
}

/* parse says why if it is none, and returns an exit code. */
static int
parse(txn_opt_t *o, qs_txn_t *t, int code)
{
    qs_txn_reason_t why = qs_txn_parse(t, o->bytes, o->sz, QS_TXN_ALLOW_V1);

    if (!why)
        return 0;
    if (o->json)
        printf("{\"ok\":false,\"bytes\":%lu,\"reason\":\"%s\",\"help\":\"%s\"}\n", o->sz,
               qs_txn_reason_name(why), qs_txn_reason_help(why));
    fprintf(stderr, "quickstep txn: %s: %s\n", qs_txn_reason_name(why), qs_txn_reason_help(why));
    return code;
}

static int
decode(txn_opt_t *o)
{
    qs_txn_t t;
    int code = read_input(o);

    if (!code)
        code = parse(o, &t, 1);
    if (code)
        return code;
    if (o->json) {
        printf("{\"ok\":true,\"transaction\":");
        qs_txn_write_json(stdout, &t, o->bytes);
        printf("}\n");
    } else {
        qs_txn_write_text(stdout, &t, o->bytes);
    }
    return 0;
}

static void
print_verdict(txn_opt_t const *o, u32 idx, u8 const *key, qs_ed25519_verdict_t verdict)
{
    char text[QS_BASE58_32_MAX];

    qs_base58_encode_32(text, key);
    if (o->json)
        printf("%s{\"signer\":\"%s\",\"good\":%s,\"verdict\":\"%s\"}", idx ? "," : "", text,
               verdict ? "false" : "true", qs_ed25519_verdict_name(verdict));
    else
        printf("signature %u by %s: %s\n", idx, text, qs_ed25519_verdict_name(verdict));
}

static int
verify(txn_opt_t *o)
{
    qs_txn_t t;
    u32 good = 0;
    int code = read_input(o);

    if (!code)
        code = parse(o, &t, 4);
    if (code)
        return code;
    if (o->json)
        printf("{\"signatures\":[");
    for (u32 i = 0; i < t.signature_cnt; i++) {
        u8 const *key = o->bytes + t.account_off + i * QS_TXN_KEY_SZ;
        qs_ed25519_item_t item = {.signature = o->bytes + t.signature_off + i * QS_TXN_SIGNATURE_SZ,
                                  .public_key = key,
                                  .msg = o->bytes + t.message_off,
                                  .msg_sz = t.message_sz};
        qs_ed25519_verdict_t verdict =
            qs_ed25519_verify(&item, o->simd376 ? QS_ED25519_SIMD376 : QS_ED25519_STRICT);
        good += !verdict;
        print_verdict(o, i, key, verdict);
    }
    bool ok = good == t.signature_cnt;
    if (o->json)
        printf("],\"rule\":\"%s\",\"ok\":%s}\n", o->simd376 ? "simd376" : "strict",
               ok ? "true" : "false");
    return ok ? 0 : 4;
}

static int
read_key(char const *file, u8 pair[QS_KEYPAIR_SZ])
{
    char text[4096];
    u8 derived[32];

    if (!file) { /* for once */
        for (u32 i = 0; i < 4; i++) {
            u64 word;
            if (qs_rng_seed_os(&word))
                return complain("key", "the kernel gives no random bytes");
            qs_store_le64(pair + 8 * i, word);
        }
        qs_ed25519_public_key(pair + 32, pair);
        return 0;
    }
    i64 sz = read_file((u8 *)text, sizeof(text), file);
    if (sz < 0)
        return complain(file, strerror((int)-sz));
    int err = qs_keypair_parse(pair, text, (u64)sz);
    explicit_bzero(text, sizeof(text));
    if (err)
        return complain(file, "not a key file (see quickstep explain QS-KEY-002)");
    qs_ed25519_public_key(derived, pair);
    if (memcmp(derived, pair + 32, 32))
        return complain(file,
                        "its halves do not belong together (see quickstep explain QS-KEY-003)");
    return 0;
}

/* make_memo writes a signed memo to o->bytes. */
static int
make_memo(txn_opt_t *o, u8 const pair[QS_KEYPAIR_SZ], u64 number)
{
    u8 blockhash[32] = {0}, public_key[1][32], secret[1][32];
    char memo[MEMO_MAX + 32];

    if (o->memo && strlen(o->memo) > MEMO_MAX)
        return complain("--memo", "longer than the memo program takes");
    if (o->blockhash && qs_base58_decode_32(blockhash, o->blockhash, strlen(o->blockhash)))
        return complain("--blockhash", "not 32 bytes in base58");
    if (o->cnt > 1)
        snprintf(memo, sizeof(memo), "%s %lu", o->memo ? o->memo : "quickstep", number);
    else
        snprintf(memo, sizeof(memo), "%s", o->memo ? o->memo : "quickstep");
    memcpy(public_key[0], pair + 32, 32);
    memcpy(secret[0], pair, 32);
    o->sz = qs_txn_build_memo(o->bytes, 1, (u8 const(*)[32])public_key, (u8 const(*)[32])secret,
                              blockhash, memo, (u32)strlen(memo));
    explicit_bzero(secret, sizeof(secret));
    return 0;
}

static int
parse_target(char const *to, struct sockaddr_in *addr)
{
    char host[64];
    char const *colon = to ? strrchr(to, ':') : NULL;
    char *end;

    if (!colon || (u64)(colon - to) >= sizeof(host))
        return complain("send", "name the receiver: --to ADDRESS:PORT");
    memcpy(host, to, (u64)(colon - to));
    host[colon - to] = 0;
    u64 port = strtoul(colon + 1, &end, 10);
    *addr = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((u16)port)};
    if (*end || !port || port > UINT16_MAX || inet_pton(AF_INET, host, &addr->sin_addr) != 1)
        return complain(to, "not an IPv4 address and a port");
    return 0;
}

static void
print_sent(txn_opt_t const *o)
{
    qs_txn_t t;
    char text[QS_BASE58_64_MAX] = "";

    if (!qs_txn_parse(&t, o->bytes, o->sz, QS_TXN_ALLOW_V1))
        qs_base58_encode_64(text, o->bytes + t.signature_off);
    if (o->json)
        printf("{\"sent\":true,\"bytes\":%lu,\"signature\":%s%s%s}\n", o->sz, *text ? "\"" : "",
               *text ? text : "null", *text ? "\"" : "");
    else
        printf("sent %lu bytes, %s\n", o->sz, *text ? text : "no transaction");
}

static int
send_all(txn_opt_t *o)
{
    struct sockaddr_in to;
    u8 pair[QS_KEYPAIR_SZ];
    bool given = o->args.rest_cnt > 1 || o->hex || o->base58 || o->base64;
    int code = parse_target(o->to, &to);

    if (!code)
        code = given ? read_input(o) : read_key(o->key, pair);
    if (code)
        return code;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    for (u64 i = 0; !code && i < (o->cnt ? o->cnt : 1); i++) {
        if (!given)
            code = make_memo(o, pair, i);
        if (code)
            break;
        if (fd < 0 || sendto(fd, o->bytes, o->sz, 0, (void *)&to, sizeof(to)) != (ssize_t)o->sz) {
            fprintf(stderr, "quickstep txn send: %s: %s\n", o->to, strerror(errno));
            code = 1;
            break;
        }
        print_sent(o);
    }
    explicit_bzero(pair, sizeof(pair));
    close(fd);
    return code;
}

int
qs_cmd_txn(int argc, char **argv, qs_topo_t const *const *topos)
{
    static txn_opt_t o;
    qs_arg_t const table[] = {
        {"decode", "FILE", "print every field; - is standard input", QS_ARG_WORD, NULL},
        {"verify", "FILE", "judge each signature; exit code 4 if one is bad", QS_ARG_WORD, NULL},
        {"send", "[FILE]", "send it as one UDP datagram; without FILE a new memo", QS_ARG_WORD,
         NULL},
        {"--hex", "TEXT", "the transaction, instead of FILE", QS_ARG_STR, &o.hex},
        {"--base58", "TEXT", "likewise", QS_ARG_STR, &o.base58},
        {"--base64", "TEXT", "likewise", QS_ARG_STR, &o.base64},
        {"--simd376", NULL, "verify: by the rule of SIMD-0376", QS_ARG_FLAG, &o.simd376},
        {"--to", "ADDRESS:PORT", "send: the receiver's TPU port", QS_ARG_STR, &o.to},
        {"--memo", "TEXT", "send: what the memo says", QS_ARG_STR, &o.memo},
        {"--key", "FILE", "send: who signs and pays; without it a new key", QS_ARG_STR, &o.key},
        {"--blockhash", "HASH", "send: a recent one, base58", QS_ARG_STR, &o.blockhash},
        {"--count", "N", "send: how many", QS_ARG_U64, &o.cnt},
        {"--json", NULL, "for programs", QS_ARG_FLAG, &o.json},
        {"--help", NULL, "this text", QS_ARG_FLAG, &o.help},
        {0}};

    (void)topos;
    int code = qs_args_parse(&o.args, table, argc, argv);
    if (o.help) {
        qs_args_usage_own("txn", "decode|verify|send [FILE]", table);
        return 0;
    }
    if (code)
        return code;
    char const *verb = o.args.rest_cnt ? o.args.rest[0] : "";
    if (!strcmp(verb, "decode"))
        return decode(&o);
    if (!strcmp(verb, "verify"))
        return verify(&o);
    if (!strcmp(verb, "send"))
        return send_all(&o);
    return complain("usage", "decode, verify or send (see quickstep help txn)");
}
