"""Scripting what the allocations API answers, and looking at who asked."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.allocations import AllocationBook, ChannelAnswer
from sandbox.control.errors import NotFoundError
from sandbox.control.http import parse, reply, route


class AllocationRoutes:
    """`/control/allocations` and `/control/allocation-requests`."""

    def __init__(self, book: AllocationBook) -> None:
        self._book = book

    def routes(self) -> list[Route]:
        """The routes of this topic."""
        return [
            route("/allocations", self._list),
            route("/allocations/{channel}", self._get),
            route("/allocations/{channel}", self._put, "PUT"),
            route("/allocations/{channel}", self._delete, "DELETE"),
            route("/allocation-requests", self._requests),
        ]

    async def _list(self, _request: Request) -> Response:
        return reply({"channels": self._book.answers})

    async def _get(self, request: Request) -> Response:
        return reply(self._known(request))

    async def _put(self, request: Request) -> Response:
        answer = await parse(request, ChannelAnswer)
        self._book.set_answer(request.path_params["channel"], answer)
        return reply(answer)

    async def _delete(self, request: Request) -> Response:
        removed = self._known(request)
        self._book.remove(request.path_params["channel"])
        return reply(removed)

    async def _requests(self, _request: Request) -> Response:
        return reply({"requests": self._book.requests})

    def _known(self, request: Request) -> ChannelAnswer:
        channel = request.path_params["channel"]
        answer = self._book.answer(channel)
        if answer is None:
            raise NotFoundError(f"the allocations API knows no channel {channel}", "channel")
        return answer
