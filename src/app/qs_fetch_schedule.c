/* fetch-schedule URL DIR - asks an RPC server which leader has which slot, of this epoch and the next, and
   keeps what it says in DIR.  The supervisor starts it (disco/shred/qs_schedule.h); it is no command for
   people, and does no more than that.

   The server is not trusted.  An answer has a size, a time and a form: what is larger, later, a redirect
   or none of ours to believe (qs_leaders_json.h) is refused, and what was kept before stays.  Before the
   first byte arrives this process has no capabilities, cannot gain any, and has little memory.

   libcurl is loaded here alone: no tile has it in its address space. */

#include <curl/curl.h>
#include <dlfcn.h>
#include <jansson.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cap-ng.h>

#include "app/qs_cmd.h"
#include "disco/shred/qs_leaders_json.h"

#define ANSWER_MAX  (16u << 20)
#define ANSWER_MS   10000
#define CONNECT_MS  5000
#define MEMORY_MAX  (512ull << 20)
#define CPU_SECONDS 30
#define IDENT_MAX   16384u
#define SLOT_MAX    (1u << 20)

#define CURL_FUNCTIONS(X)                                                                          \
    X(curl_global_init)                                                                            \
    X(curl_easy_init)                                                                              \
    X(curl_easy_setopt)                                                                            \
    X(curl_easy_perform) X(curl_easy_getinfo) X(curl_easy_strerror) X(curl_slist_append)

static struct {
#define CURL_FIELD_(name) __typeof__(name) *name##_;
    CURL_FUNCTIONS(CURL_FIELD_)
} lib;

typedef struct fetch {
    char const *url;
    CURL *curl;
    char *answer;
    u64 sz;
    bool too_big;
    qs_epoch_t schedule;
    u64 epoch;
    qs_leaders_t leaders;
    void *mem;
    qs_leaders_stake_t *stake;
} fetch_t;

static bool
load_curl(void)
{
    void *so = dlopen("libcurl.so.4", RTLD_NOW);
    bool all = so != NULL;
#define CURL_LOAD_(name) all = all && (lib.name##_ = (__typeof__(name) *)dlsym(so, #name)) != NULL;
    CURL_FUNCTIONS(CURL_LOAD_)
    if (!all)
        fprintf(stderr, "fetch-schedule: no libcurl: %s\n", dlerror());
    return all && !lib.curl_global_init_(CURL_GLOBAL_DEFAULT);
}

/* shed gives up what an attacker behind the server could want. */
static void
shed(void)
{
    struct rlimit memory = {MEMORY_MAX, MEMORY_MAX}, cpu = {CPU_SECONDS, CPU_SECONDS};
    struct rlimit file = {ANSWER_MAX, ANSWER_MAX}, core = {0, 0};
    capng_clear(CAPNG_SELECT_BOTH);
    (void)capng_apply(CAPNG_SELECT_BOTH);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)setrlimit(RLIMIT_AS, &memory);
    (void)setrlimit(RLIMIT_CPU, &cpu);
    (void)setrlimit(RLIMIT_FSIZE, &file);
    (void)setrlimit(RLIMIT_CORE, &core);
}

static size_t
take(char *data, size_t size, size_t cnt, void *ctx)
{
    fetch_t *f = ctx;
    u64 sz = size * cnt;
    f->too_big |= sz > ANSWER_MAX - f->sz;
    if (f->too_big)
        return 0;
    memcpy(f->answer + f->sz, data, sz);
    f->sz += sz;
    return sz;
}

/* ask has the server answer one question.  Returns false after a line on stderr. */
static bool
ask(fetch_t *f, char const *method, char const *params)
{
    char body[256];
    long code = 0;
    snprintf(body, sizeof(body), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}",
             method, params);
    f->sz = 0;
    f->too_big = false;
    lib.curl_easy_setopt_(f->curl, CURLOPT_POSTFIELDS, body);
    CURLcode err = lib.curl_easy_perform_(f->curl);
    if (!err)
        lib.curl_easy_getinfo_(f->curl, CURLINFO_RESPONSE_CODE, &code);
    if (!err && code == 200)
        return true;
    fprintf(stderr, "fetch-schedule: %s: %s", method,
            f->too_big ? "the answer is too large"
            : err      ? lib.curl_easy_strerror_(err)
                       : "HTTP status ");
    fprintf(stderr, err ? "\n" : "%ld\n", code);
    return false;
}

static bool
refuse(char const *method, char const *why)
{
    fprintf(stderr, "fetch-schedule: %s: %s\n", method, why);
    return false;
}

/* keep writes the answer under a name, whole or not at all. */
static bool
keep(fetch_t const *f, char const *name)
{
    FILE *out = fopen("new", "w");
    bool good = out && fwrite(f->answer, 1, f->sz, out) == f->sz;
    good &= out && !fclose(out);
    if (good && !rename("new", name))
        return true;
    fprintf(stderr, "fetch-schedule: %s: %s\n", name, strerror(errno));
    return false;
}

