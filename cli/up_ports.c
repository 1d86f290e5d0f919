/* SPDX-License-Identifier: Apache-2.0
 * up_ports.c - choose ports by binding them for a moment, and remember them.
 *
 * Between this look and the broker's bind somebody else may take the port; then
 * the broker does not start and says so. Passing bound sockets on would close
 * that gap, but ZeroMQ binds by name. */
#include "cli/up_ports.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/cli.h"
#include "common/clock.h"

enum { FREE_LEAST = 20000, FREE_SPAN = 12000, TRIES_MAX = 200 };

static const char *const roles[UP_PORTS] = {"source", "agent", "worker", "operator", "metrics"};

static bool is_free(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t) port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bool free_ = fd >= 0 && bind(fd, (const struct sockaddr *) &at, sizeof at) == 0;
    if (fd >= 0)
        close(fd);
    return free_;
}

static void read_last(const char *path, struct up_ports *ret)
{
    FILE *file = fopen(path, "re");
    char line[512];
    while (file && fgets(line, sizeof line, file)) {
        char *space = strchr(line, ' ');
        if (!space)
            continue;
        *space = '\0';
        const char *colon = strstr(space + 1, "127.0.0.1:");
        for (int i = 0; i < UP_PORTS; i++)
            if (colon && strcmp(line, roles[i]) == 0)
                ret->port[i] = (int) strtol(colon + strlen("127.0.0.1:"), NULL, 10);
    }
    if (file)
        fclose(file);
}

static bool is_taken_here(const struct up_ports *ports, int port)
{
    for (int i = 0; i < UP_PORTS; i++)
        if (ports->port[i] == port)
            return true;
    return false;
}

static int find_free(const struct up_ports *ports)
{
    for (int i = 0; i < TRIES_MAX; i++) {
        uint32_t chance;
        clock_random(&chance, sizeof chance);
        int port = FREE_LEAST + (int) (chance % FREE_SPAN);
        if (!is_taken_here(ports, port) && is_free(port))
            return port;
    }
    return 0;
}

bool up_ports_choose(struct up_ports *ports, const char *last, int base)
{
    memset(ports, 0, sizeof *ports);
    if (base == 0)
        read_last(last, ports);
    for (int i = 0; i < UP_PORTS; i++) {
        if (base != 0)
            ports->port[i] = base + i;
        if (ports->port[i] > 0 && is_free(ports->port[i]))
            continue;
        if (base != 0) {
            cli_say("port %d (%s) is in use; choose another --port-base", ports->port[i], roles[i]);
            return false;
        }
        ports->port[i] = find_free(ports);
        if (ports->port[i] == 0) {
            cli_say("no free port from %d to %d", FREE_LEAST, FREE_LEAST + FREE_SPAN - 1);
            return false;
        }
    }
    return true;
}

void up_port_address(const struct up_ports *ports, int which, char ret_address[64])
{
    snprintf(ret_address, 64, "%s127.0.0.1:%d", which == UP_METRICS ? "" : "tcp://", ports->port[which]);
}

const char *up_port_role(int which)
{
    return roles[which];
}

size_t up_ports_text(const struct up_ports *ports, char *to, size_t room)
{
    size_t len = 0;
    for (int i = 0; i < UP_PORTS; i++) {
        char at[64];
        up_port_address(ports, i, at);
        len += (size_t) snprintf(to + len, room - len, "%s %s\n", roles[i], at);
    }
    return len;
}
