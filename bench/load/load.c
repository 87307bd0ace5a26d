/*
 * Many websocket clients in one process that cost next to nothing: what they are sent is counted, not looked at.
 *
 *   load --port P --path /PATH [options]
 *
 * It opens all clients, tells so, and then obeys lines on its standard input; each answer is a line of JSON.
 *
 *   window [US]  forget what was counted; count from now. US: microseconds from one frame to the next, as they are due
 *   report       what was counted since
 *   await TEXT   answers when each client has had a frame with this text, counted from now
 *   quit         end; the end of the input does the same
 *
 * A frame counts as data if TEXT of --data is within its first HEAD bytes. Its age is now minus the Unix ms that stand
 * behind the text of --time. If it is known when frames are due, those that never came, because a later one has merged
 * or replaced them, count with the age that their data has when it comes: a stall cannot hide. Linux only. Exit code 1: the clients could not be opened; the last line says why.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    HEAD = 512,        /* bytes of a payload that are looked at */
    ANSWER = 4096,     /* the longest answer to a handshake */
    READ = 1 << 18,    /* bytes read at once */
    MESSAGES = 8,      /* at most so many --say */
    LINE = 4096,       /* the longest line on the standard input */
    EVENTS = 1024,
    EXACT = 64,        /* ages up to here have a bucket each; above, 32 for each power of two */
    BUCKETS = EXACT + 32 * 40,
};

enum state { IDLE, CONNECTING, SHAKING, OPEN, LOST };

struct client {
    int fd;
    enum state state;
    bool served;            /* has had its first data */
    bool awaited;           /* has had the frame that is waited for */
    bool inside;            /* of a frame's payload */
    uint8_t opcode;
    uint8_t header_size;    /* bytes of the header that are there */
    uint8_t header[14];
    uint64_t left;          /* bytes of the payload that are to come */
    uint16_t head_size;
    uint8_t *head;          /* the first bytes of a payload, or of the answer to the handshake, that came in pieces */
    int64_t began_us;
    int64_t sent_ms;        /* of its last data */
};

struct histogram {
    uint64_t count[BUCKETS];
};

static struct {
    const char *host, *path, *paths_file, *data, *time, *first, *say[MESSAGES];
    int port, clients, addresses, concurrent, deadline_s, messages, first_client;
} options = {.host = "127.0.0.1", .path = "/", .data = "\"type\":\"update\"", .time = "\"time\":", .first = NULL,
             .clients = 1, .addresses = 8, .concurrent = 256, .deadline_s = 60};

static struct client *clients;
static char **paths;
static int path_count;
static int started, served, lost, epoll_fd;
static uint64_t frames, data_frames, bytes;
static int64_t window_us, began_us, period_us;
static double window_cpu_s;
static struct histogram ages, firsts, waits;
static char *waiting_for;
static int waiting_left;
static int64_t waiting_us;
static uint8_t buffer[READ];

static int64_t clock_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static double cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (char *at = text; *at; at++)
        if (*at == '"' || *at == '\\' || (unsigned char)*at < ' ')
            *at = ' ';
    printf("{\"event\":\"failed\",\"reason\":\"%s\"}\n", text);
    fflush(stdout);
    exit(1);
}

/* Histograms: log-linear, within 3 per cent. */

static void count(struct histogram *histogram, int64_t us)
{
    uint64_t value = us < 0 ? 0 : (uint64_t)us;
    int at = (int)value;
    if (value >= EXACT) {
        int power = 63 - __builtin_clzll(value);
        at = EXACT + (power - 6) * 32 + (int)((value >> (power - 5)) & 31);
    }
    histogram->count[at < BUCKETS ? at : BUCKETS - 1]++;
}

static uint64_t middle_us(int bucket)
{
    if (bucket < EXACT)
        return (uint64_t)bucket;
    int power = (bucket - EXACT) / 32 + 6, step = (bucket - EXACT) % 32;
    return ((32ULL + (uint64_t)step) << (power - 5)) + (1ULL << (power - 5)) / 2;
}

static void print_histogram(const char *name, const struct histogram *histogram)
{
    const char *comma = "";
    printf("\"%s\":[", name);
    for (int at = 0; at < BUCKETS; at++)
        if (histogram->count[at]) {
            printf("%s[%llu,%llu]", comma, (unsigned long long)middle_us(at), (unsigned long long)histogram->count[at]);
            comma = ",";
        }
    printf("]");
}

/* What clients write: small, and into an empty socket. */

