"""What the lines of comments say: prose, tags before prose, pragmas, code. Pure functions on strings.

It errs towards leaving lines alone: what might speak to a tool, or be code that was commented out, is no prose.
"""

from __future__ import annotations

import re

#: Comments that speak to a tool: linters, type checkers, compilers, editors, coverage, bundlers.
_PRAGMA = re.compile(
    r"(?:!|[-+]build\b|noqa\b|type:|pylint:|mypy:|pyright:|ruff:|flake8:|fmt:|isort:|yapf:|pragma\b|nosec\b|nolint\b"
    r"|eslint|prettier-|tslint:|jshint|jslint|global\s|globals\s|exported\s|istanbul\s|c8\s|v8\s|@ts-|@flow|@jsx|@format"
    r"|[#@]__|webpack|#?\s*(?:end)?region\b|sourceMappingURL|# sourceMappingURL|go:\w|export\s\w+$|line\s\S+:\d|cgo\b"
    r"|lint:|shellcheck\s|yamllint\s|yaml-language-server:|clang-format|NOLINT|IWYU|LCOV_|GCOVR_|cppcheck-|spell-?checker:"
    r"|cspell:|codespell:|vim?:|ex:|emacs|-\*-|-\*|coding[:=]|SPDX-|@generated|generated\sby|Code\sgenerated|srllm:"
    r"|language=|renovate:|dependabot|taplo:|:\w+:$|doctest:|safety-|rustfmt|clippy|TODO\(?$|FIXME$|XXX$|<editor-fold)",
    re.IGNORECASE,
)
#: Words that only tools are spoken to with: a deletion before one could make a pragma of it.
_TOOL_WORD = re.compile(
    r"\b(?:noqa|nosec|nolint|eslint-|prettier-|istanbul|pylint:|mypy:|ruff:|fmt:|isort:|type:|pragma:?|shellcheck|srllm:)"
    r"|@ts-|SPDX-|go:\w|-\*-",
    re.IGNORECASE,
)
_LICENCE = re.compile(
    r"SPDX-|Copyright\s|\(c\)\s\d{4}|©|\blicensed\sunder\b|Permission\sis\shereby|All\srights\sreserved|AS\sIS"
    r"|Redistribution\sand\suse|without\swarrant(?:y|ies)",
    re.IGNORECASE,
)
_CODE = re.compile(
    r".*[;{}\\]\s*\Z|.*(?:=>|->|::|==|!=|&&|\|\||\+=|-=|:=|</|/>|=\s*[\[{(\"'\d])|[\w.\[\]\"']+\s*=\s*\S.*"
    r"|[\"'][^\"']*[\"'],.*|\S+\(\S*\)\S*\Z|(?:@?\w+(?:\.\w+)*\s*\(.*\)|(?:def|class|async|elif|except|with|for|while|if)\b.*:)\s*\Z"
    r"|(?:import\s[\w.{*,\s]+|from\s\S+\simport\b.*|return|return\s\S+|else:?|try:|pass|break|continue|fi|done|esac)\s*\Z"
    r"|(?:const|let|var|func|fn|pub|static|void|int|char|float|double|struct|enum|#include|#define|#if\w*|#endif|\$|%)\s?"
    r"[\w<\"$].*[=(;{<>\"]|[\w./-]+:\s*(?:[\[{\"'|>\d-].*|true|false|null)\Z|-\s\w+:\s.*|[\w.-]+:\Z"
)
#: Tags whose words are prose, each with the name, type or number that stands before them.
_TAG = re.compile(
    r"(?:[@\\](?:param|arg|argument|property|prop|tparam|throws|exception|raises)\b(?:\[\w+(?:,\w+)*\])?(?:\s+\{[^{}]*\})?"
    r"\s+\S+(?:\s+-)?"
    r"|[@\\](?:returns?|yields?|deprecated|remarks?|summary|desc|description|brief|details|note|warning|since|todo)\b"
    r"(?:\s+\{[^{}]*\})?(?:\s+-)?"
    r"|:(?:param|arg|argument|key|keyword|raises|raise|except|exception|var|ivar|cvar)\s+[^:]+:|:(?:returns?|yields?):"
    r"|#{1,6}(?=\s)|[-*+•](?=\s)|\d{1,3}[.)](?=\s)|(?:TODO|FIXME|XXX|HACK|BUG)(?:\([^()]*\))?:"
    r")\s+"
)
#: An argument in a docstring's list of them.
_ARGUMENT = re.compile(r"\*{0,2}\w+(?:\s*\([^()]*\))?:\s+")
_OTHER_TAG = re.compile(r"[@\\]\w+|:\w[\w ]*:(?=\s|\Z)|\.\.\s|\[\^?[^\]]*\]:|[|>]")
_FENCE = re.compile(r"`{3,}|~{3,}|</?pre\b|[@\\](?:end)?(?:code|verbatim)\b")
#: The name of a section, or an argument whose words begin on the next line.
_HEADER = re.compile(r"[\w ]{1,30}:|\*{0,2}\w+\s*\(.*\)\s*:")
#: Signs and names within prose that stay: code, tags, roles, references, identifiers.
FIXED = re.compile(
    r"``[^`]*``|`[^`]*`_{0,2}|:[\w:+.-]+:`[^`]*`|<[^<>]*>|\{@[^{}]*\}|\[[^\[\]]*\](?:\([^()]*\))?|[@\\][\w.]+|\*{1,3}|_{1,3}"
    r"|\b\w+(?:\.\w+)*\(\)|\b\w+_\w+\b|\b[a-z]+[A-Z]\w*|\b\w+(?:::\w+)+|[`|&#$~^<>\[\]{}\\]"
)


def is_pragma(line: str) -> bool:
    """Whether a comment's line speaks to a tool."""
    return _PRAGMA.match(line) is not None or _TOOL_WORD.search(line) is not None


def is_licence(comment: str) -> bool:
    """Whether a comment states a licence or a copyright."""
    return _LICENCE.search(comment) is not None


def is_code(line: str) -> bool:
    """Whether a line might be code that was commented out, or data."""
    return _CODE.match(line) is not None or not any(map(str.isalpha, line))


def opens_or_closes_code(line: str) -> bool:
    """Whether a line is the fence of a code block."""
    return _FENCE.match(line) is not None


def is_heading(line: str) -> bool:
    """Whether a line names a section of a docstring (``Args:``), or an argument in one."""
    return _HEADER.fullmatch(line) is not None


def prefix_length(line: str, *, in_docstring: bool) -> int:
    """How much of a line is a tag or a bullet before its prose; -1 when the whole line is a tag's and no prose."""
    match = _TAG.match(line) or (_ARGUMENT.match(line) if in_docstring else None)
    if match:
        return match.end()
    return -1 if _OTHER_TAG.match(line) else 0
