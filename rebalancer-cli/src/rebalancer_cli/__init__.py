"""The `rebalancer` command: the whole system on one machine, a demonstration, and tools for operators."""
