"""YAML that knows on which line each of its values stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

Where = tuple[str | int, ...]


class YamlProblem(Exception):
    """The text is no YAML that can be used; ``line`` counts from 1."""

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(problem)
        self.problem, self.line = problem, line


@dataclass(frozen=True, slots=True)
class LinedYaml:
    """Values, and the line of each by its path."""

    data: Any
    lines: dict[Where, int]

    def line(self, where: Where) -> int:
        """Of that value; where it is not there (something is missing), of what it should stand in."""
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 1)


def read_yaml(text: str) -> LinedYaml:
    """Parse; ``YamlProblem`` for broken YAML, a key that is given twice, and keys that are no text."""
    lines: dict[Where, int] = {}
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            return LinedYaml(None, lines)
        constructor = yaml.SafeLoader("")
        return LinedYaml(_value(constructor, node, (), lines), lines)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlProblem(error.problem or "is no YAML", mark.line + 1 if mark else 1) from None
    except yaml.YAMLError:
        raise YamlProblem("holds characters that YAML does not allow", 1) from None


def _value(constructor: yaml.SafeLoader, node: yaml.Node, where: Where, lines: dict[Where, int]) -> Any:  # noqa: ANN401
    lines.setdefault(where, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_value(constructor, item, (*where, index), lines) for index, item in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        try:
            return constructor.construct_object(node)
        except ValueError:
            raise YamlProblem(
                "holds a date or number that is none; put it in quotes", node.start_mark.line + 1
            ) from None
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key, line = key_node.value, key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != "tag:yaml.org,2002:str":
            raise YamlProblem(f"the name {key!r} must be put in quotes to be taken as text", line)
        if key in found:
            raise YamlProblem(f"{key!r} is there twice", line)
        lines[(*where, key)] = line
        found[key] = _value(constructor, value_node, (*where, key), lines)
    return found
