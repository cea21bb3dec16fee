/* The in-pod runner: shared declarations. Grammar of the output: gitops/runner/frames.py. */
#ifndef RUNNER_H
#define RUNNER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* Raw bytes in one frame: escaped four-fold and with its header it stays under containerd's 16 KiB line. */
#define CHUNK 4000

struct sha256 {
    uint32_t state[8];
    uint64_t length;
    unsigned char block[64];
};
void sha256_start(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const unsigned char *data, size_t size);
void sha256_hex(struct sha256 *hash, char out[65]);

/* Text put together in a space of fixed size: it always ends with a zero, and what does not fit is left out. */
struct text {
    char *start, *at, *end;
};
void text_begin(struct text *text, char *space, size_t size);
void text_add(struct text *text, const char *words);
void text_add_some(struct text *text, const char *words, size_t most);
void text_add_number(struct text *text, long long number);
/* In this many digits, fewer than 12. */
void text_add_padded(struct text *text, unsigned number, int width);
/* The digits at `text`: what follows them; NULL if there are none, or too many. */
const char *number_read(const char *text, uint64_t *number);
/* As read(2), through interruptions. */
ssize_t read_some(int fd, void *space, size_t size);
/* As much of a file as fits, with a zero behind it; its size, or -1. */
long file_read(const char *path, char *space, size_t size);

/* The command line (options.c). */
struct options {
    const char *spool, *record, *replay, *files, *docker_mark;
    const char *receive, *path, *digest, *mode, *missing;
    long long spool_bytes, log_limit, window, linger, grace, timeout, heartbeat, drain, awaited, await_timeout;
};
extern struct options options;
/* Where the options end in `argv`; -1, and it is said, if one of them is wrong. */
int options_read(int argc, char **argv);
/* Says what is wrong with the command line; 2. */
int fail(const char *what, const char *detail);

/* Secret values, replaced by *** in the byte stream before it is cut into lines. */
void mask_add_environment(const char *name);
/* The same for every file in a mounted Secret. */
void mask_add_directory(const char *path);
/* Length of the start of `data` that is decided: 0 if more bytes are needed. A match sets *matched to its length. */
size_t mask_next(const unsigned char *data, size_t size, int final, size_t *matched);

/* What the pod's own cgroup says; -1 where it says nothing. */
struct usage {
    long long cpu_ms;
    long long throttled_ms;
    long long memory_peak;
    long long oom_kills;
};
void usage_read(struct usage *usage);

/* What became of the script. */
struct script {
    pid_t pid;
    int running, exit_code, signal;
    int told;      /* SIGTERM or SIGINT came at any time */
    int term;      /* ... while the script ran */
    int timed_out; /* the script's own clock ended */
    int left;      /* processes that outlived the script and were killed */
    int start_error;
    int files_error; /* errno of a file that could not be written: the script was not started */
    int awaiting;    /* the end came while the worker's files were waited for: the script was not started */
    int noexec;      /* nothing in the working directory can be executed */
    struct timespec started, finished;
};
/* The end record as JSON (gitops/runner/record.py); its size. */
size_t record_text(char *space, size_t size, const struct script *script, int docker_asked);

/* Frames go to standard output and to the spool; both are written in one piece per flush. */
void output_open(const char *spool_directory, long long spool_bytes);
/* Of the script's output only the first `bytes` are framed; the rest is read, counted and dropped. 0: no limit. */
void output_limit(long long bytes);
int output_full(void);
void output_flush(void);
/* Waits until what was written has been taken, before the container may end. */
void output_settle(void);
void frame_write(char stream, const unsigned char *text, size_t size);
void frame_heartbeat(void);
void frame_system(const char *text);
int spool_replay(const char *directory, uint64_t from);

struct totals {
    uint64_t seq;    /* number of the last frame */
    uint64_t bytes;  /* bytes of the script's output, after masking */
    uint64_t lines;
    uint64_t dropped; /* lines beyond the limit */
    uint64_t framed; /* bytes in the log's file: framing, and what the container runtime adds to a line */
};
extern struct totals totals;
void digest_hex(char out[65]);

/* Writes the files of a list: 0, or the errno of the first that could not be; says which one. */
int files_unpack(const char *list);
/* Whether a path is none below the working directory. */
int files_lead_out(const char *path);
/* Makes the directories above a path; 0, or -1 with errno. */
int files_make_parents(char *path);

/* Takes one file that the worker sends (receive.c); its exit code. */
int receive(const char *spool, uint64_t index, const char *path, const char *digest, const char *mode);
/* How many of the first `count` files were not received yet. */
uint64_t received_missing(const char *spool, uint64_t count);
/* Writes their numbers, one a line; 0. */
int received_missing_list(const char *spool, uint64_t count);
/* All of it, through interruptions and full pipes; 0, or -1 with errno. */
int write_all(int fd, const char *data, size_t size);

/* One of the script's two output streams. */
struct stream {
    int fd;
    char name; /* 'o' or 'e'; the capital marks a frame whose line goes on */
    size_t raw_size;
    size_t line_size;
    int open_line; /* the last frame of this stream did not end its line */
    unsigned char *raw;
    size_t raw_capacity;
    unsigned char line[CHUNK];
};
/* Reads what is there. Returns 1 if there may be more, 0 if the pipe is empty, -1 at its end. */
int stream_read(struct stream *stream);
int stream_pending(const struct stream *stream);
void stream_flush(struct stream *stream);
void stream_close(struct stream *stream);

#endif
