/*
 * orders.h: orders and cancellations among accepted messages.
 */
#ifndef METERING_ORDERS_H
#define METERING_ORDERS_H

#include "metering/ingest.h"

/* Hands them to their markets, in the order in which they came. */
extern void orders_store(IngestMessage **accepted, int count);

#endif							/* METERING_ORDERS_H */
