/*
 * settlement.sql: what was traded against what was delivered.
 */
