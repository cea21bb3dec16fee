/* The command line; what each option means is said in main.c. */
#include <string.h>
#include <unistd.h>

#include "runner.h"

struct options options = {
    .record = "/dev/termination-log", .grace = 30, .heartbeat = 30, .drain = 2, .linger = 600, .window = -1};

int fail(const char *what, const char *detail) {
    char space[512];
    struct text text;
    text_begin(&text, space, sizeof space);
    text_add(&text, "runner: ");
    text_add(&text, what);
    text_add(&text, ": ");
    text_add_some(&text, detail, 300);
    text_add(&text, "\n");
    return write(STDERR_FILENO, space, (size_t)(text.at - space)) < 0 ? 2 : 2;
}

static int set_number(long long *target, const char *text) {
    uint64_t number;
    const char *end = number_read(text, &number);
    /* Seconds are counted in milliseconds, too. */
    if (!end || *end || number > INT64_MAX / 1000) return -1;
    *target = (long long)number;
    return 0;
}

static int set_option(const char *name, const char *value) {
    static const struct { const char *name; long long *target; } numbers[] = {
        {"--spool-bytes", &options.spool_bytes}, {"--window", &options.window},
        {"--log-limit", &options.log_limit},
        {"--linger", &options.linger},           {"--grace", &options.grace},
        {"--timeout", &options.timeout},         {"--heartbeat", &options.heartbeat},
        {"--drain", &options.drain},
        {"--awaited", &options.awaited},         {"--await-timeout", &options.await_timeout},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(name, numbers[i].name) == 0) return set_number(numbers[i].target, value);
    if (strcmp(name, "--spool") == 0) options.spool = value;
    else if (strcmp(name, "--record") == 0) options.record = value;
    else if (strcmp(name, "--replay") == 0) options.replay = value;
    else if (strcmp(name, "--files") == 0) options.files = value;
    else if (strcmp(name, "--docker-mark") == 0) options.docker_mark = value;
    else if (strcmp(name, "--receive") == 0) options.receive = value;
    else if (strcmp(name, "--path") == 0) options.path = value;
    else if (strcmp(name, "--digest") == 0) options.digest = value;
    else if (strcmp(name, "--mode") == 0) options.mode = value;
    else if (strcmp(name, "--missing") == 0) options.missing = value;
    else if (strcmp(name, "--mask") == 0) mask_add_environment(value);
    else if (strcmp(name, "--mask-directory") == 0) mask_add_directory(value);
    else return -1;
    return 0;
}

int options_read(int argc, char **argv) {
    int at = 1;
    for (; at < argc && strcmp(argv[at], "--") != 0; at += 2) {
        if (at + 1 >= argc || set_option(argv[at], argv[at + 1]) != 0) {
            fail("wrong argument", argv[at]);
            return -1;
        }
    }
    return at;
}
