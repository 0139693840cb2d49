/* Writes the corpus of test/fuzz/fuzz_gossip.c: a datagram of each kind and with each value.

   usage: cc -Isrc -Itest contrib/gossip_corpus.c build/libquickstep.a -o x && ./x DIRECTORY */

#include "waltz/gossip_samples.h"

static void
put(char const *dir, char const *name, u8 const *data, u32 sz)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data, 1, sz, f) != sz || fclose(f)) {
        perror(path);
        exit(1);
    }
}

int
main(int argc, char **argv)
{
    static char const *const names[QS_CRDS_KIND_CNT] = {
        [QS_CRDS_VOTE] = "vote",
        [QS_CRDS_LOWEST_SLOT] = "lowest_slot",
        [QS_CRDS_EPOCH_SLOTS] = "epoch_slots",
        [QS_CRDS_DUPLICATE_SHRED] = "duplicate_shred",
        [QS_CRDS_SNAPSHOT_HASHES] = "snapshot_hashes",
        [QS_CRDS_CONTACT_INFO] = "contact_info",
        [QS_CRDS_RESTART_SLOTS] = "restart_slots",
        [QS_CRDS_RESTART_FORK] = "restart_fork"};
    u8 room[QS_GOSSIP_MTU], sig[64] = {1};

    if (argc != 2)
        return 2;
    for (u32 kind = 0; kind < QS_CRDS_KIND_CNT; kind++)
        if (names[kind])
            put(argv[1], names[kind], room,
                sample_push(room, sizeof(room), QS_GOSSIP_PUSH, kind, 1 + kind % 3));
    put(argv[1], "pull_response", room,
        sample_push(room, sizeof(room), QS_GOSSIP_PULL_RESPONSE, QS_CRDS_CONTACT_INFO, 5));
    put(argv[1], "pull_request", room, sample_pull_request(room, sizeof(room)));
    put(argv[1], "prune", room, sample_prune(room, sizeof(room), 2));
    put(argv[1], "ping", room,
        qs_gossip_write_ping(room, sizeof(room), QS_GOSSIP_PING, sample_key, sample_key, sig));
    put(argv[1], "pong", room,
        qs_gossip_write_ping(room, sizeof(room), QS_GOSSIP_PONG, sample_key, sample_key, sig));
    return 0;
}
