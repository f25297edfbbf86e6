"""What docutils makes of a reStructuredText document, line for line and without its files, roles or directives.

It hands docutils a text of as many lines in which every directive is either a note (its content is prose) or a comment
(its content is none), so that nothing is run, included or missing, whatever the project's own extensions are. It knows
no passages: the reader and the check of structure both start here.
"""

from __future__ import annotations

import re
from functools import partial

from docutils import frontend, nodes, utils
from docutils.parsers.rst import Parser, states

from srllm_cli.documents.lines import with_newlines

#: Directives whose content, and argument if they take one, is prose.
_PROSE = frozenset(
    """
    attention caution danger error hint important note tip warning admonition seealso versionadded versionchanged
    versionremoved deprecated deprecated-removed topic sidebar rubric list-table todo
    """.split()  # noqa: SIM905
)
#: Directives whose content is prose, after an argument that is none.
_PROSE_CONTENT = frozenset(
    """
    container compound class rst-class figure only hlist highlights py:function py:class py:method py:module
    py:attribute py:data py:exception py:decorator py:property function class method module attribute data exception
    option confval envvar c:function c:type c:macro js:function rst:directive rst:role describe
    """.split()  # noqa: SIM905
)
_DIRECTIVE = re.compile(r"([ \t]*(?:[-*+][ \t]+|(?:\d+|#)\.[ \t]+)?\.\.[ \t]+)([\w:.+-]*\w)(::)(?=[ \t]|\Z)(.*)", re.S)
_OPTION = re.compile(r"[ \t]+:[\w-]+:(?:[ \t]|\Z)")
#: What docutils takes for line ends or blanks, besides newlines.
_ODD_BLANKS = re.compile("[\x0b\x0c\x1c-\x1f\x85\u2028\u2029\0]")


def parse_rst(text: str) -> nodes.document:
    """Parse a document; line ``n`` of a node is line ``n - 1`` of :func:`~srllm_cli.documents.lines.line_spans`."""
    settings = frontend.get_default_settings(Parser)
    settings.report_level = settings.halt_level = 5
    settings.file_insertion_enabled = settings.raw_enabled = False
    settings.warning_stream = False
    inliner = states.Inliner()
    # A role is any name: which of them a project defines is its own affair.
    inliner.interpreted = partial(_any_role)
    document = utils.new_document("", settings)
    Parser(inliner=inliner).parse(_without_directives(text), document)
    return document


def _any_role(rawsource: str, text: str, role: str, lineno: int) -> tuple[list[nodes.Node], list[nodes.Node]]:  # noqa: ARG001 -- docutils' signature
    return [nodes.inline(rawsource, text)], []


def _without_directives(text: str) -> str:
    lines = _ODD_BLANKS.sub(" ", with_newlines(text)).split("\n")
    in_options = False
    for number, line in enumerate(lines):
        if match := _DIRECTIVE.fullmatch(line):
            lines[number], in_options = _neutral(match)
        elif in_options and _OPTION.match(line):
            lines[number] = ""
        else:
            in_options = False
    return "\n".join(lines)


def _neutral(match: re.Match[str]) -> tuple[str, bool]:
    """A directive's first line as a note or a comment, and whether options may follow that must not be read."""
    lead, name, _, argument = match.groups()
    if name in _PROSE:
        return f"{lead}note::{argument}", True
    if name in _PROSE_CONTENT:
        return f"{lead}note::", True
    return f"{lead}x", False  # a comment; without a word it would end at the next blank line
