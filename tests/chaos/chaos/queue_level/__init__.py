"""Trials of the queue: producers, workers and relays as processes of their own around one Redis and one PostgreSQL."""
