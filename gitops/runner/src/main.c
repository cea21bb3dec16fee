/* Runs one script in a pod: frames its output, forwards signals, reaps, and says at the end what happened.
 *
 *   runner [--option value]... -- COMMAND [ARGUMENT]...
 *   runner --replay SEQ --spool DIRECTORY
 *
 *   --spool DIR --spool-bytes N   keep the newest frames in DIR, N bytes at most
 *   --window N --linger SECONDS   after more than N bytes of frames, stay that long after the end, until a signal
 *   --grace SECONDS               between SIGTERM and SIGKILL
 *   --timeout SECONDS             for the script; 0: none
 *   --heartbeat SECONDS           a frame when silent for so long
 *   --drain SECONDS               for what the script left running and writing
 *   --record FILE                 the end record, as JSON
 *   --mask NAME                   hide the value of this environment variable
 *   --mask-directory DIR          hide the content of the files in it
 *   --files FILE                  write the files it lists into the working directory first
 *   --docker-mark FILE            it exists at the end if the script asked for a docker that is not there
 *
 * Exit code: the script's; 128 + n after signal n; 126 or 127 if it could not be started; 2 on a wrong argument.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runner.h"

/* A prompt or a progress bar without a newline is shown after this long, in milliseconds. */
#define PARTIAL_MS 200
/* While it stays for a reader that is behind, it says oftener how far it is, in seconds. */
#define LINGER_BEAT 5

static struct {
    const char *spool, *record, *replay, *files, *docker_mark;
    long long spool_bytes, window, linger, grace, timeout, heartbeat, drain;
} options = {.record = "/dev/termination-log", .grace = 30, .heartbeat = 30, .drain = 2, .linger = 600, .window = -1};

static struct {
    pid_t pid;
    int running, exit_code, signal;
    int told;      /* SIGTERM or SIGINT came at any time */
    int term;      /* ... while the script ran */
    int timed_out; /* the script's own clock ended */
    int left;      /* processes that outlived the script and were killed */
    int start_error;
    int files_error; /* errno of a file that could not be written: the script was not started */
    struct timespec started, finished;
} script;

static long long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int fail(const char *what, const char *detail) {
    fprintf(stderr, "runner: %s: %s\n", what, detail);
    return 2;
}

static int set_number(long long *target, const char *text) {
    char *end;
    errno = 0;
    *target = strtoll(text, &end, 10);
    return errno || end == text || *end || *target < 0 ? -1 : 0;
}

static int set_option(const char *name, const char *value) {
    static const struct { const char *name; long long *target; } numbers[] = {
        {"--spool-bytes", &options.spool_bytes}, {"--window", &options.window},
        {"--linger", &options.linger},           {"--grace", &options.grace},
        {"--timeout", &options.timeout},         {"--heartbeat", &options.heartbeat},
        {"--drain", &options.drain},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(name, numbers[i].name) == 0) return set_number(numbers[i].target, value);
    if (strcmp(name, "--spool") == 0) options.spool = value;
    else if (strcmp(name, "--record") == 0) options.record = value;
    else if (strcmp(name, "--replay") == 0) options.replay = value;
    else if (strcmp(name, "--files") == 0) options.files = value;
    else if (strcmp(name, "--docker-mark") == 0) options.docker_mark = value;
    else if (strcmp(name, "--mask") == 0) mask_add_environment(value);
    else if (strcmp(name, "--mask-directory") == 0) mask_add_directory(value);
    else return -1;
    return 0;
}

/* Signals the script's group and whatever this sub-reaper inherited. Returns how many children it found. */
static int kill_all(int signal) {
    char path[64], text[32];
    int found = 0;
    if (script.running) kill(-script.pid, signal);
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *children = fopen(path, "re");
    if (!children) return 0;
    while (fscanf(children, "%31s", text) == 1) {
        int pid = atoi(text);
        if (pid > 1 && kill(pid, signal) == 0) found++;
    }
    fclose(children);
    return found;
}

static void reap(void) {
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != script.pid || !script.running) continue;
        script.running = 0;
        clock_gettime(CLOCK_REALTIME, &script.finished);
        if (WIFSIGNALED(status)) {
            script.signal = WTERMSIG(status);
            script.exit_code = 128 + script.signal;
        } else {
            script.exit_code = WEXITSTATUS(status);
        }
    }
}

