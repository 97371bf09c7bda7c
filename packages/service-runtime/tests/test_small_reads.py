"""Reading in small pieces, by what a protocol is given."""

import asyncio

from service_runtime.small_reads import PIECE_BYTES, read_in_small_pieces

SENT = b"x" * 400_000


class Listener(asyncio.Protocol):
    """Remembers how much came at a time, and when the end did."""

    def __init__(self) -> None:
        self.pieces: list[int] = []
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self.pieces.append(len(data))

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.ended.set_result(None)


async def test_everything_arrives_in_small_pieces() -> None:
    """Those of asyncio's own are up to sixteen times as large; should a newer one read otherwise, this tells."""

    async def send(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(SENT)
        writer.close()

    read_in_small_pieces()
    async with await asyncio.start_server(send, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        _, listener = await asyncio.get_running_loop().create_connection(Listener, "127.0.0.1", port)
        await listener.ended

    assert sum(listener.pieces) == len(SENT)
    assert max(listener.pieces) <= PIECE_BYTES
