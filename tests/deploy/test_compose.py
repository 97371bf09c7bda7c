"""docker-compose.yaml is valid, complete and closed to the outside."""

import importlib.resources
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[2]
SERVICES = {"redis", "postgres", "ibkr", "event-broker", "event-processor", "management-service"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yaml").read_text())


def published_ports(compose: dict[str, Any]) -> list[str]:
    return [port for service in compose["services"].values() for port in service.get("ports", [])]


def test_it_follows_the_compose_specification(compose: dict[str, Any]) -> None:
    """Docker would accept the file."""
    schemas = importlib.resources.files("check_jsonschema") / "builtin_schemas" / "vendor"
    schema = json.loads((schemas / "compose-spec.json").read_text())

    jsonschema.validate(compose, schema)


def test_every_service_heals_and_rotates_its_log(compose: dict[str, Any]) -> None:
    """Each service has a health check, restarts by itself and cannot fill the disk with logs."""
    assert set(compose["services"]) == SERVICES

    for name, service in compose["services"].items():
        assert service["healthcheck"]["test"], name
        assert service["restart"] == "unless-stopped", name
        assert "max-size" in service["logging"]["options"], name


def test_ports_are_published_on_this_machine_only(compose: dict[str, Any]) -> None:
    """No port is reachable from another host."""
    ports = published_ports(compose)

    assert len(ports) == 6
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_redis_loses_nothing(compose: dict[str, Any]) -> None:
    """Redis writes every change to disk and evicts nothing."""
    command = " ".join(compose["services"]["redis"]["command"])

    assert "--appendonly yes" in command
    assert "--appendfsync always" in command
    assert "--maxmemory-policy noeviction" in command


def test_the_schema_is_mounted_where_postgres_looks_for_it(compose: dict[str, Any]) -> None:
    """PostgreSQL runs init.sql when it is created."""
    volumes = compose["services"]["postgres"]["volumes"]

    assert "./init.sql:/docker-entrypoint-initdb.d/init.sql:ro" in volumes
    assert (ROOT / "init.sql").is_file()


def test_mounted_and_built_files_exist(compose: dict[str, Any]) -> None:
    """Every file and folder that the compose file mounts or builds from is in the repository."""
    for service in compose["services"].values():
        mounts = [volume.split(":")[0] for volume in service.get("volumes", []) if volume.startswith("./")]
        builds = [service["build"]["dockerfile"]] if "build" in service else []

        assert all((ROOT / path).exists() for path in [*mounts, *builds])


@pytest.mark.parametrize("service", ["event-broker", "event-processor", "management-service"])
def test_a_service_can_change_nothing_on_its_host(compose: dict[str, Any], service: str) -> None:
    """Our containers are read-only, without capabilities, and cannot gain any."""
    settings = compose["services"][service]

    assert settings["read_only"] is True
    assert settings["cap_drop"] == ["ALL"]


def test_services_may_write_trigger_files_and_the_spill_alone(compose: dict[str, Any]) -> None:
    """Of the host only the folder of trigger files, and one volume; everything else is mounted read-only."""
    writable = [
        volume
        for service in ("event-broker", "event-processor", "management-service")
        for volume in compose["services"][service].get("volumes", [])
        if not volume.endswith(":ro")
    ]

    assert writable == [
        "./data/manual-rebalance:/app/data/manual-rebalance",
        "outbox_spill:/app/data/outbox-spill",
        "signal_spool:/app/data/signal-spool",
    ]
    assert "outbox_spill" in compose["volumes"]


@pytest.mark.parametrize("service", ["event-broker", "event-processor", "management-service"])
def test_no_service_waits_for_a_healthy_postgres(compose: dict[str, Any], service: str) -> None:
    """Trading goes on without the history, also after a start at which PostgreSQL does not come up."""
    needed = compose["services"][service]["depends_on"]

    assert needed["redis"]["condition"] == "service_healthy"
    assert needed.get("postgres", {"condition": "service_started"})["condition"] == "service_started"
