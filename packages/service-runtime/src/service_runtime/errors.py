"""What can go wrong before and around a service's work.

ServiceRuntimeError
├── ConfigurationError   the files or the environment are wrong: an operator must correct every problem listed
├── ServiceFailed        a task that the service cannot live without ended: start the process again
└── NotificationFailed   a notice could not be sent: try again after a pause
"""

from collections.abc import Sequence
from dataclasses import dataclass


class ServiceRuntimeError(Exception):
    """Root of the errors of this package."""


@dataclass(frozen=True, slots=True)
class ConfigurationProblem:
    """One thing wrong with the configuration, in words for the operator."""

    origin: str
    """The file, or `environment`."""
    key: str
    """`section.key`, a variable's name, or an entry of accounts.yaml; empty when the whole file is meant."""
    reason: str
    """What is wrong and what would be right; never a secret's value."""

    def __str__(self) -> str:
        """`origin: key: reason`."""
        return ": ".join(part for part in (self.origin, self.key, self.reason) if part)


class ConfigurationError(ServiceRuntimeError):
    """The service cannot start with this configuration; `problems` lists everything found, not only the first."""

    def __init__(self, problems: Sequence[ConfigurationProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ServiceFailed(ServiceRuntimeError):
    """A task of the service ended although the service was not stopping."""


class NotificationFailed(ServiceRuntimeError):
    """A notice did not reach the people it was meant for; the text holds nothing of their address."""
