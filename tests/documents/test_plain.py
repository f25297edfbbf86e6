from __future__ import annotations

import pytest

from srllm_cli.debias.types import Block, PieceKind
from srllm_cli.documents import passages


def texts(source: str) -> list[str]:
    return [passage.text for passage in passages(source, "plain")]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("tail", ["", "\n"])
def test_blank_lines_part_paragraphs_and_wrapped_lines_are_joined(line_end: str, tail: str) -> None:
    source = ("The chairman has read the report to the \n  members.\n \n\nThey left." + tail).replace("\n", line_end)
    found = passages(source, "plain")
    assert [p.text for p in found] == ["The chairman has read the report to the members.", "They left."]
    assert found[0].block is Block.PLAIN
    breaks = [source[p.source_start : p.source_end] for p in found[0].pieces if p.kind is PieceKind.BREAK]
    assert breaks == [f" {line_end}  "]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("- The man\n- A woman\n  and her son\n", ["The man", "A woman and her son"]),
        ("1. The man\n2) A woman\n(c) Both\n", ["The man", "A woman", "Both"]),
        ("* The man\n• A woman\n[x] Done by men\n", ["The man", "A woman", "Done by men"]),
        ("J. Smith is a man.\n", ["J. Smith is a man."]),
        ("> The man\n> has left.\n>> Who?\nMe, the man.\n", ["The man has left.", "Who?", "Me, the man."]),
        ("DUTIES\nThe man cleans.\n", ["DUTIES", "The man cleans."]),
        ("Duties of the man\n=====\nHe cleans.\n", ["Duties of the man", "He cleans."]),
        ("Name\tJob\nBob\tFireman\n", ["Name", "Job", "Bob", "Fireman"]),
        ("| Bob | Fireman |\n| Eve | Nurse |\n", ["Bob", "Fireman", "Eve", "Nurse"]),
        ("Bob     Fireman\nEve     Nurse\n", ["Bob", "Fireman", "Eve", "Nurse"]),
        ("The man left.\nHe was old.\n", ["The man left. He was old."]),
        ("The man left.\n   He was old.\n", ["The man left.", "He was old."]),
        ("Dear Sir or Madam,\nthe man left\n", ["Dear Sir or Madam, the man left"]),
        ("Bob Smith\nFireman\nHull\n", ["Bob Smith", "Fireman", "Hull"]),
        ("-- \nBob\n----\n", ["Bob"]),
        ("12\n--\n!!!\n", []),
        ("", []),
        ("\n \r\n\t\n", []),
    ],
)
def test_lines_are_joined_only_where_they_read_on(source: str, expected: list[str]) -> None:
    assert texts(source) == expected


def test_a_full_line_reads_on_even_before_a_capital() -> None:
    source = (
        "At the meeting of the members last week the chairman thanked old\n"
        "Mr Lal for the many years in which he kept the books of the club\n"
        "Hull\n"
    )
    assert len(texts(source)) == 1 or texts(source)[0].startswith(
        "At the meeting of the members last week the chairman"
    )
    assert "old Mr Lal" in texts(source)[0]


@pytest.mark.parametrize(
    ("source", "fixed"),
    [
        ("Ask `the man` now", ["`the man`"]),
        ("See http://x.org/a_b?c=d. Now", ["http://x.org/a_b?c=d"]),
        ("See (www.example.com), or example.org/men.", ["www.example.com", "example.org/men"]),
        ("Write to Bob.Man@mail.example.com, please", ["Bob.Man@mail.example.com"]),
        ("Open C:\\Users\\man\\x.txt or \\\\srv\\man", ["C:\\Users\\man\\x.txt", "\\\\srv\\man"]),
        (
            "Open /etc/man.conf, ~/man, ./man and src/man/page.txt",
            ["/etc/man.conf", "~/man", "./man", "src/man/page.txt"],
        ),
        ("he/she and/or him/her/them 1/2", []),
        ('She said, "The man is old."', ['"The man is old."']),
        ("She said, “The man is old.” Then", ["“The man is old.”"]),
        ("She said, «The man is old».", ["«The man is old»"]),
        ("She said, „The man is old“ again", ["„The man is old“"]),
        ("She said, ‘The man’s dog is old,’ and left", ["‘The man’s dog is old,’"]),
        ("He said ‘the dogs’ owner is here’ and left", ["‘the dogs’ owner is here’"]),
        ('The so-called "experts" and “lady doctors” came', []),
        ('An open " quote of many words', []),
        ('A 6" pipe and the 8" pipe of men', []),
        ('One "open quote and then "a closed quote here"', ['"a closed quote here"']),
        ("It’s the men’s room, isn’t it", []),
        ("rock ’n’ roll for all the men’s sake", []),
        ("Dear {first_name}, {{ title }} ${MAN}", ["{first_name}", "{{ title }}", "${MAN}"]),
        ("Thanks @bob_man for it", ["@bob_man"]),
    ],
)
def test_addresses_code_and_quoted_speech_are_fixed(source: str, fixed: list[str]) -> None:
    (passage,) = passages(source, "plain")
    assert passage.text == source
    assert [passage.text[p.start : p.end] for p in passage.pieces if p.kind is PieceKind.FIXED] == fixed


def test_a_quotation_over_two_lines_is_fixed_on_both() -> None:
    source = 'The clerk wrote: "The man is\n> not here" and left.\n'.replace("> ", "")
    (passage,) = passages(source, "plain")
    assert [p.kind.value for p in passage.pieces] == ["text", "fixed", "break", "fixed", "text"]


def test_a_megabyte_on_one_line_is_one_passage() -> None:
    source = "The chairman met his men. " * 40_000
    (passage,) = passages(source, "plain")
    assert len(passage.text) == len(source) - 1


def test_blanks_without_end_take_no_long_time() -> None:
    (passage,) = passages("The man," + " " * 200_000 + "left", "plain")
    assert passage.text.endswith("left")


@pytest.mark.parametrize(
    "sign", ['"', "“", "‘", "’", "`", "/", "@", "{", "a@", "a.", "a-", "\\", "|", "\t", "> ", "- ", "a’ "]
)
def test_signs_without_end_take_no_long_time(sign: str) -> None:
    passages(sign * 100_000, "plain")
