"""Reading a YAML file strictly: every fault is an error that names the file, and no key may stand twice."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any, ClassVar

import yaml
from yaml.composer import ComposerError

from service_runtime.errors import ConfigurationError, ConfigurationProblem


def read_yaml(path: Path) -> object:
    """The plain values of a YAML file; None when it is empty.

    Raises:
        ConfigurationError: the file cannot be read, is not YAML, or repeats a key.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise _unreadable(path, "is not UTF-8 text") from error
    except yaml.YAMLError as error:
        raise _unreadable(path, _describe(error)) from error


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where PyYAML has it, because it reads files of thousands of accounts much faster."""


_TAG = "a value begins with !, which YAML takes for a tag; put it in quotes"
_ALIAS = "a value begins with * or &, which YAML takes for a reference; put it in quotes"


def _refuse_tag(_loader: object, node: yaml.Node) -> object:
    """For tags that nobody knows; PyYAML's own error would show the tag, which may be an unquoted password."""
    raise yaml.constructor.ConstructorError(problem=_TAG, problem_mark=node.start_mark)


class _StrictLoader(_Loader):
    """A SafeLoader that refuses to let a later key silently replace an earlier one."""

    yaml_constructors: ClassVar[dict[str | None, Any]] = {**_Loader.yaml_constructors, None: _refuse_tag}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:  # noqa: FBT001, FBT002 - PyYAML's signature
        seen: set[object] = set()
        for key_node, _ in node.value:
            if key_node.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key '{key_node.value}' stands twice", problem_mark=key_node.start_mark
                )
            seen.add(key_node.value if isinstance(key_node, yaml.ScalarNode) else id(key_node))
        mapping: dict[Hashable, object] = _Loader.construct_mapping(self, node, deep=deep)
        return mapping


def _describe(error: yaml.YAMLError) -> str:
    """The fault and its line; never the text around it, which may hold a secret."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        problem = _ALIAS if isinstance(error, ComposerError) else error.problem
        return f"line {error.problem_mark.line + 1}: {problem}"
    return "is not YAML: it holds a character that YAML does not allow"


def _unreadable(path: Path, reason: str) -> ConfigurationError:
    return ConfigurationError([ConfigurationProblem(str(path), "", reason)])
