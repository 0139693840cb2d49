/* ct_ed25519 - signs while valgrind watches the secret: memcheck reports every branch and every
   address that depends on undefined bytes, and the secret's bytes are declared undefined.

   usage: ct_ed25519 KERNEL [leak]     under valgrind; test/e2e/test_ct_sign.sh builds and runs it

   With "leak" it branches on the secret on purpose, to show that the watch works.  A kernel that
   this machine (or valgrind) cannot run is exit code 77. */

#include <valgrind/memcheck.h>

#include "tango/base/qs_cpu.h"
#include "waltz/crypto/qs_ed25519.h"
#include "waltz/crypto/qs_ed25519_kernel.h"

/* valgrind's processor has AVX2 but not ADX, which qs_cpu asks for with it; no kernel uses that. */
static bool
can_run(qs_ed25519_kernel_t const *kernel)
{
    bool avx2 = false;
#if defined(__x86_64__)
    avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
#endif
    return !kernel->needs || (kernel->needs == QS_CPU_NEED_AVX2 && avx2);
}

static qs_ed25519_kernel_t const *
find_kernel(char const *name)
{
    for (u32 i = 0; i < qs_ed25519_kernel_cnt; i++)
        if (!strcmp(qs_ed25519_kernels[i]->name, name) && can_run(qs_ed25519_kernels[i]))
            return qs_ed25519_kernels[i];
    return NULL;
}

int
main(int argc, char **argv)
{
    u8 secret[32], key[32], signature[64], msg[200];
    qs_ed25519_kernel_t const *kernel = argc > 1 ? find_kernel(argv[1]) : NULL;
    if (!kernel)
        return 77;
    memset(secret, 42, sizeof(secret));
    memset(msg, 7, sizeof(msg));
    qs_ed25519_public_key(key, secret);

    VALGRIND_MAKE_MEM_UNDEFINED(secret, sizeof(secret));
    qs_ed25519_sign_with(kernel, signature, msg, sizeof(msg), key, secret);
    if (argc > 2 && secret[0] == 1)
        puts("never");
    /* What is published may be looked at. */
    VALGRIND_MAKE_MEM_DEFINED(signature, sizeof(signature));
    qs_ed25519_item_t item = {signature, key, msg, sizeof(msg)};
    if (qs_ed25519_verify(&item, QS_ED25519_STRICT) != QS_ED25519_OK)
        return 1;

    u8 many[6][64];
    qs_ed25519_order_t order[6];
    for (u32 i = 0; i < 6; i++)
        order[i] = (qs_ed25519_order_t){many[i], msg, sizeof(msg)};
    qs_ed25519_sign_batch_with(kernel, order, 6, key, secret);
    VALGRIND_MAKE_MEM_DEFINED(many, sizeof(many));
    for (u32 i = 0; i < 6; i++)
        if (memcmp(many[i], signature, 64))
            return 1;
    return 0;
}
