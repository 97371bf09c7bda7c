"""What an operator asks of a running system, over its HTTP API."""
