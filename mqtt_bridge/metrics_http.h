/*
 * metrics_http.h: the port that Prometheus asks.
 */
#ifndef BRIDGE_METRICS_HTTP_H
#define BRIDGE_METRICS_HTTP_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shard.h"

#define METRICS_HTTP_CLIENTS_MAX 8
#define METRICS_HTTP_REQUEST_BYTES_MAX 2048
#define METRICS_HTTP_MS_MAX 2000	/* for a request and its answer */
#define METRICS_HTTP_FDS_MAX (1 + METRICS_HTTP_CLIENTS_MAX)

typedef struct metrics_client
{
	int			fd;				/* -1: free */
	int64_t		deadline_ms;
	char		request[METRICS_HTTP_REQUEST_BYTES_MAX];
	size_t		request_len;
	char	   *answer;			/* its own part of the answers' memory */
	size_t		answer_len;		/* 0: still asking */
	size_t		sent;
} metrics_client;

typedef struct metrics_http
{
	int			fd;				/* -1: not asked for */
	metrics_client client[METRICS_HTTP_CLIENTS_MAX];
	char	   *memory;
	size_t		answer_cap;
} metrics_http;

/* port 0: nothing is opened.  False, with errno. */
extern bool metrics_http_open(metrics_http *h, int port, int shard_count);

/* Fill in what to poll; returns how many. */
extern int	metrics_http_fds(const metrics_http *h, struct pollfd *fd);

/* Do what can be done without waiting. */
extern void metrics_http_serve(metrics_http *h, shard *const *each, int count);
extern void metrics_http_close(metrics_http *h);

#endif							/* BRIDGE_METRICS_HTTP_H */