/* ask_epoch finds out which epoch this is. */
static bool
ask_epoch(fetch_t *f)
{
    json_error_t err;
    if (!ask(f, "getEpochInfo", "[{\"commitment\":\"finalized\"}]"))
        return false;
    json_t *root = json_loadb(f->answer, f->sz, JSON_REJECT_DUPLICATES, &err);
    json_t *epoch = json_object_get(json_object_get(root, "result"), "epoch");
    bool good = json_is_integer(epoch) && json_integer_value(epoch) >= 0 &&
                json_integer_value(epoch) < 1 << 30;
    f->epoch = good ? (u64)json_integer_value(epoch) : 0;
    json_decref(root);
    if (!good)
        return refuse("getEpochInfo", "it says no epoch");
    if (!ask(f, "getEpochSchedule", "[]"))
        return false;
    qs_leaders_reason_t why = qs_epoch_json_parse(&f->schedule, f->answer, f->sz);
    if (why)
        return refuse("getEpochSchedule", qs_leaders_reason_text(why));
    return keep(f, "epoch-schedule.json");
}

/* ask_leaders fetches the schedule of an epoch, unless it is here. */
static bool
ask_leaders(fetch_t *f, u64 epoch)
{
    char name[64], params[64];
    qs_leaders_json_t json = {.epoch = epoch, .schedule = &f->schedule};
    snprintf(name, sizeof(name), "leaders-%lu.json", epoch);
    if (!access(name, R_OK))
        return true;
    snprintf(params, sizeof(params), "[%lu]", qs_epoch_first_slot(&f->schedule, epoch));
    if (!ask(f, "getLeaderSchedule", params))
        return false;
    qs_leaders_reason_t why = qs_leaders_json_parse(&f->leaders, &json, f->answer, f->sz);
    return why ? refuse("getLeaderSchedule", qs_leaders_reason_text(why)) : keep(f, name);
}

/* ask_stakes fetches what the tree is weighed by.  Without it all are equal. */
static void
ask_stakes(fetch_t *f)
{
    char name[64];
    qs_leaders_json_t json = {
        .epoch = f->epoch, .schedule = &f->schedule, .stake = f->stake, .stake_max = IDENT_MAX};
    snprintf(name, sizeof(name), "stakes-%lu.json", f->epoch);
    if (!access(name, R_OK) || !ask(f, "getVoteAccounts", "[]"))
        return;
    qs_leaders_reason_t why = qs_leaders_json_parse(&f->leaders, &json, f->answer, f->sz);
    if (why)
        refuse("getVoteAccounts", qs_leaders_reason_text(why));
    else
        keep(f, name);
}

static bool
prepare(fetch_t *f)
{
    u64 sz = qs_leaders_footprint(IDENT_MAX, SLOT_MAX);
    f->mem = aligned_alloc(QS_ALIGN, qs_align_up(sz, QS_ALIGN));
    f->answer = malloc(ANSWER_MAX);
    f->stake = malloc(IDENT_MAX * sizeof(*f->stake));
    if (!f->mem || !f->answer || !f->stake || !load_curl() || !(f->curl = lib.curl_easy_init_()))
        return false;
    qs_leaders_init(&f->leaders, f->mem, IDENT_MAX, SLOT_MAX, (qs_hash_key_t){1, 2});
    struct curl_slist *head = lib.curl_slist_append_(NULL, "Content-Type: application/json");
    lib.curl_easy_setopt_(f->curl, CURLOPT_URL, f->url);
    lib.curl_easy_setopt_(f->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    lib.curl_easy_setopt_(f->curl, CURLOPT_FOLLOWLOCATION, 0L);
    lib.curl_easy_setopt_(f->curl, CURLOPT_NOSIGNAL, 1L);
    lib.curl_easy_setopt_(f->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    lib.curl_easy_setopt_(f->curl, CURLOPT_TIMEOUT_MS, (long)ANSWER_MS);
    lib.curl_easy_setopt_(f->curl, CURLOPT_HTTPHEADER, head);
    lib.curl_easy_setopt_(f->curl, CURLOPT_WRITEFUNCTION, take);
    lib.curl_easy_setopt_(f->curl, CURLOPT_WRITEDATA, f);
    return true;
}

int
qs_cmd_fetch_schedule(int argc, char **argv, qs_topo_t const *const *topos)
{
    static fetch_t f;
    (void)topos;
    if (argc != 3)
        return 2;
    f.url = argv[1];
    if (chdir(argv[2])) {
        fprintf(stderr, "fetch-schedule: %s: %s\n", argv[2], strerror(errno));
        return 1;
    }
    umask(022);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!prepare(&f))
        return 1;
    shed();
    if (!ask_epoch(&f) || !ask_leaders(&f, f.epoch))
        return 1;
    ask_stakes(&f);
    ask_leaders(&f, f.epoch + 1);
    return 0;
}
