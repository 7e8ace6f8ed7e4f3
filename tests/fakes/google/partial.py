"""The ``fields`` parameter: which parts of a resource an answer is to have.

https://developers.google.com/workspace/calendar/api/guides/performance#partial-response
"""

import re
from collections.abc import Iterator

Tree = dict[str, "Tree"]  # a leaf stands for all that is below it

_TOKENS = re.compile(r"[^,()/]+|[,()/]")


def parse(fields: str) -> Tree:
    return _list(iter(_TOKENS.findall(fields)))


def part_of(value: object, tree: Tree) -> object:
    if not tree:
        return value
    if isinstance(value, list):
        return [part_of(one, tree) for one in value]
    return {name: part_of(value[name], below) for name, below in tree.items() if name in value}


def _list(tokens: Iterator[str]) -> Tree:
    tree: Tree = {}
    place = tree
    for token in tokens:
        if token == ")":
            break
        if token == ",":
            place = tree
        elif token == "(":
            place |= _list(tokens)
        elif token != "/":
            place = place.setdefault(token, {})
    return tree
