"""The peers, one module each. They run in the virtual environment of `bench.peer_environment`, not in the project's."""
