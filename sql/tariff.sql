/*
 * tariff.sql: what energy costs those who do not trade, and what it costs besides.
 */
