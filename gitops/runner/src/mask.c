/* Secret values and where they stand in a byte stream. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner.h"

/* Shorter values would blank out half of every log and protect nothing. */
#define SHORTEST 4
/* Lines of a file are often words that are no secret (`apiVersion: v1`). */
#define SHORTEST_LINE 16
/* Every byte of output is compared with all of it. */
#define LARGEST_FILE 16384

static struct mask { const unsigned char *text; size_t size; } *masks;
static size_t count, capacity;
static unsigned char begins[256];

static void add(const char *text, size_t size, size_t shortest) {
    if (size < shortest) return;
    if (count == capacity) {
        masks = realloc(masks, (capacity + 64) * sizeof *masks);
        /* Running on would print the secret. */
        if (!masks) abort();
        capacity += 64;
    }
    size_t at = count++;
    /* Longest first: a secret that begins with another one is hidden whole. */
    for (; at > 0 && masks[at - 1].size < size; at--) masks[at] = masks[at - 1];
    masks[at].text = (const unsigned char *)text;
    masks[at].size = size;
    begins[(unsigned char)text[0]] = 1;
}

/* A value, and if it has several lines each of them: a shell that splits words prints it so. */
static void add_value(const char *value, size_t size, size_t shortest_line) {
    while (size && (value[size - 1] == '\n' || value[size - 1] == '\r')) size--;
    if (size < SHORTEST) return;
    /* A copy: the script's environment is not ours to point into for ever. Never freed. */
    char *text = malloc(size);
    if (!text) abort();
    memcpy(text, value, size);
    add(text, size, SHORTEST);
    if (!memchr(text, '\n', size)) return;
    for (size_t start = 0, end; start < size; start = end + 1) {
        for (end = start; end < size && text[end] != '\n'; end++) {}
        size_t length = end - start;
        if (length && text[end - 1] == '\r') length--;
        add(text + start, length, shortest_line);
    }
}

void mask_add_environment(const char *name) {
    const char *value = getenv(name);
    if (value) add_value(value, strlen(value), SHORTEST);
}

void mask_add_directory(const char *path) {
    static char content[LARGEST_FILE + 1];
    DIR *directory = opendir(path);
    if (!directory) return;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        /* What begins with two dots is how the kubelet swaps versions. */
        if (strncmp(entry->d_name, "..", 2) == 0 || strcmp(entry->d_name, ".") == 0) continue;
        int fd = openat(dirfd(directory), entry->d_name, O_RDONLY | O_CLOEXEC);
        if (fd < 0) continue;
        size_t size = 0;
        ssize_t got;
        while (size < sizeof content && (got = read(fd, content + size, sizeof content - size)) > 0) size += (size_t)got;
        close(fd);
        if (size <= LARGEST_FILE) add_value(content, size, SHORTEST_LINE);
    }
    closedir(directory);
}

/* Is what is left at `data` a match (1), possibly the beginning of one (-1), or neither (0)? */
static int match(const unsigned char *data, size_t left, size_t *matched) {
    for (size_t i = 0; i < count; i++) {
        if (masks[i].size <= left) {
            if (memcmp(data, masks[i].text, masks[i].size) == 0) {
                *matched = masks[i].size;
                return 1;
            }
        } else if (memcmp(data, masks[i].text, left) == 0) {
            return -1;
        }
    }
    return 0;
}

static int match_final(const unsigned char *data, size_t left, size_t *matched) {
    for (size_t i = 0; i < count; i++) {
        if (masks[i].size <= left && memcmp(data, masks[i].text, masks[i].size) == 0) {
            *matched = masks[i].size;
            return 1;
        }
    }
    return 0;
}

size_t mask_next(const unsigned char *data, size_t size, int final, size_t *matched) {
    *matched = 0;
    if (!count) return size;
    for (size_t at = 0; at < size; at++) {
        if (!begins[data[at]]) continue;
        int found = final ? match_final(data + at, size - at, matched) : match(data + at, size - at, matched);
        if (found) return at;
    }
    return size;
}
