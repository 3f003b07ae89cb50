/*
 * meter_fleet.c: the meters themselves: names, keys, counters, and the signing
 * of their next message.
 *
 * A meter's key follows from the run's seed and the meter's name, its message
 * from its key, its counters and what it measured; the time in a message is the
 * end of its last interval.  So the same command line makes the same bytes, and
 * a fleet that forgot everything sends what the ledger already knows
 * (duplicates), not another history.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "meter.h"

#define SEED_TEXT_MAX 1024

static const char *const kind_names[] = {"house", "solar", "shop", "battery", "import", "pv"};

/* H(label | lp(seed) | lp(name)): a key of its own for every meter and use. */
static bool
derive(const char *label, const char *seed, const char *name, uint8_t out[SHA256_LEN])
{
	uint8_t		buffer[SEED_TEXT_MAX + 256];
	bytes_out	b;

	bytes_out_init(&b, buffer, sizeof(buffer));
	bytes_put(&b, label, strlen(label));
	bytes_put_lp(&b, seed, strlen(seed));
	bytes_put_lp(&b, name, strlen(name));
	if (b.overflow)
		return false;
	sha256_of(b.data, b.len, out);
	return true;
}

/* A neighbourhood: one battery, one shop, a roof for every three of the others. */
static meter_kind
kind_of(const meter_options *o, int index)
{
	switch (o->profile)
	{
		case PROFILE_HOUSEHOLD:
			return KIND_HOUSEHOLD;
		case PROFILE_SOLAR:
			return KIND_SOLAR;
		case PROFILE_SHOP:
			return KIND_SHOP;
		case PROFILE_BATTERY:
			return KIND_BATTERY;
		case PROFILE_FILE:
			return index == 0 ? KIND_FILE_IMPORT : KIND_FILE_PV;
		case PROFILE_NEIGHBOURHOOD:
			break;
	}
	if (index > 0 && index == o->meter_count - 1)
		return KIND_BATTERY;
	if (index > 1 && index == o->meter_count - 2)
		return KIND_SHOP;
	return index % 3 == 2 ? KIND_SOLAR : KIND_HOUSEHOLD;
}

static bool
meter_init(const meter_fleet *f, meter *m, meter_kind kind, int number)
{
	const meter_options *o = f->options;
	uint8_t		seed[SHA256_LEN];
	uint8_t		noise[SHA256_LEN];
	char		topic[TOPIC_LEN_MAX];

	m->kind = kind;
	if (o->profile == PROFILE_FILE)
		snprintf(m->name, sizeof(m->name), "%s%s", o->prefix, kind_names[kind]);
	else
		snprintf(m->name, sizeof(m->name), "%s%s-%02d", o->prefix, kind_names[kind], number);
	if (!derive("energyledger-meter/key/v1", o->seed, m->name, seed) ||
		!derive("energyledger-meter/noise/v1", o->seed, m->name, noise))
	{
		meter_error("--seed is longer than %d bytes", SEED_TEXT_MAX);
		return false;
	}
	ed25519_from_seed(seed, m->public_key, m->secret_key);
	m->noise_key = bytes_load_u64(noise);
	m->capacity_w = meter_kind_capacity_w(kind, m->noise_key);
	m->epoch = o->epoch;
	m->measured_to_ms = INT64_MIN;
	m->ordered_to_ms = INT64_MIN;
	meter_fleet_topic(f, m, LEAF_READING, topic);
	if (topic[0] != '\0')
		return true;
	meter_error("no topic for meter \"%s\"", m->name);
	return false;
}

/* "" where its levels do not make one, which meter_init() has found out. */
void
meter_fleet_topic(const meter_fleet *f, const meter *m, meter_leaf leaf, char out[TOPIC_LEN_MAX])
{
	static const char *const leaf_names[] = {"reading", "ack", "order", "cancel", "transfer"};
	topic		t = {.up = true};

	strcpy(t.tenant, f->options->tenant);
	strcpy(t.shard, f->options->shard);
	strcpy(t.meter, m->name);
	strcpy(t.leaf, leaf_names[leaf]);
	if (topic_format(&t, out, TOPIC_LEN_MAX) == 0)
		out[0] = '\0';
}

