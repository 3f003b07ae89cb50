/*
 * baseline.sql: what a meter would have taken.
 */
