"""What the parts reported last, known here too: a Redis that was emptied has forgotten who used to report."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from event_queue.components import ComponentReport
from event_queue.ports.operators import ComponentBoard, NextReport
from management_service.reported_parts import REPORTED_BY


class RememberedReports:
    """`ComponentBoard` that goes on telling a report which Redis has lost, with the moment at which it was made.

    So a part that falls silent with the loss is missed as any other, as far as it was heard of by this process.
    """

    def __init__(self, board: ComponentBoard) -> None:
        """Take the board on Redis."""
        self._board = board
        self._heard: dict[str, ComponentReport] = {}
        """The latest report of each part for which a service speaks."""

    async def report(self, report: ComponentReport) -> None:
        """Post it; see `ComponentBoard.report`."""
        await self._board.report(report)

    async def read(self) -> Mapping[str, ComponentReport]:
        """The latest report of each part, whether Redis has it still or not."""
        posted = await self._board.read()
        self._hear(posted.values())
        return self._heard | dict(posted)

    async def read_each(self) -> Sequence[ComponentReport]:
        """The latest report of each part by each process; of a part that Redis has lost, the last of all."""
        posted = await self._board.read_each()
        self._hear(sorted(posted, key=lambda report: report.reported_at))
        names = {report.name for report in posted}
        return [*posted, *(report for name, report in self._heard.items() if name not in names)]

    def following(self) -> AbstractAsyncContextManager[NextReport]:
        """See `ComponentBoard.following`."""
        return self._board.following()

    def _hear(self, posted: Iterable[ComponentReport]) -> None:
        self._heard |= {report.name: report for report in posted if report.name in REPORTED_BY}
