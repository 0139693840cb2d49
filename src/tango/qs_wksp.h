/* qs_wksp - what lies in a workspace: a header, a directory, and named objects.

       0           128               QS_WKSP_OBJECTS_OFF                           sz
       +-----------+-----------------+--------+-------------------+-----------------+
       | header    | directory of    | object | object            |  rest of the    |
       | magic ... | <= 256 objects  |        | (aligned as asked)|  last page      |
       +-----------+-----------------+--------+-------------------+-----------------+

   Everything is an offset from the start, so that it may be mapped anywhere.  The supervisor plans
   and creates; the others join.  What joins trusts nothing: it copies header and directory to
   private memory, checks the copy, and finds objects by the copy, so a neighbour who writes to
   the shared directory afterwards moves nothing.  What lies in an object is its own affair.

   Threads: a handle may be shared for find.  Blocks: never.  Allocates: the mapping.
   Needs: nothing. */

#ifndef QS_TANGO_WKSP_H
#define QS_TANGO_WKSP_H

#include "tango/base/qs_base.h"
#include "tango/qs_shm.h"

#define QS_WKSP_ABI        1u
#define QS_WKSP_OBJECT_MAX 256u
#define QS_WKSP_NAME_SZ    40u   /* with the terminating 0 */
#define QS_WKSP_ALIGN_MAX  4096u /* any mapping is aligned to that */

typedef struct qs_wksp_object {
    char name[QS_WKSP_NAME_SZ];
    u32 kind; /* the caller's; not looked at here */
    u32 zero;
    u64 off;
    u64 sz;
} qs_wksp_object_t;

typedef struct qs_wksp_header {
    u64 magic; /* stored last, released */
    u32 abi;
    u32 object_cnt;
    u64 layout_hash; /* of the topology that the offsets come from */
    u64 sz;          /* of the whole workspace: a multiple of page_sz */
    u64 page_sz;
    u64 creator_pid;
    u64 created_ns; /* since 1970 */
    u64 zero[9];
} qs_wksp_header_t;

_Static_assert(sizeof(qs_wksp_object_t) == 64, "qs_wksp_object_t is shared memory ABI");
_Static_assert(sizeof(qs_wksp_header_t) == QS_ALIGN, "qs_wksp_header_t is shared memory ABI");

#define QS_WKSP_OBJECTS_OFF                                                                        \
    (sizeof(qs_wksp_header_t) + QS_WKSP_OBJECT_MAX * sizeof(qs_wksp_object_t))

_Static_assert(QS_WKSP_OBJECTS_OFF % QS_ALIGN == 0, "the first object is aligned");

/* A plan says what will lie where.  It starts as {0}. */
typedef struct qs_wksp_plan {
    u64 end; /* 0, or where the last object ends */
    u32 cnt;
    int err; /* the first thing that was wrong, as -errno */
    qs_wksp_object_t object[QS_WKSP_OBJECT_MAX];
} qs_wksp_plan_t;

typedef struct qs_wksp {
    u8 *mem; /* null: not mapped */
    u64 map_sz;
    bool writable;
    qs_wksp_header_t header;
    qs_wksp_object_t object[QS_WKSP_OBJECT_MAX]; /* header.object_cnt, checked, ours */
    char why[160];                               /* a sentence, when join or create failed */
} qs_wksp_t;

/* qs_wksp_plan_add places an object of sz bytes at a multiple of align (a power of two up to
   QS_WKSP_ALIGN_MAX; less than QS_ALIGN counts as QS_ALIGN).  name is 1 to 39 printable characters
   without space.  Returns its offset, or 0, and then plan->err is -EINVAL, -EEXIST (name),
   -ENOSPC (objects) or -EOVERFLOW. */
u64 qs_wksp_plan_add(qs_wksp_plan_t *plan, char const *name, u32 kind, u64 sz, u64 align);

/* qs_wksp_plan_size returns the bytes the plan needs, for qs_shm_create, or 0 if an add failed. */
u64 qs_wksp_plan_size(qs_wksp_plan_t const *plan);

/* qs_wksp_create formats shm by plan and leaves it mapped for writing.  The objects' bytes are as
   they were: 0 in new memory.  Returns 0, plan->err, -EBADF (opened for reading), -ENOSPC, or what
   mmap said. */
int qs_wksp_create(qs_wksp_t *w, qs_shm_t const *shm, qs_wksp_plan_t const *plan, u64 layout_hash);

typedef enum qs_wksp_mode {
    QS_WKSP_RO,      /* the look of a monitor: nothing is touched */
    QS_WKSP_RO_WARM, /* all page table entries made now: no fault later */
    QS_WKSP_RW_WARM,
} qs_wksp_mode_t;

/* qs_wksp_join maps and checks the workspace in fd, which stays the caller's and may be closed.
   layout_hash 0 joins any topology's.  Returns 0, or with w->why telling more than
       -EPROTO           not a quickstep workspace (or not finished)
       -EPROTONOSUPPORT  made by another version
       -ESTALE           made for another topology
       -ENODATA          truncated
       -EILSEQ           corrupt header or directory
       -EACCES           fd does not allow writing
   or what the kernel said. */
int qs_wksp_join(qs_wksp_t *w, int fd, u64 layout_hash, qs_wksp_mode_t mode);

/* qs_wksp_unmap ends what create or join began; all pointers into it die. */
void qs_wksp_unmap(qs_wksp_t *w);

/* qs_wksp_find returns the object of that name, or null. */
qs_wksp_object_t const *qs_wksp_find(qs_wksp_t const *w, char const *name);

/* qs_wksp_addr returns where offset off is mapped, or null if sz bytes from there do not lie in the
   workspace.  The memory is writable if w->writable. */
void *qs_wksp_addr(qs_wksp_t const *w, u64 off, u64 sz);

/* qs_wksp_object_addr is qs_wksp_addr of a whole object by name; null if there is none of that
   name, or if it is smaller than sz. */
void *qs_wksp_object_addr(qs_wksp_t const *w, char const *name, u64 sz);

#endif
