"""Where a running sandbox can be reached, and the file that tells it to others."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Ports and addresses; `ably_endpoint` is the SDK's `endpoint` option, to be used with `tls=False`."""

    gateway_port: int
    ably_port: int
    http_port: int
    ably_endpoint: str
    allocations_base_url: str
    control_url: str

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))

    def write(self, path: Path) -> None:
        """Write the line to the file in one step: a reader finds all of it or no file."""
        part = path.with_name(f".{path.name}.{os.getpid()}")
        part.write_text(self.to_json() + "\n", "utf-8")
        part.replace(path)
