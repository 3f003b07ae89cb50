/*
 * transfers.h: what accepted messages say of certificates.
 */
#ifndef METERING_TRANSFERS_H
#define METERING_TRANSFERS_H

#include "metering/ingest.h"

/* Hands them to the registry, in the order in which they came. */
extern void transfers_store(IngestMessage **accepted, int count);

#endif							/* METERING_TRANSFERS_H */
