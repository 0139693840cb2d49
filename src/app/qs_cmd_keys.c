/* keys - makes a node's key pair and shows its public half.  The secret goes from the kernel to the
   file and is wiped; it is never printed. */

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include "app/qs_args.h"
#include "app/qs_cmd.h"
#include "app/qs_errors.h"
#include "app/qs_text.h"
#include "waltz/codec/qs_base58.h"
#include "waltz/codec/qs_keypair.h"
#include "waltz/crypto/qs_ed25519.h"

#define FILE_CAP 4096u /* of white space, mostly */

static int
refuse(qs_error_id_t id, char const *file, char const *text, char const *hint)
{
    qs_error_list_t errors = {0};
    qs_error_hint(qs_error_add(&errors, id, file, 0, 0, "%s", text), "%s", hint);
    qs_error_list_write(stderr, &errors);
    return 1;
}

static void
print(char const *file, u8 const public_key[QS_ED25519_KEY_SZ], bool json)
{
    char text[QS_BASE58_32_MAX];
    qs_base58_encode_32(text, public_key);
    if (!json) {
        printf("%s\n", text);
        return;
    }
    printf("{\"file\":");
    qs_text_write_quoted(stdout, file);
    printf(",\"public_key\":\"%s\"}\n", text);
}

/* write_new makes the file and leaves none behind that is not whole. */
static int
write_new(char const *file, char const *text, u32 len)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    ssize_t wrote = write(fd, text, len);
    int err = wrote < 0 ? -errno : wrote != (ssize_t)len ? -ENOSPC : 0;
    if (!err && fsync(fd))
        err = -errno;
    if (close(fd) && !err)
        err = -errno;
    if (err)
        (void)unlink(file);
    return err;
}

static int
make_new(char const *file, bool json)
{
    u8 pair[QS_KEYPAIR_SZ], *public_key = pair + QS_ED25519_KEY_SZ;
    char text[QS_KEYPAIR_TEXT_MAX];
    int err = 0;

    if (getrandom(pair, QS_ED25519_KEY_SZ, 0) != (ssize_t)QS_ED25519_KEY_SZ)
        err = -EIO;
    if (!err) {
        qs_ed25519_public_key(public_key, pair);
        err = write_new(file, text, qs_keypair_encode(text, pair));
    }
    if (!err)
        print(file, public_key, json);
    explicit_bzero(pair, sizeof(pair));
    explicit_bzero(text, sizeof(text));
    if (!err)
        return 0;
    return refuse(QS_ERROR_KEY_EXISTS, file, strerror(-err),
                  err == -EEXIST ? "choose another name; keys are never overwritten"
                                 : "check the directory and its permissions");
}

static int
read_pair(char const *file, u8 pair[QS_KEYPAIR_SZ])
{
    char text[FILE_CAP];
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t sz = read(fd, text, sizeof(text));
    int err = sz < 0 ? -errno : 0;
    close(fd);
    if (!err)
        err = sz == (ssize_t)sizeof(text) ? -EINVAL : qs_keypair_parse(pair, text, (u64)sz);
    explicit_bzero(text, sizeof(text));
    return err;
}

static int
show_public(char const *file, bool json)
{
    u8 pair[QS_KEYPAIR_SZ], public_key[QS_ED25519_KEY_SZ];

    int err = read_pair(file, pair);
    if (err)
        return refuse(QS_ERROR_KEY_READ, file,
                      err == -EINVAL ? "not an array of 64 numbers from 0 to 255" : strerror(-err),
                      "`quickstep keys new FILE` makes one");
    qs_ed25519_public_key(public_key, pair);
    bool same = !memcmp(public_key, pair + QS_ED25519_KEY_SZ, sizeof(public_key));
    explicit_bzero(pair, sizeof(pair));
    if (!same)
        return refuse(QS_ERROR_KEY_PAIR, file, "its public half is not that of its secret half",
                      "do not use it; restore it from a copy");
    print(file, public_key, json);
    return 0;
}

int
qs_cmd_keys(int argc, char **argv, qs_topo_t const *const *topos)
{
    bool json = false, help = false;
    qs_arg_t const table[] = {{"new", "FILE", "make a key pair in a new file", QS_ARG_WORD, NULL},
                              {"pubkey", "FILE", "print the public key", QS_ARG_WORD, NULL},
                              {"--json", NULL, "for programs", QS_ARG_FLAG, &json},
                              {"--help", NULL, "this text", QS_ARG_FLAG, &help},
                              {0}};
    qs_args_t args;

    (void)topos;
    int code = qs_args_parse(&args, table, argc, argv);
    if (help) {
        qs_args_usage_own("keys", "new|pubkey FILE", table);
        return 0;
    }
    if (code)
        return code;
    if (args.rest_cnt == 2 && !strcmp(args.rest[0], "new"))
        return make_new(args.rest[1], json);
    if (args.rest_cnt == 2 && !strcmp(args.rest[0], "pubkey"))
        return show_public(args.rest[1], json);
    fprintf(stderr, "%1$s keys: new FILE or pubkey FILE (see %1$s help keys)\n", qs_text_program());
    return 2;
}
