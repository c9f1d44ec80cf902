"""The whole line on one machine: embedded Kafka and PostgreSQL, and the services as supervised processes."""
