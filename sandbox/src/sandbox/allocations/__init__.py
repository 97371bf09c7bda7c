"""The simulated allocations API: target weights by strategy, and every way in which they can be missing."""

from sandbox.allocations.answers import AnswerKind, ChannelAnswer
from sandbox.allocations.book import DEFAULT_KEY, AllocationBook, AllocationsSpec, RecordedRequest
from sandbox.allocations.routes import AllocationsApi

__all__ = [
    "DEFAULT_KEY",
    "AllocationBook",
    "AllocationsApi",
    "AllocationsSpec",
    "AnswerKind",
    "ChannelAnswer",
    "RecordedRequest",
]
