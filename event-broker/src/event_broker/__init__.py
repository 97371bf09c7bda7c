"""The event-broker: rebalance signals into the queue, audit records from the outbox into PostgreSQL."""
