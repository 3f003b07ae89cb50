/*
 * meter_journal.c: what a meter writes down so that a restart loses nothing.
 *
 * One append-only file, rewritten shorter at each start.  A record is
 *
 *     u8 type | u32 length | body | first 4 bytes of SHA-256(type | body)
 *
 * with body lp(meter) | u32 epoch | u64 seq, and for a message i64 measured_to
 * | lp(message), for a head digest[32] | i64 measured_to, for orders what a message has
 * and u8 leaf | lp(orders, as meter_orders.c writes them).  Then, but for receipts, u8 leaf
 * | i64 ordered_to | u32 transferred, which journals of meters that knew no market, or no
 * certificates, do not have.  A record
 * cut off by a crash fails its check; it was never sent, as sending comes after the
 * sync, so reading simply ends there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/bytes.h"
#include "meter_journal.h"
#include "meter_orders.h"

#define JOURNAL_BYTES_MAX INT64_C(1073741824)	/* a larger one is not read */
#define PATH_ROOM 4096
#define RECORD_HEAD_LEN 5
#define RECORD_CHECK_LEN 4
#define RECORD_BODY_MAX (MESSAGE_BYTES_MAX + ORDERS_BYTES_MAX + PAYLOAD_METER_LEN_MAX + 64)

static void
journal_path(const char *dir, const char *name, char out[PATH_ROOM])
{
	snprintf(out, PATH_ROOM, "%s/%s", dir, name);
}

static bool
write_all(int fd, const uint8_t *data, size_t len)
{
	while (len > 0)
	{
		ssize_t		n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
		{
			meter_error("could not write the state: %s", strerror(errno));
			return false;
		}
		data += n;
		len -= (size_t) n;
	}
	return true;
}

static bool
write_record(int fd, bytes_out *b)
{
	uint8_t		check[SHA256_LEN];
	size_t		body_len = b->len - RECORD_HEAD_LEN;

	sha256_of_two(b->data, 1, b->data + RECORD_HEAD_LEN, body_len, check);
	bytes_store_u32(b->data + 1, (uint32_t) body_len);
	bytes_put(b, check, RECORD_CHECK_LEN);
	return !b->overflow && write_all(fd, b->data, b->len);
}

static void
record_begin(bytes_out *b, uint8_t *buffer, size_t cap, journal_type type,
			 const meter *m, uint32_t epoch, uint64_t seq)
{
	bytes_out_init(b, buffer, cap);
	bytes_put_u8(b, (uint8_t) type);
	bytes_put_u32(b, 0);		/* the length, when it is known */
	bytes_put_lp(b, m->name, strlen(m->name));
	bytes_put_u32(b, epoch);
	bytes_put_u64(b, seq);
}

static void
record_put_market(bytes_out *b, const meter *m, meter_leaf leaf)
{
	bytes_put_u8(b, (uint8_t) leaf);
	bytes_put_u64(b, (uint64_t) m->ordered_to_ms);
	bytes_put_u32(b, m->transferred);
}

bool
journal_write_message(int fd, const meter *m, uint32_t epoch, uint64_t seq,
					  const uint8_t *data, size_t len, meter_leaf leaf)
{
	uint8_t		buffer[RECORD_BODY_MAX + 16];
	bytes_out	b;

	record_begin(&b, buffer, sizeof(buffer), JOURNAL_MESSAGE, m, epoch, seq);
	bytes_put_u64(&b, (uint64_t) m->measured_to_ms);
	bytes_put_lp(&b, data, len);
	record_put_market(&b, m, leaf);
	return write_record(fd, &b);
}

