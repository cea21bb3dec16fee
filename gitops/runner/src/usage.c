/* The pod's own cgroup: version 2, or version 1 as containerd mounts it into the container. */
#include <string.h>

#include "runner.h"

/* The number in a file, or the one after `key` in a file of "key number" lines; -1 if there is none. */
static long long number(const char *path, const char *key) {
    char content[4096];
    uint64_t value;
    if (file_read(path, content, sizeof content) < 0) return -1;
    const char *at = content;
    size_t size = key ? strlen(key) : 0;
    while (key && !(strncmp(at, key, size) == 0 && at[size] == ' ')) {
        at = strchr(at, '\n');
        if (!at++) return -1;
    }
    return number_read(at + size + (key ? 1 : 0), &value) && value <= INT64_MAX ? (long long)value : -1;
}

static long long scaled(long long value, long long by) { return value < 0 ? -1 : value / by; }

void usage_read(struct usage *usage) {
    usage->cpu_ms = scaled(number("/sys/fs/cgroup/cpu.stat", "usage_usec"), 1000);
    if (usage->cpu_ms >= 0) {
        usage->throttled_ms = scaled(number("/sys/fs/cgroup/cpu.stat", "throttled_usec"), 1000);
        usage->memory_peak = number("/sys/fs/cgroup/memory.peak", NULL);
        usage->oom_kills = number("/sys/fs/cgroup/memory.events", "oom_kill");
        return;
    }
    usage->cpu_ms = scaled(number("/sys/fs/cgroup/cpuacct/cpuacct.usage", NULL), 1000000);
    usage->throttled_ms = scaled(number("/sys/fs/cgroup/cpu/cpu.stat", "throttled_time"), 1000000);
    usage->memory_peak = number("/sys/fs/cgroup/memory/memory.max_usage_in_bytes", NULL);
    usage->oom_kills = number("/sys/fs/cgroup/memory/memory.oom_control", "oom_kill");
}