static int
meter_compare(const void *a, const void *b)
{
	return strcmp(((const meter *) a)->name, ((const meter *) b)->name);
}

bool
meter_fleet_init(meter_fleet *f, const meter_options *o)
{
	int			number[sizeof(kind_names) / sizeof(kind_names[0])] = {0};

	*f = (meter_fleet) {.options = o, .count = o->meter_count};
	if (o->profile == PROFILE_FILE ? !meter_series_from_csv(&f->series, o) :
		!meter_series_calendar(&f->series, o))
		return false;
	f->meters = calloc((size_t) f->count, sizeof(meter));
	if (f->meters == NULL)
	{
		meter_error("out of memory");
		return false;
	}
	for (int i = 0; i < f->count; i++)
	{
		meter_kind	kind = kind_of(o, i);

		if (!meter_init(f, &f->meters[i], kind, ++number[kind]))
			return false;
	}
	/* By name, so that a receipt finds its meter. */
	qsort(f->meters, (size_t) f->count, sizeof(meter), meter_compare);
	return o->transfers_file == NULL || meter_transfers_read(f, o->transfers_file);
}

meter *
meter_fleet_find(const meter_fleet *f, const char *name)
{
	meter		key = {0};

	if (strlen(name) >= sizeof(key.name))
		return NULL;
	strcpy(key.name, name);
	return bsearch(&key, f->meters, (size_t) f->count, sizeof(meter), meter_compare);
}

/* Names are of A-Z a-z 0-9 . _ : - only, so that nothing here needs quoting. */
void
meter_fleet_print_registration(const meter_fleet *f, FILE *out)
{
	for (int i = 0; i < f->count; i++)
	{
		const meter *m = &f->meters[i];

		fprintf(out, "SELECT energyledger.register_meter('%s', '\\x", m->name);
		for (int b = 0; b < ED25519_PUBLIC_LEN; b++)
			fprintf(out, "%02x", m->public_key[b]);
		fprintf(out, "', 'Ed25519', technology => '%s'", meter_kind_technology(m->kind));
		if (m->capacity_w > 0)
			fprintf(out, ", capacity_w => %" PRId64, m->capacity_w);
		if (f->options->market != NULL)
		{
			char		party[PAYLOAD_METER_LEN_MAX + 1];

			meter_market_party(f, m, party);
			fprintf(out, ", party => '%s'", party);
		}
		fputs(");\n", out);
		if (f->options->market != NULL)
			meter_market_print_member(f, m, out);
	}
}

int
meter_fleet_message_end(const meter_fleet *f, const meter *m)
{
	const meter_slot *slot = f->series.slot;
	int			i = m->next_slot;
	int			slots = 0;
	int			most = f->options->slots_per_message;
	int			first;

	while (i < f->series.slot_count && slot[i].from_ms < m->measured_to_ms)
		i++;					/* signed by an earlier run */
	first = i;
	if (most == 0)
		most = PAYLOAD_READINGS_MAX / METER_READINGS_PER_SLOT_MAX;
	while (i < f->series.slot_count && slots < most &&
		   (f->options->slots_per_message > 0 || slot[i].day == slot[first].day))
	{
		i++;
		slots++;
	}
	return i;
}

/* The payload of m's next readings; false where m has nothing more to say. */
static bool
next_payload(meter_fleet *f, meter *m, payload *p)
{
	const meter_options *o = f->options;
	int			end = meter_fleet_message_end(f, m);
	int			slots = 0;
	int			count;

	p->reading_count = 0;
	while (m->next_slot < end)
	{
		const meter_slot *slot = &f->series.slot[m->next_slot++];

		if (slot->from_ms < m->measured_to_ms)
			continue;			/* signed by an earlier run */
		count = meter_profile_read(m, slot, &p->reading[p->reading_count]);
		if (m->orders != NULL)
			meter_orders_obey(m->orders, meter_clock_ms(), &p->reading[p->reading_count], count);
		for (int i = 0; i < count; i++)
		{
			p->reading[p->reading_count + i].value = p->reading[p->reading_count + i].value * (100 + o->error_percent) / 100;
			p->reading[p->reading_count + i].from_ms += o->clock_ms;
			p->reading[p->reading_count + i].to_ms += o->clock_ms;
		}
		p->reading_count += count;
		p->t_ms = slot->to_ms + o->clock_ms;
		slots++;
	}
	if (slots == 0)
		return false;
	p->type = PAYLOAD_READING;
	return true;
}

