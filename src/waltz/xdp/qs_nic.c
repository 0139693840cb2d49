#include "waltz/xdp/qs_nic.h"

#define K     QS_KERNEL
#define NEVER QS_KERNEL_NEVER

/* clang-format off */
qs_nic_t const qs_nics[] = {
/*  driver, what, native since, zero copy since, commits of the kernel */
    {"mlx5_core", "Mellanox ConnectX-4 and later", K(4, 9), K(5, 3), "86994156c736, db05815b36cb"},
    {"i40e", "Intel X710, XL710, XXV710", K(4, 13), K(4, 20), "0c8493d90b6b, 0a714186d3c0"},
    {"ixgbe", "Intel 82599, X540, X550", K(4, 12), K(4, 20), "924708081629, d0bcacd0a130"},
    {"ice", "Intel E810", K(5, 5), K(5, 5), "efc2214b6047, 2d4238f55697"},
    {"igc", "Intel I225, I226", K(5, 13), K(5, 14), "26575105d6ed, fc9df2a0b520"},
    {"igb", "Intel I350, I210", K(5, 10), K(6, 14), "9cbc948b5a20, 2c6196013f84"},
    {"stmmac", "Synopsys cores", K(5, 13), K(5, 13), "5fabb01207a2, bba2556efad6"},
    {"nfp", "Netronome Agilio", K(4, 10), K(5, 18), "ecd63a0217d5, 6402528b7a0b"},
    {"gve", "Google cloud", K(6, 4), K(6, 4), "75eaae158b1b, fd8e40321a12"},
    {"virtio_net", "virtual machines", K(4, 10), K(6, 16),
     "f600b6905015; tried: 6.12 has none, 6.16 has it"},
    {"bnxt_en", "Broadcom NetXtreme-C/E", K(4, 11), NEVER, "c6d30e8391b8"},
    {"ena", "Amazon cloud", K(5, 6), NEVER, "838c93dc5449"},
    {"mlx4_en", "Mellanox ConnectX-3", K(4, 8), NEVER, "47a38e155037"},
    {"qede", "QLogic FastLinQ", K(4, 10), NEVER, "496e05170958"},
    {"ixgbevf", "virtual functions of ixgbe", K(4, 17), NEVER, "c7aec59657b6"},
    {"hv_netvsc", "Microsoft Hyper-V", K(5, 6), NEVER, "351e1581395f"},
    {"vmxnet3", "VMware", K(6, 6), NEVER, "54f00cce1178"},
    {"veth", "pairs between namespaces", K(4, 19), NEVER, "948d4f214fde"},
    {"tun", "tun and tap", K(4, 14), NEVER, "761876c857cb"},
};
u32 const qs_nic_cnt = QS_COUNT(qs_nics);

qs_nic_deny_t const qs_nic_denied[] = {
/*  driver, from, to, zero copy only, why, source */
    {"ice", 0, NEVER, true,
     "frames with zero copy were seen to corrupt the kernel's memory, and to panic it",
     "firedancer-io/firedancer#11245 and #11246; intel/ethernet-linux-ice#59"},
    {"ice", 0, K(4, 18), false, "all receiving stops, of ordinary traffic too",
     "firedancer-io/firedancer#273"},
    {"ena", 0, NEVER, true,
     "the vendor's driver resets the device, or corrupts memory under load; mainline's has none",
     "amzn/amzn-drivers#221, #330 and #345"},
    {"bnxt_en", 0, NEVER, true, "the documentation of another validator forbids it for this driver",
     "docs.anza.xyz/operations/running-with-af-xdp"},
    {"mlx5_core", K(6, 4), K(6, 4), false,
     "left out of the kernels that passed another validator's tests (5.15 to 6.3, and from 6.5)",
     "firedancer-io/firedancer, src/app/shared/fd_config_auto.c"},
    {"mlx5_core", 0, K(6, 0), true,
     "below the first kernel that passed another validator's tests with zero copy (6.1)",
     "firedancer-io/firedancer, src/app/shared/fd_config_auto.c"},
    {"i40e", 0, K(5, 18), true,
     "below the first kernel that passed another validator's tests (5.19)",
     "firedancer-io/firedancer, src/app/shared/fd_config_auto.c"},
};
u32 const qs_nic_denied_cnt = QS_COUNT(qs_nic_denied);
/* clang-format on */

qs_nic_t const *
qs_nic_find(char const *driver)
{
    for (u32 i = 0; i < qs_nic_cnt; i++)
        if (!strcmp(qs_nics[i].driver, driver))
            return &qs_nics[i];
    return NULL;
}

qs_nic_deny_t const *
qs_nic_deny_find(char const *driver, u32 kernel, bool zero_copy)
{
    for (u32 i = 0; i < qs_nic_denied_cnt; i++) {
        qs_nic_deny_t const *d = &qs_nic_denied[i];
        if (!strcmp(d->driver, driver) && kernel >= d->from && kernel <= d->to &&
            d->zero_copy == zero_copy)
            return d;
    }
    return NULL;
}

u32
qs_nic_kernel(char const *release)
{
    u32 major, minor;
    if (sscanf(release, "%u.%u", &major, &minor) != 2 || major > 255 || minor > 65535)
        return 0;
    return QS_KERNEL(major, minor);
}

char const *
qs_nic_kernel_name(u32 kernel, char *buf, u64 buf_sz)
{
    if (kernel == QS_KERNEL_NEVER)
        snprintf(buf, buf_sz, "no kernel");
    else
        snprintf(buf, buf_sz, "%u.%u", kernel >> 16, kernel & 65535);
    return buf;
}

void
qs_nic_write_md(FILE *out)
{
    char native[24], zero_copy[24];

    fprintf(out, "| driver | what | native XDP since | zero copy since | source |\n"
                 "|---|---|---|---|---|\n");
    for (u32 i = 0; i < qs_nic_cnt; i++)
        fprintf(out, "| `%s` | %s | %s | %s | %s |\n", qs_nics[i].driver, qs_nics[i].what,
                qs_nic_kernel_name(qs_nics[i].native, native, sizeof(native)),
                qs_nic_kernel_name(qs_nics[i].zero_copy, zero_copy, sizeof(zero_copy)),
                qs_nics[i].source);
    fprintf(out, "\n| driver | kernels | left alone | why | source |\n|---|---|---|---|---|\n");
    for (u32 i = 0; i < qs_nic_denied_cnt; i++) {
        qs_nic_deny_t const *d = &qs_nic_denied[i];
        fprintf(out, "| `%s` | ", d->driver);
        if (d->to == QS_KERNEL_NEVER)
            fprintf(out, "all");
        else if (d->from == d->to)
            fprintf(out, "%s", qs_nic_kernel_name(d->to, native, sizeof(native)));
        else
            fprintf(out, "up to %s", qs_nic_kernel_name(d->to, native, sizeof(native)));
        fprintf(out, " | %s | %s | %s |\n", d->zero_copy ? "zero copy" : "native XDP", d->why,
                d->source);
    }
}
