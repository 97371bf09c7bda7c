"""The limit on messages a second."""

from collections import deque

_WINDOW_SECONDS = 1.0


class Pacer:
    """Counts the messages of the last second."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._seen: deque[float] = deque()

    def is_exceeded(self, now: float) -> bool:
        """Count one message at this time on the loop's clock and say whether it was one too many."""
        self._seen.append(now)
        while now - self._seen[0] >= _WINDOW_SECONDS:
            self._seen.popleft()
        return len(self._seen) > self._limit
