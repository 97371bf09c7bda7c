"""The API describes itself truly."""

from typing import Any

import httpx
import pytest

ROUTES = {
    ("get", "/health"),
    ("get", "/health/live"),
    ("get", "/health/ready"),
    ("get", "/queue/status"),
    ("get", "/queue/events"),
    ("post", "/queue/events"),
    ("get", "/queue/events/{event_id}"),
    ("delete", "/queue/events/{event_id}"),
    ("get", "/events"),
    ("get", "/metrics"),
    ("get", "/trading"),
    ("put", "/trading/pauses/{scope}"),
    ("delete", "/trading/pauses/{scope}"),
}


@pytest.fixture
async def document(client: httpx.AsyncClient) -> dict[str, Any]:
    """What /openapi.json answers."""
    return (await client.get("/openapi.json")).json()


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(method, path): operation for path, item in document["paths"].items() for method, operation in item.items()}


def test_every_route_is_described(document: dict[str, Any]) -> None:
    """The documents' routes are there, each with a sentence."""
    described = operations(document)

    assert set(described) >= ROUTES
    assert all(operation["description"] for operation in described.values())


def test_only_the_writes_need_the_key(document: dict[str, Any]) -> None:
    """The scheme is declared, and asked for where it counts."""
    locked = {route for route, operation in operations(document).items() if "security" in operation}

    assert document["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
    assert locked == {
        ("post", "/queue/events"),
        ("delete", "/queue/events/{event_id}"),
        ("post", "/queue/rebuild"),
        ("post", "/queue/resync"),
        ("put", "/trading/pauses/{scope}"),
        ("delete", "/trading/pauses/{scope}"),
    }


def test_every_error_is_a_problem_document(document: dict[str, Any]) -> None:
    """Apart from the verdict of /health, which is a health document in any case."""
    for (_, path), operation in operations(document).items():
        for status, answer in operation["responses"].items():
            if int(status) >= 400 and path != "/health":
                assert list(answer["content"]) == ["application/problem+json"]


def test_every_schema_that_is_referred_to_exists(document: dict[str, Any]) -> None:
    """No reference leads nowhere."""
    text = str(document)
    names = {part.split("'")[0] for part in text.split("#/components/schemas/")[1:]}

    assert names == names & set(document["components"]["schemas"])


async def test_the_example_of_a_new_event_is_taken(client: httpx.AsyncClient, document: dict[str, Any]) -> None:
    """Whoever copies it gets an event."""
    body = operations(document)["post", "/queue/events"]["requestBody"]["content"]["application/json"]
    (example,) = body["schema"]["examples"]

    assert (await client.post("/queue/events", json=example)).status_code == 201


async def test_the_example_of_a_pause_is_taken(client: httpx.AsyncClient, document: dict[str, Any]) -> None:
    """Whoever copies it stops trading."""
    operation = operations(document)["put", "/trading/pauses/{scope}"]
    (example,) = operation["requestBody"]["content"]["application/json"]["schema"]["examples"]

    assert (await client.put("/trading/pauses/all", json=example)).status_code == 200
