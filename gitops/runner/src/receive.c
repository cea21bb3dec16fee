/* Files that the worker fetches and sends into the pod, while the runner that has the script waits for them.
 *
 * Standard input: blocks, each with its size in front (4 bytes, the greatest first); one of size 0 is the end. Without
 * that end nothing was sent, so a stream that breaks leaves nothing, and the file can be sent again.
 *
 * A file is written beside its place under a name of this process's own, and takes its place only if its digest is the
 * expected one and no other process was first: place and mark are taken under a lock, and the script starts when all
 * marks are there. So two workers may send at the same time, and nothing is written once the script runs.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h> /* rename */
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner.h"

#define BLOCK 65536
/* Milliseconds without a byte after which nobody sends any more: the connection broke, and nobody said so. */
#define SILENCE_MS 300000
#define LONGEST 4096
#define PREFIX ".gitops-part-"

/* Exit codes, which the worker reads: gitops/pods/delivery.py. */
enum { RECEIVED = 0, BROKEN = 10, DIFFERENT = 11, UNWRITTEN = 12 };

static void mark_name(char *space, const char *spool, uint64_t index) {
    struct text text;
    text_begin(&text, space, LONGEST);
    text_add(&text, spool);
    text_add(&text, "/received-");
    text_add_number(&text, (long long)index);
}

static int there(const char *spool, uint64_t index) {
    char mark[LONGEST];
    mark_name(mark, spool, index);
    return access(mark, F_OK) == 0;
}

uint64_t received_missing(const char *spool, uint64_t count) {
    uint64_t missing = 0;
    for (uint64_t index = 0; index < count; index++) missing += !there(spool, index);
    return missing;
}

int received_missing_list(const char *spool, uint64_t count) {
    for (uint64_t index = 0; index < count; index++) {
        char space[32];
        struct text text;
        if (there(spool, index)) continue;
        text_begin(&text, space, sizeof space);
        text_add_number(&text, (long long)index);
        text_add(&text, "\n");
        if (write_all(STDOUT_FILENO, space, (size_t)(text.at - space)) != 0) return BROKEN;
    }
    return 0;
}

static int say(int code, const char *path, const char *why) {
    char space[LONGEST];
    struct text text;
    text_begin(&text, space, sizeof space);
    text_add_some(&text, path, 600);
    text_add(&text, ": ");
    text_add(&text, why);
    text_add(&text, "\n");
    return write_all(STDERR_FILENO, space, (size_t)(text.at - space)) ? code : code;
}

/* All of so many bytes of standard input; -1 if they do not come. */
static int take(unsigned char *space, size_t size) {
    struct pollfd polled = {.fd = STDIN_FILENO, .events = POLLIN};
    while (size) {
        int ready = poll(&polled, 1, SILENCE_MS);
        if (ready < 0 && errno == EINTR) continue;
        ssize_t got = ready > 0 ? read_some(STDIN_FILENO, space, size) : -1;
        if (got <= 0) return -1;
        space += got;
        size -= (size_t)got;
    }
    return 0;
}

/* From standard input to a file, up to the end; an exit code, first of all the one that is known already. Stops where
 * another process was first. What cannot be written is read all the same: from a program that ends before its input
 * does, the sender may hear nothing but that the connection broke. */
static int copy(int to, struct sha256 *hash, const char *path, const char *spool, uint64_t index, int code) {
    static unsigned char block[BLOCK];
    for (unsigned char head[4]; take(head, sizeof head) == 0;) {
        size_t size = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
        if (!size || there(spool, index)) return code;
        while (size) {
            size_t part = size < BLOCK ? size : BLOCK;
            if (take(block, part) != 0) return code ? code : say(BROKEN, path, "the stream broke off");
            if (!code) sha256_add(hash, block, part);
            if (!code && write_all(to, (const char *)block, part) != 0) code = say(UNWRITTEN, path, strerror(errno));
            size -= part;
        }
    }
    return code ? code : say(BROKEN, path, "the stream broke off");
}

static size_t directory_of(const char *path) {
    const char *last = strrchr(path, '/');
    return last ? (size_t)(last - path) : 0;
}

