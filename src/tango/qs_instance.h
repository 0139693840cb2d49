/* qs_instance - one run of quickstep: a directory, a lock, and a record of its files.

       <tmpfs>/quickstep-<uid>/          0755: who else may look, may not write
           .lock                         create, remove and reap happen one at a time
           <instance>/                   0700, or 0750 for a group of readers; one per run
               lock                      alive <=> locked whole; holds the supervisor's pid
               files                     every path, written down before it is created
               <name>.wksp               workspaces in 4 KiB pages
       <hugetlbfs>/quickstep-<uid>.<instance>.<name>       workspaces in huge pages

   <tmpfs> is /dev/shm if that is a tmpfs, else $XDG_RUNTIME_DIR if that is one.  With neither an
   instance is anonymous: it has no directory, nobody can find it, nothing of it outlives it.

   The supervisor creates the instance and lives with the lock; when it dies, however it dies, the
   kernel lets go of the lock and the files stay, to be read, until the next start removes them.
   The lock is an open-file-description lock, because readers can ask about one without taking it:
   a monitor that looks can never make a supervisor's start fail.  It is close-on-exec; a child
   that is forked and not exec'd keeps the instance alive.

   Threads: one per handle.  Blocks: create, remove and reap wait for one another; the rest never.
   Allocates: stdio buffers.  Needs: Linux 3.15, /proc for nothing. */

#ifndef QS_TANGO_INSTANCE_H
#define QS_TANGO_INSTANCE_H

#include <sys/stat.h>
#include <sys/types.h>

#include "tango/base/qs_base.h"

#define QS_INSTANCE_NAME_MAX 32u /* of an instance, and of a workspace in it */
#define QS_INSTANCE_PATH_MAX 512u

typedef struct qs_instance {
    char name[QS_INSTANCE_NAME_MAX + 1];
    uid_t uid;
    pid_t pid;   /* the supervisor's, 0 if unknown; set too when create says -EBUSY */
    int dir_fd;  /* -1: anonymous */
    int lock_fd; /* -1: anonymous */
    bool owner;  /* made by create: may add files */
    bool group;  /* readable by the group */
} qs_instance_t;

typedef struct qs_instance_info {
    char name[QS_INSTANCE_NAME_MAX + 1];
    bool alive;
    pid_t pid;
    u64 bytes; /* memory its workspaces hold */
} qs_instance_info_t;

/* qs_instance_name_ok says whether name is 1 to 32 of [a-z0-9_-], which is what instances and
   workspaces may be called. */
bool qs_instance_name_ok(char const *name);

/* qs_instance_root writes the tmpfs that instances live in.  Returns 0, or -ENOENT if there is none
   that we may write to, or -ENAMETOOLONG. */
int qs_instance_root(char *out, u64 out_sz);

/* qs_instance_create starts an instance of the effective user and holds its lock until
   qs_instance_close or death.  The files of a dead one of this name are removed first, those that
   it recorded and no others; *stale_bytes is the memory that came free.  Returns 0 (anonymous if
   there is no tmpfs), -EINVAL (name), -EBUSY if it is alive, -EPERM if a directory on the way is a
   link or not ours or others may write to it, -ENOTEMPTY if somebody put files of his own into the
   dead one's directory, or what the kernel said. */
int qs_instance_create(qs_instance_t *inst, char const *name, bool group, u64 *stale_bytes);

/* qs_instance_open finds the instance of user uid, alive or dead, for reading.  The handle stays
   with that run: after a restart it says dead, and a new open finds the new run.  Returns 0,
   -EINVAL, -ENOENT, -EACCES if uid lets us not, or -EPERM as above. */
int qs_instance_open(qs_instance_t *inst, uid_t uid, char const *name);

/* qs_instance_alive says whether the supervisor lives; also true of our own. */
bool qs_instance_alive(qs_instance_t const *inst);

/* qs_instance_close closes the handle's files.  The owner's lock goes with it and the instance is
   then dead; its workspaces stay. */
void qs_instance_close(qs_instance_t *inst);

/* qs_instance_remove removes a dead instance of the effective user.  *bytes is the memory that came
   free.  Returns 0, or as qs_instance_create, or -ENOENT. */
int qs_instance_remove(char const *name, u64 *bytes);

/* qs_instance_reap removes every dead instance of the effective user but the one named except
   (may be null).  *bytes is the memory that came free.  Returns how many were removed, or
   -errno if the directory of instances cannot be used; one that resists is left out. */
int qs_instance_reap(char const *except, u64 *bytes);

/* qs_instance_list calls each for every instance of user uid until it returns other than 0, and
   returns that, or 0 (also when there are none), or -EPERM or another -errno. */
int qs_instance_list(uid_t uid, int (*each)(void *ctx, qs_instance_info_t const *info), void *ctx);

/* qs_instance_files calls each with every recorded workspace's name and path (relative to dir_fd or
   absolute) until it returns other than 0, and returns that, or 0, or -errno.  A recorded file need
   not exist: it was perhaps never made. */
int qs_instance_files(qs_instance_t const *inst,
                      int (*each)(void *ctx, char const *name, char const *path), void *ctx);

/* qs_instance_path writes where workspace name lies on a hugetlbfs mount, or in the instance's
   directory if mount is null.  Returns 0 or -ENAMETOOLONG. */
int qs_instance_path(qs_instance_t const *inst, char const *mount, char const *name, char *out,
                     u64 out_sz);

/* qs_instance_record writes path down; only then may the file be created.  Returns 0, -EPERM if we
   are not the owner, -EINVAL (a newline in it), -ENOSPC, or what the kernel said. */
int qs_instance_record(qs_instance_t *inst, char const *path);

/* qs_instance_unrecord takes back the last record, which is path, because its file is gone or turned
   out to be another's.  Returns 0, or -EIO or what the kernel said; a record too many only
   matters if the file is another's. */
int qs_instance_unrecord(qs_instance_t *inst, char const *path);

/* qs_instance_file_open opens a recorded path for reading and fills *st and *page_sz.  Returns the
   fd, or -EPERM if it is not a regular file of the instance's user on tmpfs or hugetlbfs, or what
   the kernel said. */
int qs_instance_file_open(qs_instance_t const *inst, char const *path, struct stat *st,
                          u64 *page_sz);

#endif
