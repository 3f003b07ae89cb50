/*
 * invoice.sql: postings of a time, written down for who has to pay them.
 */
