#include "app/qs_configure.h"

typedef struct row {
    char const *path;
    qs_configure_kind_t kind;
    bool optional;
    u64 (*want)(qs_config_t const *cfg);
    char const *why;
} row_t;

static u64
zero(qs_config_t const *cfg)
{
    (void)cfg;
    return 0;
}

static u64
one(qs_config_t const *cfg)
{
    (void)cfg;
    return 1;
}

static u64
socket_buffer(qs_config_t const *cfg)
{
    return cfg->net.socket_rcvbuf_bytes;
}

/* clang-format off */
static row_t const rows[] = {
    {"/proc/sys/net/core/rmem_max",       QS_CONFIGURE_RAISE, false, socket_buffer,
     "bounds net.socket_rcvbuf_bytes"},
    {"/proc/sys/net/core/wmem_max",       QS_CONFIGURE_RAISE, false, socket_buffer,
     "bounds what a socket may hold to send"},
    {"/proc/sys/net/core/bpf_jit_enable", QS_CONFIGURE_RAISE, true,  one,
     "the XDP program runs as machine code"},
    {"/proc/sys/kernel/numa_balancing",   QS_CONFIGURE_WRITE, true,  zero,
     "else the kernel unmaps pages now and then to see who uses them"},
};
/* clang-format on */

int
qs_configure_list_sysctl(qs_configure_t const *c, qs_configure_list_t *out)
{
    for (u32 i = 0; i < QS_COUNT(rows); i++) {
        qs_configure_action_t *a = qs_configure_add(out, rows[i].kind, rows[i].path);
        QS_ASSERT(a);
        a->optional = rows[i].optional;
        snprintf(a->want, sizeof(a->want), "%lu", rows[i].want(c->cfg));
        snprintf(a->why, sizeof(a->why), "%s", rows[i].why);
    }
    return 0;
}
