"""Pairs become examples of the model's own protocol."""

from pathlib import Path

import pytest

from srllm_cli.debias.protocol import Protocol
from srllm_cli.training.examples import (
    Example,
    LossWeights,
    build_examples,
    edit_weights,
    encode,
    sentence_examples,
)
from srllm_cli.training.pairs import Pair

NEUTRAL = Pair(
    id="n-1", biased_text="Ice melts. Water boils.", debiased_text="Ice melts. Water boils.", label="neutral"
)
BIASED = Pair(
    id="b-1",
    label="biased",
    dimension="gender",
    biased_text="It rained on Monday. The chairman spoke for an hour. Nobody left.",
    debiased_text="It rained on Monday. The chair spoke for an hour. Nobody left.",
)
DROPPED = Pair(
    id="b-2",
    label="biased",
    dimension="age",
    biased_text="Ada is 83. One might expect a rocking chair. She signed the lease.",
    debiased_text="Ada is 83. She signed the lease.",
)


def test_a_sentence_gets_its_own_label_and_rewrite() -> None:
    examples = sentence_examples(BIASED)
    assert Example("It rained on Monday.", None, "It rained on Monday.") in examples
    assert Example("The chairman spoke for an hour.", "gender", "The chair spoke for an hour.") in examples
    assert (
        Example("The chairman spoke for an hour. Nobody left.", "gender", "The chair spoke for an hour. Nobody left.")
        in examples
    )


def test_a_sentence_that_the_rewrite_drops_is_shown_with_its_neighbour_only() -> None:
    examples = sentence_examples(DROPPED)
    assert Example("Ada is 83. One might expect a rocking chair.", "age", "Ada is 83.") in examples
    assert "One might expect a rocking chair." not in {example.text for example in examples}


def test_a_text_of_one_sentence_gives_no_sentence_examples() -> None:
    pair = Pair(
        id="b-3", label="biased", dimension="gender", biased_text="The chairman left.", debiased_text="The chair left."
    )
    assert sentence_examples(pair) == []


def test_every_pass_holds_every_record_and_the_passes_share_out_the_twins() -> None:
    pairs = [BIASED, DROPPED, NEUTRAL]
    passes = build_examples(pairs, seed=1, passes=2, twin_share=0.5, sentence_share=0.0)
    for examples in passes:
        assert {example.text for example in examples} >= {pair.biased_text for pair in pairs}
    twins = [
        example.text
        for examples in passes
        for example in examples
        if example.text == example.rewrite != NEUTRAL.biased_text
    ]
    assert sorted(twins) == sorted([BIASED.debiased_text, DROPPED.debiased_text])


def test_the_same_seed_gives_the_same_examples() -> None:
    pairs = [BIASED, DROPPED, NEUTRAL] * 5
    one = build_examples(pairs, seed=3, passes=2, twin_share=0.5, sentence_share=0.5)
    assert one == build_examples(pairs, seed=3, passes=2, twin_share=0.5, sentence_share=0.5)


def test_tokens_at_and_after_an_edit_weigh_more_than_copied_ones() -> None:
    weights = LossWeights(verdict=6, edit=2, copy=0.5)
    assert edit_weights([1, 2, 3, 4, 5], [1, 9, 3, 4, 5], weights) == [0.5, 2, 2, 0.5, 0.5]
    assert edit_weights([1, 2, 3, 4, 5], [1, 4, 5], weights) == [0.5, 2, 0.5], "the first token after a deletion"


@pytest.fixture(scope="module")
def tokenizer(root: Path) -> object:
    transformers = pytest.importorskip("transformers")
    from srllm_cli.models.builtin import smollm2_gguf

    path = smollm2_gguf()
    return transformers.AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name)


@pytest.mark.slow
def test_an_encoded_example_weighs_the_answer_alone(tokenizer: object) -> None:
    encoded = encode(Example("The chairman left.", "gender", "The chair left."), tokenizer, Protocol(), LossWeights())
    assert encoded.weights[: encoded.answer_start] == (0.0,) * encoded.answer_start
    assert all(weight > 0 for weight in encoded.weights[encoded.answer_start :])
    assert encoded.weights[encoded.answer_start] == LossWeights().verdict
    text = tokenizer.decode(encoded.tokens)  # type: ignore[attr-defined]
    assert text == (
        "<|im_start|>user\nThe chairman left.<|im_end|>\n"
        "<|im_start|>assistant\nbiased: gender\nThe chair left.<|im_end|>"
    )


@pytest.mark.slow
def test_control_tokens_in_a_training_text_are_plain_text(tokenizer: object) -> None:
    encoded = encode(Example("a <|im_end|> b", None, "a <|im_end|> b"), tokenizer, Protocol(), LossWeights())
    assert encoded.tokens.count(2) == 2, "one end of the user's turn, one of the answer"


@pytest.mark.slow
def test_protocol_plain_trains_on_the_whole_rewrite(tokenizer: object) -> None:
    encoded = encode(
        Example("The chairman left.", "gender", "The chair left."), tokenizer, Protocol("plain"), LossWeights()
    )
    answer = tokenizer.decode(encoded.tokens[encoded.answer_start :])  # type: ignore[attr-defined]
    assert answer == "The chair left.<|im_end|>"


def test_a_source_with_a_share_gives_that_share_of_its_records_and_other_passes_take_the_others() -> None:
    old = [NEUTRAL.model_copy(update={"id": f"a01-{i}", "biased_text": f"Ice {i} melts."}) for i in range(8)]
    new = [NEUTRAL.model_copy(update={"id": f"d01-{i}", "biased_text": f"Water {i} boils."}) for i in range(3)]
    first, second = build_examples(
        [*old, *new], seed=1, passes=2, twin_share=0.0, sentence_share=0.0, shares={"*": 0.5, "d01": 1.0}
    )
    for examples in (first, second):
        assert sum(example.text.startswith("Ice") for example in examples) == 4
        assert sum(example.text.startswith("Water") for example in examples) == 3
    assert not {e.text for e in first if e.text.startswith("Ice")} & {
        e.text for e in second if e.text.startswith("Ice")
    }
