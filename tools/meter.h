/*
 * meter.h: the parts of energyledger-meter and what they say to each other.
 *
 * One process plays many meters over one broker connection.  Time flows one
 * way: options -> series (what was measured) -> fleet (signs it) -> keep (holds
 * it until a receipt covers it) -> link (MQTT) -> receipt -> keep.  Commands come
 * the same way down: link -> command -> orders, which the fleet's load obeys.
 */
#ifndef METER_H
#define METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/ed25519.h"
#include "core/envelope.h"
#include "core/note.h"
#include "core/payload.h"
#include "core/sha256.h"
#include "core/topic.h"

#define METER_COUNT_MAX 100000
#define METER_SLOTS_MAX 1000000 /* intervals one run plays */
#define METER_WINDOW_MAX 1000000	/* messages without a receipt at once */
#define METER_READINGS_PER_SLOT_MAX 2	/* a battery has two registers */
#define METER_OPERATOR_KEYS_MAX 4
#define METER_OBIS_IMPORT "1-0:1.8.0"
#define METER_OBIS_EXPORT "1-0:2.8.0"

/* ---------------------------------------------------------------- options */

typedef enum meter_profile
{
	PROFILE_NEIGHBOURHOOD, PROFILE_HOUSEHOLD, PROFILE_SOLAR, PROFILE_SHOP,
	PROFILE_BATTERY, PROFILE_FILE
} meter_profile;

typedef struct meter_range
{
	int64_t		low;
	int64_t		high;
} meter_range;

typedef struct meter_options
{
	char		host[256];
	int			port;
	char		client_id[65];	/* "" : made from the seed */
	char		tenant[TOPIC_LEVEL_LEN_MAX + 1];
	char		shard[TOPIC_LEVEL_LEN_MAX + 1];
	int			meter_count;
	const char *seed;
	const char *prefix;			/* of the meters' names; "" is allowed */
	meter_profile profile;
	const char *profile_file;	/* PROFILE_FILE */
	int64_t		profile_from_s; /* local calendar time, as if it were UTC */
	int64_t		profile_to_s;
	const char *timezone;
	int64_t		start_ms;
	int64_t		clock_ms;		/* how far the meters' clocks are ahead */
	int			days;
	int			interval_s;
	int			slots_per_message;	/* 0: those of a local day */
	int			error_percent;	/* of what is measured */
	const char *market;			/* NULL: nothing is traded */
	meter_range bid_price;		/* micro-currency per kWh */
	meter_range ask_price;
	const char *transfers_file; /* NULL: nothing is said of certificates */
	envelope_kind format;
	uint32_t	epoch;
	double		rate_per_s;		/* 0: as fast as it goes */
	int			window;
	int64_t		resend_after_ms;
	int64_t		timeout_s;		/* 0: none */
	int			flip_bit_every; /* 0: never */
	note_key	site_key;
	bool		has_site_key;
	note_key	operator_key[METER_OPERATOR_KEYS_MAX];
	int			operator_key_count; /* 0: commands are not listened to */
	int64_t		listen_s;		/* stay at least so long */
	bool		no_receipt;
	bool		print_registration;
	bool		quiet;
	const char *state_dir;
	const char *dump_file;
	const char *write_file;
} meter_options;

/* Fills o or ends the program: 0 after --help and --version, 2 after a wrong use. */
extern void meter_options_parse(int argc, char **argv, meter_options *o);

/* ---------------------------------------------------------------- series */

typedef enum meter_kind
{
	KIND_HOUSEHOLD, KIND_SOLAR, KIND_SHOP, KIND_BATTERY, KIND_FILE_IMPORT, KIND_FILE_PV
} meter_kind;

typedef struct meter_slot
{
	int64_t		from_ms;
	int64_t		to_ms;
	int64_t		day;			/* local, counted from 1970 */
	int64_t		import_uwh;		/* micro-Wh; of a file's profile only */
	int64_t		pv_uwh;
} meter_slot;

typedef struct meter_series
{
	int			slot_count;
	meter_slot *slot;
} meter_series;

/* A calendar of equal intervals in whole local days from the options' start; false: error printed. */
extern bool meter_series_calendar(meter_series *s, const meter_options *o);

/* The intervals of a CSV file, with their energy; false: error printed. */
extern bool meter_series_from_csv(meter_series *s, const meter_options *o);

/* ---------------------------------------------------------------- fleet */

typedef struct meter_orders meter_orders;
typedef struct meter_transfer meter_transfer;

