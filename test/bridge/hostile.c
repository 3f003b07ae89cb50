/*
 * hostile.c: bad messages of every kind, among good ones, for hostile.sh.
 *
 *     hostile register SEED           SQL that registers the meters
 *     hostile messages SEED COUNT     COUNT messages of hostile_kinds.c's kinds, and good ones
 *
 * A line is: kind, expected reason ("accepted", "unheard"), topic, message in hex,
 * tab-separated.  A bad message is signed like a good one, with one thing wrong: what
 * is refused is refused for that.  The same seed gives the same bytes, so even
 * ECDSA's nonces follow from it; nobody should trust such a key.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/obj_mac.h>

#include "core/base64.h"
#include "core/cbor.h"
#include "core/ed25519.h"
#include "core/envelope.h"
#include "core/payload.h"
#include "core/sha256.h"
#include "hostile.h"

#define METERS_EACH 4
#define FIRST_MS INT64_C(1751328000000) /* 2025-07-01 */
#define QUARTER_MS 900000
#define BAD_SEQ 1000000			/* from here on, so that no good message has it */

static const meter_class classes[] = {
	{"jws", ENVELOPE_JWS, 0, "Ed25519", true},
	{"jws256", ENVELOPE_JWS, NID_X9_62_prime256v1, "ES256", true},
	{"cose", ENVELOPE_COSE_SIGN1, 0, "Ed25519", true},
	{"cose256", ENVELOPE_COSE_SIGN1, NID_X9_62_prime256v1, "ES256", true},
	{"ocmf", ENVELOPE_OCMF, NID_X9_62_prime256v1, "ES256", true},
	{"turned", ENVELOPE_JWS, 0, "Ed25519", true},	/* has another key from seq 2 on */
	{"turning", ENVELOPE_JWS, 0, NULL, false},	/* that other key */
	{"revoked", ENVELOPE_JWS, 0, "Ed25519", false},
	{"expired", ENVELOPE_COSE_SIGN1, 0, "Ed25519", false},
	{"early", ENVELOPE_JWS, 0, "Ed25519", false},
	{"odd", ENVELOPE_JWS, 0, "Ed25519", false},
	{"late", ENVELOPE_JWS, 0, "Ed25519", false},
	{"nobody", ENVELOPE_JWS, 0, NULL, false},
	{"spare", ENVELOPE_COSE_SIGN1, 0, NULL, false}, /* keys of class cose that are revoked */
	{"k256", ENVELOPE_OCMF, NID_secp256k1, NULL, false},
};

#define CLASSES ((int) (sizeof(classes) / sizeof(classes[0])))

/* What stands in the holes of a template. */
typedef struct said
{
	const meter *m;
	const meter *other;
	uint64_t	n;
	uint64_t	seq;
	bool		first;			/* prev is empty */
	uint8_t		prev[SHA256_LEN];
	int64_t		value;
	const char *signature;		/* OCMF: in hex */
} said;

typedef struct message
{
	uint8_t		bytes[MESSAGE_ROOM];
	size_t		len;
	size_t		payload_at;
	size_t		payload_end;
} message;

static meter meters[CLASSES][METERS_EACH];
static uint64_t seed;
static uint64_t number;			/* of messages so far */

void
hostile_fail(const char *what)
{
	fprintf(stderr, "hostile: %s\n", what);
	exit(1);
}

