/*
 * matching_zones.h: what the two files of matching in zones share.
 */
#ifndef CORE_MATCHING_ZONES_H
#define CORE_MATCHING_ZONES_H

#include "core/matching_parts.h"

/* Lists by zone have a place more than there are zones: where the last one ends. */
typedef struct matching_zone_state
{
	const matching_zones *rule;
	zone_fees_way *own;			/* a zone's own fee */
	matching_way *way;			/* paid as bid: from zone times zones, to zone */
	uint32_t   *first[2];		/* by side: of each zone, in the lists */
	uint32_t   *list[2];		/* positions by zone, then priority */
	matching_zone_sum *sum;
	/* paid as bid: asks that are left */
	uint32_t   *head;			/* by zone: the best ask left */
	uint32_t   *open;			/* zones that have one */
	uint32_t	opens;
	/* paid as clear */
	coupling_step *step;
	coupling_zone *zone;
	coupling_line *line;
	coupling_zone_result *zone_result;
	coupling_line_result *line_result;
	coupling_total *total;
	uint32_t   *component;		/* by zone: the lowest zone that energy flows to or from */
	void	   *solver;
	size_t		lines;
} matching_zone_state;

#endif							/* CORE_MATCHING_ZONES_H */
