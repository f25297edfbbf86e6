from __future__ import annotations

from pathlib import Path

import pytest
from test_markdown_properties import check_invariants

from srllm_cli.debias.types import Block, Edit, PieceKind
from srllm_cli.documents import passages
from srllm_cli.documents.apply import apply_edits, map_edits
from srllm_cli.documents.structure import same_structure

SAMPLES = sorted((Path(__file__).parent / "samples").glob("*.md"))


def texts(source: str) -> list[str]:
    return [passage.text for passage in passages(source, "markdown")]


def editable(source: str) -> str:
    """What may be edited, pieces parted by bars."""
    return "|".join(
        source[piece.source_start : piece.source_end]
        for passage in passages(source, "markdown")
        for piece in passage.pieces
        if piece.kind is PieceKind.TEXT
    )


@pytest.mark.parametrize(
    "source",
    [
        "```\nThe chairman\n```\n",
        "~~~ chairman\nThe chairman",
        "    The chairman\n",
        "<div>\nThe chairman\n</div>\n",
        "<!-- The chairman -->\n",
        "<script>\nlet chairman\n\nThe chairman\n</script>\n",
        "---\nchairman: him\n---\n",
        "+++\nchairman = 'him'\n+++\n",
        "[chairman]: http://example.com/chairman 'The chairman'\n",
        "![The chairman](chairman.png)\n",
        "`The chairman`\n",
        "<https://example.com/chairman>\n",
        "$$\n\\text{the chairman}\n$$\n",
        "> ```\n> The chairman\n> ```\n",
        "> [!NOTE]\n",
        ":::chairman\n",
        "import Chairman from 'chairman'\n",
        '"A chairman is a man."\n',
        "***\n",
        "",
        "\n\n",
    ],
)
def test_what_is_not_prose_is_no_passage(source: str) -> None:
    assert texts(source) == []


def test_markdown_code_block_is_never_rewritten() -> None:
    source = "The man.\n\n```py\nman = 'The man.'\n```\n\n    man\n\nA man.\n"
    assert texts(source) == ["The man.", "A man."]


@pytest.mark.parametrize(
    ("source", "expected", "block"),
    [
        ("# The man #\n", "The man", Block.HEADING),
        ("## C# for men ##", "C# for men", Block.HEADING),
        ("The\nman\n===\n", "The man", Block.HEADING),
        ("- The\n  man\n", "The man", Block.PARAGRAPH),
        ("- [x] The man\n", "The man", Block.PARAGRAPH),
        ("10) > The\n    > man\n", "The man", Block.PARAGRAPH),
        ("> The\nman\n", "The man", Block.PARAGRAPH),
        ("The  \nman", "The man", Block.PARAGRAPH),
        ("The\\\nman", "The man", Block.PARAGRAPH),
        ("The \t\n   man   ", "The man", Block.PARAGRAPH),
        ("The<br/>man", "The man", Block.PARAGRAPH),
        ("The<br> man", "The man", Block.PARAGRAPH),
        ("*The* **man**", "The man", Block.PARAGRAPH),
        ("The ![x](y) man", "The man", Block.PARAGRAPH),
        ("The <!-- x --> man", "The man", Block.PARAGRAPH),
        ("a * b_c ** man", "a * b_c ** man", Block.PARAGRAPH),
        ("[^1]: The\n    man", "The man", Block.PARAGRAPH),
        ("The man[^1] x\n\n[^1]:\n", "The man x", Block.PARAGRAPH),
        ("> [!WARNING]\n> The man", "The man", Block.PARAGRAPH),
        ("::: tip\nThe man\n:::", "The man", Block.PARAGRAPH),
        ("\tx\n\nThe\tman", "The\tman", Block.PARAGRAPH),
        ("- a\n\n\tThe man", "The man", Block.PARAGRAPH),
    ],
)
def test_prose_reads_as_a_sentence_would(source: str, expected: str, block: Block) -> None:
    found = passages(source, "markdown")[-1]
    assert (found.text, found.block) == (expected, block)


def test_table_cells_are_passages_of_their_own() -> None:
    source = "| Role | Who |\n|---|---|\n| man | `x` |\n| a \\| b | **men** only | extra\n|  | last\n"
    found = passages(source, "markdown")
    assert [p.text for p in found] == ["Role", "Who", "man", "men only", "last"]
    assert {p.block for p in found} == {Block.CELL}