static void lose(struct client *client, const char *why)
{
    if (client->state != OPEN)
        fail("client %d of %d: %s, after %d were served", (int)(client - clients) + 1, options.clients, why, served);
    close(client->fd);
    client->state = LOST;
    lost++;
    if (waiting_for && !client->awaited)
        waiting_left--;
}

static void put(struct client *client, const void *text, size_t size)
{
    if (write(client->fd, text, size) != (ssize_t)size)
        lose(client, "a few bytes could not be written");
}

static void put_frame(struct client *client, uint8_t opcode, const void *payload, size_t size)
{
    uint8_t frame[8 + LINE] = {(uint8_t)(0x80 | opcode)};
    size_t at = 2;
    if (size > LINE - 8)
        fail("a message of %zu bytes is too long", size);
    if (size < 126) {
        frame[1] = (uint8_t)(0x80 | size);
    } else {
        frame[1] = 0x80 | 126;
        frame[2] = (uint8_t)(size >> 8);
        frame[3] = (uint8_t)size;
        at = 4;
    }
    at += 4; /* a mask of zeros, which changes nothing */
    memcpy(frame + at, payload, size);
    put(client, frame, at + size);
}

/* What clients are sent. */

static void take_payload(struct client *client, const uint8_t *payload, size_t size)
{
    if (client->opcode == 9) {
        put_frame(client, 10, payload, size < 125 ? size : 125);
        return;
    }
    if (client->opcode == 8) {
        lose(client, "closed by the server");
        return;
    }
    if (client->opcode != 1 && client->opcode != 2)
        return;
    frames++;
    size_t head = size < HEAD ? size : HEAD;
    if (waiting_for && !client->awaited && memmem(payload, head, waiting_for, strlen(waiting_for))) {
        client->awaited = true;
        waiting_left--;
        count(&waits, clock_us(CLOCK_MONOTONIC) - waiting_us);
    }
    if (!client->served && memmem(payload, head, options.first, strlen(options.first))) {
        client->served = true;
        served++;
        count(&firsts, clock_us(CLOCK_MONOTONIC) - client->began_us);
    }
    if (!memmem(payload, head, options.data, strlen(options.data)))
        return;
    data_frames++;
    const uint8_t *at = memmem(payload, head, options.time, strlen(options.time));
    if (!at)
        return;
    int64_t sent_ms = 0;
    for (at += strlen(options.time); at < payload + head && *at >= '0' && *at <= '9'; at++)
        sent_ms = sent_ms * 10 + (*at - '0');
    int64_t age_us = clock_us(CLOCK_REALTIME) - sent_ms * 1000;
    count(&ages, age_us);
    if (period_us && client->sent_ms) {
        int64_t steps = ((sent_ms - client->sent_ms) * 1000 + period_us / 2) / period_us;
        for (int64_t missed = 1; missed < steps; missed++)
            count(&ages, age_us + missed * period_us);
    }
    client->sent_ms = sent_ms;
}

static size_t header_need(const struct client *client)
{
    if (client->header_size < 2)
        return 2;
    int size = client->header[1] & 127;
    return size == 127 ? 10 : size == 126 ? 4 : 2;
}

static void keep(struct client *client, const uint8_t *from, size_t size, size_t most)
{
    size_t room = most - client->head_size;
    if (size > room)
        size = room;
    if (!client->head && !(client->head = malloc(ANSWER)))
        fail("no memory");
    memcpy(client->head + client->head_size, from, size);
    client->head_size = (uint16_t)(client->head_size + size);
}

static void drop_head(struct client *client)
{
    free(client->head);
    client->head = NULL;
    client->head_size = 0;
}

static void take(struct client *client, const uint8_t *at, size_t size)
{
    bytes += size;
    while (client->state == OPEN && (size || client->inside)) {
        if (!client->inside) {
            while (size && client->header_size < header_need(client)) {
                client->header[client->header_size++] = *at++;
                size--;
            }
            if (client->header_size < header_need(client))
                return;
            if (client->header[1] & 128)
                fail("the server masks its frames");
            client->opcode = client->header[0] & 15;
            client->left = client->header[1] & 127;
            if (client->left >= 126) {
                client->left = 0;
                for (size_t each = 2; each < header_need(client); each++)
                    client->left = client->left << 8 | client->header[each];
            }
            client->header_size = 0;
            client->inside = true;
            if (size >= client->left) { /* the whole of it is here: mostly so */
                size_t whole = client->left;
                client->inside = false;
                take_payload(client, at, whole);
                at += whole;
                size -= whole;
                continue;
            }
        }
        size_t part = size < client->left ? size : client->left;
        if (!part && client->left)
            return;
        keep(client, at, part, HEAD);
        client->left -= part;
        at += part;
        size -= part;
        if (client->left)
            return;
        client->inside = false;
        take_payload(client, client->head, client->head_size);
        drop_head(client);
    }
}

