"""The scenarios themselves, by what goes wrong."""
