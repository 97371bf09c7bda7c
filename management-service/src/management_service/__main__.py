"""`python -m management_service`."""

from service_runtime.launch import launch

if __name__ == "__main__":
    launch("management_service.main")
