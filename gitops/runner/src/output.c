/* Frames: numbered, escaped, buffered, written to standard output and to a spool of bounded size. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h> /* rename */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "runner.h"

/* Milliseconds: how often the pipe is looked at, how long at most, and how long for what is behind it. */
#define SETTLE_STEP_MS 2
#define SETTLE_MOST_MS 5000
#define SETTLE_MS 100
#define SETTLE_BYTES 4096
/* What the container runtime writes before each line: "2026-11-28T21:41:52.123456789+01:00 stdout F ". */
#define CRI_PREFIX 45

struct totals totals;

static struct sha256 digest;
static char buffer[65536];
static size_t used;
static int output_broken;

static uint64_t limit;
static int full;

static int spool = -1;
static long long spool_half, spool_used;
static char spool_new[4096], spool_old[4096];

static void spool_name(char *space, const char *directory, const char *name) {
    struct text text;
    text_begin(&text, space, sizeof spool_new);
    text_add(&text, directory);
    text_add(&text, name);
}

static void spool_start(void) { spool = open(spool_new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644); }

void output_open(const char *directory, long long bytes) {
    sha256_start(&digest);
    if (!directory || bytes <= 0) return;
    spool_name(spool_new, directory, "/frames");
    spool_name(spool_old, directory, "/frames.old");
    spool_half = bytes / 2;
    spool_start();
}

/* Two files, each at most half of the limit: the older one goes when the newer one is full. */
static void spool_write(void) {
    if (spool < 0) return;
    if (spool_used + (long long)used > spool_half) {
        close(spool);
        rename(spool_new, spool_old);
        spool_start();
        spool_used = 0;
    }
    /* A full disk must not stop the script: the kubelet has the same lines. */
    if (spool >= 0 && write_all(spool, buffer, used) != 0) {
        close(spool);
        spool = -1;
    }
    spool_used += (long long)used;
}

void output_flush(void) {
    if (!used) return;
    spool_write();
    if (!output_broken && write_all(STDOUT_FILENO, buffer, used) != 0) output_broken = 1;
    totals.framed += used;
    used = 0;
}

/* Length of the valid UTF-8 sequence at `data`, 0 if there is none (RFC 3629: no surrogates, no overlong forms). */
static size_t utf8(const unsigned char *data, size_t left) {
    unsigned char first = data[0];
    size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || left < size) return 0;
    for (size_t i = 1; i < size; i++)
        if ((data[i] & 0xc0) != 0x80) return 0;
    if (first == 0xe0 && data[1] < 0xa0) return 0;
    if (first == 0xed && data[1] > 0x9f) return 0;
    if (first == 0xf0 && data[1] < 0x90) return 0;
    if (first == 0xf4 && data[1] > 0x8f) return 0;
    return size;
}

static size_t escape(char *out, const unsigned char *text, size_t size) {
    static const char hex[] = "0123456789abcdef";
    char *start = out;
    for (size_t i = 0; i < size;) {
        unsigned char byte = text[i];
        if (byte == '\\') {
            *out++ = '\\';
            *out++ = '\\';
        } else if ((byte >= 0x20 && byte < 0x7f) || byte == '\t') {
            *out++ = (char)byte;
        } else if (byte == '\r') {
            *out++ = '\\';
            *out++ = 'r';
        } else {
            size_t valid = utf8(text + i, size - i);
            if (valid) {
                memcpy(out, text + i, valid);
                out += valid;
                i += valid;
                continue;
            }
            *out++ = '\\';
            *out++ = 'x';
            *out++ = hex[byte >> 4];
            *out++ = hex[byte & 15];
        }
        i++;
    }
    return (size_t)(out - start);
}

static void frame(uint64_t seq, char stream, const unsigned char *text, size_t size) {
    if (sizeof buffer - used < size * 4 + 64) output_flush();
    struct text header;
    const char name[] = {'|', stream, '|', 0};
    text_begin(&header, buffer + used, 64);
    text_add_number(&header, (long long)seq);
    text_add(&header, name);
    text_add_number(&header, (long long)totals.bytes);
    text_add(&header, "|");
    used += (size_t)(header.at - header.start);
    used += escape(buffer + used, text, size);
    buffer[used++] = '\n';
    totals.framed += CRI_PREFIX;
}

void output_limit(long long bytes) { limit = (uint64_t)bytes; }

int output_full(void) { return full; }

/* What is kept is a beginning of the output without holes: after the first frame that is too much, none is kept. */
static int too_much(char stream, size_t size) {
    if (!limit) return 0;
    if (!full && totals.bytes + size + 1 > limit) {
        full = 1;
        frame_system("the log has reached its limit: what follows is not kept");
    }
    if (full && (stream == 'o' || stream == 'e')) totals.dropped++;
    return full;
}

void frame_write(char stream, const unsigned char *text, size_t size) {
    int output = stream != 'x' && stream != 's';
    if (output && too_much(stream, size)) return;
    frame(++totals.seq, stream, text, size);
    if (!output) return;
    sha256_add(&digest, text, size);
    totals.bytes += size;
    if (stream == 'o' || stream == 'e') {
        sha256_add(&digest, (const unsigned char *)"\n", 1);
        totals.bytes++;
        totals.lines++;
    }
}

/* A container runtime may stop copying when the container ends, and what is still on its way is lost for good (containerd
 * 1.6 under load: the last 80 KB of one plain pod in ten). So nothing may be: the pipe is seen to be empty, and after
 * more than a few lines what stands between it and the log's file gets a moment, too. */
void output_settle(void) {
    struct timespec moment = {.tv_nsec = SETTLE_STEP_MS * 1000000};
    int held = 0, steps = SETTLE_MOST_MS / SETTLE_STEP_MS;
    while (steps-- > 0 && ioctl(STDOUT_FILENO, FIONREAD, &held) == 0 && held > 0) nanosleep(&moment, NULL);
    for (steps = totals.framed > SETTLE_BYTES ? SETTLE_MS / SETTLE_STEP_MS : 0; steps > 0; steps--) nanosleep(&moment, NULL);
}

void frame_heartbeat(void) {
    frame(totals.seq, 'h', NULL, 0);
    output_flush();
}

void frame_system(const char *text) { frame_write('s', (const unsigned char *)text, strnlen(text, CHUNK)); }

void digest_hex(char out[65]) {
    struct sha256 copy = digest;
    sha256_hex(&copy, out);
}

/* Whole lines only: the last one may still be being written. */
static int replay_file(const char *path, uint64_t from) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t got;
    size_t held = 0;
    while ((got = read_some(fd, buffer + held, sizeof buffer - held)) > 0) {
        size_t end = held + (size_t)got, line = 0, first = 0;
        for (char *feed; (feed = memchr(buffer + line, '\n', end - line)) != NULL;) {
            uint64_t seq = 0;
            /* Lines of a file rise: from the first that is wanted on all are. */
            if (first == line && (!number_read(buffer + line, &seq) || seq < from)) first = (size_t)(feed - buffer) + 1;
            line = (size_t)(feed - buffer) + 1;
        }
        if (write_all(STDOUT_FILENO, buffer + first, line - first) != 0) break;
        held = end - line;
        memmove(buffer, buffer + line, held);
    }
    close(fd);
    return 0;
}

int spool_replay(const char *directory, uint64_t from) {
    spool_name(spool_old, directory, "/frames.old");
    spool_name(spool_new, directory, "/frames");
    int old = replay_file(spool_old, from);
    int new = replay_file(spool_new, from);
    return old != 0 && new != 0 ? 1 : 0;
}
