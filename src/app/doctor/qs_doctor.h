/* qs_doctor - why this host does not reach the top of the ladder, and other things that go wrong.

       look   files of /proc and /sys, below a root that a test can bring      \
       ask    the kernel: ethtool, netlink, bpf; not with a root of a test's    > facts
                                                                               /
       judge  facts -> findings, each with a stable id, a cause and a fix;
              and from the findings the rung that the host reaches, and what bars the next

   Nothing is changed.  Judge knows what bars a rung, not that what is left really works; on a veth
   pair in namespaces of their own a probe shows it:

       probe  our program in the driver, else behind it; an XSK; datagrams there and back, each
              compared byte for byte.  All of it is a child's, and gone with it, killed or not

   Zero copy is beyond a probe that touches no interface of the host: veth has none.

   Threads: the main one.  Blocks: in the kernel; at most a second for the routes, and
   QS_PROBE_SECONDS_MAX for the probe.  Allocates: for the routes. */

#ifndef QS_APP_DOCTOR_H
#define QS_APP_DOCTOR_H

#include <net/if.h>

#include "app/qs_errors.h"
#include "disco/net/qs_net.h"
#include "disco/qs_topo.h"
#include "waltz/ip/qs_fib.h"
#include "waltz/xdp/qs_xdp_attach.h"

/* The XDP features of a device, as the kernel numbers them. */
#define QS_XDP_FEATURE_BASIC     1u
#define QS_XDP_FEATURE_REDIRECT  2u
#define QS_XDP_FEATURE_ZERO_COPY 8u

/* A number that may not be known. */
typedef struct qs_known {
    bool known;
    u64 value;
} qs_known_t;

typedef enum qs_offload {
    QS_OFFLOAD_LRO,
    QS_OFFLOAD_GRO_HW,
    QS_OFFLOAD_UDP_GRO,
    QS_OFFLOAD_VLAN,
    QS_OFFLOAD_CNT
} qs_offload_t;

typedef enum qs_doctor_cap {
    QS_DOCTOR_NET_ADMIN = 1,
    QS_DOCTOR_NET_RAW = 2,
    QS_DOCTOR_BPF = 4,
    QS_DOCTOR_IPC_LOCK = 8
} qs_doctor_cap_t;

#define QS_PROBE_CNT         1000u /* datagrams each way */
#define QS_PROBE_SECONDS_MAX 30u

/* What the probe saw. */
typedef struct qs_doctor_probe {
    bool asked;
    bool ran;           /* else why tells what kept it from */
    qs_net_rung_t rung; /* the best that carried all; SOCKET: XDP did not */
    u32 there, back;    /* of QS_PROBE_CNT, on that rung or the last that was tried */
    u32 damaged;
    char why[192]; /* why the rung above did not */
} qs_doctor_probe_t;

typedef struct qs_doctor_facts {
    char const *root; /* stands before every path; "": the host */
    qs_config_t const *cfg;
    qs_plan_t const *plan;
    u32 peer; /* 0: none was named */
    bool running;

    /* look */
    char release[65];
    u32 kernel; /* QS_KERNEL */
    char ifname[IFNAMSIZ];
    bool found, loopback, up, vlan_on_top;
    char kind[16]; /* "bond", "vlan", "tun", ...; "" for a NIC or veth */
    char master[IFNAMSIZ];
    char driver[32];
    u32 mtu;
    u64 huge_free; /* bytes, of all sizes */
    char clocksource[32];
    qs_known_t bpf_jit;
    u32 cpus;
    u16 taken[QS_PORT_MAX]; /* ports of the plan that somebody has */
    u32 taken_cnt;

    /* ask */
    u32 ifindex;
    u32 addr_cnt;
    qs_known_t features;
    qs_known_t queues;
    bool steered; /* rules or RSS lead our ports to queues that have a net tile */
    qs_known_t ring, ring_max;
    qs_known_t offload[QS_OFFLOAD_CNT]; /* 1: on */
    qs_known_t caps;                    /* QS_DOCTOR_* */
    u64 memlock;
    bool xdp_known;
    qs_xdp_query_t xdp;
    bool routes_known;
    u32 rule_cnt;
    qs_hop_t hop; /* to the peer */

    qs_doctor_probe_t probe;
} qs_doctor_facts_t;

typedef enum qs_severity {
    QS_SEVERITY_NONE,
    QS_SEVERITY_NOTE,
    QS_SEVERITY_WARNING,
    QS_SEVERITY_ERROR
} qs_severity_t;

typedef struct qs_finding {
    qs_error_id_t id;
    qs_severity_t severity;
    qs_net_rung_t bars; /* this rung and those above it; QS_NET_SOCKET: none */
    char cause[256];
    char fix[256];
} qs_finding_t;

#define QS_FINDING_MAX 40u

typedef struct qs_diagnosis {
    u32 cnt;
    u32 of[QS_SEVERITY_ERROR + 1]; /* how many of each */
    qs_finding_t finding[QS_FINDING_MAX];
    qs_net_rung_t rung; /* that the host reaches, as far as one can see */
} qs_diagnosis_t;

/* One thing that may be wrong: look says how bad, and writes cause and fix if it is not NONE. */
typedef struct qs_doctor_check {
    qs_error_id_t id;
    qs_net_rung_t bars;
    qs_severity_t (*look)(qs_doctor_facts_t const *f, qs_finding_t *out);
} qs_doctor_check_t;

extern qs_doctor_check_t const qs_doctor_checks[];
extern u32 const qs_doctor_check_cnt;

/* qs_doctor_look and qs_doctor_ask fill in their facts; root, cfg, plan, peer, running and ifname
   (empty: choose) are the caller's.  What cannot be known stays unknown. */
void qs_doctor_look(qs_doctor_facts_t *f);
void qs_doctor_ask(qs_doctor_facts_t *f);

/* qs_doctor_probe sends datagrams through the real path and fills in *probe. */
void qs_doctor_probe(qs_doctor_probe_t *probe);

/* qs_doctor_judge asks every check. */
void qs_doctor_judge(qs_doctor_facts_t const *f, qs_diagnosis_t *d);

/* qs_doctor_umem returns the bytes that the net tiles' frames take. */
u64 qs_doctor_umem(qs_doctor_facts_t const *f);

char const *qs_severity_name(qs_severity_t severity);

#endif
