/*
 * release.h: a quarantined message is taken after all, because a person says so.
 */
#ifndef METERING_RELEASE_H
#define METERING_RELEASE_H

#include "metering/ingest.h"

/*
 * Judge the message of a quarantine row again, without regard to its key's validity and
 * its topic, and store it and the decision.  Errors where it cannot be.
 */
extern void release_message(int64 quarantine_id, const char *reason, IngestMessage *m);

#endif							/* METERING_RELEASE_H */
