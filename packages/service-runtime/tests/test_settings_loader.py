"""Environment over file over default; and every fault of either is told."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr

from service_runtime.errors import ConfigurationError
from service_runtime.settings import Settings, TradingMode
from service_runtime.settings_loader import load_settings

Write = Callable[[str, str], Path]


def faults(environ: Mapping[str, str], directory: Path) -> list[str]:
    """What loading complains of, one line each, without the directory."""
    with pytest.raises(ConfigurationError) as caught:
        load_settings(environ, working_directory=directory)
    return [str(problem).replace(f"{directory}/", "") for problem in caught.value.problems]


def test_without_file_and_environment_the_defaults_hold(tmp_path: Path) -> None:
    """Nothing has to be configured for the settings to load."""
    assert load_settings({}, working_directory=tmp_path) == Settings()


def test_the_environment_stands_above_the_file_and_the_file_above_the_default(tmp_path: Path, write: Write) -> None:
    """Each key is decided for itself."""
    write("config.yaml", "redis: {host: from-file, port: 7000}")

    redis = load_settings({"REDIS_HOST": "from-environment"}, working_directory=tmp_path).redis

    assert (redis.host, redis.port, redis.db) == ("from-environment", 7000, 0)


@pytest.mark.parametrize(
    ("name", "value", "path", "expected"),
    [
        ("REDIS_KEY_PREFIX", "{paper}:", "redis.key_prefix", "{paper}:"),
        ("POSTGRES_PASSWORD", "p", "postgres.password", SecretStr("p")),
        ("POSTGRES_USER", "u", "postgres.username", "u"),
        ("POSTGRES_DB", "d", "postgres.database", "d"),
        ("IBKR_PORT", "4003", "ibkr.port", 4003),
        ("TRADING_MODE", "LIVE", "ibkr.trading_mode", TradingMode.LIVE),
        ("ABLY_API_KEY", "a.b:c", "ably.api_key", SecretStr("a.b:c")),
        ("ABLY_TLS", "false", "ably.tls", False),
        ("ALLOCATIONS_BASE_URL", "http://x", "allocations.base_url", "http://x"),
        ("ZEHNLABS_FINTECH_API_KEY", "z", "allocations.api_key", SecretStr("z")),
        ("ORDER_TYPE", "lmt", "orders.type", "LMT"),
        ("TIME_IN_FORCE", "GTC", "orders.time_in_force", "GTC"),
        ("EXTENDED_HOURS_ENABLED", "true", "orders.extended_hours_enabled", True),
        ("ORDERS_FILL_TIMEOUT_SECONDS", "2.5", "orders.fill_timeout_seconds", 2.5),
        ("ORDERS_LIMIT_BUFFER_PERCENT", "0.1", "orders.limit_buffer_percent", Decimal("0.1")),
        ("MANUAL_DIRECTORY", "/in", "manual.directory", Path("/in")),
        ("MANAGEMENT_API_KEY", "m", "management.api_key", SecretStr("m")),
        ("MANAGEMENT_PORT", "9000", "management.port", 9000),
        ("NOTIFICATIONS_URLS", "json://a json://b", "notifications.urls", SecretStr("json://a json://b")),
        ("LOG_LEVEL", "debug", "logging.level", "DEBUG"),
        ("LOGGING_FORMAT", "console", "logging.format", "console"),
    ],
)
def test_variables_set_what_they_name(tmp_path: Path, name: str, value: str, path: str, expected: object) -> None:
    """Both the names made of section and key and the flat ones work."""
    section, key = path.split(".")

    settings = load_settings({name: value}, working_directory=tmp_path)

    assert getattr(getattr(settings, section), key) == expected


def test_empty_variables_and_keys_count_as_absent(tmp_path: Path, write: Write) -> None:
    """Compose passes on empty variables; they must not hide the file or the default."""
    write("config.yaml", "redis:\npostgres: {host: , database: ''}\nibkr: {port: 4003}")

    settings = load_settings({"IBKR_PORT": "", "MANAGEMENT_API_KEY": ""}, working_directory=tmp_path)

    assert settings.ibkr.port == 4003
    assert settings.postgres == Settings().postgres
    assert settings.management.api_key is None


def test_foreign_variables_are_ignored(tmp_path: Path) -> None:
    """The environment belongs to others too, even under our sections' names."""
    environ = {"REDIS_URL": "redis://x", "POSTGRES_HOST_AUTH_METHOD": "trust", "PATH": "/bin", "PORT": "x"}

    assert load_settings(environ, working_directory=tmp_path) == Settings()


