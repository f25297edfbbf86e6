"""The in-process engine on the real built-in model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import llama_cpp
import numpy as np
import pytest

from srllm_cli.debias.engine import Decoded, DecodeRequest
from srllm_cli.debias.protocol import Protocol
from srllm_cli.engines.llama import LlamaEngine
from srllm_cli.errors import ModelError
from srllm_cli.models.bases import base_path
from srllm_cli.models.family import FAMILY, SMOLLM2
from srllm_cli.models.manifest import adapter_path
from srllm_cli.training.pairs import read_pairs
from srllm_cli.training.splits import split_pairs
from srllm_convert.merge_gguf import merge_gguf

pytestmark = pytest.mark.slow

#: Batches of different shapes sum in another order, so the last bits of a logit differ. In float16 that stays small.
#: With Q8_0 weights llama.cpp rounds activations to 8 bits too, where a last bit can tip a rounding, layer after layer.
F16_TOLERANCE, Q8_TOLERANCE = 0.01, 0.2


@pytest.fixture(scope="module")
def texts(root: Path) -> list[str]:
    pairs = split_pairs(read_pairs([root / "data" / "pairs"])).validation
    return [pair.biased_text for pair in pairs if pair.label == "biased"][:200]


@pytest.fixture(scope="module")
def f16_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaEngine]:
    """The built-in model in float16."""
    path = tmp_path_factory.mktemp("f16") / "builtin.gguf"
    merge_gguf(base_path(SMOLLM2), adapter_path(FAMILY["builtin"]), path, type="F16")
    with LlamaEngine(path, Protocol()) as loaded:
        yield loaded


def scores_anew(engine: LlamaEngine, texts: list[str]) -> list[float]:
    """Score without what the engine knows from before."""
    engine._known.clear()
    engine._forget_remembered()
    return engine.score(texts)


def score_difference(engine: LlamaEngine, texts: list[str]) -> float:
    together = scores_anew(engine, texts)
    alone = [scores_anew(engine, [text])[0] for text in texts]
    return float(np.abs(np.array(together) - np.array(alone)).max())


def test_scores_in_a_batch_are_those_of_each_text_alone(
    engine: LlamaEngine, f16_engine: LlamaEngine, texts: list[str]
) -> None:
    assert score_difference(f16_engine, texts[:60]) < F16_TOLERANCE
    assert score_difference(engine, texts[:60]) < Q8_TOLERANCE


def test_answers_on_every_path_are_those_of_plain_decoding(f16_engine: LlamaEngine, texts: list[str]) -> None:
    """Against llama-cpp-python's own one-token-at-a-time greedy loop on the same GGUF.

    First with nothing to build on; then on the cache of the verdicts; then with the answers' own cache, twice over.
    """
    plain = plain_answers(f16_engine, texts)
    requests = [DecodeRequest(text, f16_engine.biased_prefix()) for text in texts]
    scores_anew(f16_engine, [])
    assert mostly_equal(f16_engine.decode(requests), plain)
    for start in range(0, len(texts), 20):
        scores_anew(f16_engine, texts[start : start + 20])
        assert mostly_equal(f16_engine.decode(requests[start : start + 20]), plain[start : start + 20])
    last = requests[-20:]
    assert mostly_equal(f16_engine.decode([*last, *last]), [*plain[-20:], *plain[-20:]])


def test_an_answer_made_to_begin_otherwise_goes_on_as_plain_decoding_does(
    f16_engine: LlamaEngine, texts: list[str]
) -> None:
    """Several answers to one text share its prompt; each is what it is alone and with nothing to build on."""
    texts = texts[:12]
    scores_anew(f16_engine, texts)
    greedy = f16_engine.decode([DecodeRequest(text, f16_engine.biased_prefix()) for text in texts])
    branches = [
        DecodeRequest(text, (*answer.tokens[:step], answer.runners_up[step]))
        for text, answer in zip(texts, greedy, strict=True)
        for step in (4, 6, 9)
        if step < len(answer.tokens)
    ]
    together = f16_engine.decode(branches)
    alone = []
    for branch in branches:
        scores_anew(f16_engine, [])
        alone += f16_engine.decode([branch])
    assert mostly_equal(together, [list(answer.tokens) for answer in alone])


def test_a_text_that_recurs_is_computed_once(engine: LlamaEngine, texts: list[str]) -> None:
    first = engine.score([texts[0], texts[1], texts[0]])
    assert first[0] == first[2]
    assert engine.score([texts[1], texts[0]]) == [first[1], first[0]]


def mostly_equal(answers: list[Decoded], plain: list[list[int]]) -> bool:
    """Whether all answers but one in eighty are the plain ones: two logits that tie to the last bit fall either way."""
    different = [i for i, (one, other) in enumerate(zip(answers, plain, strict=True)) if list(one.tokens) != other]
    return len(different) <= 1 + len(plain) // 80


def plain_answers(engine: LlamaEngine, texts: list[str]) -> list[list[int]]:
    model = llama_cpp.Llama(str(engine.path), n_ctx=2048, verbose=False, logits_all=False)
    prefix = engine._llama.tokenize(engine.protocol.prefix, control=True)
    suffix = engine._llama.tokenize(engine.protocol.suffix, control=True)
    answers = []
    for text in texts:
        source = engine.tokenize(text)
        answer = list(engine.biased_prefix())
        model.reset()
        model.eval([*prefix, *source, *suffix, *answer])
        while len(answer) < 2 * len(source) + 32 + len(engine.biased_prefix()):
            token = int(
                np.argmax(np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(model.ctx, -1), (model.n_vocab(),)))
            )
            if engine._is_end(token):
                break
            answer.append(token)
            model.eval([token])
        answers.append(answer)
    return answers


def test_control_tokens_in_a_document_are_plain_text(engine: LlamaEngine) -> None:
    text = "He wrote <|im_end|> and <|im_start|>assistant in the log."
    tokens = engine.tokenize(text)
    control = set(engine._llama.tokenize("<|im_end|><|im_start|>", control=True))
    assert not control & set(tokens)
    assert engine.detokenize(tokens) == text


@pytest.mark.parametrize("text", ["Ångström — “naïve” 🙂 中文", "a\tb  c\n\nd", "don't", ""])
def test_tokens_decode_to_the_text_they_came_from(engine: LlamaEngine, text: str) -> None:
    assert engine.detokenize(engine.tokenize(text)) == text


def test_a_passage_longer_than_a_batch_is_scored(engine: LlamaEngine) -> None:
    assert 0.0 <= engine.score(["The board met on Monday. " * 300])[0] <= 1.0


def test_no_texts_have_no_scores_and_no_answers(engine: LlamaEngine) -> None:
    assert engine.score([]) == []
    assert engine.decode([]) == []


def test_a_model_without_our_protocol_is_spoken_to_through_its_chat_template() -> None:
    with LlamaEngine(base_path(SMOLLM2), None) as plain:
        assert plain.protocol.name == "plain"
        assert "<|im_start|>user" in plain.protocol.prefix
        answer = plain.decode([DecodeRequest("The chairman spoke for an hour.")])[0]
        assert answer.text
        with pytest.raises(ModelError, match="gives no verdict"):
            plain.score(["Text."])


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF" + bytes(64))
    with pytest.raises(ModelError, match=r"model\.gguf"):
        LlamaEngine(path, Protocol())
