"""What a Redis's settings and its state say of it."""

from typing import Any

import pytest

from event_queue.redis_condition import judge_redis

SOUND = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    "maxmemory-policy": "noeviction",
    "save": "3600 1",
    "stop-writes-on-bgsave-error": "yes",
    "min-replicas-to-write": "0",
}
WELL: dict[str, Any] = {
    "rdb_last_bgsave_status": "ok",
    "aof_enabled": 1,
    "aof_last_bgrewrite_status": "ok",
    "aof_last_write_status": "ok",
    "role": "master",
    "used_memory": 2_000_000,
    "mem_not_counted_for_evict": 0,
    "maxmemory": 0,
    "maxmemory_policy": "noeviction",
}
FULL = {"maxmemory": 1_500_000}

REFUSING: list[tuple[dict[str, str], dict[str, Any], str]] = [
    ({}, {"rdb_last_bgsave_status": "err"}, "rdb_last_bgsave_status=err"),
    ({}, {"aof_last_write_status": "err"}, "aof_last_write_status=err"),
    ({}, {"role": "slave", "slave_read_only": 1, "aof_last_write_status": "err"}, "read-only replica"),
    ({"min-replicas-to-write": "2"}, {"min_slaves_good_slaves": 1}, "only 1 of the replicas"),
    ({}, FULL, "its memory is full"),
]
TAKING: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({"stop-writes-on-bgsave-error": "no"}, {"rdb_last_bgsave_status": "err"}),
    ({"save": ""}, {"rdb_last_bgsave_status": "err"}),
    ({"appendonly": "no"}, {"aof_enabled": 0, "aof_last_write_status": "err"}),
    ({}, {"role": "slave", "slave_read_only": 0}),
    ({"min-replicas-to-write": "1"}, {"min_slaves_good_slaves": 1}),
    ({"maxmemory-policy": "allkeys-lru"}, {**FULL, "maxmemory_policy": "allkeys-lru"}),
    ({}, {**FULL, "mem_not_counted_for_evict": 600_000}),
    ({}, {"aof_last_bgrewrite_status": "err"}),
]


def test_a_sound_redis_has_nothing_wrong() -> None:
    """Neither refusals nor dangers."""
    condition = judge_redis(SOUND, WELL)

    assert (condition.refusals, condition.dangers) == ((), ())


@pytest.mark.parametrize(("settings", "state", "words"), REFUSING)
def test_a_redis_that_refuses_writes_says_why(settings: dict[str, str], state: dict[str, Any], words: str) -> None:
    """Each of the conditions under which Redis refuses them, and one of them for each."""
    (refusal,) = judge_redis({**SOUND, **settings}, {**WELL, **state}).refusals

    assert words in refusal


@pytest.mark.parametrize(("settings", "state"), TAKING)
def test_a_redis_that_takes_writes_in_spite_of_it_refuses_none(settings: dict[str, str], state: dict[str, Any]) -> None:
    """What looks alike and is none of these conditions."""
    assert judge_redis({**SOUND, **settings}, {**WELL, **state}).refusals == ()


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"rdb_last_bgsave_status": "err"}, "rdb_last_bgsave_status=err"),
        ({"aof_last_bgrewrite_status": "err"}, "aof_last_bgrewrite_status=err"),
        ({"role": "slave", "slave_read_only": 0}, "is lost when it follows its primary again"),
    ],
)
def test_a_failure_that_leaves_writes_possible_is_a_danger(state: dict[str, Any], words: str) -> None:
    """It is told although everything is taken in still."""
    (danger,) = judge_redis({**SOUND, "save": ""}, {**WELL, **state}).dangers

    assert words in danger


def test_hidden_settings_make_nobody_say_that_writes_are_refused() -> None:
    """Where only the state may be read, what it does not prove is a danger, and the settings are named."""
    condition = judge_redis({}, {**WELL, "rdb_last_bgsave_status": "err"})

    assert condition.refusals == ()
    assert [("CONFIG GET" in danger, "bgsave" in danger) for danger in condition.dangers] == [
        (True, False),
        (False, True),
    ]
