/* The headers of a datagram: read, and written in front of a payload that is copied and summed.
   256 frames whose headers lie in L1 or L2, as a net tile finds them. */

#include "bench/bench.h"
#include "waltz/ip/qs_frame.h"

#define FRAME_CNT 256u
#define FRAME_SZ  2048u

typedef struct bank {
    u32 payload_sz;
    u32 frame_sz;
    u8 *frame; /* FRAME_CNT of them */
} bank_t;

static u8 payload[1500];
static qs_frame_to_t to = {.src_ip = 0x0a4d0001,
                           .dst_ip = 0x0a4d0002,
                           .src_port = 5000,
                           .dst_port = 9000,
                           .vlan = QS_FRAME_NO_VLAN};

static void
parse(void *ctx)
{
    bank_t *b = ctx;
    for (u32 i = 0; i < FRAME_CNT; i++) {
        qs_frame_t out;
        qs_frame_reason_t reason = qs_frame_parse(b->frame + i * FRAME_SZ, b->frame_sz, &out);
        bench_use(&out);
        bench_use(&reason);
    }
}

static void
write_frames(void *ctx)
{
    bank_t *b = ctx;
    for (u32 i = 0; i < FRAME_CNT; i++)
        qs_frame_write(b->frame + i * FRAME_SZ, &to, payload, b->payload_sz);
}

static void
copy_only(void *ctx)
{
    bank_t *b = ctx;
    for (u32 i = 0; i < FRAME_CNT; i++) {
        u8 *frame = b->frame + i * FRAME_SZ;
        memcpy(frame + QS_FRAME_HDR_SZ, payload, b->payload_sz);
        bench_use(frame);
    }
}

int
main(int argc, char **argv)
{
    static bench_t b;
    static bank_t bank[2] = {{.payload_sz = 64}, {.payload_sz = 1232}};
    static char const *const what[2] = {"frame write, 64-byte payload",
                                        "frame write, 1232-byte payload"};
    bench_init(&b, "frame", argc, argv);
    for (u32 i = 0; i < 2; i++) {
        bank[i].frame = aligned_alloc(4096, FRAME_CNT * FRAME_SZ);
        bench_add(&b, &(bench_row_t){.what = what[i],
                                     .variant = "headers, copy and sum",
                                     .fn = write_frames,
                                     .ctx = &bank[i],
                                     .ops = FRAME_CNT});
        bench_add(&b, &(bench_row_t){.what = what[i],
                                     .variant = "memcpy of the payload alone",
                                     .fn = copy_only,
                                     .ctx = &bank[i],
                                     .ops = FRAME_CNT});
        write_frames(&bank[i]);
        bank[i].frame_sz = QS_FRAME_HDR_SZ + bank[i].payload_sz;
    }
    bench_add(&b, &(bench_row_t){.what = "frame parse",
                                 .variant = "no VLAN, no options",
                                 .fn = parse,
                                 .ctx = &bank[0],
                                 .ops = FRAME_CNT});
    return bench_run(&b);
}
