/*
 * storm.c: thousands of meters that come back all at once.
 *
 *     storm PORT SECONDS_MIN SECONDS_MAX < FILE
 *
 * Each line of FILE is one meter: its topic, a tab, its one signed message in hex.
 * Each has a TCP connection of its own to 127.0.0.1, subscribes to its receipt, and
 * publishes.  Whoever loses the connection, for whatever reason, comes back at once,
 * then ten times a second, and sends again: no back-off, which is what makes it a
 * storm.  Ends with 0 when
 * SECONDS_MIN have passed and every meter has had a receipt on the connection it
 * has; with 1 at SECONDS_MAX.  MQTT 5, as little of it as that takes.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define METERS_MAX 20000
#define LINE_MAX_BYTES 40000
#define IN_BYTES_MAX 2048		/* a receipt has 400 */
#define AGAIN_S 0.1

typedef struct meter
{
	uint8_t    *out;			/* CONNECT, SUBSCRIBE, PUBLISH */
	size_t		out_len;
	size_t		sent;
	uint8_t		in[IN_BYTES_MAX];
	size_t		in_len;
	int			fd;				/* -1: not connected */
	bool		receipted;		/* on this connection */
	double		not_before_s;
} meter;

static meter *meters;
static int	meter_count;
static long connects;
static struct sockaddr_in broker;

static double
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

static uint8_t *
put_text(uint8_t *p, const char *text, size_t len)
{
	*p++ = (uint8_t) (len >> 8);
	*p++ = (uint8_t) len;
	memcpy(p, text, len);
	return p + len;
}

/* A packet around body: first byte, remaining length. */
static uint8_t *
put_packet(uint8_t *p, uint8_t first, const uint8_t *body, size_t len)
{
	size_t		left = len;

	*p++ = first;
	do
	{
		uint8_t		seven = left % 128;

		left /= 128;
		*p++ = left > 0 ? seven | 128 : seven;
	} while (left > 0);
	memcpy(p, body, len);
	return p + len;
}

static bool
make_meter(meter *m, int number, char *line)
{
	static uint8_t body[LINE_MAX_BYTES];
	char		id[32];
	char		filter[512];
	char	   *tab = strchr(line, '\t');
	uint8_t    *p;
	char	   *up;

	if (tab == NULL)
		return false;
	*tab++ = '\0';
	tab[strcspn(tab, "\r\n")] = '\0';
	up = strstr(line, "/up/");
	if (up == NULL || strlen(line) > 400)
		return false;
	snprintf(filter, sizeof(filter), "%.*s/down/receipt", (int) (up - line), line);
	snprintf(id, sizeof(id), "storm-%d", number);
	m->fd = -1;
	m->out = malloc(strlen(tab) / 2 + 2000);
	if (m->out == NULL)
		return false;

	p = put_text(body, "MQTT", 4);
	memcpy(p, "\5\2\0\74\0", 5);	/* version 5, clean start, keep-alive 60 s, no
									 * properties */
	p = put_text(p + 5, id, strlen(id));
	m->out_len = (size_t) (put_packet(m->out, 0x10, body, (size_t) (p - body)) - m->out);
	memcpy(body, "\0\1\0", 3);	/* packet id 1, no properties */
	p = put_text(body + 3, filter, strlen(filter));
	*p++ = 1;
	m->out_len = (size_t) (put_packet(m->out + m->out_len, 0x82, body, (size_t) (p - body)) - m->out);
	p = put_text(body, line, strlen(line));
	memcpy(p, "\0\2\0", 3);		/* packet id 2, no properties */
	p += 3;
	for (; tab[0] != '\0' && tab[1] != '\0'; tab += 2)
	{
		unsigned	byte;

		if (sscanf(tab, "%2x", &byte) != 1)
			return false;
		*p++ = (uint8_t) byte;
	}
	m->out_len = (size_t) (put_packet(m->out + m->out_len, 0x32, body, (size_t) (p - body)) - m->out);
	return true;
}

static void
lose(meter *m)
{
	close(m->fd);
	m->fd = -1;
	m->receipted = false;
}

