"""The system as processes on this machine: embedded Redis and PostgreSQL, the three services, the simulated world."""