def test_two_names_of_one_setting_must_agree(tmp_path: Path) -> None:
    """It would be open which one was meant."""
    agreeing = load_settings({"ORDER_TYPE": "LMT", "ORDERS_TYPE": "LMT"}, working_directory=tmp_path)

    assert agreeing.orders.type == "LMT"
    assert faults({"ORDER_TYPE": "LMT", "ORDERS_TYPE": "MKT"}, tmp_path) == [
        "environment: ORDER_TYPE: differs from ORDERS_TYPE, which sets the same thing; set only one of the two"
    ]


def test_a_named_file_is_read_from_the_working_directory(tmp_path: Path, write: Write) -> None:
    """CONFIG_FILE may be relative."""
    write("other.yaml", "redis: {db: 3}")

    assert load_settings({"CONFIG_FILE": "other.yaml"}, working_directory=tmp_path).redis.db == 3


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    """Only the default file may be absent."""
    assert faults({"CONFIG_FILE": "missing.yaml"}, tmp_path) == [
        "missing.yaml: cannot be read: No such file or directory"
    ]


def test_every_fault_is_told_at_once_with_its_place(tmp_path: Path, write: Write) -> None:
    """File and environment are both checked to the end."""
    write("config.yaml", "redis: {port: 70000, hosst: x}\nredsi: {}\norders: {type: VWAP}")

    assert sorted(faults({"IBKR_PORT": "gateway", "ABLY_TLS": "perhaps"}, tmp_path)) == [
        "config.yaml: orders.type: should be 'MKT', 'LMT' or 'MOC', not 'VWAP'",
        "config.yaml: redis.hosst: unknown; did you mean host?",
        "config.yaml: redis.port: should be less than or equal to 65535, not 70000",
        "config.yaml: redsi: unknown; did you mean redis?",
        "environment: ABLY_TLS: should be a valid boolean, unable to interpret input, not 'perhaps'",
        "environment: IBKR_PORT: should be a valid integer, unable to parse string as an integer, not 'gateway'",
    ]


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf"])
def test_a_duration_is_positive_and_finite(tmp_path: Path, value: str) -> None:
    """No wait can be endless."""
    assert len(faults({"ORDERS_FILL_TIMEOUT_SECONDS": value}, tmp_path)) == 1


@pytest.mark.parametrize("value", ["1", "2.9", "nan", "inf"])
def test_a_lease_is_long_enough_to_be_kept(tmp_path: Path, value: str) -> None:
    """A lease shorter than its safety margin and renewals would be lost as soon as it was taken, over and over."""
    assert len(faults({"PROCESSING_LEASE_SECONDS": value}, tmp_path)) == 1


OUT_OF_RANGE = [
    ("ORDERS_TYPE", "VWAP"),
    ("ORDERS_MOC_MINUTES_BEFORE_CLOSE", "-1"),
    ("ORDERS_MOC_MINUTES_BEFORE_CLOSE", "1.5"),
    ("ORDERS_BUY_PRICE_BUFFER_PERCENT", "-0.1"),
    ("PROCESSING_CONCURRENCY", "0"),
    ("PROCESSING_CONCURRENCY", "33"),
    ("PROCESSING_MAX_EVENT_AGE_SECONDS", "-1"),
    ("PROCESSING_MAX_EVENT_AGE_SECONDS", "inf"),
    ("IBKR_PRICE_CACHE_SECONDS", "nan"),
    ("POSTGRES_RETENTION_DAYS", "8"),
]


@pytest.mark.parametrize(("name", "value"), OUT_OF_RANGE)
def test_a_value_out_of_range_is_refused(tmp_path: Path, name: str, value: str) -> None:
    """One complaint for each."""
    assert len(faults({name: value}, tmp_path)) == 1


@pytest.mark.parametrize("text", ["ibkr: {client_id: yes}", "orders: {type: on}", "postgres: {retention_days: true}"])
def test_a_truth_value_is_no_number_and_no_text(tmp_path: Path, write: Write, text: str) -> None:
    """YAML makes one of a bare yes or on."""
    write("config.yaml", text)

    told = faults({}, tmp_path)

    assert len(told) == 1
    assert "truth value" in told[0]


def test_a_secret_of_the_wrong_type_is_not_shown(tmp_path: Path, write: Write) -> None:
    """The complaint names the key and not its value."""
    write("config.yaml", "management: {api_key: 8675309}")

    assert faults({}, tmp_path) == ["config.yaml: management.api_key: should be text; put it in quotes"]


def test_the_value_of_an_unknown_key_is_not_shown(tmp_path: Path, write: Write) -> None:
    """A misspelled secret is still a secret."""
    write("config.yaml", "management: {apikey: hunter2-hunter2}")

    assert "hunter2" not in faults({}, tmp_path)[0]


