/* The end record: what happened, for the termination message and the log's last frame. */
#include "runner.h"

/* Year, month and day of a day counted from 1970-01-01: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
static void date(long long days, unsigned *year, unsigned *month, unsigned *day) {
    unsigned long long shifted = (unsigned long long)(days + 719468);
    unsigned in_era = (unsigned)(shifted % 146097);
    unsigned of_era = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    unsigned of_year = in_era - (365 * of_era + of_era / 4 - of_era / 100);
    unsigned from_march = (5 * of_year + 2) / 153;
    *day = of_year - (153 * from_march + 2) / 5 + 1;
    *month = from_march < 10 ? from_march + 3 : from_march - 9;
    *year = of_era + (unsigned)(shifted / 146097) * 400 + (*month <= 2);
}

static void add_time(struct text *text, const struct timespec *when) {
    long long seconds = when->tv_sec > 0 ? when->tv_sec : 0;
    unsigned year, month, day, of_day = (unsigned)(seconds % 86400);
    date(seconds / 86400, &year, &month, &day);
    const struct { const char *before; unsigned number; int width; } parts[] = {
        {"\"", year, 4},          {"-", month, 2},
        {"-", day, 2},            {"T", of_day / 3600, 2},
        {":", of_day / 60 % 60, 2}, {":", of_day % 60, 2},
        {".", (unsigned)(when->tv_nsec / 1000000), 3},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        text_add(text, parts[i].before);
        text_add_padded(text, parts[i].number, parts[i].width);
    }
    text_add(text, "Z\"");
}

static void add_name(struct text *text, const char *name) {
    text_add(text, ",\"");
    text_add(text, name);
    text_add(text, "\":");
}

static void add_number(struct text *text, const char *name, long long number) {
    add_name(text, name);
    text_add_number(text, number);
}

static void add_flag(struct text *text, const char *name, int flag) {
    add_name(text, name);
    text_add(text, flag ? "true" : "false");
}

size_t record_text(char *space, size_t size, const struct script *script, int docker_asked) {
    char digest[65];
    struct usage usage;
    struct text text;
    usage_read(&usage);
    digest_hex(digest);
    text_begin(&text, space, size);
    text_add(&text, "{\"version\":1");
    add_number(&text, "exitCode", script->exit_code);
    add_number(&text, "signal", script->signal);
    add_flag(&text, "terminated", script->term);
    add_flag(&text, "timedOut", script->timed_out);
    add_number(&text, "startError", script->start_error);
    add_number(&text, "leftBehind", script->left);
    /* The record itself is the last frame. */
    add_number(&text, "lastSeq", (long long)totals.seq + 1);
    add_number(&text, "lines", (long long)totals.lines);
    add_number(&text, "bytes", (long long)totals.bytes);
    add_name(&text, "sha256");
    text_add(&text, "\"");
    text_add(&text, digest);
    text_add(&text, "\"");
    add_name(&text, "started");
    add_time(&text, &script->started);
    add_name(&text, "finished");
    add_time(&text, &script->finished);
    add_number(&text, "cpuMs", usage.cpu_ms);
    add_number(&text, "throttledMs", usage.throttled_ms);
    add_number(&text, "memoryPeak", usage.memory_peak);
    add_number(&text, "oomKills", usage.oom_kills);
    add_number(&text, "filesError", script->files_error);
    add_flag(&text, "filesAwaited", script->awaiting);
    add_number(&text, "dropped", (long long)totals.dropped);
    add_flag(&text, "dockerAsked", docker_asked);
    add_flag(&text, "noexec", script->noexec);
    text_add(&text, "}");
    return (size_t)(text.at - text.start);
}