/* Sign p as m's next message; its length, -1: it does not fit (error printed). */
static int
sign_payload(const meter_fleet *f, meter *m, payload *p, uint8_t out[MESSAGE_BYTES_MAX])
{
	uint8_t		bytes[MESSAGE_BYTES_MAX];
	size_t		payload_len;
	size_t		len;

	strcpy(p->meter, m->name);
	p->epoch = m->epoch;
	p->seq = m->last_seq + 1;
	p->has_prev = m->last_seq > 0;
	memcpy(p->prev, m->last_digest, sizeof(p->prev));
	p->clock_status = 'S';
	payload_len = payload_write(f->options->format, p, bytes, sizeof(bytes));
	len = payload_len == 0 ? 0 :
		envelope_sign(f->options->format, bytes, payload_len, m->secret_key, out, MESSAGE_BYTES_MAX);
	if (len == 0 && p->type == PAYLOAD_TRANSFER)
	{
		meter_error("a transfer of %d ranges does not fit one message of %d bytes", p->transfer.range_count, MESSAGE_BYTES_MAX);
		return -1;
	}
	if (len == 0)
	{
		meter_error("%d readings do not fit one message of %d bytes; lower --readings-per-message",
					p->reading_count, MESSAGE_BYTES_MAX);
		return -1;
	}
	m->last_seq = p->seq;
	sha256_of(out, len, m->last_digest);
	return (int) len;
}

/* What is no reading has the time of the calendar played, so that the meter's clock does not jump. */
static int64_t
played_ms(const meter_fleet *f, const meter *m)
{
	return (m->measured_to_ms > 0 ? m->measured_to_ms : f->series.slot[0].from_ms) + f->options->clock_ms;
}

int
meter_fleet_sign_ack(meter_fleet *f, meter *m, const payload_ack *ack, uint8_t out[MESSAGE_BYTES_MAX])
{
	static payload p;			/* tens of kilobytes: not on the stack */

	p.type = PAYLOAD_ACK;
	p.reading_count = 0;
	p.ack = *ack;
	p.t_ms = played_ms(f, m);
	return sign_payload(f, m, &p, out);
}

int
meter_fleet_sign_next(meter_fleet *f, uint8_t out[MESSAGE_BYTES_MAX], meter **whose, meter_leaf *leaf)
{
	static payload p;			/* tens of kilobytes: not on the stack */
	int			len;

	while (f->finished < f->count)
	{
		meter	   *m = &f->meters[f->turn];

		/* A turn ends with readings, or a transfer after the last of them. */
		if (m->next_slot <= f->series.slot_count && meter_market_next(f, m, &p))
			*leaf = p.type == PAYLOAD_ORDER ? LEAF_ORDER : LEAF_CANCEL;
		else
		{
			f->turn = (f->turn + 1) % f->count;
			if (m->next_slot > f->series.slot_count)
				continue;		/* counted as finished already */
			if (next_payload(f, m, &p))
				*leaf = LEAF_READING;
			else if (meter_transfers_next(m, &p))
			{
				*leaf = LEAF_TRANSFER;
				p.t_ms = played_ms(f, m);
			}
			else
			{
				m->next_slot = f->series.slot_count + 1;
				f->finished++;
				continue;
			}
		}
		len = sign_payload(f, m, &p, out);
		if (len < 0)
			return -1;
		if (*leaf == LEAF_READING)
			m->measured_to_ms = p.t_ms - f->options->clock_ms;
		*whose = m;
		return len;
	}
	return 0;
}