@pytest.mark.parametrize(
    "value", ["!hunter2", "!!hunter2 x", "*hunter2", "@hunter2", "%hunter2", "'hunter2", "{hunter2"]
)
def test_a_secret_that_yaml_takes_for_something_else_is_not_shown(tmp_path: Path, write: Write, value: str) -> None:
    """A password without quotes may begin with anything; the line is told, not what stands there."""
    write("config.yaml", f"redis:\n  password: {value}\n")

    (fault,) = faults({}, tmp_path)

    assert fault.startswith("config.yaml: line ")
    assert "hunter2" not in fault


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("redis: {host: a\n", "line 2: "),
        ("redis:\n  host: a\n  host: b\n", "line 3: the key 'host' stands twice"),
        ("redis: {}\nredis: {}\n", "line 2: the key 'redis' stands twice"),
        ("- redis\n", "should be a mapping of keys to values"),
        ("redis\n", "should be a mapping of keys to values"),
        ("redis: [1]\n", "redis: should be a mapping of keys to values"),
        ("redis: !!python/object:os.system {}\n", "line 1: "),
        ("redis: \x00\n", "is not YAML"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_refused(
    tmp_path: Path, write: Write, text: str, complaint: str
) -> None:
    """Broken YAML, repeated keys and other shapes are told with their line."""
    write("config.yaml", text)

    told = faults({}, tmp_path)

    assert len(told) == 1
    assert told[0].startswith("config.yaml: ")
    assert complaint in told[0]


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    """Text is UTF-8."""
    (tmp_path / "config.yaml").write_bytes(b"redis: {host: \xff}")

    assert faults({}, tmp_path) == ["config.yaml: is not UTF-8 text"]


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_an_empty_file_changes_nothing(tmp_path: Path, write: Write, text: str) -> None:
    """A file may be there without content."""
    write("config.yaml", text)

    assert load_settings({}, working_directory=tmp_path) == Settings()


def test_values_may_refer_to_the_environment(tmp_path: Path, write: Write) -> None:
    """A reference alone, inside a text, and with a default."""
    write(
        "config.yaml",
        "ably: {api_key: '${KEY}'}\nredis: {host: 'redis-${ZONE}.example', port: '${NO_PORT:-7000}'}\n"
        "postgres: {host: '${EMPTY}'}",
    )

    settings = load_settings({"KEY": "a.b:c", "ZONE": "eu", "EMPTY": ""}, working_directory=tmp_path)

    assert settings.ably.api_key == SecretStr("a.b:c")
    assert (settings.redis.host, settings.redis.port) == ("redis-eu.example", 7000)
    assert settings.postgres.host == "localhost"


def test_a_text_built_from_a_missing_variable_is_refused(tmp_path: Path, write: Write) -> None:
    """Half a host name helps nobody."""
    write("config.yaml", "redis: {host: 'redis-${ZONE}.example'}")

    assert faults({}, tmp_path) == ["config.yaml: redis.host: refers to ${ZONE}, which is not set"]


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    """They are read once and passed on."""
    settings = load_settings({}, working_directory=tmp_path)

    with pytest.raises(ValueError, match="frozen"):
        settings.redis.host = "elsewhere"  # pyright: ignore[reportAttributeAccessIssue] - that is the point


def test_urls_of_notifications_may_be_a_list(tmp_path: Path, write: Write) -> None:
    """Each item may refer to the environment; an item whose variable is not set is left out."""
    write("config.yaml", "notifications: {urls: ['${MAIL}', '${CHAT}', 'json://localhost']}")

    settings = load_settings({"MAIL": "mailto://operator"}, working_directory=tmp_path)
    without = load_settings({}, working_directory=tmp_path)

    assert settings.notifications.urls == SecretStr("mailto://operator\njson://localhost")
    assert without.notifications.urls == SecretStr("json://localhost")


def test_no_url_at_all_is_no_notification(tmp_path: Path, write: Write) -> None:
    """A list of which nothing is left counts as absent."""
    write("config.yaml", "notifications: {urls: ['${MAIL}']}")

    assert load_settings({}, working_directory=tmp_path).notifications.urls is None


def test_a_wrong_url_is_refused_without_being_shown(tmp_path: Path, write: Write) -> None:
    """It is a secret even when it is of the wrong type."""
    write("config.yaml", "notifications: {urls: {chat: 'json://hunter2'}}")

    [fault] = faults({}, tmp_path)

    assert fault.startswith("config.yaml: notifications.urls:")
    assert "hunter2" not in fault
