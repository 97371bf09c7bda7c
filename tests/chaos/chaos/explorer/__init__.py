"""Trials in one process, in which a seed decides the order of every single call to Redis and PostgreSQL."""
