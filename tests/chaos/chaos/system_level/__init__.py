"""Trials of the whole system: the three services, the simulated outside world, a killable Redis and PostgreSQL."""
