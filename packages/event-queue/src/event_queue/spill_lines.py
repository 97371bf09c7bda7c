"""How a spilled record is written down: one line of a file, which tells by its checksum whether it is whole.

A line is eight hexadecimal digits (CRC-32 of what follows the space), a space, and a JSON object in ASCII.
"""

import json
from typing import Any
from zlib import crc32

from event_queue.audit import AuditRecord
from event_queue.codec import to_ms
from event_queue.errors import CorruptQueue
from event_queue.outbox_entry import decode_record


def encode_line(content: dict[str, Any]) -> bytes:
    """An object as one line."""
    body = json.dumps(content, separators=(",", ":")).encode("ascii")
    return b"%08x %s\n" % (crc32(body), body)


def decode_line(line: bytes) -> dict[str, Any] | None:
    """The object of a line; None when the line is torn or damaged."""
    checksum, _, body = line.removesuffix(b"\n").partition(b" ")
    if not line.endswith(b"\n") or checksum != b"%08x" % crc32(body):
        return None
    return json.loads(body)


def encode_spilled(record: AuditRecord) -> bytes:
    """A record as one line."""
    return encode_line(
        {
            "n": record.counter,
            "id": record.stream_id,
            "at": to_ms(record.recorded_at),
            "kind": record.kind,
            "event": record.event_json,
            "details": record.details_json,
        }
    )


def decode_spilled(line: bytes) -> AuditRecord | None:
    """Read a record back; None when the line is torn, damaged, or no record."""
    content = decode_line(line)
    if content is None or "id" not in content:
        return None
    try:
        return decode_record(content["id"], {**content, "n": str(content.get("n")), "due": ""})
    except CorruptQueue:
        return None
