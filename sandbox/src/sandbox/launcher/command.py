"""`python -m sandbox`: a sandbox as a process of its own."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.launcher.sandbox import Sandbox
from sandbox.launcher.spec import SandboxSpec
from sandbox.world import SpecError

EXIT_OK = 0
EXIT_CANNOT_LISTEN = 1
EXIT_BAD_SPEC = 2


@dataclass(frozen=True, slots=True)
class Options:
    """The command line; `world` is None for the demo that comes with the package."""

    world: Path | None
    host: str
    gateway_port: int
    ably_port: int
    http_port: int
    ready_file: Path | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; returns 0 then, 1 when a port is taken, 2 when the specification is wrong."""
    options = parse(arguments)
    try:
        spec = SandboxSpec.demo() if options.world is None else SandboxSpec.from_yaml(options.world)
        asyncio.run(_run(spec, options))
    except SpecError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_BAD_SPEC
    except OSError as error:
        sys.stderr.write(f"cannot start: {error}\n")
        return EXIT_CANNOT_LISTEN
    return EXIT_OK


def parse(arguments: Sequence[str] | None) -> Options:
    """Read the command line; leaves the process with 2 when it is wrong."""
    parser = argparse.ArgumentParser("sandbox", description="A simulated IB Gateway, Ably and allocations API.")
    parser.add_argument("--world", type=Path, help="YAML file of the world (default: the demo of the package)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    for name in ("gateway", "ably", "http"):
        parser.add_argument(f"--{name}-port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--ready-file", type=Path, help="written as soon as everything listens, removed at the end")
    return Options(**vars(parser.parse_args(arguments)))


async def _run(spec: SandboxSpec, options: Options) -> None:
    stopped = _stop_signal()
    sandbox = Sandbox(
        spec,
        host=options.host,
        gateway_port=options.gateway_port,
        ably_port=options.ably_port,
        http_port=options.http_port,
    )
    async with sandbox:
        _announce(sandbox, options.ready_file)
        try:
            await stopped.wait()
        finally:
            if options.ready_file is not None:
                options.ready_file.unlink(missing_ok=True)


def _announce(sandbox: Sandbox, ready_file: Path | None) -> None:
    if ready_file is not None:
        sandbox.endpoints.write(ready_file)
    sys.stdout.write(sandbox.endpoints.to_json() + "\n")
    sys.stdout.flush()


def _stop_signal() -> asyncio.Event:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped
