"""Names and numbers that actors and driver share."""

LEASE_SECONDS = 1.5
"""Length of the worker's lease; production has ten times as much."""
STEP_KEY = "chaos:clock_step_ms"
"""By how much Redis's clock is off, for the scripts of the queue."""
HOUR_MS = 3_600_000
