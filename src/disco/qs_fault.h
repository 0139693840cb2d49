/* qs_fault - faults that tests put where a machine that works has none.

   Only test programs set them (test/e2e/quickstep_fault.c: --fault NAME,...); quickstep itself has
   no way to.  They are looked at once a batch or less.

   Threads: set before any tile runs, constant afterwards. */

#ifndef QS_DISCO_FAULT_H
#define QS_DISCO_FAULT_H

#include "tango/base/qs_base.h"

#define QS_FAULTS(X)                                                                               \
    X(NET_STALL, "net.stall")                     /* nothing is taken from the receive ring */     \
    X(NET_TX_STUCK, "net.tx_stuck")               /* the kernel never says that it sent */         \
    X(NET_BIND_EOPNOTSUPP, "net.bind_eopnotsupp") /* no XSK on a driver rung */                    \
    X(NET_BIND_EBUSY, "net.bind_ebusy")           /* no XSK on any rung */                         \
    X(NET_REBIND_EBUSY, "net.rebind_ebusy")       /* no XSK at a tile's second and third start */  \
    X(NET_LEAK, "net.leak")                       /* now and then a frame is forgotten */          \
    X(DOCTOR_DAMAGE, "doctor.damage")             /* what the probe receives is not what was sent */

/* What an attack from within a tile's sandbox is told.  The attack itself is the test program's. */
typedef struct qs_fault_attack {
    int supervisor; /* its process */
    void *foreign;  /* a workspace that the tile may only read; NULL: it has no neighbour */
} qs_fault_attack_t;

/* Called by every tile at its first start, once it is in its sandbox; NULL: nobody attacks.  A tile
   that dies of it is started again, whatever its row says. */
extern void (*qs_fault_attack)(qs_fault_attack_t const *attack);

#define QS_FAULT_ENUM_(NAME, name) QS_FAULT_##NAME,
typedef enum qs_fault { QS_FAULTS(QS_FAULT_ENUM_) QS_FAULT_CNT } qs_fault_t;

extern u32 qs_fault_bits_;

/* qs_fault says whether that fault is on. */
QS_INLINE bool
qs_fault(qs_fault_t fault)
{
    return qs_unlikely(qs_fault_bits_ >> fault & 1);
}

/* qs_fault_set switches the faults of a comma-separated list on.  Returns 0 or -EINVAL. */
int qs_fault_set(char const *names);

#endif
