/*
 * refusal.c: the published name of each refusal code.
 *
 * The names are what quarantine.reason holds and what doc/messages.md lists, so
 * they live in one table beside nothing else.  A name is never reused.
 */
#include "core/refusal.h"

static const char *const refusal_names[REFUSAL_COUNT] = {
	[REFUSAL_NONE] = "none",
	[REFUSAL_TOO_LARGE] = "too_large",
	[REFUSAL_EMPTY] = "empty",
	[REFUSAL_UNKNOWN_ENVELOPE] = "unknown_envelope",
	[REFUSAL_BAD_CBOR] = "bad_cbor",
	[REFUSAL_UNSUPPORTED_ITEM] = "unsupported_item",
	[REFUSAL_INDEFINITE_LENGTH] = "indefinite_length",
	[REFUSAL_NON_CANONICAL] = "non_canonical",
	[REFUSAL_DUPLICATE_KEY] = "duplicate_key",
	[REFUSAL_TRAILING_BYTES] = "trailing_bytes",
	[REFUSAL_TOO_DEEP] = "too_deep",
	[REFUSAL_TOO_MANY_ENTRIES] = "too_many_entries",
	[REFUSAL_BAD_BASE64] = "bad_base64",
	[REFUSAL_BAD_JSON] = "bad_json",
	[REFUSAL_BAD_UTF8] = "bad_utf8",
	[REFUSAL_BAD_HEADER] = "bad_header",
	[REFUSAL_UNSUPPORTED_ALGORITHM] = "unsupported_algorithm",
	[REFUSAL_BAD_SIGNATURE_LENGTH] = "bad_signature_length",
	[REFUSAL_UNSUPPORTED_VERSION] = "unsupported_version",
	[REFUSAL_UNKNOWN_TYPE] = "unknown_type",
	[REFUSAL_MISSING_FIELD] = "missing_field",
	[REFUSAL_UNKNOWN_FIELD] = "unknown_field",
	[REFUSAL_BAD_METER] = "bad_meter",
	[REFUSAL_BAD_SEQUENCE] = "bad_sequence",
	[REFUSAL_BAD_PREV] = "bad_prev",
	[REFUSAL_BAD_TIME] = "bad_time",
	[REFUSAL_BAD_CLOCK_STATUS] = "bad_clock_status",
	[REFUSAL_BAD_BODY] = "bad_body",
	[REFUSAL_NOT_AN_INTEGER] = "not_an_integer",
	[REFUSAL_INTEGER_RANGE] = "integer_range",
	[REFUSAL_WRONG_TYPE] = "wrong_type",
	[REFUSAL_BAD_KEY] = "bad_key",
	[REFUSAL_BAD_SECTIONS] = "bad_sections",
	[REFUSAL_MISSING_SIGNATURE] = "missing_signature",
	[REFUSAL_UNSUPPORTED_ENCODING] = "unsupported_encoding",
	[REFUSAL_BAD_HEX] = "bad_hex",
	[REFUSAL_BAD_SIGNATURE_FORM] = "bad_signature_form",
	[REFUSAL_BAD_PAGINATION] = "bad_pagination",
	[REFUSAL_BAD_DECIMAL] = "bad_decimal",
	[REFUSAL_DECIMAL_RANGE] = "decimal_range",
	[REFUSAL_BAD_ERROR_FLAGS] = "bad_error_flags",
	[REFUSAL_UNKNOWN_METER] = "unknown_meter",
	[REFUSAL_ALGORITHM_MISMATCH] = "algorithm_mismatch",
	[REFUSAL_BAD_SIGNATURE] = "bad_signature",
	[REFUSAL_KEY_REVOKED] = "key_revoked",
	[REFUSAL_KEY_NOT_VALID] = "key_not_valid",
	[REFUSAL_TOPIC_MISMATCH] = "topic_mismatch",
	[REFUSAL_EQUIVOCATION] = "equivocation",
};

const char *
refusal_name(refusal r)
{
	if ((unsigned) r >= REFUSAL_COUNT || refusal_names[r] == 0)
		return "unknown";
	return refusal_names[r];
}
