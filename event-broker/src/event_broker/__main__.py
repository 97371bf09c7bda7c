"""`python -m event_broker`."""

from service_runtime.launch import launch

if __name__ == "__main__":
    launch("event_broker.main")
