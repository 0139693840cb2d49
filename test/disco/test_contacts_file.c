/* Goal: who has proven its address is found again in the file, a file that is damaged costs only its damaged
   lines, and one that cannot be written whole leaves the old one as it is.  And the shred version is what
   genesis and hard forks make it.
   Method: rows written and read again; lines and files spoilt one by one; the genesis of a real cluster,
   where ../shared/vectors (QS_VECTORS) has it. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disco/gossip/qs_contacts_file.h"
#include "disco/gossip/qs_genesis.h"
#include "waltz/codec/qs_ip_echo.h"
#include "waltz/crypto/qs_sha256.h"

#define ROWS 16u

static qs_peers_t *rows;
static char dir[] = "/tmp/qs_contacts_XXXXXX", path[64], fresh[64];
static qs_ip_echo_peer_t peer[QS_CONTACTS_MAX];

static void
set_row(u32 idx, bool own, bool proven, u16 version)
{
    qs_peers_row_t row = {.shred_version = version, .own = own, .proven = proven};

    row.pubkey[0] = (u8)(idx + 1);
    row.ip[QS_PEERS_GOSSIP] = 0x0a000000 + idx;
    row.port[QS_PEERS_GOSSIP] = (u16)(8000 + idx);
    qs_peers_set(rows, idx, &row);
}

static void
begin(void)
{
    rows = aligned_alloc(QS_ALIGN, qs_align_up(qs_peers_footprint(ROWS), QS_ALIGN));
    cr_assert(eq(int, qs_peers_new(rows, ROWS), 0));
    cr_assert(mkdtemp(dir) != NULL);
    snprintf(path, sizeof(path), "%s/contacts", dir);
    snprintf(fresh, sizeof(fresh), "%s/contacts.new", dir);
}

static void
end(void)
{
    free(rows);
    unlink(path);
    rmdir(fresh);
    rmdir(dir);
}

TestSuite(contacts_file, .init = begin, .fini = end);

static void
write_text(char const *text)
{
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
}

Test(contacts_file, those_who_proved_their_address_are_found_again)
{
    u16 version = 0;

    set_row(3, true, true, 4711);
    set_row(5, false, true, 4711);
    set_row(6, false, false, 4711);
    set_row(7, false, true, 4712);
    set_row(9, false, true, 4711);
    cr_assert(eq(int, qs_contacts_save(path, rows), 2));
    cr_assert(eq(int, qs_contacts_load(path, peer, &version), 2));
    cr_assert(eq(u16, version, 4711));
    cr_assert(eq(u32, peer[0].ip, 0x0a000005));
    cr_assert(eq(u16, peer[0].port, 8005));
    cr_assert(eq(u32, peer[1].ip, 0x0a000009));

    /* a node that knows nobody, or itself not yet, does not lose what it knew */
    qs_peers_set(rows, 5, NULL);
    qs_peers_set(rows, 9, NULL);
    cr_assert(eq(int, qs_contacts_save(path, rows), 0));
    set_row(5, false, true, 4711);
    qs_peers_set(rows, 3, NULL);
    cr_assert(eq(int, qs_contacts_save(path, rows), 0));
    cr_assert(eq(int, qs_contacts_load(path, peer, &version), 2));
    cr_assert(ne(int, access(fresh, F_OK), 0));
}

Test(contacts_file, what_cannot_be_written_leaves_the_old_file)
{
    u16 version;

    set_row(3, true, true, 4711);
    set_row(5, false, true, 4711);
    cr_assert(eq(int, qs_contacts_save(path, rows), 1));
    cr_assert(eq(int, mkdir(fresh, 0700), 0)); /* in the way of the new one */
    cr_assert(eq(int, qs_contacts_save(path, rows), -EEXIST));
    cr_assert(eq(int, qs_contacts_load(path, peer, &version), 1));
    cr_assert(eq(int, qs_contacts_save("/nowhere/at/all", rows), -ENOENT));
}

#define HEAD "quickstep contacts 1 shred_version 4711\n"
#define KEY  "8opHzTAnfzRpPEx21XtnrVTX28YQuCpAjcn1PczScKh"

