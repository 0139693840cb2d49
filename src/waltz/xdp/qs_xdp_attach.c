#include "waltz/xdp/qs_xdp_attach.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdarg.h>
#include <unistd.h>

#define LICENSE  "Apache-2.0"
#define LOG_SZ   (1u << 20)
#define LOG_SIDE 64 /* the column at which our disassembly begins */

static struct {
    char const *name;
    u32 flags;
} const modes[QS_XDP_MODE_CNT] = {[QS_XDP_AUTO] = {"auto", 0},
                                  [QS_XDP_DRV] = {"drv", XDP_FLAGS_DRV_MODE},
                                  [QS_XDP_SKB] = {"skb", XDP_FLAGS_SKB_MODE},
                                  [QS_XDP_HW] = {"hw", XDP_FLAGS_HW_MODE}};

char const *
qs_xdp_mode_name(qs_xdp_mode_t mode)
{
    return (u32)mode < QS_XDP_MODE_CNT ? modes[mode].name : "?";
}

static int __attribute__((format(printf, 3, 4)))
refuse(qs_xdp_t *xdp, int err, char const *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(xdp->why, sizeof(xdp->why), fmt, args);
    va_end(args);
    return err;
}

static void
close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* write_log prints what the verifier said; a line on an instruction gets ours beside it. */
static void
write_log(FILE *out, char *log, struct bpf_insn const *insn, u32 cnt)
{
    char *rest = log;
    for (char *line; (line = strsep(&rest, "\n"));) {
        char *end;
        unsigned long at = strtoul(line, &end, 10);
        if (end != line && !strncmp(end, ": (", 3) && at < cnt) {
            char text[QS_EBPF_TEXT_MAX];
            qs_ebpf_text(text, sizeof(text), insn, cnt, (u32)at);
            fprintf(out, "%-*s | %s\n", LOG_SIDE, line, text);
        } else if (*line) {
            fprintf(out, "%s\n", line);
        }
    }
}

/* explain loads again, for the verifier's words, and prints the whole program behind them. */
static void
explain(char const *name, qs_ebpf_t const *e, FILE *out)
{
    char *log = calloc(1, LOG_SZ);
    if (!log)
        return;
    LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_buf = log, .log_size = LOG_SZ, .log_level = 1);
    int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, name, LICENSE, e->insn, e->cnt, &opts);
    if (fd >= 0)
        close(fd);
    write_log(out, log, e->insn, e->cnt);
    fprintf(out, "the program:\n");
    qs_ebpf_write(out, e->insn, e->cnt);
    free(log);
}

int
qs_xdp_prog_load(char const *name, qs_ebpf_t const *ebpf, FILE *log)
{
    int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, name, LICENSE, ebpf->insn, ebpf->cnt, NULL);
    if (fd < 0 && fd != -EPERM && log)
        explain(name, ebpf, log);
    return fd;
}

static int
load_prog(qs_xdp_t *xdp, qs_xdp_spec_t const *spec, FILE *log)
{
    qs_ebpf_t *e = malloc(sizeof(*e));
    int err =
        e ? qs_xdp_prog_build(e, spec->filter, spec->pair, spec->pair_cnt, xdp->map_fd) : -ENOMEM;
    if (err) {
        refuse(xdp, err, "no XDP program for %u addresses and ports: %s", spec->pair_cnt,
               strerror(-err));
    } else {
        xdp->prog_fd = qs_xdp_prog_load(QS_XDP_NAME, e, log);
        err = xdp->prog_fd < 0 ? xdp->prog_fd : 0;
        if (err)
            refuse(xdp, err, "the kernel refuses the XDP program: %s", strerror(-err));
    }
    free(e);
    return err;
}

int
qs_xdp_load(qs_xdp_t *xdp, qs_xdp_spec_t const *spec, FILE *log)
{
    *xdp = (qs_xdp_t){.map_fd = -1, .prog_fd = -1, .link_fd = -1, .queue_cnt = spec->queue_cnt};
    if (!spec->queue_cnt || spec->queue_cnt > QS_XDP_QUEUE_MAX)
        return refuse(xdp, -EINVAL, "%u queues: 1 to %u can be", spec->queue_cnt, QS_XDP_QUEUE_MAX);

    xdp->map_fd = bpf_map_create(BPF_MAP_TYPE_XSKMAP, QS_XDP_NAME, sizeof(u32), sizeof(u32),
                                 spec->queue_cnt, NULL);
    if (xdp->map_fd < 0)
        return refuse(xdp, xdp->map_fd, "the kernel makes no XSKMAP: %s", strerror(-xdp->map_fd));
    int err = load_prog(xdp, spec, log);
    if (err)
        qs_xdp_close(xdp);
    return err;
}