static void shake(struct client *client, const uint8_t *at, size_t size)
{
    size_t before = client->head_size;
    keep(client, at, size, ANSWER);
    uint8_t *end = memmem(client->head, client->head_size, "\r\n\r\n", 4);
    if (!end) {
        if (client->head_size == ANSWER)
            lose(client, "the answer to the handshake does not end");
        return;
    }
    if (client->head_size < 12 || memcmp(client->head, "HTTP/1.1 101", 12)) {
        char line[100] = "";
        memcpy(line, client->head, client->head_size < 99 ? client->head_size : 99);
        fail("the handshake was answered with: %s", line);
    }
    size_t used = (size_t)(end + 4 - client->head) - before;
    drop_head(client);
    client->state = OPEN;
    for (int each = 0; each < options.messages; each++)
        put_frame(client, 1, options.say[each], strlen(options.say[each]));
    take(client, at + used, size - used);
}

static void greet(struct client *client)
{
    char text[LINE];
    const char *path = path_count ? paths[(int)(client - clients + options.first_client) % path_count] : options.path;
    int size = snprintf(text, sizeof text,
                        "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                        path, options.host, options.port);
    if (size >= (int)sizeof text)
        fail("the path is too long");
    client->state = SHAKING;
    put(client, text, (size_t)size);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, client->fd, &event);
}

static void start(struct client *client)
{
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
    inet_pton(AF_INET, options.host, &server.sin_addr);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->fd < 0)
        fail("no socket for client %d: %s", (int)(client - clients) + 1, strerror(errno));
    if ((ntohl(server.sin_addr.s_addr) >> 24) == 127) {
        /* Addresses of this machine have 65,000 ports each. */
        int late = 1, place = (int)(client - clients + options.first_client) % options.addresses;
        struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001U + (uint32_t)place)};
        setsockopt(client->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, sizeof late);
        if (bind(client->fd, (struct sockaddr *)&own, sizeof own))
            fail("no address for client %d: %s", (int)(client - clients) + 1, strerror(errno));
    }
    /* At the end connections are reset, so that no port has to rest for a minute. */
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    client->state = CONNECTING;
    client->began_us = clock_us(CLOCK_MONOTONIC);
    if (connect(client->fd, (struct sockaddr *)&server, sizeof server) && errno != EINPROGRESS)
        fail("client %d cannot connect: %s", (int)(client - clients) + 1, strerror(errno));
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = client};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, client->fd, &event))
        fail("epoll: %s", strerror(errno));
    started++;
}

static void receive(struct client *client)
{
    ssize_t size = read(client->fd, buffer, READ);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size <= 0)
        lose(client, size ? strerror(errno) : "the server hung up");
    else if (client->state == SHAKING)
        shake(client, buffer, (size_t)size);
    else
        take(client, buffer, (size_t)size);
}

static void turn(struct client *client, uint32_t events)
{
    if (client->state == CONNECTING) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error)
            lose(client, strerror(error));
        if (events & EPOLLOUT)
            greet(client);
    } else if (client->state != LOST) {
        receive(client);
    }
}

/* What is asked on the standard input. */

static void tell_opened(void)
{
    printf("{\"event\":\"open\",\"clients\":%d,\"seconds\":%.6f,\"cpu_s\":%.6f,", served,
           (double)(clock_us(CLOCK_MONOTONIC) - began_us) / 1e6, cpu_s());
    print_histogram("first_us", &firsts);
    printf("}\n");
    fflush(stdout);
}

static void tell_window(void)
{
    printf("{\"event\":\"window\",\"seconds\":%.6f,\"cpu_s\":%.6f,\"frames\":%llu,\"data\":%llu,\"bytes\":%llu,"
           "\"lost\":%d,",
           (double)(clock_us(CLOCK_MONOTONIC) - window_us) / 1e6, cpu_s() - window_cpu_s, (unsigned long long)frames,
           (unsigned long long)data_frames, (unsigned long long)bytes, lost);
    print_histogram("ages_us", &ages);
    printf("}\n");
    fflush(stdout);
}

static void tell_awaited(void)
{
    printf("{\"event\":\"awaited\",\"seconds\":%.6f,\"lost\":%d,",
           (double)(clock_us(CLOCK_MONOTONIC) - waiting_us) / 1e6, lost);
    print_histogram("waits_us", &waits);
    printf("}\n");
    fflush(stdout);
    free(waiting_for);
    waiting_for = NULL;
}