/* What a message is, and its topic's last level.  The numbers stand in journals. */
typedef enum meter_leaf
{
	LEAF_READING = 0, LEAF_ACK = 1, LEAF_ORDER = 2, LEAF_CANCEL = 3, LEAF_TRANSFER = 4
} meter_leaf;

#define METER_LEAF_MAX LEAF_TRANSFER

typedef struct meter
{
	char		name[PAYLOAD_METER_LEN_MAX + 1];
	meter_kind	kind;
	int64_t		capacity_w;
	uint64_t	noise_key;		/* makes this meter's days its own */
	uint8_t		public_key[ED25519_PUBLIC_LEN];
	uint8_t		secret_key[ED25519_SECRET_LEN];
	uint32_t	epoch;
	uint64_t	last_seq;		/* 0: nothing signed yet */
	uint8_t		last_digest[SHA256_LEN];
	int64_t		measured_to_ms; /* intervals before this are signed already */
	int64_t		ordered_to_ms;	/* and the market's orders for those before this */
	int			ordered_parts;	/* of the interval that begins there */
	uint64_t	cancel_seq;		/* message of the order to be taken back next; 0: none */
	meter_transfer *transfer;	/* the line of the file from which on there may be some to sign */
	uint32_t	transfers_passed;	/* lines before that one */
	uint32_t	transferred;	/* lines signed */
	meter_orders *orders;		/* what it was told; NULL: nothing yet */
	int64_t		asked_ms;		/* the last request to send again */
	int			next_slot;
	struct kept *oldest;		/* messages without a receipt, by seq */
	struct kept *newest;
} meter;

typedef struct meter_fleet
{
	const meter_options *options;
	meter_series series;
	int			count;
	meter	   *meters;
	int			turn;			/* whose message is signed next */
	int			finished;		/* meters with nothing more to say */
} meter_fleet;

extern bool meter_fleet_init(meter_fleet *f, const meter_options *o);
extern meter *meter_fleet_find(const meter_fleet *f, const char *name);
extern void meter_fleet_topic(const meter_fleet *f, const meter *m, meter_leaf leaf, char out[TOPIC_LEN_MAX]);
extern void meter_fleet_print_registration(const meter_fleet *f, FILE *out);

/*
 * The next message, signed, meters taking turns.  Returns its length, whose and what
 * it is; 0 when everything is signed; -1 where it cannot be (error printed).
 */
extern int	meter_fleet_sign_next(meter_fleet *f, uint8_t out[MESSAGE_BYTES_MAX], meter **whose, meter_leaf *leaf);

/* One past the last interval of m's next message of readings. */
extern int	meter_fleet_message_end(const meter_fleet *f, const meter *m);

/* An answer to a command, signed as its meter's next message: as above. */
extern int	meter_fleet_sign_ack(meter_fleet *f, meter *m, const payload_ack *ack, uint8_t out[MESSAGE_BYTES_MAX]);

/* What a meter measured in a slot: 1 or 2 readings. */
extern int	meter_profile_read(const meter *m, const meter_slot *slot,
							   payload_reading out[METER_READINGS_PER_SLOT_MAX]);

/* The same readings as the commands in force leave of them (meter_orders.c). */
extern void meter_orders_obey(meter_orders *o, int64_t now_ms, payload_reading *reading, int count);

/* Well-mixed numbers and ranges of them, the same on every machine. */
extern uint64_t meter_mix(uint64_t a, uint64_t b);
extern int64_t meter_between(uint64_t random, int64_t low, int64_t high);

extern const char *meter_kind_technology(meter_kind k);
extern int64_t meter_kind_capacity_w(meter_kind k, uint64_t noise_key);

/* ---------------------------------------------------------------- market */

/* What m says to the market before its next readings: an order, a cancellation, or nothing (false). */
extern bool meter_market_next(const meter_fleet *f, meter *m, payload *p);

/* Whose m is: a household has a roof as its neighbour has none. */
extern void meter_market_party(const meter_fleet *f, const meter *m, char out[PAYLOAD_METER_LEN_MAX + 1]);
extern void meter_market_print_member(const meter_fleet *f, const meter *m, FILE *out);

/* ---------------------------------------------------------------- transfers */

/* Every line of the file to its meter; false: error printed. */
extern bool meter_transfers_read(meter_fleet *f, const char *file);

/* What m says next of certificates; false: nothing. */
extern bool meter_transfers_next(meter *m, payload *p);

/* ---------------------------------------------------------------- keep */

#define KEPT_UNSENT INT64_C(-1)	/* not sent on this connection */

