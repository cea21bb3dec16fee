/* Runs one script in a pod: frames its output, forwards signals, reaps, and says at the end what happened.
 *
 *   runner [--option value]... -- COMMAND [ARGUMENT]...
 *   runner --replay SEQ --spool DIRECTORY
 *   runner --missing COUNT --spool DIRECTORY
 *   runner --receive INDEX --path PATH --digest SHA256 --mode OCTAL --spool DIRECTORY <BLOCKS
 *
 *   --spool DIR --spool-bytes N   keep the newest frames in DIR, N bytes at most
 *   --log-limit N                 keep the first N bytes of the output, and count the lines after them; 0: all
 *   --window N --linger SECONDS   after more than N bytes of log, stay that long after the end, until a signal
 *   --grace SECONDS               between SIGTERM and SIGKILL
 *   --timeout SECONDS             for the script; 0: none
 *   --heartbeat SECONDS           a frame when silent for so long
 *   --drain SECONDS               for what the script left running and writing
 *   --record FILE                 the end record, as JSON
 *   --mask NAME                   hide the value of this environment variable
 *   --mask-directory DIR          hide the content of the files in it
 *   --files FILE                  write the files it lists into the working directory first
 *   --awaited COUNT               start the script only when so many files were received (see receive.c)
 *   --await-timeout SECONDS       how long to wait for them; 0: for ever
 *   --docker-mark FILE            it exists at the end if the script asked for a docker that is not there
 *
 * Exit code: the script's; 128 + n after signal n; 126 or 127 if it could not be started; 2 on a wrong argument.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runner.h"

/* A prompt or a progress bar without a newline is shown after this long, in milliseconds. */
#define PARTIAL_MS 200
/* While it stays for a reader that is behind, it says oftener how far it is, in seconds. */
#define LINGER_BEAT 5
/* How often is looked whether the worker's files are there, in milliseconds. */
#define AWAIT_STEP_MS 50

static struct script script;

static long long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Signals the script's group and whatever this sub-reaper inherited. Returns how many children it found. */
static int kill_all(int signal) {
    char space[4096];
    struct text path;
    int found = 0;
    if (script.running) kill(-script.pid, signal);
    text_begin(&path, space, sizeof space);
    text_add(&path, "/proc/self/task/");
    text_add_number(&path, getpid());
    text_add(&path, "/children");
    int children = open(space, O_RDONLY | O_CLOEXEC);
    if (children < 0) return 0;
    /* Numbers, each with a space behind it; a block may end within one. */
    long pid = 0;
    for (ssize_t got; (got = read_some(children, space, sizeof space)) > 0;) {
        for (ssize_t at = 0; at < got; at++) {
            if (space[at] >= '0' && space[at] <= '9') {
                pid = pid * 10 + space[at] - '0';
                continue;
            }
            if (pid > 1 && kill((pid_t)pid, signal) == 0) found++;
            pid = 0;
        }
    }
    close(children);
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
    char space[96];
    struct text text;
    if (due.timeout && now >= due.timeout && script.running) {
        due.timeout = 0;
        script.timed_out = 1;
        text_begin(&text, space, sizeof space);
        text_add(&text, "time is up: the script ran for ");
        text_add_number(&text, options.timeout);
        text_add(&text, " s");
        frame_system(space);
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

static void write_record(void) {
    char text[1024];
    struct statvfs mount;
    script.noexec = statvfs(".", &mount) == 0 && (mount.f_flag & ST_NOEXEC);
    int asked = options.docker_mark && access(options.docker_mark, F_OK) == 0;
    size_t size = record_text(text, sizeof text, &script, asked);
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
    char space[512];
    struct text text;
    script.running = 0;
    script.exit_code = script.start_error == ENOENT ? 127 : 126;
    clock_gettime(CLOCK_REALTIME, &script.finished);
    text_begin(&text, space, sizeof space);
    text_add(&text, "cannot start ");
    text_add_some(&text, command, 300);
    text_add(&text, ": ");
    text_add(&text, strerror(script.start_error));
    frame_system(space);
}

static void say_left_behind(void) {
    char space[128];
    struct text text;
    if (!script.left) return;
    text_begin(&text, space, sizeof space);
    text_add_number(&text, script.left);
    text_add(&text, script.left == 1 ? " process outlived the script and was killed"
                                     : " processes outlived the script and were killed");
    frame_system(space);
}

/* The modes in which a second runner works beside the one that has the script; *code is then its exit code. */
static int run_beside(int *code) {
    const char *spool = options.spool ? options.spool : ".";
    uint64_t number = 0;
    const char *given = options.replay ? options.replay : options.missing ? options.missing : options.receive;
    if (!given) return 0;
    if (!number_read(given, &number)) *code = fail("no number", given);
    else if (options.replay) *code = spool_replay(spool, number);
    else if (options.missing) *code = received_missing_list(spool, number);
    else *code = receive(spool, number, options.path, options.digest, options.mode);
    return 1;
}

/* Until the worker has brought every file it is to bring: 0; or a signal or the clock came first. */
static int await_files(int signals, struct stream *streams) {
    long long end = options.await_timeout ? now_ms() + options.await_timeout * 1000 : 0;
    if (!options.awaited) return 0;
    frame_system("waiting for files that the worker fetches");
    output_flush();
    while (received_missing(options.spool ? options.spool : ".", (uint64_t)options.awaited)) {
        struct pollfd polled = {.fd = signals, .events = POLLIN};
        if (script.told || (end && now_ms() >= end)) return 1;
        if (poll(&polled, 1, AWAIT_STEP_MS) > 0) read_signals(signals);
        check_clocks(now_ms(), streams);
    }
    /* A signal that was taken here would reach no script. */
    return script.told;
}

static void not_started(void) {
    script.exit_code = 126;
    clock_gettime(CLOCK_REALTIME, &script.started);
    script.finished = script.started;
}

int main(int argc, char **argv) {
    /* Set here and not above: their buffers would be in the program's file. */
    static struct stream streams[2];
    streams[0].name = 'o';
    streams[1].name = 'e';
    streams[0].fd = streams[1].fd = -1;
    int at = options_read(argc, argv), other;
    if (at < 0) return 2;
    if (run_beside(&other)) return other;
    if (at + 1 >= argc) return fail("nothing to run", "write -- COMMAND");
    char **command = argv + at + 1;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    int signals = block_signals();
    output_open(options.spool, options.spool_bytes);
    output_limit(options.log_limit);
    if (options.heartbeat) due.heartbeat = now_ms() + options.heartbeat * 1000;
    if (options.docker_mark) setenv("GITOPS_DOCKER_MARK", options.docker_mark, 1);
    script.awaiting = await_files(signals, streams);
    if (options.files && !script.awaiting) script.files_error = files_unpack(options.files);
    if (options.timeout) due.timeout = now_ms() + options.timeout * 1000;
    if (script.files_error || script.awaiting) {
        not_started();
    } else {
        script.start_error = start(command, &streams[0], &streams[1]);
        if (script.start_error) say_start_error(command[0]);
    }
    follow(streams, signals);
    reap();
    say_left_behind();
    write_record();
    linger(signals);
    output_settle();
    return script.exit_code;
}
