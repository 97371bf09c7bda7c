"""accounts.yaml, read strictly: a wrong entry is named by its place in the list and its account id."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import cast

from pydantic import ValidationError

from service_runtime.accounts import AccountConfig, Accounts
from service_runtime.errors import ConfigurationError, ConfigurationProblem
from service_runtime.validation_problems import reason_of
from service_runtime.yaml_file import read_yaml


def load_accounts(path: Path) -> Accounts:
    """The accounts of the file. An empty list is allowed; a reserve out of range is left to the calculator's warning.

    Raises:
        ConfigurationError: with every problem of the file.
    """
    problems: list[ConfigurationProblem] = []
    entries = _entries(read_yaml(path), str(path), problems)
    accounts = list(_parse(entries, str(path), problems))
    problems.extend(_duplicates(accounts, str(path)))
    if problems:
        raise ConfigurationError(problems)
    return Accounts(
        by_id=MappingProxyType({account.account_id: account for _, account in accounts if account.enabled}),
        disabled=frozenset(account.account_id for _, account in accounts if not account.enabled),
    )


def _entries(content: object, origin: str, problems: list[ConfigurationProblem]) -> Sequence[object]:
    if content is None:
        return ()
    if isinstance(content, list):
        return cast("list[object]", content)
    problems.append(ConfigurationProblem(origin, "", "should be a list: each entry starts with `- account_id:`"))
    return ()


def _parse(
    entries: Sequence[object], origin: str, problems: list[ConfigurationProblem]
) -> Iterator[tuple[int, AccountConfig]]:
    """Each good entry with its place, counted from 1; the bad ones become problems."""
    for place, entry in enumerate(entries, start=1):
        try:
            yield place, AccountConfig.model_validate(entry)
        except ValidationError as error:
            problems.extend(_problems(error, origin, _name(place, entry)))


def _problems(error: ValidationError, origin: str, name: str) -> Iterator[ConfigurationProblem]:
    for details in error.errors(include_url=False):
        field = ".".join(str(part) for part in details["loc"])
        unknown = details["type"] == "extra_forbidden"
        reason = "unknown key" if unknown else reason_of(details, secret=False)
        yield ConfigurationProblem(origin, f"{name}: {field}" if field else name, reason)


def _duplicates(accounts: Sequence[tuple[int, AccountConfig]], origin: str) -> Iterator[ConfigurationProblem]:
    first: dict[str, int] = {}
    for place, account in accounts:
        earlier = first.setdefault(account.account_id, place)
        if earlier != place:
            yield ConfigurationProblem(
                origin, _name(place, account.model_dump()), f"repeats the account of entry {earlier}"
            )


def _name(place: int, entry: object) -> str:
    known = cast("Mapping[str, object]", entry).get("account_id") if isinstance(entry, Mapping) else None
    return f"entry {place}" if known is None else f"entry {place} ({known})"