/* cause puts into words why a driver did not take the program. */
static char const *
cause(int err, qs_xdp_mode_t mode)
{
    switch (-err) {
    case EOPNOTSUPP:
        return mode == QS_XDP_HW ? "the NIC runs no XDP programs" : "the driver has no native XDP";
    case ERANGE:
    case EMSGSIZE:
        return "the MTU is too large for native XDP";
    case ENOSPC:
        return "too few queues; veth needs as many to receive as its peer has to send";
    case EINVAL:
        return mode == QS_XDP_HW ? "the NIC does not take this program" : "the driver refuses it";
    default:
        return strerror(-err);
    }
}

/* taken explains a refusal by the program that is there.  Returns whether there is one. */
static bool
taken(qs_xdp_t *xdp, u32 ifindex, char const *ifname)
{
    qs_xdp_query_t there;
    if (qs_xdp_query(ifindex, &there) || !there.cnt)
        return false;
    qs_xdp_describe(xdp->why, sizeof(xdp->why), ifname, &there.found[0]);
    return true;
}

static int
link_create(qs_xdp_t *xdp, u32 ifindex, qs_xdp_mode_t mode)
{
    LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = modes[mode].flags);
    int fd = bpf_link_create(xdp->prog_fd, (int)ifindex, BPF_XDP, &opts);
    if (fd < 0)
        return fd;
    xdp->link_fd = fd;
    xdp->ifindex = ifindex;
    xdp->mode = mode;
    return 0;
}

int
qs_xdp_attach(qs_xdp_t *xdp, u32 ifindex, qs_xdp_mode_t mode)
{
    char ifname[IF_NAMESIZE];
    xdp->why[0] = 0;
    if (xdp->link_fd >= 0)
        return refuse(xdp, -EALREADY, "attached already");
    if (xdp->prog_fd < 0 || (u32)mode >= QS_XDP_MODE_CNT)
        return refuse(xdp, -EINVAL, "no program, or no such mode");
    if (!if_indextoname(ifindex, ifname))
        return refuse(xdp, -ENODEV, "no interface %u", ifindex);

    qs_xdp_mode_t first = mode == QS_XDP_AUTO ? QS_XDP_DRV : mode;
    int err = link_create(xdp, ifindex, first);
    if (!err)
        return 0;
    if (err == -EPERM)
        return refuse(xdp, err, "%s: attaching an XDP program needs CAP_NET_ADMIN and CAP_BPF",
                      ifname);
    if ((err == -EBUSY || err == -EEXIST) && taken(xdp, ifindex, ifname))
        return -EBUSY;
    if (mode == QS_XDP_AUTO) {
        int native = err;
        err = link_create(xdp, ifindex, QS_XDP_SKB);
        if (!err)
            return refuse(xdp, 0, "%s: not drv but skb, because %s (%s)", ifname,
                          cause(native, QS_XDP_DRV), strerrorname_np(-native));
        first = QS_XDP_SKB;
    }
    return refuse(xdp, err, "%s: mode %s cannot be had: %s (%s)%s", ifname, modes[first].name,
                  cause(err, first), strerrorname_np(-err),
                  first == QS_XDP_DRV  ? "; net.xdp_mode = \"skb\" works with every driver"
                  : first == QS_XDP_HW ? "; net.xdp_mode = \"drv\" is the next best"
                                       : "");
}

bool
qs_xdp_is_attached(qs_xdp_t const *xdp)
{
    struct bpf_link_info info = {0};
    u32 sz = sizeof(info);
    return xdp->link_fd >= 0 && !bpf_obj_get_info_by_fd(xdp->link_fd, &info, &sz) &&
           info.xdp.ifindex == xdp->ifindex;
}

void
qs_xdp_detach(qs_xdp_t *xdp)
{
    close_fd(&xdp->link_fd);
    xdp->ifindex = 0;
}

void
qs_xdp_close(qs_xdp_t *xdp)
{
    qs_xdp_detach(xdp);
    close_fd(&xdp->prog_fd);
    close_fd(&xdp->map_fd);
}
