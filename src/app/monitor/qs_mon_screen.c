#include "app/monitor/qs_mon_screen.h"

#include <curses.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static struct termios before;
static SCREEN *screen;
static volatile sig_atomic_t asked; /* written by a handler of this thread */
static char give_back[256];

static void
on_end(int sig)
{
    (void)sig;
    asked = 1;
}

/* on_crash gives the terminal back with nothing but system calls, and dies of the same signal. */
static void
on_crash(int sig)
{
    ssize_t wrote = write(1, give_back, strlen(give_back));
    (void)wrote;
    tcsetattr(0, TCSANOW, &before);
    signal(sig, SIG_DFL);
    raise(sig);
}

static void
catch_signals(void)
{
    static int const ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    static int const crashes[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    struct sigaction end = {.sa_handler = on_end};
    struct sigaction crash = {.sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND};

    for (u32 i = 0; i < QS_COUNT(ends); i++)
        sigaction(ends[i], &end, NULL);
    for (u32 i = 0; i < QS_COUNT(crashes); i++)
        sigaction(crashes[i], &crash, NULL);
}

static void
choose_colours(void)
{
    char const *no = getenv("NO_COLOR");

    if ((no && *no) || !has_colors())
        return;
    start_color();
    use_default_colors();
    init_pair(QS_MON_GOOD, COLOR_GREEN, -1);
    init_pair(QS_MON_WARN, COLOR_YELLOW, -1);
    init_pair(QS_MON_BAD, COLOR_RED, -1);
}

/* note_give_back remembers how this terminal is given back. */
static void
note_give_back(void)
{
    static char const *const name[] = {"sgr0", "cnorm", "rmcup"};

    give_back[0] = 0;
    for (u32 i = 0; i < QS_COUNT(name); i++) {
        char const *text = tigetstr(name[i]);
        if (text && text != (char const *)-1 && strlen(give_back) + strlen(text) < 255)
            strcat(give_back, text);
    }
}

int
qs_mon_screen_open(void)
{
    if (!isatty(0) || !isatty(1) || tcgetattr(0, &before))
        return -ENOTTY;
    screen = newterm(NULL, stdout, stdin);
    if (!screen)
        return -ENOTTY;
    note_give_back();
    catch_signals();
    choose_colours();
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    set_escdelay(50);
    /* ncurses writes each piece of a frame by itself until it has come back from endwin once. */
    endwin();
    refresh();
    curs_set(0);
    return 0;
}

void
qs_mon_screen_close(void)
{
    endwin();
    delscreen(screen);
    screen = NULL;
}

void
qs_mon_screen_size(u32 *w, u32 *h)
{
    *w = (u32)COLS;
    *h = (u32)LINES;
}

static attr_t
look_of(u8 tone)
{
    static attr_t const plain[QS_MON_TONE_CNT] = {A_NORMAL, A_BOLD, A_NORMAL,
                                                  A_BOLD,   A_BOLD, A_REVERSE};
    attr_t look = plain[tone];

    if (tone >= QS_MON_GOOD && tone <= QS_MON_BAD)
        look |= (attr_t)COLOR_PAIR(tone);
    return look;
}

void
qs_mon_screen_show(qs_mon_cells_t const *c)
{
    static chtype line[QS_MON_W_MAX];

    erase();
    for (u32 y = 0; y < c->h; y++) {
        for (u32 x = 0; x < c->w; x++)
            line[x] = (chtype)(u8)c->text[y][x] | look_of(c->tone[y][x]);
        mvaddchnstr((int)y, 0, line, (int)c->w);
    }
    refresh();
}

int
qs_mon_screen_key(int timeout_ms)
{
    static struct {
        int curses, ours;
    } const keys[] = {{KEY_UP, QS_MON_KEY_UP},
                      {KEY_DOWN, QS_MON_KEY_DOWN},
                      {KEY_LEFT, QS_MON_KEY_LEFT},
                      {KEY_RIGHT, QS_MON_KEY_RIGHT},
                      {KEY_PPAGE, QS_MON_KEY_PAGE_UP},
                      {KEY_NPAGE, QS_MON_KEY_PAGE_DOWN},
                      {KEY_HOME, QS_MON_KEY_HOME},
                      {KEY_END, QS_MON_KEY_END},
                      {KEY_BACKSPACE, QS_MON_KEY_BACK},
                      {127, QS_MON_KEY_BACK},
                      {8, QS_MON_KEY_BACK},
                      {KEY_BTAB, QS_MON_KEY_BACK_TAB},
                      {KEY_RESIZE, QS_MON_KEY_NONE}};

    timeout(asked ? 0 : timeout_ms);
    int key = getch();
    if (asked)
        return QS_MON_KEY_QUIT;
    for (u32 i = 0; i < QS_COUNT(keys); i++)
        if (key == keys[i].curses)
            return keys[i].ours;
    return key > 0 && key < 256 ? key : QS_MON_KEY_NONE;
}
