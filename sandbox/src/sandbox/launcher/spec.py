"""The description of a whole sandbox: the world's keys, and beside them `ably` and `allocations`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import ValidationError

from sandbox.ably import AblySpec
from sandbox.allocations import AllocationsSpec
from sandbox.world import SpecError, WorldSpec, load_spec


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """Everything that a sandbox knows when it starts."""

    world: WorldSpec
    ably: AblySpec = field(default_factory=AblySpec)
    allocations: AllocationsSpec = field(default_factory=AllocationsSpec)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "SandboxSpec":
        """Read a mapping with the keys of `WorldSpec`, `ably` and `allocations`; raises SpecError."""
        world = {key: value for key, value in content.items() if key not in ("ably", "allocations")}
        try:
            ably = AblySpec.model_validate(content.get("ably", {}))
            allocations = AllocationsSpec.model_validate(content.get("allocations", {}))
        except ValidationError as error:
            raise SpecError(f"cannot load the sandbox: {error}") from error
        return cls(load_spec(world), ably, allocations)

    @classmethod
    def from_yaml(cls, path: Path) -> "SandboxSpec":
        """Read a file; raises SpecError when it cannot be read or is wrong."""
        try:
            text = path.read_text("utf-8")
        except OSError as error:
            raise SpecError(f"cannot read {path}: {error}") from error
        return cls._from_text(text, str(path))

    @classmethod
    def demo(cls) -> "SandboxSpec":
        """The world that comes with the package, `demo_world.yaml`."""
        return cls._from_text(files("sandbox").joinpath("demo_world.yaml").read_text("utf-8"), "demo_world.yaml")

    @classmethod
    def _from_text(cls, text: str, source: str) -> "SandboxSpec":
        try:
            content: object = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise SpecError(f"{source} is not valid YAML: {error}") from error
        if not isinstance(content, dict):
            raise SpecError(f"{source} has to be a mapping")
        return cls.from_dict(cast("dict[str, Any]", content))
