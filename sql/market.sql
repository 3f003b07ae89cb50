/*
 * market.sql: markets, who takes part, orders, clearings and trades.
 */
