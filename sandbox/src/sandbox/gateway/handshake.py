"""The opening of a connection: sign, versions, client id."""

import asyncio
import re
from datetime import datetime

from sandbox.gateway.errors import HandshakeError
from sandbox.gateway.fields import FieldReader
from sandbox.gateway.framing import read_body, read_fields, read_sign
from sandbox.gateway.layout import LATEST_VERSION, OLDEST_VERSION
from sandbox.gateway.message_ids import Request

_VERSIONS = re.compile(r"v(\d+)(?:\.\.(\d+))?")


async def read_version(reader: asyncio.StreamReader) -> int:
    """The version to speak: the highest that both sides know.

    Raises:
        HandshakeError: the peer speaks something else, or only versions out of reach.
    """
    await read_sign(reader)
    offer = await read_body(reader)
    match = _VERSIONS.match(offer)
    if match is None:
        raise HandshakeError(f"no versions in {offer!r}")
    lowest, highest = int(match[1]), int(match[2] or match[1])
    version = min(highest, LATEST_VERSION)
    if version < max(lowest, OLDEST_VERSION):
        raise HandshakeError(f"the client speaks {offer}, the gateway {OLDEST_VERSION}..{LATEST_VERSION}")
    return version


async def read_client_id(reader: asyncio.StreamReader) -> int:
    """The id under which the client wants to be known.

    Raises:
        HandshakeError: the first message is not the one that starts the API.
    """
    fields = FieldReader(await read_fields(reader))
    if fields.integer() != Request.START_API:
        raise HandshakeError("the first message does not start the API")
    fields.skip(1)
    return fields.integer()


def greeting(version: int, now: datetime) -> tuple[str, str]:
    """The answer to the versions: exactly two fields, the second the time of the connection."""
    return str(version), f"{now:%Y%m%d %H:%M:%S} UTC"
