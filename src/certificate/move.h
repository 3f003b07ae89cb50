/*
 * move.h: what is done with certificates.  For src/fn.
 */
#ifndef CERTIFICATE_MOVE_H
#define CERTIFICATE_MOVE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/array.h"

#include "core/certificate_step.h"

#define MOVE_RANGES_MAX 1000000 /* in a call */
#define MOVE_TEXT_LEN_MAX 200	/* bytes of beneficiary and purpose */

/* Numbers first_id to last_id of a device, as they were asked for. */
typedef struct MoveRange
{
	text	   *device;
	text	   *carrier;
	int64		first_id;
	int64		last_id;
} MoveRange;

/* A part of a range that lies in one bundle, and the bundle. */
typedef struct MovePiece
{
	uint32		asked;			/* place of the range */
	int64		first_id;		/* what is taken of it: first_id to last_id */
	int64		last_id;
	text	   *device;
	text	   *carrier;
	text	   *holder;
	certificate_state state;
	TimestampTz from_at;
	TimestampTz to_at;
	int64		issue_id;
	int64		bundle_id;
	int64		parent_id;		/* of the bundle; 0: as it was issued */
	int64		bundle_first_id;
	int64		bundle_last_id;
} MovePiece;

typedef struct MoveRequest
{
	certificate_kind kind;
	const MoveRange *range;		/* ranges of them */
	uint32		ranges;
	text	   *actor;			/* whose they must be; NULL: the registry does it */
	text	   *recipient;
	int64		energy_wh;		/* 0: all */
	int32		share_ppm;		/* 0: all */
	text	   *beneficiary;
	text	   *purpose;
	text	   *reason;
	bool		has_from;		/* both or none */
	bool		has_until;
	TimestampTz from_at;
	TimestampTz until_at;
	text	   *meter;			/* NULL: not signed */
	int64		epoch;
	int64		seq;
} MoveRequest;

typedef struct MoveResult
{
	int64		event_id;
	int64		quantity_wh;
	const char *reason;			/* NULL: done */
	char	   *detail;
} MoveResult;

/* In an SPI connection.  Nothing is written where it says why not. */
extern void move_certificates(const MoveRequest *r, MoveResult *out);

/* move_range.c: the ranges of a certificate_range[].  Errors: 22004 for NULL, 54000 for too many. */
extern MoveRange *move_ranges(ArrayType *certificates, uint32 *count);

/* move_range.c: all bundles that have or had numbers of them, nothing taken of them.  In an SPI connection. */
extern MovePiece *move_bundles(const MoveRange *range, uint32 ranges, uint32 *count);

/* move_range.c: the bundles that have them now, by range and number.  In an SPI connection. */
extern MovePiece *move_pieces(const MoveRange *range, uint32 ranges, uint32 *count);

#endif							/* CERTIFICATE_MOVE_H */
