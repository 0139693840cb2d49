/* qs_xdp_attach - our XDP program on an interface: map, program, link; and what else is there.

       qs_xdp_load      XSKMAP and program; a process's own until attached
       qs_xdp_attach    the link; as long as its fd is open, frames come through the program
       net tiles        put their XSK into their slot of map_fd, one per queue
       qs_xdp_detach    closes the link; map and program stay, to be attached again in another mode
                        or to the interface that was made anew
       qs_xdp_close     the rest

   When the last fd of the link is closed, or its owner dies, the kernel detaches it: nothing is
   left behind.  Only one program fits on an interface; one of somebody else is never replaced.

   Interfaces are those of the caller's network namespace.

   Threads: the supervisor's.  Blocks: in the kernel, for the verifier.  Allocates: in load, freed
   before it returns.  Needs: CAP_BPF and CAP_NET_ADMIN, or root; query of a foreign program needs
   CAP_SYS_ADMIN. */

#ifndef QS_WALTZ_XDP_ATTACH_H
#define QS_WALTZ_XDP_ATTACH_H

#include "waltz/ebpf/qs_xdp_prog.h"

#define QS_XDP_NAME      "qs_xdp" /* of program and map: how ours are known */
#define QS_XDP_QUEUE_MAX 1024u
#define QS_XDP_WHY_MAX   384u
#define QS_XDP_NAME_MAX  16u /* the kernel's BPF_OBJ_NAME_LEN, with the 0 */

typedef enum qs_xdp_mode {
    QS_XDP_AUTO, /* drv, else skb; never hw */
    QS_XDP_DRV,  /* in the driver, before the kernel has an skb */
    QS_XDP_SKB,  /* generic: after the driver; works everywhere */
    QS_XDP_HW,   /* on the NIC */
    QS_XDP_MODE_CNT
} qs_xdp_mode_t;

typedef struct qs_xdp_spec {
    qs_xdp_filter_t filter;
    qs_xdp_pair_t const *pair;
    u32 pair_cnt;
    u32 queue_cnt; /* slots of the XSKMAP: 1 .. QS_XDP_QUEUE_MAX */
} qs_xdp_spec_t;

typedef struct qs_xdp {
    int map_fd; /* all close-on-exec; -1: not there */
    int prog_fd;
    int link_fd;
    u32 queue_cnt;
    u32 ifindex;              /* where it is attached, 0: nowhere */
    qs_xdp_mode_t mode;       /* as attached: DRV, SKB or HW */
    char why[QS_XDP_WHY_MAX]; /* after a refusal: one line, cause and next step.  After an
                                 attach in mode AUTO that stepped down: why.  Else "" */
} qs_xdp_t;

/* qs_xdp_load makes the map and the program.  log, if not null, gets the verifier's words with our
   disassembly beside them when the kernel does not accept the program.  Returns 0, or with *xdp
   closed: -EINVAL (spec), -EPERM, -ENOMEM, or another -errno of bpf(2). */
int qs_xdp_load(qs_xdp_t *xdp, qs_xdp_spec_t const *spec, FILE *log);

/* qs_xdp_prog_load gives any XDP program to the kernel; log as above.  Returns its fd,
   close-on-exec, or -errno of bpf(2): -EACCES and -EINVAL are the verifier's. */
int qs_xdp_prog_load(char const *name, qs_ebpf_t const *ebpf, FILE *log);

/* qs_xdp_attach puts the loaded program on an interface.  Returns 0, or with nothing changed:
   -EBUSY (another program is there: why names its id, its name and how to remove it),
   -ENODEV, -EOPNOTSUPP or another -errno (the driver does not want it in this mode),
   -EPERM, -EALREADY (attached already). */
int qs_xdp_attach(qs_xdp_t *xdp, u32 ifindex, qs_xdp_mode_t mode);

/* qs_xdp_is_attached asks the kernel whether our link still holds: not after somebody detached it
   or the interface was deleted. */
bool qs_xdp_is_attached(qs_xdp_t const *xdp);

/* qs_xdp_detach gives the link back; one that is not attached is fine. */
void qs_xdp_detach(qs_xdp_t *xdp);

/* qs_xdp_close detaches, and gives all back; a closed one is fine, a zeroed one is not. */
void qs_xdp_close(qs_xdp_t *xdp);

/* What is on an interface.  Generic and native programs exclude each other, a program on the NIC
   may be there besides: cnt is 0, 1 or 2. */
typedef struct qs_xdp_found {
    qs_xdp_mode_t mode;
    u32 prog_id;
    u32 link_id;   /* 0: attached by netlink, no link holds it */
    u32 map_id;    /* its XSKMAP, 0: none or not known */
    u32 queue_cnt; /* slots of that */
    u32 insn_cnt;  /* as the kernel runs it, 0: not known */
    u64 load_ns;   /* when it was loaded, on CLOCK_BOOTTIME */
    bool ours;
    char name[QS_XDP_NAME_MAX]; /* "" when the kernel does not tell us */
} qs_xdp_found_t;

typedef struct qs_xdp_query {
    u32 cnt;
    qs_xdp_found_t found[2];
} qs_xdp_query_t;

/* qs_xdp_query fills *query for an interface.  Returns 0 (cnt may be 0), -ENODEV or another
   -errno. */
int qs_xdp_query(u32 ifindex, qs_xdp_query_t *query);

/* qs_xdp_query_slots tells which slots of an XSKMAP hold a socket: slot[i] is the queue it is bound
   to, or -1.  Nothing changes and no packet notices.  Returns 0, -ENOENT (no such map), -EINVAL
   (another kind of map), -EPERM or another -errno. */
int qs_xdp_query_slots(u32 map_id, i32 *slot, u32 slot_cnt);

/* qs_xdp_query_insns writes the program as the kernel runs it, one line per instruction.  Returns
   0, -ENOENT, -EPERM or another -errno. */
int qs_xdp_query_insns(u32 prog_id, FILE *out);

/* qs_xdp_describe writes one line on a foreign program into text: id, name, mode, and the command
   that removes it. */
void qs_xdp_describe(char *text, u64 sz, char const *ifname, qs_xdp_found_t const *found);

/* qs_xdp_remove detaches our program from an interface, whoever holds its link: the owner sees
   qs_xdp_is_attached become false.  Returns 0, -ENOENT (nothing of ours there), -EBUSY (only a
   foreign one; text describes it), -EPERM or another -errno. */
int qs_xdp_remove(u32 ifindex, char *text, u64 sz);

/* qs_xdp_mode_name returns "auto", "drv", "skb" or "hw". */
char const *qs_xdp_mode_name(qs_xdp_mode_t mode);

#endif