static void child(char **command, int out, int err, int report) {
    sigset_t none;
    int null = open("/dev/null", O_RDONLY);
    setpgid(0, 0);
    dup2(null, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    if (null > STDERR_FILENO) close(null);
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvp(command[0], command);
    int error = errno;
    if (write(report, &error, sizeof error) < 0) _exit(125);
    _exit(error == ENOENT ? 127 : 126);
}

/* Starts the script; 0, or the errno that prevented it. */
static int start(char **command, struct stream *out, struct stream *err) {
    int output[2], errors[2], report[2], error = 0;
    if (pipe2(output, O_CLOEXEC) || pipe2(errors, O_CLOEXEC) || pipe2(report, O_CLOEXEC)) return errno;
    clock_gettime(CLOCK_REALTIME, &script.started);
    script.pid = fork();
    if (script.pid < 0) return errno;
    if (script.pid == 0) child(command, output[1], errors[1], report[1]);
    setpgid(script.pid, script.pid);
    script.running = 1;
    close(output[1]);
    close(errors[1]);
    close(report[1]);
    while (read(report[0], &error, sizeof error) < 0 && errno == EINTR) {}
    close(report[0]);
    out->fd = output[0];
    err->fd = errors[0];
    fcntl(out->fd, F_SETFL, O_NONBLOCK);
    fcntl(err->fd, F_SETFL, O_NONBLOCK);
    return error;
}

/* Clocks of the main loop, in now_ms(); 0 means off. */
static struct { long long kill, timeout, drain, partial, heartbeat; } due;

static void handle_signal(int number) {
    if (number == SIGCHLD) {
        reap();
        return;
    }
    script.told = 1;
    if (!script.running) {
        due.drain = now_ms() + 1;
        return;
    }
    script.term = 1;
    kill(-script.pid, number);
    if (!due.kill) due.kill = now_ms() + options.grace * 1000;
}

static void read_signals(int fd) {
    struct signalfd_siginfo info;
    while (read(fd, &info, sizeof info) == (ssize_t)sizeof info) handle_signal((int)info.ssi_signo);
}

static int until(long long now) {
    long long clocks[] = {due.kill, due.timeout, due.drain, due.partial, due.heartbeat}, first = -1;
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++)
        if (clocks[i] && (first < 0 || clocks[i] < first)) first = clocks[i];
    if (first < 0) return -1;
    return first <= now ? 0 : first - now > 60000 ? 60000 : (int)(first - now);
}

static void check_clocks(long long now, struct stream *streams) {
    char text[96];
    if (due.timeout && now >= due.timeout && script.running) {
        due.timeout = 0;
        script.timed_out = 1;
        snprintf(text, sizeof text, "time is up: the script ran for %lld s", options.timeout);
        frame_system(text);
        kill(-script.pid, SIGTERM);
        if (!due.kill) due.kill = now + options.grace * 1000;
    }
    if (due.kill && now >= due.kill) {
        due.kill = 0;
        kill_all(SIGKILL);
    }
    if (due.partial && now >= due.partial) {
        due.partial = 0;
        stream_flush(&streams[0]);
        stream_flush(&streams[1]);
        output_flush();
    }
    if (due.heartbeat && now >= due.heartbeat) {
        frame_heartbeat();
        due.heartbeat = now + options.heartbeat * 1000;
    }
}

static void read_streams(struct stream *streams, struct pollfd *polled) {
    uint64_t before = totals.seq;
    for (int i = 0; i < 2; i++) {
        if (streams[i].fd >= 0 && polled[i].revents && stream_read(&streams[i]) < 0) stream_close(&streams[i]);
    }
    output_flush();
    if (totals.seq != before && options.heartbeat) due.heartbeat = now_ms() + options.heartbeat * 1000;
    if (!stream_pending(&streams[0]) && !stream_pending(&streams[1])) due.partial = 0;
    else if (!due.partial) due.partial = now_ms() + PARTIAL_MS;
}

/* Follows the script to its end; what it left behind gets `drain` seconds, then SIGKILL. */
static void follow(struct stream *streams, int signals) {
    int ended = 0;
    while (script.running || streams[0].fd >= 0 || streams[1].fd >= 0) {
        struct pollfd polled[3] = {{.fd = streams[0].fd, .events = POLLIN},
                                   {.fd = streams[1].fd, .events = POLLIN},
                                   {.fd = signals, .events = POLLIN}};
        poll(polled, 3, until(now_ms()));
        if (polled[2].revents) read_signals(signals);
        read_streams(streams, polled);
        long long now = now_ms();
        check_clocks(now, streams);
        if (!script.running && !ended) {
            ended = 1;
            due.timeout = 0;
            if (!due.drain) due.drain = now + options.drain * 1000 + 1;
        }
        if (!script.running && due.drain && now >= due.drain) {
            if (ended == 2) break;
            ended = 2;
            script.left = kill_all(SIGKILL);
            due.drain = now + 1000;
        }
    }
    /* What is still in a pipe whose writers were killed. */
    for (int i = 0; i < 2; i++) {
        if (streams[i].fd < 0) continue;
        for (int more = 64; more > 0 && stream_read(&streams[i]) > 0; more--) {}
        stream_close(&streams[i]);
    }
    kill_all(SIGKILL);
}

static void stamp(char *out, size_t size, struct timespec *when) {
    struct tm parts;
    gmtime_r(&when->tv_sec, &parts);
    size_t used = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(out + used, size - used, ".%03ldZ", when->tv_nsec / 1000000);
}

