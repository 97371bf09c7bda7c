"""What Prometheus is told of the system at each scrape."""
