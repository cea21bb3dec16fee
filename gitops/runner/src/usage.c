/* The pod's own cgroup: version 2, or version 1 as containerd mounts it into the container. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

/* The number in a file, or the one after `key` in a file of "key number" lines; -1 if there is none. */
static long long number(const char *path, const char *key) {
    char line[256];
    long long value = -1;
    FILE *file = fopen(path, "re");
    if (!file) return -1;
    while (fgets(line, sizeof line, file)) {
        size_t size = key ? strlen(key) : 0;
        if (key && (strncmp(line, key, size) != 0 || line[size] != ' ')) continue;
        char *end;
        value = strtoll(line + size, &end, 10);
        if (end == line + size) value = -1;
        break;
    }
    fclose(file);
    return value;
}

static long long scaled(long long value, long long by) { return value < 0 ? -1 : value / by; }

void usage_read(struct usage *usage) {
    const char *root = "/sys/fs/cgroup";
    char path[128];
    snprintf(path, sizeof path, "%s/cpu.stat", root);
    usage->cpu_ms = scaled(number(path, "usage_usec"), 1000);
    if (usage->cpu_ms >= 0) {
        usage->throttled_ms = scaled(number(path, "throttled_usec"), 1000);
        usage->memory_peak = number("/sys/fs/cgroup/memory.peak", NULL);
        usage->oom_kills = number("/sys/fs/cgroup/memory.events", "oom_kill");
        return;
    }
    usage->cpu_ms = scaled(number("/sys/fs/cgroup/cpuacct/cpuacct.usage", NULL), 1000000);
    usage->throttled_ms = scaled(number("/sys/fs/cgroup/cpu/cpu.stat", "throttled_time"), 1000000);
    usage->memory_peak = number("/sys/fs/cgroup/memory/memory.max_usage_in_bytes", NULL);
    usage->oom_kills = number("/sys/fs/cgroup/memory/memory.oom_control", "oom_kill");
}