/* splitmix64 */
static uint64_t
drawn(uint64_t below)
{
	uint64_t	z = (seed += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return (z ^ (z >> 31)) % below;
}

static const meter *
meter_of(const char *class, int i)
{
	for (int c = 0; c < CLASSES; c++)
		if (strcmp(classes[c].name, class) == 0)
			return &meters[c][i];
	hostile_fail(class);
	return NULL;
}

/* ---------------------------------------------------------------- templates */

/* Of many alike: in JSON, with commas; in CBOR, one after the other. */
static void
put_many(bytes_out *o, bool cbor, const char *what)
{
	const bool	readings = strncmp(what, "401", 3) == 0;
	const int	count = readings ? 401 : 65;

	for (int i = 0; i < count; i++)
	{
		char		text[64];
		int			len;

		if (cbor)
		{
			cbor_put_int(o, i);
			cbor_put_int(o, 0);
			continue;
		}
		len = readings ? snprintf(text, sizeof(text), "%s[\"1\",1,2,3,0,\"W\",\"G\"]", i > 0 ? "," : "") :
			snprintf(text, sizeof(text), "%s\"m%d\":\"\"", i > 0 ? "," : "", i);
		bytes_put(o, text, (size_t) len);
	}
}

static void
put_text(bytes_out *o, bool cbor, const char *text)
{
	if (cbor)
		cbor_put_head(o, CBOR_TEXT, strlen(text));
	bytes_put(o, text, strlen(text));
}

/* Bytes: base64url in JSON; in CBOR only they, the head stands in the template. */
static void
put_bytes(bytes_out *o, bool cbor, const uint8_t *bytes, size_t len)
{
	char		text[200];

	if (cbor)
		bytes_put(o, bytes, len);
	else
		bytes_put(o, text, base64url_encode(bytes, len, text, sizeof(text)));
}

static void
put_number(bytes_out *o, bool cbor, int64_t value)
{
	char		text[32];

	if (cbor)
		cbor_put_int(o, value);
	else
		bytes_put(o, text, (size_t) snprintf(text, sizeof(text), "%" PRId64, value));
}

/* DER's hex, padded base64, and half of it. */
static void
put_signature(bytes_out *o, const char *hex, const char *hole)
{
	uint8_t		der[80];
	char		text[120];
	size_t		len = strlen(hex) / 2;

	if (strcmp(hole, "sig") == 0)
	{
		bytes_put(o, hex, strlen(hex));
		return;
	}
	for (size_t i = 0; i < len; i++)
		sscanf(hex + 2 * i, "%2hhx", &der[i]);
	len = base64_encode(der, len - len % 3 - 1, text, sizeof(text));
	bytes_put(o, text, len - 1);	/* its padding is not there */
}

static void
put_hole(bytes_out *o, bool cbor, const said *s, const char *hole)
{
	const int64_t from_ms = FIRST_MS + (int64_t) (s->seq % 3000000) * QUARTER_MS;

	if (strcmp(hole, "meter") == 0)
		put_text(o, cbor, s->m->name);
	else if (strcmp(hole, "other") == 0)
		put_text(o, cbor, s->other->name);
	else if (strcmp(hole, "seq") == 0)
		put_number(o, cbor, (int64_t) s->seq);
	else if (strcmp(hole, "n") == 0)
		put_number(o, cbor, (int64_t) s->n);
	else if (strcmp(hole, "down") == 0)
		put_number(o, cbor, 4000000000 - (int64_t) s->n);
	else if (strcmp(hole, "t") == 0)
		put_number(o, cbor, from_ms + QUARTER_MS + (int64_t) s->n % QUARTER_MS);
	else if (strcmp(hole, "from") == 0)
		put_number(o, cbor, from_ms);
	else if (strcmp(hole, "to") == 0)
		put_number(o, cbor, from_ms + QUARTER_MS);
	else if (strcmp(hole, "value") == 0)
		put_number(o, cbor, s->value);
	else if (strcmp(hole, "prev") == 0)
		put_bytes(o, cbor, s->prev, s->first ? 0 : SHA256_LEN);
	else if (strcmp(hole, "prevhead") == 0)
		bytes_put(o, s->first ? "\x40" : "\x58\x20", s->first ? 1 : 2);
	else if (strcmp(hole, "own") == 0)
		put_bytes(o, cbor, s->m->public_key, s->m->public_len);
	else if (strcmp(hole, "turning") == 0)
		put_bytes(o, cbor, meter_of("turning", s->m->name[7] - '0')->public_key, ED25519_PUBLIC_LEN);
	else if (strcmp(hole, "spare") == 0)
		put_bytes(o, cbor, meter_of("spare", s->m->name[5] - '0')->public_key, ED25519_PUBLIC_LEN);
	else if (strcmp(hole, "nul") == 0)
		bytes_put_u8(o, 0);
	else if (strncmp(hole, "sig", 3) == 0)
		put_signature(o, s->signature, hole);
	else if (strcmp(hole, "pad") == 0)
	{
		for (int i = 0; i < MESSAGE_BYTES_MAX; i++)
			bytes_put_u8(o, 'x');
	}
	else if (strcmp(hole, "401") == 0 || strcmp(hole, "65") == 0)
		put_many(o, cbor, hole);
	else
		hostile_fail(hole);
}

/* A template: text; or, for CBOR, hex with blanks; holes in < >. */
static size_t
expand(const char *template, bool cbor, const said *s, uint8_t *out)
{
	bytes_out	o;

	bytes_out_init(&o, out, MESSAGE_ROOM);
	for (const char *p = template; *p != '\0';)
	{
		char		hole[16];
		int			used = 0;
		uint8_t		byte;

		if (sscanf(p, "<%15[a-z0-9]>%n", hole, &used) == 1 && used > 0)
		{
			put_hole(&o, cbor, s, hole);
			p += used;
		}
		else if (!cbor)
			bytes_put_u8(&o, (uint8_t) *p++);
		else if (*p == ' ')
			p++;
		else if (sscanf(p, "%2hhx", &byte) == 1)
		{
			bytes_put_u8(&o, byte);
			p += 2;
		}
		else
			hostile_fail(p);
	}
	if (o.overflow)
		hostile_fail("a message has no room");
	return o.len;
}

static const char *
usual_template(envelope_kind envelope)
{
	if (envelope == ENVELOPE_JWS)
		return "{\"v\":1,\"type\":\"reading\",\"meter\":\"<meter>\",\"epoch\":1,\"seq\":<seq>,\"prev\":\"<prev>\",\"t\":<t>,\"ts\":\"S\","
			"\"body\":[[\"1-0:1.8.0\",<from>,<to>,<value>,0,\"Wh\",\"G\"]]}";
	if (envelope == ENVELOPE_COSE_SIGN1)
		return "a9 01 01 02 6772656164696e67 03 <meter> 04 01 05 <seq> 06 <prevhead> <prev> 07 <t> 08 6153 "
			"09 81 87 69312d303a312e382e30 <from> <to> <value> 00 625768 6147";
	return "{\"FV\":\"1.0\",\"GI\":\"<n>\",\"GS\":\"gateway\",\"MS\":\"<meter>\",\"PG\":\"T<seq>\",\"ID\":\"\",\"RD\":["
		"{\"TM\":\"2025-07-01T10:00:00,000+0200 S\",\"TX\":\"B\",\"EF\":\"\",\"ST\":\"G\",\"RV\":<value>,\"RI\":\"1-0:1.8.0\",\"RU\":\"kWh\"}]}";
}

/* The kind's template; an `old` that is not in the usual one is a mistake in the table. */
static const char *
template_of(const kind *k, envelope_kind envelope)
{
	static char text[4096];
	const char *usual = usual_template(envelope);
	const char *at;

	if (k == NULL || k->new == NULL)
		return usual;
	if (k->old == NULL)
		return k->new;
	at = strstr(usual, k->old);
	if (at == NULL)
		hostile_fail(k->name);
	snprintf(text, sizeof(text), "%.*s%s%s", (int) (at - usual), usual, k->new, at + strlen(k->old));
	return text;
}

/* ---------------------------------------------------------------- envelopes */

/* What is done to a signature; its length. */
static size_t
harm_signature(const kind *k, uint8_t *signature, size_t len)
{
	if (k == NULL)
		return len;
	if (k->harm == HARM_SIGNATURE_BIT)
		signature[len - 20] ^= 1;
	else if (k->harm == HARM_SIGNATURE_ZERO)
		memset(signature, 0, len);
	else if (k->harm == HARM_SIGNATURE_SHORT)
		len--;
	return len;
}

static void
put_base64url(message *m, const uint8_t *bytes, size_t len)
{
	m->len += base64url_encode(bytes, len, (char *) m->bytes + m->len, sizeof(m->bytes) - m->len);
}

static void
make_jws(const kind *k, const said *s, const meter *signer, const uint8_t *payload, size_t len,
		 const uint8_t *sent, message *out)
{
	static uint8_t head[MESSAGE_ROOM];
	const char *usual = signer->ec != NULL ? "{\"alg\":\"ES256\"}" : "{\"alg\":\"EdDSA\"}";
	size_t		head_len = expand(k != NULL && k->head != NULL ? k->head : usual, false, s, head);
	uint8_t		signature[80];
	size_t		signature_len;

	out->len = 0;
	put_base64url(out, head, head_len);
	out->bytes[out->len++] = '.';
	out->payload_at = out->len;
	put_base64url(out, payload, len);
	signature_len = hostile_sign(signer, out->bytes, out->len, false, signature);
	out->len = out->payload_at;
	put_base64url(out, sent, len);
	out->payload_end = out->len;
	out->bytes[out->len++] = '.';
	put_base64url(out, signature, harm_signature(k, signature, signature_len));
}

static void
make_cose(const kind *k, const said *s, const meter *signer, const uint8_t *payload, size_t len,
		  const uint8_t *sent, message *out)
{
	static uint8_t to_sign[MESSAGE_ROOM + 200];
	const harm	h = k != NULL ? k->harm : HARM_NONE;
	const char *usual = signer->ec != NULL ? "a10126|a0" : "a10127|a0";
	char		head[200];
	char	   *bar;
	uint8_t		protected_bytes[MESSAGE_ROOM / 100];
	uint8_t		unprotected[MESSAGE_ROOM / 100];
	static uint8_t room[2][MESSAGE_ROOM];
	size_t		protected_len;
	size_t		unprotected_len;
	uint8_t		signature[80];
	size_t		signature_len;
	bytes_out	o;

	snprintf(head, sizeof(head), "%s", k != NULL && k->head != NULL ? k->head : usual);
	bar = strchr(head, '|');
	*bar = '\0';
	protected_len = expand(head, true, s, room[0]);
	unprotected_len = expand(bar + 1, true, s, room[1]);
	memcpy(protected_bytes, room[0], protected_len);
	memcpy(unprotected, room[1], unprotected_len);
	bytes_out_init(&o, to_sign, sizeof(to_sign));
	cbor_put_head(&o, CBOR_ARRAY, 4);
	cbor_put_string(&o, CBOR_TEXT, "Signature1", 10);
	cbor_put_string(&o, CBOR_BYTES, protected_bytes, protected_len);
	cbor_put_string(&o, CBOR_BYTES, "", 0);
	cbor_put_string(&o, CBOR_BYTES, payload, len);
	signature_len = harm_signature(k, signature, hostile_sign(signer, to_sign, o.len, false, signature));

	bytes_out_init(&o, out->bytes, sizeof(out->bytes));
	cbor_put_head(&o, CBOR_TAG, h == HARM_TAG17 ? 17 : 18);
	cbor_put_head(&o, CBOR_ARRAY, h == HARM_THREE ? 3 : h == HARM_FIVE ? 5 : 4);
	cbor_put_string(&o, CBOR_BYTES, protected_bytes, protected_len);
	bytes_put(&o, unprotected, unprotected_len);
	if (h == HARM_DETACHED)
		bytes_put_u8(&o, 0xF6);
	else
		cbor_put_head(&o, CBOR_BYTES, len);
	out->payload_at = o.len;
	if (h != HARM_DETACHED)
		bytes_put(&o, sent, len);
	out->payload_end = o.len;
	if (h != HARM_THREE)
		cbor_put_string(&o, CBOR_BYTES, signature, signature_len);
	if (h == HARM_FIVE)
		cbor_put_int(&o, 0);
	out->len = o.len;
}

static void
make_ocmf(const kind *k, said *s, const meter *signer, const uint8_t *payload, size_t len,
		  const uint8_t *sent, message *out)
{
	static uint8_t section[MESSAGE_ROOM];
	uint8_t		der[80];
	size_t		der_len = hostile_sign(signer, payload, len, true, der);
	size_t		section_len;
	char		hex[161];

	der_len = harm_signature(k, der, der_len);
	for (size_t i = 0; i < der_len; i++)
		snprintf(hex + 2 * i, 3, "%02X", der[i]);
	s->signature = hex;
	section_len = expand(k != NULL && k->head != NULL ? k->head : "{\"SD\":\"<sig>\"}", false, s, section);
	memcpy(out->bytes, "OCMF|", 5);
	out->payload_at = 5;
	memcpy(out->bytes + 5, sent, len);
	out->payload_end = 5 + len;
	out->bytes[out->payload_end] = '|';
	memcpy(out->bytes + out->payload_end + 1, section, section_len);
	out->len = out->payload_end + 1 + section_len;
}

static void
harm_message(const kind *k, message *m)
{
	size_t		tail = m->payload_end + (m->bytes[0] == 0xD2 ? 2 : 1);

	switch (k->harm)
	{
		case HARM_CUT:
			if (k->at == CUT_HEAD)
				m->len = (m->bytes[0] == 'e' ? 3 : 1) + drawn(m->payload_at - (m->bytes[0] == 'e' ? 3 : 1));
			else if (k->at == CUT_PAYLOAD)
				m->len = m->payload_at + drawn(m->payload_end - m->payload_at);
			else if (k->at == CUT_BEFORE_SIGNATURE)
				m->len = m->bytes[0] == 0xD2 ? m->payload_end : tail;
			else
				m->len = tail + 1 + drawn(m->len - tail - 1);
			break;
		case HARM_APPEND:
			memcpy(m->bytes + m->len, k->text, strlen(k->text));
			m->len += strlen(k->text);
			break;
		case HARM_REPLACE:
			m->bytes[k->at < 0 ? m->len - (size_t) -k->at : (size_t) k->at] = (uint8_t) k->text[0];
			break;
		default:
			break;
	}
}

/* k NULL: a good one. */
static void
make(const kind *k, const meter *m, said *s, message *out)
{
	static uint8_t payload[MESSAGE_ROOM];
	static uint8_t sent[MESSAGE_ROOM];
	const envelope_kind envelope = m->class->envelope;
	const char *template = template_of(k, envelope);
	const bool	cbor = envelope == ENVELOPE_COSE_SIGN1;
	const meter *signer = k != NULL && k->key != NULL ? meter_of(k->key, m->name[strlen(m->name) - 1] - '0') : m->signer;
	size_t		len;

	s->m = m;
	s->value = 1000 + (int64_t) (s->n % 1000);	/* one length in CBOR, whichever it is */
	if (k != NULL && k->harm == HARM_RAW)
	{
		out->len = expand(k->new, false, s, out->bytes);
		return;
	}
	len = expand(template, cbor, s, sent);
	memcpy(payload, sent, len);
	if (k != NULL && k->harm == HARM_SIGNED_OTHER)
	{
		s->value = 1000 + (int64_t) ((s->n + 1) % 1000);
		expand(template, cbor, s, payload);
	}
	if (envelope == ENVELOPE_JWS)
		make_jws(k, s, signer, payload, len, sent, out);
	else if (cbor)
		make_cose(k, s, signer, payload, len, sent, out);
	else
		make_ocmf(k, s, signer, payload, len, sent, out);
	if (k != NULL)
		harm_message(k, out);
}

/* ---------------------------------------------------------------- output */

static void
print(const kind *k, const meter *m, const message *out)
{
	const char *topic = k != NULL && k->topic != NULL ? k->topic : "reading";

	printf("%s\t%s\t", k != NULL ? k->name : "good", k != NULL ? k->reason : "accepted");
	printf(strchr(topic, '/') != NULL ? "%s%s\t" : "el/v1/local/0/%s/up/%s\t", strchr(topic, '/') != NULL ? "" : m->name, topic);
	for (size_t i = 0; i < out->len; i++)
		printf("%02x", out->bytes[i]);
	putchar('\n');
}

/* The meter's next message; k: with the kind's payload. */
static void
say_good(const kind *k, meter *m)
{
	static message out;
	said		s = {.n = ++number,.seq = ++m->seq,.first = m->seq == 1,.other = m};

	memcpy(s.prev, m->prev, SHA256_LEN);
	make(k, m, &s, &out);
	sha256_of(out.bytes, out.len, m->prev);
	print(k, m, &out);
}

static void
say_bad(const kind *k)
{
	static message out;
	meter	   *m = (meter *) meter_of(k->form, (int) drawn(METERS_EACH));
	said		s = {.n = ++number,.seq = BAD_SEQ + number,.other = meter_of("late", 0)};

	for (int i = 0; i < SHA256_LEN; i++)
		s.prev[i] = (uint8_t) drawn(256);
	if (k->harm == HARM_REPEAT)
	{
		s.seq = m->seq;
		s.first = m->seq == 1;
	}
	make(k, m, &s, &out);
	print(k, m, &out);
}

static void
print_messages(long count)
{
	static const kind turn = {"turned", "key", "accepted", "\"type\":\"reading\"", "\"type\":\"key\""};
	static kind turn_whole;
	long	   *order = calloc((size_t) count, sizeof(long));

	/* the new key is what a message of type key says */
	turn_whole = turn;
	turn_whole.old = NULL;
	turn_whole.new = "{\"v\":1,\"type\":\"key\",\"meter\":\"<meter>\",\"epoch\":1,\"seq\":<seq>,\"prev\":\"<prev>\",\"t\":<t>,\"ts\":\"S\","
		"\"body\":[\"Ed25519\",\"<turning>\"]}";
	turn_whole.topic = "key";
	for (int c = 0; c < CLASSES; c++)
	{
		for (int i = 0; classes[c].good && i < METERS_EACH; i++)
		{
			const bool	turns = strcmp(classes[c].name, "turned") == 0;

			say_good(turns ? &turn_whole : NULL, &meters[c][i]);
			if (turns)
				meters[c][i].signer = meter_of("turning", i);
		}
	}
	for (long i = 0; i < count; i++)
	{
		long		j = (long) drawn((uint64_t) i + 1);

		order[i] = order[j];
		order[j] = i % hostile_kind_count;
	}
	for (long i = 0; i < count; i++)
	{
		say_bad(&hostile_kinds[order[i]]);
		if (drawn(2) == 0)
		{
			int			c;

			do
				c = (int) drawn(CLASSES);
			while (!classes[c].good);
			say_good(NULL, &meters[c][drawn(METERS_EACH)]);
		}
	}
	free(order);
}

static void
print_key(const meter *m)
{
	printf("'\\x");
	for (size_t i = 0; i < m->public_len; i++)
		printf("%02x", m->public_key[i]);
	printf("'");
}

static void
print_registrations(void)
{
	for (int c = 0; c < CLASSES; c++)
	{
		for (int i = 0; classes[c].algorithm != NULL && i < METERS_EACH; i++)
		{
			const meter *m = &meters[c][i];
			const bool	dated = strcmp(classes[c].name, "expired") == 0 || strcmp(classes[c].name, "early") == 0;

			printf("SELECT energyledger.%s('%s', ", dated ? "add_meter_key" : "register_meter", m->name);
			print_key(m);
			printf(", '%s'%s);\n", classes[c].algorithm, !dated ? "" : classes[c].name[1] == 'x' ?
				   ", valid_until => '2025-01-01'" : ", valid_from => '2100-01-01'");
			if (strcmp(classes[c].name, "cose") == 0)
			{
				printf("SELECT energyledger.add_meter_key('%s', ", m->name);
				print_key(meter_of("spare", i));
				printf(");\nSELECT energyledger.revoke_meter_key('%s', ", m->name);
				print_key(meter_of("spare", i));
				printf(", 'lost');\n");
			}
			if (strcmp(classes[c].name, "revoked") == 0)
			{
				printf("SELECT energyledger.revoke_meter_key('%s', ", m->name);
				print_key(m);
				printf(", 'stolen');\n");
			}
		}
	}
}

int
main(int argc, char **argv)
{
	if (argc < 3 || !core_crypto_init())
		hostile_fail("usage: register SEED | messages SEED COUNT");
	seed = strtoull(argv[2], NULL, 10);
	for (int c = 0; c < CLASSES; c++)
		for (int i = 0; i < METERS_EACH; i++)
			hostile_keys(&meters[c][i], &classes[c], i, strtoull(argv[2], NULL, 10));
	if (strcmp(argv[1], "register") == 0)
		print_registrations();
	else if (strcmp(argv[1], "messages") == 0 && argc == 4)
		print_messages(strtol(argv[3], NULL, 10));
	else
		hostile_fail("usage: register SEED | messages SEED COUNT");
	return fflush(stdout) != 0 || ferror(stdout) ? 1 : 0;
}