@pytest.mark.parametrize("prefix", ["", "> ", "- ", "> 1. "])
@pytest.mark.parametrize("pipe", ["", "|"])
def test_a_table_is_found_in_any_container(prefix: str, pipe: str) -> None:
    if prefix[-2:] in ("- ", ". ") and not pipe:
        prefix += "\n" + "".join(c if c == ">" else " " for c in prefix)  # else the bullet reads as part of the cell
    rest = "".join(c if c == ">" else " " for c in prefix.split("\n")[0])
    source = f"{prefix}{pipe}a | man\n{rest}{pipe}--|--\n{rest}{pipe}1 | a\n"
    assert texts(source) == ["a", "man", "a"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("The `man` man", "The | man"),
        ("The [man](man 'man') man", "The |man| man"),
        ("The [man][m] man\n\n[m]: x", "The |man| man"),
        ("The [man] man\n\n[man]: x", "The | man"),
        ("The [man][] man\n\n[man]: x", "The | man"),
        ("The <man@x.org> man", "The | man"),
        ("The man@x.org man", "The | man"),
        ("The &Mu;an \\*man", "The |an |man"),
        ("The <kbd>man</kbd> <b>man</b>", "The | |man"),
        ("The $man$ man for $5", "The | man for |5"),
        ('The man said "I am a man" twice', "The man said | twice"),
        ('The *man said "I am* a man" twice', "The |man said | twice"),
        ("The {{ man }} man", "The | man"),
        ("See /usr/man/x and http://man.org/x.", "See | and |."),
    ],
)
def test_fixed_text_is_shown_and_cannot_be_edited(source: str, expected: str) -> None:
    assert editable(source) == expected


def test_a_code_span_over_two_lines_keeps_its_line_break() -> None:
    source = "> The `old\n> man` man\n"
    (passage,) = passages(source, "markdown")
    assert passage.text == "The `old man` man"
    kinds = [piece.kind.value for piece in passage.pieces]
    assert kinds == ["text", "fixed", "break", "fixed", "text"]


def test_an_unclosed_front_matter_is_prose() -> None:
    assert texts("---\nThe man\n") == ["The man"]


@pytest.mark.parametrize("closing", ["---", "...", "  ---", "-----"])
def test_whatever_some_reader_takes_for_front_matter_is_left_alone(closing: str) -> None:
    assert texts(f"---\nchairman\n- 1986\n{closing}\nThe man\n") == ["The man"]


def test_rule_inside_front_matter_does_not_close_it() -> None:
    assert texts("---\nbody: |\n  a\n  ---\n  The chairman\n---\nThe man\n") == ["The man"]


def test_empty_front_matter_hides_nothing() -> None:
    assert texts("---\n---\n\nThe man\n") == ["The man"]


def test_mark_up_that_crosses_itself_is_followed() -> None:
    source = "***The* man** and *a **b*** and _x *y_ z* [a *b](c) d*\n"
    (passage,) = passages(source, "markdown")
    check_invariants(source, [passage])
    assert passage.text.startswith("The man and a b and x *y z*")


def test_data_dense_in_signs_is_left_out_quickly() -> None:
    assert texts("[" * 300_000) == []


def test_a_long_line_is_one_passage() -> None:
    line = "The chairman met his *men* in `room` 5. " * 2_000
    (passage,) = passages(line, "markdown")
    assert passage.text.count("chairman") == 2_000


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_real_documents_keep_all_but_their_prose(path: Path, line_end: str) -> None:
    source = path.read_text(encoding="utf-8").replace("\n", line_end)
    found = passages(source, "markdown")
    check_invariants(source, found)
    assert len(found) > 10
    edits = []
    for passage in found:
        words = [
            Edit(at, at + 3, "yak")
            for piece in passage.pieces
            if piece.kind is PieceKind.TEXT
            for at in range(piece.start, piece.end - 2)
            if passage.text[at : at + 3] == "man"
        ]
        mapped = map_edits(passage, source, words)
        assert None not in mapped
        edits += [edit for part in mapped for edit in part or []]
    after = apply_edits(source, edits)
    assert same_structure(source, after, "markdown")
    assert after.count("yak") > 5


def test_the_handbook_keeps_its_code_links_quotes_and_html() -> None:
    source = (Path(__file__).parent / "samples" / "handbook.md").read_text(encoding="utf-8")
    shown = "\n".join(texts(source))
    assert "The foreman inside HTML stays" not in shown
    assert "tags:" not in shown
    assert "indented code" not in shown
    open_to_edits = editable(source)
    assert "manning_table" not in open_to_edits
    assert "A man is only" not in open_to_edits
    assert "foreman@" not in open_to_edits
    assert "experts" in open_to_edits
    assert "chairman of the board" in open_to_edits
    assert "Setext heading for the|workmen of Hull" in open_to_edits
