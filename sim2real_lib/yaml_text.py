"""YAML from anybody's hand: plain values of bounded size, each key once, or one error."""

from collections.abc import Hashable
from typing import Any

import yaml

MOST_CHARACTERS = 1 << 18  # ten times the longest list of classes in use; PyYAML takes 2 seconds
MOST_NODES = 50_000  # values, those behind an alias counted each time
DEEPEST = 50  # lists within lists


def load(text: str) -> Any:
    """What a YAML text says, in Python's plain types.

    Raises:
        yaml.YAMLError: when it is no YAML, asks for other types, gives a key twice, or is larger
            than anything a person writes, be it by aliases of aliases.
    """
    if len(text) > MOST_CHARACTERS:
        raise yaml.YAMLError(f"{len(text):,} characters, more than {MOST_CHARACTERS:,}")
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError:
        raise
    except Exception as error:  # a dozen for values that are not as their tag says
        raise yaml.YAMLError(str(error) or type(error).__name__) from error


class _Loader(yaml.SafeLoader):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.nodes = self.depth = 0
        self.sizes: dict[str, int] = {}  # of what an alias stands for

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent):
            if event.anchor in self.anchors and event.anchor not in self.sizes:
                raise yaml.YAMLError(f"alias {event.anchor!r} stands within what it stands for")
            self._count(self.sizes.get(event.anchor or "", 0))
            return super().compose_node(parent, index)
        before = self.nodes
        self._count(1)
        self.depth += 1
        if self.depth > DEEPEST:
            raise yaml.YAMLError(f"more than {DEEPEST} levels, {event.start_mark}")
        node = super().compose_node(parent, index)
        self.depth -= 1
        if event.anchor is not None:
            self.sizes[event.anchor] = self.nodes - before
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode):
                if (key.tag, key.value) in seen:
                    raise yaml.YAMLError(f"{key.value!r} is there a second time, {key.start_mark}")
                seen.add((key.tag, key.value))
        return super().construct_mapping(node, deep)

    def _count(self, more: int) -> None:
        self.nodes += more
        if self.nodes > MOST_NODES:
            raise yaml.YAMLError(f"more than {MOST_NODES:,} values, aliases spelt out")
