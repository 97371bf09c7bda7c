"""`python -m event_processor`."""

from service_runtime.launch import launch

if __name__ == "__main__":
    launch("event_processor.main")
