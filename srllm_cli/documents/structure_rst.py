"""The structure of a reStructuredText document, for the check of our own output: all that docutils finds but words.

It knows docutils' tree only, nothing of passages and positions.
"""

from __future__ import annotations

from docutils import nodes

from srllm_cli.documents.rst_parser import parse_rst

#: What docutils derives from the words of titles.
_DERIVED = frozenset({"ids", "names", "dupnames", "backrefs", "refid"})
#: Elements whose source is words of the writer, with mark-up that shows as elements of its own.
_WORDS = (nodes.paragraph, nodes.title, nodes.term, nodes.emphasis, nodes.strong, nodes.line, nodes.attribution)


def rst_skeleton(text: str) -> list[tuple[object, ...]]:
    """Every element of a document with its line, its attributes, and its source where that holds no prose."""
    found: list[tuple[object, ...]] = []
    for node in parse_rst(text).findall(nodes.Element):
        if isinstance(node, nodes.system_message):
            found.append(("system_message", node.get("level"), node.get("line")))
            continue
        attributes = tuple(sorted((k, str(v)) for k, v in node.attributes.items() if k not in _DERIVED))
        holds_words = isinstance(node, _WORDS) or any(isinstance(child, nodes.paragraph) for child in node.children)
        source = "" if holds_words or not isinstance(node, nodes.TextElement) else node.rawsource
        children = len(node.children) if isinstance(node, _WORDS) else 0
        found.append((node.tagname, node.line, attributes, source, children))
    return found
