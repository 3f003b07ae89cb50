/*
 * metrics_http.c: as much of HTTP as GET /metrics needs, on 127.0.0.1.
 *
 * Whoever can connect may not be believed: all memory is had at the start,
 * a request has a fixed length and a deadline, nothing it says is a size, and no
 * call waits.  Eight clients at once; a ninth waits in the kernel's queue.
 */
#define _GNU_SOURCE				/* accept4 */
#include "metrics_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "metrics.h"

#define METRICS_HTTP_HEAD_BYTES_MAX 256

bool
metrics_http_open(metrics_http *h, int port, int shard_count)
{
	struct sockaddr_in where = {.sin_family = AF_INET,.sin_port = htons((uint16_t) port)};
	int			on = 1;

	memset(h, 0, sizeof(*h));
	h->fd = -1;
	for (int i = 0; i < METRICS_HTTP_CLIENTS_MAX; i++)
		h->client[i].fd = -1;
	if (port == 0)
		return true;
	h->answer_cap = METRICS_HTTP_HEAD_BYTES_MAX + METRICS_HEAD_BYTES_MAX + (size_t) shard_count * METRICS_SHARD_BYTES_MAX;
	h->memory = malloc(METRICS_HTTP_CLIENTS_MAX * h->answer_cap);
	h->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (h->memory == NULL || h->fd < 0 || setsockopt(h->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
		bind(h->fd, (const struct sockaddr *) &where, sizeof(where)) != 0 ||
		listen(h->fd, METRICS_HTTP_CLIENTS_MAX) != 0)
	{
		int			why = errno;

		metrics_http_close(h);
		errno = why;
		return false;
	}
	for (int i = 0; i < METRICS_HTTP_CLIENTS_MAX; i++)
		h->client[i].answer = h->memory + (size_t) i * h->answer_cap;
	return true;
}

int
metrics_http_fds(const metrics_http *h, struct pollfd *fd)
{
	int			count = 0;
	bool		has_room = false;

	for (int i = 0; i < METRICS_HTTP_CLIENTS_MAX; i++)
	{
		const metrics_client *c = &h->client[i];

		if (c->fd < 0)
			has_room = true;
		else
			fd[count++] = (struct pollfd) {.fd = c->fd,.events = c->answer_len > 0 ? POLLOUT : POLLIN};
	}
	if (h->fd >= 0 && has_room)
		fd[count++] = (struct pollfd) {.fd = h->fd,.events = POLLIN};
	return count;
}

static void
metrics_http_accept(metrics_http *h)
{
	for (int i = 0; i < METRICS_HTTP_CLIENTS_MAX; i++)
	{
		metrics_client *c = &h->client[i];

		if (c->fd >= 0)
			continue;
		c->fd = accept4(h->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (c->fd < 0)
			return;
		c->deadline_ms = clock_now_ms() + METRICS_HTTP_MS_MAX;
		c->request_len = 0;
		c->answer_len = 0;
		c->sent = 0;
	}
}

static void
metrics_http_drop(metrics_client *c)
{
	close(c->fd);
	c->fd = -1;
}

static void
metrics_http_answer(metrics_http *h, metrics_client *c, shard *const *each, int count)
{
	bool		is_get = strncmp(c->request, "GET ", 4) == 0;
	bool		is_ours = is_get && strncmp(c->request + 4, "/metrics", 8) == 0 &&
		strchr(" ?", c->request[12]) != NULL && c->request[12] != '\0';
	char	   *body = c->answer + METRICS_HTTP_HEAD_BYTES_MAX;
	size_t		body_len;
	int			head_len;

	if (is_ours)
		body_len = metrics_write(each, count, body, h->answer_cap - METRICS_HTTP_HEAD_BYTES_MAX);
	else
		body_len = (size_t) snprintf(body, 64, "%s\n", is_get ? "see /metrics" : "only GET");
	head_len = snprintf(c->answer, METRICS_HTTP_HEAD_BYTES_MAX,
						"HTTP/1.1 %s\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
						"Content-Length: %zu\r\nConnection: close\r\n\r\n",
						is_ours ? "200 OK" : is_get ? "404 Not Found" : "405 Method Not Allowed\r\nAllow: GET", body_len);
	memmove(c->answer + head_len, body, body_len);
	c->answer_len = (size_t) head_len + body_len;
}

/* Until the empty line that ends a request, or its limit. */
static void
metrics_http_read(metrics_http *h, metrics_client *c, shard *const *each, int count)
{
	ssize_t		got = recv(c->fd, c->request + c->request_len, sizeof(c->request) - 1 - c->request_len, 0);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0)
	{
		metrics_http_drop(c);
		return;
	}
	c->request_len += (size_t) got;
	c->request[c->request_len] = '\0';
	if (strstr(c->request, "\r\n\r\n") != NULL)
		metrics_http_answer(h, c, each, count);
	else if (c->request_len == sizeof(c->request) - 1)
		metrics_http_drop(c);
}

static void
metrics_http_write(metrics_client *c)
{
	ssize_t		put = send(c->fd, c->answer + c->sent, c->answer_len - c->sent, MSG_NOSIGNAL);

	if (put < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (put > 0)
		c->sent += (size_t) put;
	if (put < 0 || c->sent == c->answer_len)
	{
		shutdown(c->fd, SHUT_WR);
		metrics_http_drop(c);
	}
}

void
metrics_http_serve(metrics_http *h, shard *const *each, int count)
{
	if (h->fd < 0)
		return;
	metrics_http_accept(h);
	for (int i = 0; i < METRICS_HTTP_CLIENTS_MAX; i++)
	{
		metrics_client *c = &h->client[i];

		if (c->fd >= 0 && c->answer_len == 0)
			metrics_http_read(h, c, each, count);
		if (c->fd >= 0 && c->answer_len > 0)
			metrics_http_write(c);
		if (c->fd >= 0 && clock_left_ms(c->deadline_ms) == 0)
			metrics_http_drop(c);
	}
}

void
metrics_http_close(metrics_http *h)
{
	for (int i = 0; i < METRICS_HTTP_CLIENTS_MAX; i++)
	{
		if (h->client[i].fd >= 0)
			metrics_http_drop(&h->client[i]);
	}
	if (h->fd >= 0)
		close(h->fd);
	h->fd = -1;
	free(h->memory);
	h->memory = NULL;
}
