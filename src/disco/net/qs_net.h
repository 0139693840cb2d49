/* qs_net - what the parts of the net tile share: its metrics, its state, and the ladder.

       qs_net_tile.c      the tile: sockets, requests to send, when to do what
       net/qs_net_xdp     the way of a packet through the XSK rings
       net/qs_net_frames  whose each frame is
       net/qs_net_socket  ordinary UDP sockets
       net/qs_net_route   where to: the netlink tile's mirror
       net/qs_net_unknown what waits for a neighbour's MAC (net/qs_net_wait)
       net/qs_net_link    the interface's counters
       net/qs_net_keep    the supervisor's half: sockets, XDP program, the rung

   The rungs of the ladder, from the best down.  A tile runs on the rung it was started with, or ends
   for one of the reasons below; the supervisor decides what comes next (DESIGN 8).

   Threads: the tile's own, but for net/qs_net_keep. */

#ifndef QS_DISCO_NET_H
#define QS_DISCO_NET_H

#include "disco/net/qs_net_frames.h"
#include "disco/net/qs_net_link.h"
#include "disco/net/qs_net_route.h"
#include "disco/net/qs_net_socket.h"
#include "disco/net/qs_net_wait.h"
#include "waltz/ip/qs_frame.h"

typedef enum qs_net_rung {
    QS_NET_ZERO_COPY, /* XDP in the driver, which writes into the UMEM */
    QS_NET_DRV,       /* XDP in the driver, the kernel copies */
    QS_NET_SKB,       /* XDP behind the driver */
    QS_NET_SOCKET,    /* ordinary UDP sockets alone */
    QS_NET_RUNG_CNT
} qs_net_rung_t;

/* Why a net tile ends and wants to be started again. */
typedef enum qs_net_exit {
    QS_NET_EXIT_REFUSED = QS_EXIT_FIRST_OWN, /* the XSK cannot be had on this rung */
    QS_NET_EXIT_STALL,                       /* the kernel drops what the ring had room for */
    QS_NET_EXIT_TX_STUCK,                    /* frames were not sent for a second */
    QS_NET_EXIT_GONE,                        /* the interface was deleted */
    QS_NET_EXIT_BUSY,                        /* the queue stayed busy with another socket */
    QS_NET_EXIT_END
} qs_net_exit_t;

/* What the supervisor tells the tile: indices of qs_tile_ctx_t.note. */
enum {
    QS_NET_NOTE_RUNG,
    QS_NET_NOTE_IFINDEX,
    QS_NET_NOTE_MAC,    /* qs_frame_mac */
    QS_NET_NOTE_IP,     /* what we send from */
    QS_NET_NOTE_DRAINS, /* this tile reads the ordinary sockets */
    QS_NET_NOTE_ROUND,  /* changes with whatever the tile must be started anew for */
};

/* clang-format off */
#define QS_NET_METRICS(COUNTER, GAUGE)                                                        \
    COUNTER(rx_datagram,     "datagrams received and published")                              \
    COUNTER(rx_bytes,        "payload bytes of those")                                        \
    COUNTER(rx_xdp,          "datagrams of those that came through the XSK")                  \
    COUNTER(rx_socket,       "datagrams of those that came through the ordinary sockets")     \
    COUNTER(rx_overflow,     "datagrams the kernel dropped because a socket's buffer was full") \
    COUNTER(rx_oversize,     "datagrams longer than the link's mtu, dropped")                 \
    COUNTER(rx_unwanted,     "datagrams to no port of ours, dropped")                         \
    COUNTER(rx_restart_lost, "datagrams taken from the kernel and lost because the tile died") \
    QS_FRAME_METRICS(COUNTER)                                                                 \
    COUNTER(tx_datagram,     "datagrams sent")                                                \
    COUNTER(tx_bytes,        "payload bytes of those")                                        \
    COUNTER(tx_xdp,          "datagrams of those that went through the XSK")                  \
    COUNTER(tx_bad_request,  "requests to send that were malformed, dropped")                 \
    COUNTER(tx_refused,      "datagrams the kernel refused to send")                          \
    COUNTER(tx_restart_lost, "datagrams given to the kernel and perhaps not sent because the tile died") \
    COUNTER(tx_neigh_wait,    "datagrams kept because their neighbour's MAC was not known yet") \
    COUNTER(tx_neigh_dropped, "datagrams dropped because one was kept for that neighbour already") \
    COUNTER(tx_neigh_full,    "datagrams dropped because as many were kept as there is room for") \
    COUNTER(tx_neigh_expired, "datagrams dropped because their neighbour did not answer")     \
    COUNTER(tx_full,         "times sending waited for the kernel to have sent something")    \
    COUNTER(rx_call,         "system calls made to receive")                                  \
    COUNTER(tx_call,         "system calls made to send")                                     \
    COUNTER(xsk_rx_dropped,  "frames the kernel had no use for: too long for a frame, mostly") \
    COUNTER(xsk_rx_invalid,  "fill ring entries the kernel refused")                          \
    COUNTER(xsk_rx_full,     "frames lost because the receive ring was full")                 \
    COUNTER(xsk_fill_empty,  "times the kernel found no frame to receive into")               \
    COUNTER(xsk_tx_invalid,  "send ring entries the kernel refused")                          \
    GAUGE(rung,              "0 zero copy, 1 driver, 2 generic (skb), 3 ordinary sockets")    \
    GAUGE(filter,            "0 the XDP program chooses by port, 1 the tile does")            \
    GAUGE(zero_copy,         "1 if the kernel says of the XSK that nothing is copied")        \
    GAUGE(busy_poll,         "1 with preferred busy polling")                                 \
    GAUGE(tx_neigh_waiting,  "datagrams kept now")                                            \
    COUNTER(if_rx_packets,   "packets the interface received, for whomever")                  \
    COUNTER(if_rx_dropped,   "packets the interface dropped on the way in")                   \
    COUNTER(if_tx_packets,   "packets the interface sent, of whomever")                       \
    COUNTER(if_tx_dropped,   "packets the interface dropped on the way out")                  \
    COUNTER(audit,           "times all frames were looked for")                              \
    COUNTER(audit_bad,       "audits that found a frame nowhere or twice")                    \
    GAUGE(frames,            "frames of the UMEM")                                            \
    GAUGE(frames_fill,       "frames in the fill ring")                                       \
    GAUGE(frames_kernel,     "frames the kernel holds between its rings")                     \
    GAUGE(frames_rx,         "frames in the receive ring")                                    \
    GAUGE(frames_line,       "frames that lines of the links own")                            \
    GAUGE(frames_tx,         "frames in the send ring")                                       \
    GAUGE(frames_completion, "frames in the completion ring")                                 \
    GAUGE(frames_spare,      "frames that wait for a use")                                    \
    GAUGE(frames_missing,    "frames that are nowhere")                                       \
    GAUGE(frames_twice,      "frames found in a second place")