static size_t record_text(char *text, size_t size) {
    char digest[65], started[40], finished[40];
    struct usage usage;
    usage_read(&usage);
    digest_hex(digest);
    stamp(started, sizeof started, &script.started);
    stamp(finished, sizeof finished, &script.finished);
    int length = snprintf(
        text, size,
        "{\"version\":1,\"exitCode\":%d,\"signal\":%d,\"terminated\":%s,\"timedOut\":%s,\"startError\":%d,"
        "\"leftBehind\":%d,\"lastSeq\":%llu,\"lines\":%llu,\"bytes\":%llu,\"sha256\":\"%s\",\"started\":\"%s\","
        "\"finished\":\"%s\",\"cpuMs\":%lld,\"throttledMs\":%lld,\"memoryPeak\":%lld,\"oomKills\":%lld,"
        "\"filesError\":%d,\"dockerAsked\":%s}",
        script.exit_code, script.signal, script.term ? "true" : "false", script.timed_out ? "true" : "false",
        script.start_error, script.left, (unsigned long long)totals.seq + 1, (unsigned long long)totals.lines,
        (unsigned long long)totals.bytes, digest, started, finished, usage.cpu_ms, usage.throttled_ms,
        usage.memory_peak, usage.oom_kills, script.files_error,
        options.docker_mark && access(options.docker_mark, F_OK) == 0 ? "true" : "false");
    return (size_t)length;
}

static void write_record(void) {
    char text[1024];
    size_t size = record_text(text, sizeof text);
    int fd = open(options.record, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd >= 0) {
        if (write(fd, text, size) != (ssize_t)size) frame_system("the end record could not be written");
        close(fd);
    }
    frame_write('x', (const unsigned char *)text, size);
    output_flush();
}

/* Stays so that the frames can still be fetched from the spool: an exited container cannot be entered. */
static void linger(int signals) {
    if (script.told || options.window < 0 || totals.framed <= (uint64_t)options.window) return;
    long long end = now_ms() + options.linger * 1000;
    struct pollfd polled = {.fd = signals, .events = POLLIN};
    for (long long now = now_ms(); now < end; now = now_ms()) {
        long long beat = options.heartbeat < LINGER_BEAT ? options.heartbeat : LINGER_BEAT;
        long long wait = beat ? beat * 1000 : end - now;
        if (poll(&polled, 1, (int)(wait < end - now ? wait : end - now)) > 0) {
            struct signalfd_siginfo info;
            if (read(signals, &info, sizeof info) == (ssize_t)sizeof info && info.ssi_signo != SIGCHLD) return;
            while (waitpid(-1, NULL, WNOHANG) > 0) {}
        } else if (options.heartbeat) {
            frame_heartbeat();
        }
    }
}

static int block_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void say_start_error(const char *command) {
    char text[512];
    script.running = 0;
    script.exit_code = script.start_error == ENOENT ? 127 : 126;
    clock_gettime(CLOCK_REALTIME, &script.finished);
    snprintf(text, sizeof text, "cannot start %.300s: %s", command, strerror(script.start_error));
    frame_system(text);
}

static void say_left_behind(void) {
    char text[128];
    if (!script.left) return;
    snprintf(text, sizeof text, "%d process%s outlived the script and %s killed", script.left,
             script.left == 1 ? "" : "es", script.left == 1 ? "was" : "were");
    frame_system(text);
}

int main(int argc, char **argv) {
    static struct stream streams[2] = {{.fd = -1, .name = 'o'}, {.fd = -1, .name = 'e'}};
    int at = 1;
    for (; at < argc && strcmp(argv[at], "--") != 0; at += 2) {
        if (at + 1 >= argc || set_option(argv[at], argv[at + 1]) != 0) return fail("wrong argument", argv[at]);
    }
    if (options.replay) return spool_replay(options.spool ? options.spool : ".", strtoull(options.replay, NULL, 10));
    if (at + 1 >= argc) return fail("nothing to run", "write -- COMMAND");
    char **command = argv + at + 1;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    int signals = block_signals();
    output_open(options.spool, options.spool_bytes);
    if (options.heartbeat) due.heartbeat = now_ms() + options.heartbeat * 1000;
    if (options.timeout) due.timeout = now_ms() + options.timeout * 1000;
    if (options.docker_mark) setenv("GITOPS_DOCKER_MARK", options.docker_mark, 1);
    if (options.files) script.files_error = files_unpack(options.files);
    if (script.files_error) {
        script.exit_code = 126;
        clock_gettime(CLOCK_REALTIME, &script.started);
        script.finished = script.started;
    } else {
        script.start_error = start(command, &streams[0], &streams[1]);
        if (script.start_error) say_start_error(command[0]);
    }
    follow(streams, signals);
    reap();
    say_left_behind();
    write_record();
    linger(signals);
    return script.exit_code;
}
