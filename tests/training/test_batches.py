"""The plan of a run: every example once, batches within the token budget, the same plan from the same seed."""

from hypothesis import given
from hypothesis import strategies as st

from srllm_cli.training.batches import padding_share, plan_batches

LENGTHS = st.lists(st.integers(1, 400), max_size=200)


@given(LENGTHS, st.integers(50, 2000), st.integers(0, 9))
def test_every_example_is_in_exactly_one_batch(lengths: list[int], budget: int, seed: int) -> None:
    batches = plan_batches(lengths, budget, seed)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))


@given(LENGTHS, st.integers(50, 2000), st.integers(0, 9))
def test_a_batch_keeps_to_the_budget_unless_one_example_exceeds_it(lengths: list[int], budget: int, seed: int) -> None:
    for batch in plan_batches(lengths, budget, seed):
        assert len(batch) == 1 or max(lengths[index] for index in batch) * len(batch) <= budget


def test_the_same_seed_gives_the_same_plan_and_another_seed_another() -> None:
    lengths = list(range(10, 200))
    assert plan_batches(lengths, 800, 1) == plan_batches(lengths, 800, 1) != plan_batches(lengths, 800, 2)


def test_sorting_by_length_leaves_little_padding() -> None:
    lengths = [10 + (i * 37) % 150 for i in range(2000)]
    assert padding_share(lengths, plan_batches(lengths, 1536, 0)) < 0.03
