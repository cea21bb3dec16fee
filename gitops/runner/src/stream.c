/* From the script's pipe to frames: hide secrets, cut into lines, cut long lines. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner.h"

#define READ_SIZE 65536

static void put(struct stream *stream, const unsigned char *data, size_t size) {
    while (size) {
        const unsigned char *newline = memchr(data, '\n', size);
        size_t length = newline ? (size_t)(newline - data) : size;
        size_t room = CHUNK - stream->line_size;
        size_t take = length < room ? length : room;
        memcpy(stream->line + stream->line_size, data, take);
        stream->line_size += take;
        data += take;
        size -= take;
        if (newline && take == length) {
            frame_write(stream->name, stream->line, stream->line_size);
            stream->line_size = 0;
            stream->open_line = 0;
            data++;
            size--;
        } else if (stream->line_size == CHUNK) {
            stream_flush(stream);
        }
    }
}

static void drain(struct stream *stream, int final) {
    size_t at = 0;
    while (at < stream->raw_size) {
        size_t matched, clear = mask_next(stream->raw + at, stream->raw_size - at, final, &matched);
        put(stream, stream->raw + at, clear);
        at += clear;
        if (!matched) break;
        put(stream, (const unsigned char *)"***", 3);
        at += matched;
    }
    memmove(stream->raw, stream->raw + at, stream->raw_size - at);
    stream->raw_size -= at;
}

int stream_read(struct stream *stream) {
    /* What is kept back waits for the rest of a secret: it is shorter than the longest one. */
    size_t wanted = stream->raw_size + READ_SIZE;
    if (wanted > stream->raw_capacity) {
        unsigned char *grown = realloc(stream->raw, wanted);
        if (!grown) return 0;
        stream->raw = grown;
        stream->raw_capacity = wanted;
    }
    ssize_t size = read(stream->fd, stream->raw + stream->raw_size, READ_SIZE);
    if (size < 0) return errno == EINTR ? 1 : errno == EAGAIN ? 0 : -1;
    if (size == 0) return -1;
    stream->raw_size += (size_t)size;
    drain(stream, 0);
    return 1;
}

int stream_pending(const struct stream *stream) { return stream->line_size > 0; }

void stream_flush(struct stream *stream) {
    if (!stream->line_size) return;
    frame_write((char)(stream->name - 'a' + 'A'), stream->line, stream->line_size);
    stream->line_size = 0;
    stream->open_line = 1;
}

void stream_close(struct stream *stream) {
    if (stream->fd < 0) return;
    drain(stream, 1);
    stream_flush(stream);
    if (stream->open_line && output_full()) totals.dropped++;
    else if (stream->open_line) totals.lines++;
    close(stream->fd);
    stream->fd = -1;
    free(stream->raw);
    stream->raw = NULL;
    stream->raw_size = stream->raw_capacity = 0;
}
