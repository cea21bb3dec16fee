/* Text and numbers without stdio, which alone would be two thirds of the program. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "runner.h"

void text_begin(struct text *text, char *space, size_t size) {
    text->start = text->at = space;
    text->end = space + size - 1;
    *space = 0;
}

void text_add(struct text *text, const char *words) { text_add_some(text, words, (size_t)-1); }

void text_add_some(struct text *text, const char *words, size_t most) {
    for (; *words && most && text->at < text->end; most--) *text->at++ = *words++;
    *text->at = 0;
}

void text_add_number(struct text *text, long long number) {
    char digits[24], *at = digits + sizeof digits - 1;
    /* Not -number: the smallest has no positive twin. */
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    *at = 0;
    do *--at = (char)('0' + left % 10);
    while (left /= 10);
    if (number < 0) *--at = '-';
    text_add(text, at);
}

void text_add_padded(struct text *text, unsigned number, int width) {
    char digits[12];
    digits[width] = 0;
    while (width) {
        digits[--width] = (char)('0' + number % 10);
        number /= 10;
    }
    text_add(text, digits);
}

const char *number_read(const char *text, uint64_t *number) {
    const char *at = text;
    *number = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (*number > (UINT64_MAX - 9) / 10) return NULL;
        *number = *number * 10 + (uint64_t)(*at - '0');
    }
    return at == text ? NULL : at;
}

ssize_t read_some(int fd, void *space, size_t size) {
    ssize_t got;
    do got = read(fd, space, size);
    while (got < 0 && errno == EINTR);
    return got;
}

int write_all(int fd, const char *data, size_t size) {
    while (size) {
        ssize_t done = write(fd, data, size);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0 && errno == EAGAIN) {
            struct pollfd room = {.fd = fd, .events = POLLOUT};
            poll(&room, 1, 1000);
            continue;
        }
        if (done < 0) return -1;
        data += done;
        size -= (size_t)done;
    }
    return 0;
}

long file_read(const char *path, char *space, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    size_t used = 0;
    ssize_t got = 1;
    while (used < size - 1 && (got = read_some(fd, space + used, size - 1 - used)) > 0) used += (size_t)got;
    close(fd);
    space[used] = 0;
    return got < 0 ? -1 : (long)used;
}
