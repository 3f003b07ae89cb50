/*
 * signed_meter.h: meters for the bench, with keys made from their numbers.
 */
#ifndef BENCH_SIGNED_METER_H
#define BENCH_SIGNED_METER_H

#include <stddef.h>
#include <stdint.h>

#include "core/ed25519.h"
#include "core/envelope.h"
#include "core/payload.h"
#include "core/sha256.h"

#define SIGNED_METER_NAME_BYTES_MAX 20

typedef struct signed_meter
{
	/* fixed */
	char		name[SIGNED_METER_NAME_BYTES_MAX];
	uint8_t		public_key[ED25519_PUBLIC_LEN];
	uint8_t		secret_key[ED25519_SECRET_LEN];
	/* moving */
	uint64_t	seq;			/* of its last message, 0: none yet */
	uint8_t		prev[SHA256_LEN];	/* that message's hash */
} signed_meter;

typedef struct signed_message
{
	size_t		len;
	uint8_t		bytes[MESSAGE_BYTES_MAX];
} signed_message;

/* Print what went wrong, and end. */
extern void signed_meter_fail(const char *what) __attribute__((noreturn));

/* Text as a number from min to max, or the end. */
extern long signed_meter_number(const char *text, long min, long max);

/* Meters number first to first + count - 1. */
extern signed_meter *signed_meters_make(long first, long count);

/* The meter's next message: so many quarter hours of one register. */
extern void signed_meter_say(signed_meter *m, int readings, signed_message *out);

#endif							/* BENCH_SIGNED_METER_H */