typedef struct kept
{
	struct kept *earlier;		/* all meters' messages, by when last sent */
	struct kept *later;
	struct kept *next_of_meter;
	meter	   *whose;
	uint32_t	epoch;
	uint64_t	seq;
	meter_leaf	leaf;
	uint8_t		digest[SHA256_LEN];
	int64_t		sent_ms;		/* monotonic, or KEPT_UNSENT */
	uint32_t	attempts;
	uint32_t	len;
	uint8_t		data[];
} kept;

typedef struct meter_keep
{
	kept	   *first;			/* longest since sent */
	kept	   *last;
	int64_t		count;
	int			journal_fd;		/* -1: nothing on disk */
} meter_keep;

/* Reads back what an earlier run left in dir (NULL: memory only). */
extern bool meter_keep_open(meter_keep *k, meter_fleet *f, const char *dir);
extern kept *meter_keep_add(meter_keep *k, meter *m, const uint8_t *data, size_t len, meter_leaf leaf);
extern bool meter_keep_sync(meter_keep *k);
extern void meter_keep_sent(meter_keep *k, kept *e, int64_t now_ms);
extern void meter_keep_all_unsent(meter_keep *k);

/* To be sent next. */
extern void meter_keep_first(meter_keep *k, kept *e);

/* The same for those of m from one seq to another that are still kept; the count of them. */
extern int64_t meter_keep_again(meter_keep *k, meter *m, uint32_t epoch, uint64_t from_seq, uint64_t to_seq);

typedef enum keep_verdict
{
	KEEP_COVERED,				/* messages were let go */
	KEEP_OLD,					/* nothing new in it */
	KEEP_AHEAD,					/* of a message not signed yet in this run: we
								 * forgot our counters, the site did not */
	KEEP_MISMATCH				/* names a message that we did not sign */
} keep_verdict;

extern keep_verdict meter_keep_receipt(meter_keep *k, meter *m, uint32_t epoch, uint64_t seq,
									   const uint8_t digest[SHA256_LEN], int64_t *let_go);
extern void meter_keep_close(meter_keep *k);

/* ---------------------------------------------------------------- receipt */

typedef struct meter_receipt
{
	char		meter[PAYLOAD_METER_LEN_MAX + 1];
	uint32_t	epoch;
	uint64_t	seq;
	uint8_t		digest[SHA256_LEN];
	int64_t		committed_ms;
} meter_receipt;

/* True only for a receipt signed by the site's key. */
extern bool meter_receipt_parse(const char *note, size_t len, const note_key *site, meter_receipt *out);

/* ---------------------------------------------------------------- command */

typedef enum downlink_verdict
{
	DOWNLINK_TAKEN,				/* and answered, where it was a command */
	DOWNLINK_KNOWN,				/* came before */
	DOWNLINK_NOT_BELIEVED,		/* not signed by the right key for this meter */
	DOWNLINK_FAILED				/* could not be written down (error printed) */
} downlink_verdict;

extern downlink_verdict meter_command_take(meter_fleet *f, meter_keep *k, meter *m, const char *note, size_t len);

/* Carries out what m was told to do later, where its time has come.  False: error printed. */
extern bool meter_command_due(meter_fleet *f, meter_keep *k, meter *m);

/* A request to send again; *again: how many messages are. */
extern downlink_verdict meter_resend_take(meter_fleet *f, meter_keep *k, meter *m, const char *note, size_t len,
										  int64_t *again);

extern int64_t meter_clock_ms(void);	/* since 1970, by the meters' clocks */
extern void meter_clock_set(int64_t ahead_ms);

/* ---------------------------------------------------------------- link and run */

typedef struct meter_link meter_link;

typedef void (*meter_link_message_cb) (void *context, const char *topic, const void *data, size_t len);

extern meter_link *meter_link_new(const meter_options *o, meter_link_message_cb cb, void *context);
extern void meter_link_free(meter_link *l);

/* One turn: connects where due, reads, writes; waits at most wait_ms.  True when it may be used. */
extern bool meter_link_turn(meter_link *l, int wait_ms);
extern bool meter_link_room(meter_link *l);
extern bool meter_link_publish(meter_link *l, const char *topic, const void *data, size_t len);
extern int64_t meter_link_unacknowledged(const meter_link *l);

/* Counts connections: a change means that everything unreceipted is sent again. */
extern uint64_t meter_link_generation(const meter_link *l);

/* Plays everything; returns the program's exit status. */
extern int	meter_run(meter_fleet *f, meter_keep *k, const meter_options *o);

extern int64_t meter_now_ms(void);	/* monotonic */

/* "energyledger-meter: ..." on stderr */
extern void meter_error(const char *format,...) __attribute__((format(printf, 1, 2)));

#endif							/* METER_H */
