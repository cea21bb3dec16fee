/* Secret values and where they stand in a byte stream. */
#include <stdlib.h>
#include <string.h>

#include "runner.h"

/* Shorter values would blank out half of every log and protect nothing. */
#define SHORTEST 4

static struct mask { const unsigned char *text; size_t size; } *masks;
static size_t count, capacity;
static unsigned char begins[256];

static void add(const char *text, size_t size) {
    if (size < SHORTEST) return;
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

void mask_add_environment(const char *name) {
    const char *value = getenv(name);
    if (!value) return;
    size_t size = strlen(value);
    while (size && (value[size - 1] == '\n' || value[size - 1] == '\r')) size--;
    if (size < SHORTEST) return;
    /* A copy: the script's environment is not ours to point into for ever. Never freed. */
    char *text = strndup(value, size);
    if (!text) abort();
    add(text, size);
    /* A value of several lines is hidden line by line too: a shell that splits words prints it so. */
    if (!memchr(text, '\n', size)) return;
    for (size_t start = 0, end; start < size; start = end + 1) {
        for (end = start; end < size && text[end] != '\n'; end++) {}
        size_t length = end - start;
        if (length && text[end - 1] == '\r') length--;
        add(text + start, length);
    }
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
