/* qs_contacts_file - where others were, kept in a file, so that a node finds back without an entrypoint.

       quickstep contacts 1 shred_version 4711
       <key, base58> <address>:<port>              one line each, whoever has proven its address

   The file is a hint and not trusted: what is no such line is skipped, and whoever is asked because of it has
   to prove itself as anybody.  The supervisor writes it, out of gossip's rows; gossip reads it at boot.

   Threads: any.  Blocks: on the file.  Allocates: libc's buffer. */

#ifndef QS_DISCO_GOSSIP_CONTACTS_FILE_H
#define QS_DISCO_GOSSIP_CONTACTS_FILE_H

#include "disco/gossip/qs_ip_echo_ask.h"
#include "disco/gossip/qs_peers.h"

#define QS_CONTACTS_MAX 4096u

/* qs_contacts_save replaces the file at path, whole or not at all, with the rows of others in p that are proven,
   QS_CONTACTS_MAX at most; with none it leaves it as it is.  Returns how many, or -errno. */
int qs_contacts_save(char const *path, qs_peers_t const *p);

/* qs_contacts_load reads addresses and the shred version they are of.  Returns how many, or -errno, -EPROTO if
   that is no such file. */
int qs_contacts_load(char const *path, qs_ip_echo_peer_t peer[QS_CONTACTS_MAX], u16 *shred_version);

#endif