bool
journal_write_orders(int fd, const meter *m, uint32_t epoch, uint64_t seq,
					 const uint8_t *data, size_t len, meter_leaf leaf, const meter_orders *orders)
{
	uint8_t		buffer[RECORD_BODY_MAX + 16];
	uint8_t		told[ORDERS_BYTES_MAX];
	size_t		told_len = orders == NULL ? 0 : meter_orders_write(orders, told, sizeof(told));
	bytes_out	b;

	record_begin(&b, buffer, sizeof(buffer), JOURNAL_ORDERS, m, epoch, seq);
	bytes_put_u64(&b, (uint64_t) m->measured_to_ms);
	bytes_put_lp(&b, data, len);
	bytes_put_u8(&b, (uint8_t) leaf);
	bytes_put_lp(&b, told, told_len);
	record_put_market(&b, m, leaf);
	return write_record(fd, &b);
}

bool
journal_write_receipt(int fd, const meter *m, uint32_t epoch, uint64_t seq)
{
	uint8_t		buffer[256];
	bytes_out	b;

	record_begin(&b, buffer, sizeof(buffer), JOURNAL_RECEIPT, m, epoch, seq);
	return write_record(fd, &b);
}

bool
journal_write_head(int fd, const meter *m)
{
	uint8_t		buffer[256];
	bytes_out	b;

	record_begin(&b, buffer, sizeof(buffer), JOURNAL_HEAD, m, m->epoch, m->last_seq);
	bytes_put(&b, m->last_digest, SHA256_LEN);
	bytes_put_u64(&b, (uint64_t) m->measured_to_ms);
	record_put_market(&b, m, LEAF_READING);
	return write_record(fd, &b);
}

bool
journal_sync(int fd)
{
	if (fdatasync(fd) == 0)
		return true;
	meter_error("could not sync the state: %s", strerror(errno));
	return false;
}

/* The next n bytes, or NULL where the record is shorter. */
static const uint8_t *
take(const uint8_t **p, const uint8_t *end, size_t n)
{
	const uint8_t *here = *p;

	if ((size_t) (end - here) < n)
		return NULL;
	*p += n;
	return here;
}

static bool
record_parse(journal_type type, const uint8_t *p, const uint8_t *end, journal_record *r)
{
	const uint8_t *at;
	uint32_t	len;

	memset(r, 0, sizeof(*r));
	r->type = type;
	if ((at = take(&p, end, 4)) == NULL || (len = bytes_load_u32(at)) > PAYLOAD_METER_LEN_MAX ||
		(at = take(&p, end, len)) == NULL)
		return false;
	memcpy(r->meter, at, len);
	if ((at = take(&p, end, 12)) == NULL)
		return false;
	r->epoch = bytes_load_u32(at);
	r->seq = bytes_load_u64(at + 4);
	if (type == JOURNAL_HEAD)
	{
		if ((at = take(&p, end, SHA256_LEN)) == NULL)
			return false;
		memcpy(r->digest, at, SHA256_LEN);
	}
	if (type != JOURNAL_RECEIPT)
	{
		if ((at = take(&p, end, 8)) == NULL)
			return false;
		r->measured_to_ms = (int64_t) bytes_load_u64(at);
		r->ordered_to_ms = r->measured_to_ms;
	}
	if (type == JOURNAL_MESSAGE || type == JOURNAL_ORDERS)
	{
		if ((at = take(&p, end, 4)) == NULL || (r->message_len = bytes_load_u32(at)) > MESSAGE_BYTES_MAX ||
			(r->message = take(&p, end, r->message_len)) == NULL)
			return false;
	}
	if (type == JOURNAL_ORDERS)
	{
		if ((at = take(&p, end, 5)) == NULL || (r->orders_len = bytes_load_u32(at + 1)) > ORDERS_BYTES_MAX ||
			(r->orders = take(&p, end, r->orders_len)) == NULL)
			return false;
		if (at[0] > METER_LEAF_MAX)
			return false;
		r->leaf = (meter_leaf) at[0];
	}
	if (type != JOURNAL_RECEIPT && p < end)
	{
		if ((at = take(&p, end, 9)) == NULL || at[0] > METER_LEAF_MAX)
			return false;
		r->leaf = (meter_leaf) at[0];
		r->ordered_to_ms = (int64_t) bytes_load_u64(at + 1);
	}
	if (type != JOURNAL_RECEIPT && p < end)
	{
		if ((at = take(&p, end, 4)) == NULL)
			return false;
		r->transferred = bytes_load_u32(at);
	}
	return p == end;
}

