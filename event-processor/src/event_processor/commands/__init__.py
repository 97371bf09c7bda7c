"""What events ask for: one file a command."""

from event_processor.commands.runner import CommandRunner

__all__ = ["CommandRunner"]
