/*
 * fuzz_ocmf.c: any bytes as an OCMF record, as its two sections, and as the texts
 * and keys around it.
 *
 * What is taken apart lies within the record; no record that was not signed here
 * verifies; what is read of a payload keeps the promises that the database builds
 * on, and can be written as a message of our own.
 */
#include "fuzz.h"

#include "core/key_form.h"
#include "core/payload.h"
#include "core/text_bytes.h"

/* A point of P-256 (RFC 6979 A.2.5) whose private key signs nothing of the corpus. */
static const uint8_t key[] = {
	0x04,
	0x60, 0xfe, 0xd4, 0xba, 0x25, 0x5a, 0x9d, 0x31, 0xc9, 0x61, 0xeb, 0x74, 0xc6, 0x35, 0x6d, 0x68,
	0xc0, 0x49, 0xb8, 0x92, 0x3b, 0x61, 0xfa, 0x6c, 0xe6, 0x69, 0x62, 0x2e, 0x60, 0xf2, 0x9f, 0xb6,
	0x79, 0x03, 0xfe, 0x10, 0x08, 0xb8, 0xbc, 0x99, 0xa4, 0x1a, 0xe9, 0xe9, 0x56, 0x28, 0xbc, 0x64,
	0xf2, 0xf1, 0xb2, 0x0c, 0x2d, 0x7e, 0x9f, 0x51, 0x77, 0xa3, 0xc2, 0x94, 0xd4, 0x46, 0x22, 0x99
};

static uint8_t scratch[ENVELOPE_SCRATCH_BYTES];
static uint8_t record[2 * MESSAGE_BYTES_MAX];
static payload said;

static void
check_payload(const uint8_t *data, size_t size)
{
	static uint8_t written[1 << 20];
	refusal		why = payload_parse(ENVELOPE_OCMF, data, size, &said);

	FUZZ_CHECK(said.reading_count >= 0 && said.reading_count <= PAYLOAD_READINGS_MAX);
	FUZZ_CHECK(said.meter[0] == '\0' || payload_meter_valid(said.meter, strlen(said.meter)));
	if (why != REFUSAL_NONE)
		return;
	FUZZ_CHECK(size <= MESSAGE_BYTES_MAX);
	FUZZ_CHECK(said.type == PAYLOAD_READING && said.meter[0] != '\0');
	FUZZ_CHECK(said.epoch <= 1 && said.seq >= 1 && said.seq <= INT64_MAX && !said.has_prev);
	for (int i = 0; i < said.reading_count; i++)
		FUZZ_CHECK(said.reading[i].from_ms == said.reading[i].to_ms);
	/* our own writer checks each text, time, scale and status again */
	said.seq = 1;
	FUZZ_CHECK(said.reading_count == 0 || payload_write(ENVELOPE_JWS, &said, written, sizeof(written)) > 0);
}

static bool
check_record(const uint8_t *data, size_t size)
{
	envelope	e;
	ecdsa_curve curve;
	ecdsa_hash	hash;

	if (envelope_parse(data, size, scratch, &e) != REFUSAL_NONE || e.kind != ENVELOPE_OCMF)
		return false;
	FUZZ_CHECK(size <= MESSAGE_BYTES_MAX);
	FUZZ_CHECK(e.payload == data + 5 && e.payload_len < size - 5 && data[5 + e.payload_len] == '|');
	FUZZ_CHECK(e.signed_bytes == e.payload && e.signed_len == e.payload_len);
	FUZZ_CHECK(envelope_algorithm_curve(e.algorithm, &curve, &hash));
	FUZZ_CHECK(e.signature_len <= sizeof(e.signature));
	FUZZ_CHECK(ecdsa_signature_well_formed(curve, e.signature, e.signature_len));
	FUZZ_CHECK(!envelope_signature_valid(&e, key, sizeof(key)));
	check_payload(e.payload, e.payload_len);
	return true;
}

/* The bytes as one section of a record whose other is sound. */
static void
check_as_section(const uint8_t *data, size_t size, bool is_payload)
{
	static const char section[] = "|{\"SD\":\"3006020101020101\"}";
	size_t		len = 5;

	if (size > MESSAGE_BYTES_MAX)
		return;
	memcpy(record, "OCMF|", 5);
	if (!is_payload)
	{
		memcpy(record + len, "{}|", 3);
		len += 3;
	}
	memcpy(record + len, data, size);
	len += size;
	if (is_payload)
	{
		memcpy(record + len, section, sizeof(section) - 1);
		len += sizeof(section) - 1;
		/* whatever stands between the bars may have been signed */
		FUZZ_CHECK(check_record(record, len) == (memchr(data, '|', size) == NULL && len <= MESSAGE_BYTES_MAX));
	}
	else
		(void) check_record(record, len);
}

static void
check_key(const uint8_t *data, size_t size)
{
	key_form	form;

	for (int a = ENVELOPE_ED25519; a <= ENVELOPE_ALGORITHM_MAX; a++)
	{
		key_form	again;

		if (key_form_read((envelope_algorithm) a, data, size, &form) != KEY_FORM_SOUND)
			continue;
		FUZZ_CHECK(form.len <= sizeof(form.bytes));
		FUZZ_CHECK(key_form_read((envelope_algorithm) a, form.bytes, form.len, &again) == KEY_FORM_SOUND);
		FUZZ_CHECK(again.len == form.len && memcmp(again.bytes, form.bytes, form.len) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t    *out = malloc(size + 1);
	size_t		out_len;

	(void) check_record(data, size);
	check_payload(data, size);
	check_as_section(data, size, true);
	check_as_section(data, size, false);
	check_key(data, size);
	if (text_bytes_decode((const char *) data, size, out, &out_len))
	{
		FUZZ_CHECK(out_len > 0 && out_len <= size);
		check_key(out, out_len);
	}
	free(out);
	return 0;
}