/* clang-format on */

QS_METRICS_STRUCT(net, QS_NET_METRICS);

typedef struct qs_net_port {
    int fd;
    u32 out; /* UINT32_MAX: nobody reads it */
    u32 room_sz;
    u32 overflow; /* the kernel's count when we last heard; survives a restart, as the socket does */
    u16 number;
} qs_net_port_t;

#define QS_NET_NO_PORT 0xffu

typedef struct qs_net {
    net_metrics_t *m;
    qs_clock_t const *clock;
    u8 *mem; /* the workspace */
    qs_net_rung_t rung;
    bool drains; /* the ordinary sockets are ours to read */
    u32 starts;  /* of this tile, ever */
    u32 port_cnt;
    u32 next_port; /* whose turn it is to be drained first */
    u32 tx_done;   /* destinations of the request in hand that were served */
    u64 taken;     /* datagrams out of sockets, published or dropped by reason: see net_boot */
    u64 settled;
    qs_net_port_t port[QS_PORT_MAX];
    qs_net_frames_t frames;
    u32 ring_cnt; /* of the links out */
    qs_mcache_tx_t ring[QS_OUT_MAX];
    qs_mcache_tx_t const *ring_at[QS_OUT_MAX];
    int epoll_fd;
    u64 paced_ns;  /* when nothing was left to receive, after something; */
    u32 paced_cnt; /* as many came since */
    u64 gap_ns;    /* between two of them, smoothed */
    u64 drain_at;
    u64 look_at, audit_at, ask_at; /* when health, frames, neighbours are looked at next */

    qs_xsk_t xsk; /* fd -1 on rung SOCKET */
    u64 mac;
    u32 ip; /* what we send from; 0: what the route says */
    u16 ip_id;
    u32 rx_side, rx_goal; /* frames in fill, kernel and rx; as many as we want there */
    u32 tx_side, tx_max;  /* frames in tx, kernel and completion */
    u32 tx_unkicked;
    u64 tx_oldest_ns; /* of those: when it was put there */
    u64 flush_ns;
    u64 kick_at;           /* when the kernel is asked again to send what it left */
    bool held[QS_IN_MAX];  /* links of which a request is not kicked yet */
    u64 tx_down_until;     /* the interface was down: the sockets' turn to be refused */
    u64 rx_known, rx_done; /* datagrams seen in the rx ring, and dealt with; survive a restart */
    qs_xsk_stats_t stats;  /* as last read */
    u64 progress_ns;       /* when a frame was last known to be sent, or none waited */
    u64 done_before;       /* ... and what was done then */
    u32 tx_done_before;
    u32 tx_completed;
    u32 strikes;
    bool gone;
    qs_net_link_t link;
    qs_net_route_t route;
    qs_net_wait_t wait;
    u64 wait_at, wait_seq; /* when, and with which mirror, those are looked at next */
    u32 ask_out;           /* the link to the netlink tile, or UINT32_MAX */
    qs_net_socket_t rx_sock, tx_sock;
    u8 port_of[65536]; /* index of a port, or QS_NET_NO_PORT */
} qs_net_t;

#endif
