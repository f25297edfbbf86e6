"""Drafting changes how fast an answer comes, never what it says."""

from collections.abc import Callable, Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from srllm_cli.engines.decoding import DecodingSequence, choose

VOCABULARY = 12
END = 11


def decode(
    source: list[int],
    answer: list[int],
    *,
    drafts: bool,
    room: int,
    rows: int,
    opener: int | None,
    known: int = 0,
    openings: Sequence[list[int]] = (),
) -> tuple[list[int], int]:
    """Run a sequence against a model that answers ``answer``; return what it decoded and in how many steps."""
    sequence = DecodingSequence(
        index=0,
        prompt=[*source, 10],
        forced=[],
        source=source,
        start=3,
        limit=64,
        ends=lambda token: token == END,
        opener=opener,
        openings=openings,
        drafts=drafts,
    )
    model = _written_model([*answer, END], prompt=len(source) + 1)
    cache: list[int] = sequence.beginning[:-1][:known]
    sequence.begin_after(len(cache))
    steps = 0
    while not sequence.finished:
        feed = sequence.feed(room, rows)
        assert feed.position == 3 + len(cache), "tokens are fed at the cache's end"
        cache += feed.tokens
        end = len(cache)
        kept = sequence.take([model(cache[: end - feed.logits + i + 1]) for i in range(feed.logits)])
        if kept is not None:
            del cache[kept - 3 :]
        assert sequence.finished or sequence.computed == cache
        steps += 1
    return sequence.answer, steps


def _written_model(answer: list[int], prompt: int) -> Callable[[list[int]], np.ndarray]:
    """A model that gives the next token of ``answer`` after any true beginning of it, and 0 after a wrong one."""

    def logits(tokens: list[int]) -> np.ndarray:
        said = tokens[prompt:]
        row = np.zeros(VOCABULARY, np.float32)
        row[answer[len(said)] if said == answer[: len(said)] and len(said) < len(answer) else 0] = 5.0
        return row

    return logits


TOKENS = st.lists(st.integers(0, 9), max_size=24)
OPENINGS = st.lists(st.lists(st.integers(0, 9), max_size=4).map(lambda tokens: [*tokens, 7]), max_size=3)


@given(TOKENS, TOKENS, st.integers(1, 40), st.integers(1, 20), st.sampled_from([None, 7]), st.integers(0, 30), OPENINGS)
def test_a_drafted_answer_is_the_plain_one_whatever_the_cache_holds(
    source: list[int],
    answer: list[int],
    room: int,
    rows: int,
    opener: int | None,
    known: int,
    openings: list[list[int]],
) -> None:
    plain, _ = decode(source, answer, drafts=False, room=40, rows=20, opener=None)
    drafted, _ = decode(
        source, answer, drafts=True, room=room, rows=rows, opener=opener, known=known, openings=openings
    )
    assert drafted == plain == answer


def test_copying_with_a_draft_takes_far_fewer_steps() -> None:
    source = [1, 2, 3, 4, 5, 6, 7, 8, 9] * 2
    answer = [1, 2, 3, 4, 9, 9, 6, 7, 8, 9, *source[9:]]
    plain = decode(source, answer, drafts=False, room=40, rows=20, opener=None)
    drafted = decode(source, answer, drafts=True, room=40, rows=20, opener=None)
    assert drafted[0] == plain[0]
    assert drafted[1] * 2 < plain[1]


def test_what_all_verdict_lines_have_in_common_is_drafted() -> None:
    """``biased : dimension newline`` and a copy: the dimension is decoded, everything else is checked in one step."""
    source = [1, 2, 3]
    openings = [[5, 8, 6, 7], [5, 8, 4, 7]]
    plain = decode(source, [5, 8, 4, 7, *source], drafts=True, room=40, rows=20, opener=7)
    drafted = decode(source, [5, 8, 4, 7, *source], drafts=True, room=40, rows=20, opener=7, openings=openings)
    assert drafted[0] == plain[0]
    assert (plain[1], drafted[1]) == (5, 2)


def test_choose_names_the_best_the_second_and_their_distance_and_leaves_the_row() -> None:
    row = np.array([0.0, 3.0, 2.5], np.float32)
    assert choose(row) == (1, 2, 0.5)
    assert row.tolist() == [0.0, 3.0, 2.5]
