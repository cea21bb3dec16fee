/* The operation's files, written into the working directory before the script starts. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner.h"

static int digit(unsigned char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes base64 in place; the size of what came out, or -1. */
static long decode(char *text) {
    size_t length = strlen(text), out = 0;
    unsigned bits = 0, value = 0;
    while (length && text[length - 1] == '=') length--;
    for (size_t i = 0; i < length; i++) {
        int six = digit((unsigned char)text[i]);
        if (six < 0) return -1;
        value = value << 6 | (unsigned)six;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            text[out++] = (char)(value >> bits & 0xff);
        }
    }
    text[out] = 0;
    return (long)out;
}

/* The worker refuses such paths; this is the second line. */
int files_lead_out(const char *path) {
    if (!*path || *path == '/') return 1;
    for (const char *at = path; at; at = strchr(at, '/')) {
        if (*at == '/') at++;
        if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || !at[2])) return 1;
    }
    return 0;
}

int files_make_parents(char *path) {
    for (char *at = strchr(path, '/'); at; at = strchr(at + 1, '/')) {
        *at = 0;
        int made = mkdir(path, 0777);
        *at = '/';
        if (made && errno != EEXIST) return -1;
    }
    return 0;
}

static int put(char *path, const char *data, size_t size, mode_t mode) {
    if (files_make_parents(path)) return errno;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0) return errno;
    while (size) {
        ssize_t done = write(fd, data, size);
        if (done < 0 && errno != EINTR) break;
        if (done > 0) data += done, size -= (size_t)done;
    }
    int error = size ? errno : 0;
    if (!error && fchmod(fd, mode)) error = errno;
    close(fd);
    return error;
}

/* One line: mode in octal, path and content in base64. */
static int unpack(char *line) {
    char space[512], *rest;
    uint64_t bits = 0;
    char *mode = strtok_r(line, " ", &rest), *path = strtok_r(NULL, " ", &rest), *data = strtok_r(NULL, " ", &rest);
    char none[1] = "";
    if (!data) data = none;
    if (!mode || !path || decode(path) < 0) return EINVAL;
    for (; *mode >= '0' && *mode <= '7'; mode++) bits = bits << 3 | (uint64_t)(*mode - '0');
    long size = decode(data);
    int error = size < 0 || files_lead_out(path) ? EINVAL : put(path, data, (size_t)size, (mode_t)bits & 0777);
    if (error) {
        struct text text;
        text_begin(&text, space, sizeof space);
        text_add(&text, "cannot write the file ");
        text_add_some(&text, path, 300);
        text_add(&text, ": ");
        text_add(&text, strerror(error));
        frame_system(space);
    }
    return error;
}

int files_unpack(const char *list) {
    struct stat about;
    if (stat(list, &about)) return errno;
    /* A ConfigMap or Secret: at most a megabyte. */
    size_t size = (size_t)about.st_size + 1;
    char *content = malloc(size);
    if (!content) return ENOMEM;
    errno = EIO;
    int error = file_read(list, content, size) < 0 ? errno : 0;
    for (char *line = content, *next; !error && line; line = next) {
        next = strchr(line, '\n');
        if (next) *next++ = 0;
        if (*line) error = unpack(line);
    }
    free(content);
    return error;
}