static void begin_window(int64_t expected_us)
{
    period_us = expected_us;
    frames = data_frames = bytes = 0;
    memset(&ages, 0, sizeof ages);
    window_us = clock_us(CLOCK_MONOTONIC);
    window_cpu_s = cpu_s();
}

static void await_text(const char *text)
{
    free(waiting_for);
    waiting_for = strdup(text);
    waiting_left = options.clients - lost;
    waiting_us = clock_us(CLOCK_MONOTONIC);
    memset(&waits, 0, sizeof waits);
    for (int each = 0; each < options.clients; each++)
        clients[each].awaited = false;
}

static void obey(char *line)
{
    if (!strncmp(line, "window", 6))
        begin_window(atoll(line + 6));
    else if (!strcmp(line, "report"))
        tell_window();
    else if (!strncmp(line, "await ", 6))
        await_text(line + 6);
    else if (!strcmp(line, "quit"))
        exit(0);
    else
        fail("not understood: %s", line);
}

static void hear(void)
{
    static char line[LINE];
    static size_t size;
    ssize_t more = read(0, line + size, sizeof line - size - 1);
    if (more <= 0)
        exit(0); /* who started us has gone */
    size += (size_t)more;
    line[size] = 0;
    char *at = line;
    for (char *end; (end = strchr(at, '\n')); at = end + 1) {
        *end = 0;
        obey(at);
    }
    size -= (size_t)(at - line);
    memmove(line, at, size);
    if (size == sizeof line - 1)
        fail("a line is too long");
}

/* The command line. */

static void read_paths(void)
{
    FILE *file = fopen(options.paths_file, "r");
    char line[LINE];
    if (!file)
        fail("%s: %s", options.paths_file, strerror(errno));
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        paths = realloc(paths, sizeof *paths * (size_t)(path_count + 1));
        paths[path_count++] = strdup(line);
    }
    fclose(file);
}

static void read_options(int argc, char **argv)
{
    struct {
        const char *name;
        const char **text;
        int *number;
    } known[] = {
        {"--host", &options.host, NULL}, {"--path", &options.path, NULL}, {"--paths", &options.paths_file, NULL},
        {"--data", &options.data, NULL}, {"--time", &options.time, NULL}, {"--first", &options.first, NULL},
        {"--port", NULL, &options.port}, {"--clients", NULL, &options.clients},
        {"--addresses", NULL, &options.addresses}, {"--concurrent", NULL, &options.concurrent},
        {"--deadline", NULL, &options.deadline_s}, {"--first-client", NULL, &options.first_client},
    };
    for (int at = 1; at < argc; at += 2) {
        bool found = false;
        if (at + 1 == argc)
            fail("%s needs a value", argv[at]);
        for (size_t each = 0; each < sizeof known / sizeof *known; each++)
            if (!strcmp(argv[at], known[each].name)) {
                found = true;
                if (known[each].text)
                    *known[each].text = argv[at + 1];
                else
                    *known[each].number = atoi(argv[at + 1]);
            }
        if (!strcmp(argv[at], "--say") && options.messages < MESSAGES) {
            found = true;
            options.say[options.messages++] = argv[at + 1];
        }
        if (!found)
            fail("not understood: %s", argv[at]);
    }
    if (!options.first)
        options.first = options.data;
    if (options.port < 1 || options.clients < 1 || options.addresses < 1 || options.concurrent < 1)
        fail("--port, --clients, --addresses and --concurrent are 1 or more");
    if (options.paths_file)
        read_paths();
}

int main(int argc, char **argv)
{
    static struct epoll_event events[EVENTS];
    bool told = false;
    read_options(argc, argv);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    clients = calloc((size_t)options.clients, sizeof *clients);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event input = {.events = EPOLLIN, .data.ptr = NULL};
    if (!clients || epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, 0, &input))
        fail("cannot start: %s", strerror(errno));
    began_us = clock_us(CLOCK_MONOTONIC);
    begin_window(0);
    for (;;) {
        while (started < options.clients && started - served < options.concurrent)
            start(&clients[started]);
        int ready = epoll_wait(epoll_fd, events, EVENTS, told ? -1 : 100);
        for (int each = 0; each < ready; each++) {
            if (events[each].data.ptr)
                turn(events[each].data.ptr, events[each].events);
            else
                hear();
        }
        if (!told && served == options.clients) {
            told = true;
            tell_opened();
        }
        if (!told && clock_us(CLOCK_MONOTONIC) - began_us > options.deadline_s * 1000000LL)
            fail("only %d of %d clients were served within %d s", served, options.clients, options.deadline_s);
        if (waiting_for && waiting_left <= 0)
            tell_awaited();
    }
}