Test(contacts_file, a_damaged_line_is_skipped)
{
    static char const *const bad[] = {"\n",
                                      "x",
                                      KEY "\n",
                                      KEY " 10.0.0.1\n",
                                      KEY " 10.0.0.1:\n",
                                      KEY " 10.0.0.1:0\n",
                                      KEY " 10.0.0.1:65536\n",
                                      KEY " 10.0.0.256:1\n",
                                      KEY " 10.0.1:1\n",
                                      KEY "l 10.0.0.1:1\n",
                                      "0" KEY " 10.0.0.1:1\n",
                                      KEY " 10.0.0.1:1 x\n",
                                      KEY " 10.0.0.1:1"};
    char text[512];
    u16 version;

    for (u32 i = 0; i < QS_COUNT(bad); i++) {
        snprintf(text, sizeof(text), HEAD KEY " 10.0.0.7:70\n%s", bad[i]);
        write_text(text);
        cr_expect(eq(int, qs_contacts_load(path, peer, &version), 1), "%s", bad[i]);
    }
    write_text(HEAD "x\n" KEY " 10.0.0.7:70\n");
    cr_expect(eq(int, qs_contacts_load(path, peer, &version), 1));
    cr_expect(eq(u32, peer[0].ip, 0x0a000007));
}

Test(contacts_file, another_file_is_none)
{
    static char const *const bad[] = {"", "\n", "quickstep contacts 2 shred_version 4711\n",
                                      "quickstep contacts 1 shred_version 0\n",
                                      "quickstep contacts 1 shred_version 65536\n"};
    u16 version;

    cr_assert(eq(int, qs_contacts_load(path, peer, &version), -ENOENT));
    for (u32 i = 0; i < QS_COUNT(bad); i++) {
        write_text(bad[i]);
        cr_expect(eq(int, qs_contacts_load(path, peer, &version), -EPROTO), "%s", bad[i]);
    }
}

Test(contacts_file, hard_forks_are_read_as_slot_and_count)
{
    static char const *const bad[] = {
        "", "x", "-1", "1:", "1:x", "1:0", "1 2", "99999999999999999999"};
    qs_genesis_fork_t fork;

    cr_assert(qs_genesis_parse_fork(&fork, "0"));
    cr_assert(qs_genesis_parse_fork(&fork, "12:3"));
    cr_assert(eq(u64, fork.slot, 12));
    cr_assert(eq(u64, fork.cnt, 3));
    for (u32 i = 0; i < QS_COUNT(bad); i++)
        cr_expect(not(qs_genesis_parse_fork(&fork, bad[i])), "%s", bad[i]);
}

Test(contacts_file, genesis_and_forks_make_the_shred_version)
{
    qs_genesis_fork_t fork[] = {{7, 1}, {9, 2}};
    u8 hash[32];
    u16 version = 0;

    write_text("genesis");
    qs_sha256(hash, "genesis", 7);
    cr_assert(eq(int, qs_genesis_version(path, NULL, 0, &version), 0));
    cr_assert(eq(u16, version, qs_shred_version_of(hash)));
    qs_shred_version_fork(hash, 7, 1);
    qs_shred_version_fork(hash, 9, 2);
    cr_assert(eq(int, qs_genesis_version(path, fork, 2, &version), 0));
    cr_assert(eq(u16, version, qs_shred_version_of(hash)));
    fork[1].slot = 7;
    cr_assert(eq(int, qs_genesis_version(path, fork, 2, &version), -EINVAL));
    write_text("");
    cr_assert(eq(int, qs_genesis_version(path, NULL, 0, &version), -ENODATA));
    cr_assert(eq(int, qs_genesis_version(dir, NULL, 0, &version), -ENODATA));
    cr_assert(eq(int, qs_genesis_version("/nowhere", NULL, 0, &version), -ENOENT));
}

Test(contacts_file, a_real_genesis_makes_the_version_its_cluster_had)
{
    char const *vectors = getenv("QS_VECTORS");
    char file[512];
    u16 version = 0;

    snprintf(file, sizeof(file), "%s/live-leader/genesis.bin",
             vectors ? vectors : "../shared/vectors");
    if (access(file, R_OK))
        cr_skip_test("skipped: no %s", file);
    cr_assert(eq(int, qs_genesis_version(file, NULL, 0, &version), 0));
    cr_assert(eq(u16, version, 41383));
}
