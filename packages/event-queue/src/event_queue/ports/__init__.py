"""The interfaces of the queue and its audit; adapters are chosen in each service's `main` alone."""
