"""What a page of Dagster's UI shows, found where it is shown: a word elsewhere on the page is no proof.

By tags, heads of tables and attributes that say what something is; names of style sheets change with each release.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from xml.etree.ElementTree import Element, TreeBuilder

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class _Tree(HTMLParser):
    """A browser writes well-formed pages, but for the tags that have no end."""

    def __init__(self) -> None:
        super().__init__()
        self.builder = TreeBuilder()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.builder.start(tag, {name: value or "" for name, value in attrs})
        if tag in VOID:
            self.builder.end(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            self.builder.end(tag)

    def handle_data(self, data: str) -> None:
        self.builder.data(data)


def page_of(html: str) -> Element:
    """The page as a tree; names of tags are in lower case."""
    tree = _Tree()
    tree.feed(html[html.index("<html") :])
    tree.close()
    return tree.builder.close()


def text_of(element: Element) -> str:
    """All its text."""
    return " ".join(_texts(element))


def texts(page: Element) -> set[str]:
    """Every text of the page that is a whole, without what is no text to a reader."""
    body = page.find("body")
    return set() if body is None else set(_texts(body))


def _texts(element: Element) -> Iterator[str]:
    if element.tag in {"script", "style"}:
        return
    yield from filter(None, [(element.text or "").strip()])
    for child in element:
        yield from _texts(child)
        yield from filter(None, [(child.tail or "").strip()])


def graph_groups(page: Element) -> set[str]:
    """Labels of the nodes of the lineage graph that stand for groups."""
    nodes = [node for node in page.iter("foreignobject") if "group" in node.get("class", "").split()]
    return {next(_texts(node), "") for node in nodes}


def metadata(page: Element) -> set[str]:
    """Keys of an asset's metadata, and each once more with its value: ``key: value``."""
    rows = [cells for head, cells in _rows(page) if head[:1] == ["Key"]]
    return {cells[0] for cells in rows} | {f"{cells[0]}: {cells[-1]}" for cells in rows}


def columns(page: Element) -> set[str]:
    """Names of an asset's columns."""
    return {cells[0] for head, cells in _rows(page) if head[:1] == ["Column name"]}


def _rows(page: Element) -> Iterator[tuple[list[str], list[str]]]:
    """Rows of tables, each after the head of its table; a table inside a cell has its own."""
    for table in page.iter("table"):
        head = [text_of(cell) for cell in table.findall("./thead/tr/*")]
        for row in table.findall("./tbody/tr"):
            yield head, [text_of(cell) for cell in row.findall("./td")]


def partitions(page: Element) -> set[str]:
    """Days in the list of partitions, which are those that have a title of their own."""
    return {title for element in page.iter() if DAY.fullmatch(title := element.get("title", ""))}


def materialized(page: Element) -> int:
    """How many partitions the page counts as materialized; none before it has counted."""
    counts = (re.fullmatch(r"Materialized \((\d+)\)", text) for text in texts(page))
    return sum(int(count[1]) for count in counts if count)


def links(page: Element) -> set[str]:
    """Where its links lead to."""
    return {element.get("href", "") for element in page.iter("a")}


def switched_on(page: Element) -> set[str]:
    """Schedules and sensors whose switch is on, by where their name leads to."""
    inside = {child: parent for parent in page.iter() for child in parent}
    found: set[str] = set()
    for switch in page.iter("input"):
        row = switch if "checked" in switch.attrib else None
        while row is not None and not (named := {link for link in links(row) if link.startswith("/locations/")}):
            row = inside.get(row)
        if row is not None:
            found |= named
    return found
