"""Breaks the rebalancer on purpose, and checks from outside what must hold whatever breaks.

The driver (`python -m chaos`) knows the product by its processes, its HTTP API, its keys in Redis and its tables in
PostgreSQL. Only `chaos.actors` and `chaos.points`, which run inside the processes under attack, touch its code.
"""
