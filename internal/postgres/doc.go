// Package postgres starts a PostgreSQL for a test, on Unix.
package postgres