/* Beside the place, so that taking it is one step: PREFIX, the file's number, a hyphen, and who writes it. */
static void part_name(struct text *text, const char *path, uint64_t index) {
    size_t above = directory_of(path);
    text_add_some(text, path, above);
    text_add(text, above ? "/" PREFIX : PREFIX);
    text_add_number(text, (long long)index);
    text_add(text, "-");
}

/* What others have begun of the same file, or left when they were killed. */
static void clear_parts(const char *path, uint64_t index) {
    char space[LONGEST];
    struct text text;
    text_begin(&text, space, sizeof space);
    part_name(&text, path, index);
    size_t above = directory_of(path);
    const char *start = space + (above ? above + 1 : 0);
    size_t length = strlen(start);
    char prefix[64], directory_name[LONGEST];
    text_begin(&text, prefix, sizeof prefix);
    text_add(&text, start);
    text_begin(&text, directory_name, sizeof directory_name);
    text_add_some(&text, above ? path : ".", above ? above : 1);
    DIR *directory = opendir(directory_name);
    if (!directory) return;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        if (strncmp(entry->d_name, prefix, length) == 0) unlinkat(dirfd(directory), entry->d_name, 0);
    closedir(directory);
}

/* The file's place and its mark in one step, as far as other processes can tell; 0, or an errno. */
static int place(const char *part, const char *path, const char *spool, uint64_t index) {
    char mark[LONGEST], name[LONGEST];
    struct text text;
    text_begin(&text, name, sizeof name);
    text_add(&text, spool);
    text_add(&text, "/receiving");
    int lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0644), error = 0;
    if (lock < 0) return errno;
    while (flock(lock, LOCK_EX) != 0 && errno == EINTR) {}
    if (!there(spool, index)) {
        mark_name(mark, spool, index);
        if (rename(part, path) != 0) error = errno;
        int made = error ? -1 : open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        if (!error && made < 0) error = errno;
        if (made >= 0) close(made);
        if (!error) clear_parts(path, index);
    }
    close(lock);
    return error;
}

/* There can be no such file, for the reason in errno. */
static int unplaced(const char *path, const char *spool, uint64_t index) {
    return copy(-1, NULL, path, spool, index, say(UNWRITTEN, path, strerror(errno)));
}

static int fill(const char *part, char *path, const char *digest, mode_t mode, const char *spool, uint64_t index) {
    struct sha256 hash;
    char found[65];
    int to = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to < 0) return unplaced(path, spool, index);
    sha256_start(&hash);
    int code = copy(to, &hash, path, spool, index, RECEIVED);
    if (code == RECEIVED && fchmod(to, mode) != 0) code = say(UNWRITTEN, path, strerror(errno));
    /* Some file systems say only now that there is no room. */
    if (close(to) != 0 && code == RECEIVED) code = say(UNWRITTEN, path, strerror(errno));
    if (code != RECEIVED || there(spool, index)) return code;
    sha256_hex(&hash, found);
    if (strcmp(found, digest) != 0) return say(DIFFERENT, path, found);
    int error = place(part, path, spool, index);
    return error ? say(UNWRITTEN, path, strerror(error)) : RECEIVED;
}

int receive(const char *spool, uint64_t index, const char *path, const char *digest, const char *mode) {
    char own[LONGEST], part[LONGEST];
    struct text text;
    mode_t bits = 0;
    if (!path || !digest || !mode || strlen(path) >= sizeof own / 2) return fail("wrong argument", "--receive");
    if (there(spool, index)) return RECEIVED;
    errno = EINVAL;
    if (files_lead_out(path)) return unplaced(path, spool, index);
    for (; *mode >= '0' && *mode <= '7'; mode++) bits = bits << 3 | (mode_t)(*mode - '0');
    text_begin(&text, own, sizeof own);
    text_add(&text, path);
    if (files_make_parents(own) != 0) return unplaced(path, spool, index);
    text_begin(&text, part, sizeof part);
    part_name(&text, path, index);
    text_add_number(&text, getpid());
    int code = fill(part, own, digest, bits & 0777, spool, index);
    unlink(part);
    return code;
}
