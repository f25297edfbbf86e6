"""A check of our own output before it is written: has the document kept its structure?

It parses both texts with the format's own parser, as any other tool would, and shares nothing with the code that found
the passages: what that code got wrong shows here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from srllm_cli.documents.formats import is_code
from srllm_cli.documents.front_matter import front_matter_end
from srllm_cli.documents.markdown_nested import nested_document

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_LINE_END = re.compile(r"\r\n?|\n")
#: Inline tokens that hold words or nothing.
_WORDS = frozenset({"text", "text_special"})


def same_structure(before: str, after: str, format: str, fields: Sequence[str] = ()) -> bool:
    """Tell whether two versions of a document differ in the words of their prose only.

    Args:
        before: The document as it was.
        after: The document with its passages rewritten.
        format: One of the formats that :mod:`srllm_cli.documents.formats` names.
        fields: The columns or keys that hold prose, for CSV and JSON Lines.

    Returns:
        For plain text, whether line ends and blank lines are the same. For the other formats, whether also all that
        the format's parser finds is the same, line for line, but for words: blocks, marks, links, code, tags, data.
    """
    if before == after:
        return True
    if _line_pattern(before) != _line_pattern(after):
        return False
    if format == "markdown":
        return _same_tokens(before, after)
    skeleton = _skeleton_of(format, fields)
    return skeleton is None or skeleton(before) == skeleton(after)


def _skeleton_of(format: str, fields: Sequence[str]) -> Callable[[str], object] | None:
    """What tells all that a document of the format holds but words; its parser is imported only now."""
    if format == "mdx":
        from srllm_cli.documents.mdx import code_spans

        return lambda text: (list(markdown_skeleton(text)), [text[start:end] for start, end in code_spans(text)])
    if format == "rst":
        from srllm_cli.documents.structure_rst import rst_skeleton

        return rst_skeleton
    if format == "html":
        from srllm_cli.documents.structure_html import html_skeleton

        return html_skeleton
    if format in ("notebook", "jsonl", "csv", "po"):
        from srllm_cli.documents import structure_data as data

        of_data: dict[str, Callable[[str], object]] = {
            "notebook": data.notebook_skeleton,
            "po": data.po_skeleton,
            "jsonl": partial(data.jsonl_skeleton, fields=fields),
            "csv": partial(data.csv_skeleton, fields=fields),
        }
        return of_data[format]
    if format == "asciidoc":
        from srllm_cli.documents.structure_asciidoc import asciidoc_skeleton

        return asciidoc_skeleton
    if is_code(format):
        from srllm_cli.documents.structure_code import code_skeleton

        return partial(code_skeleton, language=format)
    return None


def _line_pattern(text: str) -> list[tuple[str, bool]]:
    ends = _LINE_END.findall(text)
    lines = _LINE_END.split(text)
    return list(zip([*ends, ""], [not line.strip() for line in lines], strict=True))


def _same_tokens(before: str, after: str) -> bool:
    old, new = markdown_skeleton(before), markdown_skeleton(after)
    missing = object()
    return all(a == next(new, missing) for a in old) and next(new, missing) is missing


def markdown_skeleton(text: str) -> Iterator[tuple[object, ...]]:
    """Yield all that a Markdown document holds but words: its front matter, then token by token."""
    skipped = front_matter_end(text)
    yield ("front_matter", text[:skipped])
    environment: dict[str, object] = {}
    yield from _skeleton(_parser().parse(text[skipped:], environment), environment)


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin
    from mdit_py_plugins.footnote import footnote_plugin

    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    parser.use(footnote_plugin).use(dollarmath_plugin, allow_space=False, allow_digits=False)
    return parser.disable(["footnote_inline", "footnote_tail"])


def _skeleton(tokens: list[Token], environment: dict[str, object]) -> Iterator[tuple[object, ...]]:
    for i, token in enumerate(tokens):
        if token.type in _WORDS:
            continue
        nested = nested_document(tokens, i)
        content = "" if token.type == "inline" or nested else token.content
        yield token.type, token.markup, token.info, token.nesting, token.map, tuple(token.attrs.items()), content
        if nested:
            yield from _skeleton(_parser().parse(nested.content, environment), environment)
        if token.type == "inline":
            yield from _skeleton(token.children or [], environment)
