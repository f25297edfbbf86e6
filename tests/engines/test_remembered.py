"""What the cache is taken to hold is what was put into it and not yet made room of."""

from hypothesis import given
from hypothesis import strategies as st

from srllm_cli.engines.remembered import RememberedSequences, common

SEQUENCE = st.lists(st.integers(0, 2), max_size=6)


@given(st.lists(st.tuples(SEQUENCE, SEQUENCE), max_size=40), st.integers(0, 4), st.integers(1, 16))
def test_a_beginning_that_is_found_is_in_its_slot(
    steps: list[tuple[list[int], list[int]]], slots: int, cells: int
) -> None:
    remembered = RememberedSequences(range(5, 5 + slots), cells)
    cache: dict[int, list[int]] = {}
    for kept, wanted in steps:
        slot, emptied = remembered.keep(kept)
        for other in emptied:
            del cache[other]
        if slot is not None:
            assert slot not in cache, "a slot is emptied before it is filled"
            cache[slot] = kept
        assert sum(map(len, cache.values())) <= cells
        found = remembered.longest(wanted)
        assert found.length == max((common(wanted, held) for held in cache.values()), default=0)
        assert found.length == 0 or cache[found.slot][: found.length] == wanted[: found.length]
    assert sorted(remembered.clear()) == sorted(cache)
    assert remembered.longest([0, 1, 2]).length == 0


def test_the_least_recently_used_makes_room() -> None:
    remembered = RememberedSequences([1, 2], 8)
    remembered.keep([1, 1, 1])
    remembered.keep([2, 2, 2])
    remembered.longest([1, 1])
    _, emptied = remembered.keep([3, 3, 3])
    assert len(emptied) == 1
    assert remembered.longest([2, 2, 2]).length == 0
    assert remembered.longest([1, 1, 1]).length == 3