static void
come(meter *m)
{
	m->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (m->fd < 0)
	{
		perror("socket");
		exit(2);
	}
	m->sent = 0;
	m->in_len = 0;
	m->not_before_s = now_s() + AGAIN_S;
	connects++;
	if (connect(m->fd, (const struct sockaddr *) &broker, sizeof(broker)) != 0 && errno != EINPROGRESS)
		lose(m);
}

/* Whole packets at the buffer's begin; false where the broker says no. */
static bool
take_packets(meter *m)
{
	for (;;)
	{
		size_t		len = 0;
		size_t		head = 1;
		int			shift = 0;

		do
		{
			if (head >= m->in_len)
				return true;
			len |= (size_t) (m->in[head] & 127) << shift;
			shift += 7;
		} while (m->in[head++] & 128);
		if (head + len > IN_BYTES_MAX)
			return false;
		if (m->in_len < head + len)
			return true;
		if ((m->in[0] == 0x20 && m->in[head + 1] != 0) || m->in[0] == 0xe0)
			return false;
		if ((m->in[0] & 0xf0) == 0x30)
		{
			size_t		topic = (size_t) m->in[head] << 8 | m->in[head + 1];
			uint8_t		puback[4] = {0x40, 2, m->in[head + 2 + topic], m->in[head + 3 + topic]};

			m->receipted = true;
			if ((m->in[0] & 6) != 0 && send(m->fd, puback, 4, MSG_NOSIGNAL) != 4)
				return false;
		}
		m->in_len -= head + len;
		memmove(m->in, m->in + head + len, m->in_len);
	}
}

static void
serve(meter *m, short events)
{
	ssize_t		n;

	if ((events & POLLOUT) != 0)
	{
		n = send(m->fd, m->out + m->sent, m->out_len - m->sent, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
		{
			lose(m);
			return;
		}
		m->sent += n > 0 ? (size_t) n : 0;
	}
	if ((events & (POLLIN | POLLERR | POLLHUP)) != 0)
	{
		n = recv(m->fd, m->in + m->in_len, sizeof(m->in) - m->in_len, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN))
		{
			lose(m);
			return;
		}
		m->in_len += n > 0 ? (size_t) n : 0;
		if (!take_packets(m))
			lose(m);
	}
}

int
main(int argc, char **argv)
{
	static char line[LINE_MAX_BYTES];
	struct rlimit files;
	struct pollfd *fd;
	double		begin = now_s();
	int			receipted = 0;

	if (argc != 4)
		return 2;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	broker = (struct sockaddr_in) {.sin_family = AF_INET,.sin_port = htons((uint16_t) atoi(argv[1])),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	meters = calloc(METERS_MAX, sizeof(*meters));
	fd = calloc(METERS_MAX, sizeof(*fd));
	if (meters == NULL || fd == NULL)
		return 2;
	while (meter_count < METERS_MAX && fgets(line, sizeof(line), stdin) != NULL)
	{
		if (!make_meter(&meters[meter_count], meter_count, line))
			return 2;
		meter_count++;
	}
	while (now_s() - begin < atof(argv[3]) && (now_s() - begin < atof(argv[2]) || receipted < meter_count))
	{
		for (int i = 0; i < meter_count; i++)
		{
			if (meters[i].fd < 0 && now_s() >= meters[i].not_before_s)
				come(&meters[i]);
			fd[i].fd = meters[i].fd;
			fd[i].events = (short) (POLLIN | (meters[i].sent < meters[i].out_len ? POLLOUT : 0));
			fd[i].revents = 0;
		}
		poll(fd, (nfds_t) meter_count, 100);
		receipted = 0;
		for (int i = 0; i < meter_count; i++)
		{
			if (fd[i].fd >= 0 && fd[i].revents != 0)
				serve(&meters[i], fd[i].revents);
			receipted += meters[i].receipted;
		}
	}
	printf("meters=%d receipted=%d connects=%ld seconds=%.1f\n", meter_count, receipted, connects, now_s() - begin);
	return receipted == meter_count ? 0 : 1;
}