/* Records until the first that is not whole. */
static bool
records_replay(const uint8_t *p, size_t len, bool (*each) (void *, const journal_record *), void *context)
{
	const uint8_t *end = p + len;

	while ((size_t) (end - p) >= RECORD_HEAD_LEN + RECORD_CHECK_LEN)
	{
		uint32_t	body_len = bytes_load_u32(p + 1);
		const uint8_t *body = p + RECORD_HEAD_LEN;
		uint8_t		check[SHA256_LEN];
		journal_record r;

		if (body_len > RECORD_BODY_MAX || (size_t) (end - body) < (size_t) body_len + RECORD_CHECK_LEN)
			break;
		sha256_of_two(p, 1, body, body_len, check);
		if (memcmp(check, body + body_len, RECORD_CHECK_LEN) != 0 ||
			(p[0] != JOURNAL_MESSAGE && p[0] != JOURNAL_RECEIPT && p[0] != JOURNAL_HEAD &&
			 p[0] != JOURNAL_ORDERS) ||
			!record_parse((journal_type) p[0], body, body + body_len, &r))
			break;
		if (!each(context, &r))
			return false;
		p = body + body_len + RECORD_CHECK_LEN;
	}
	return true;
}

/*
 * Two runs on one state would sign two histories: the second is refused.  The
 * lock goes with the process.
 */
bool
journal_lock(const char *dir)
{
	char		path[PATH_ROOM];
	int			fd;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
	{
		meter_error("could not create folder \"%s\": %s", dir, strerror(errno));
		return false;
	}
	journal_path(dir, "lock", path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1 || flock(fd, LOCK_EX | LOCK_NB) != 0)
	{
		meter_error("could not lock the state in \"%s\" (another run?): %s", dir, strerror(errno));
		if (fd != -1)
			close(fd);
		return false;
	}
	return true;
}

bool
journal_read(const char *dir, bool (*each) (void *, const journal_record *), void *context)
{
	char		path[PATH_ROOM];
	struct stat st;
	uint8_t    *data;
	size_t		len = 0;
	bool		sound;
	int			fd;

	journal_path(dir, "journal", path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return true;
	if (fd == -1 || fstat(fd, &st) != 0 || st.st_size > JOURNAL_BYTES_MAX ||
		(data = malloc((size_t) st.st_size + 1)) == NULL)
	{
		meter_error("could not read the state in \"%s\": %s", dir, strerror(fd == -1 ? errno : EFBIG));
		if (fd != -1)
			close(fd);
		return false;
	}
	while (len < (size_t) st.st_size)
	{
		ssize_t		n = read(fd, data + len, (size_t) st.st_size - len);

		if (n <= 0)
			break;
		len += (size_t) n;
	}
	close(fd);
	sound = records_replay(data, len, each, context);
	free(data);
	return sound;
}

int
journal_begin(const char *dir)
{
	char		path[PATH_ROOM];
	int			fd;

	journal_path(dir, "journal.new", path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd == -1)
		meter_error("could not create \"%s\": %s", path, strerror(errno));
	return fd;
}

bool
journal_commit(const char *dir, int fd)
{
	char		from[PATH_ROOM];
	char		to[PATH_ROOM];
	int			dir_fd;

	journal_path(dir, "journal.new", from);
	journal_path(dir, "journal", to);
	if (!journal_sync(fd))
		return false;
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd == -1 || rename(from, to) != 0 || fsync(dir_fd) != 0)
	{
		meter_error("could not replace \"%s\": %s", to, strerror(errno));
		if (dir_fd != -1)
			close(dir_fd);
		return false;
	}
	close(dir_fd);
	return true;
}
