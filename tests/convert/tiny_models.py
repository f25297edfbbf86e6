"""Tiny random models with a real tokenizer, and the two runtimes' logits side by side."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srllm_convert.tokenizer import pre_tokenizer_entry

CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content']"
    " + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
Logits = NDArray[np.float32]  # (positions, vocabulary)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How near two runtimes' next-token predictions are. ``scaled``: largest difference over the logits' deviation."""

    largest: float
    scaled: float
    divergence: float  # mean KL divergence, nats
    margin: float  # by how much, in the reference, its first choice leads the other's, at most
    sure: float  # share of the same first choice where the reference's leads its second by one logit or more


@dataclass(frozen=True, slots=True)
class TinyRun:
    """A run of a few steps on the built-in model's base: its adapter, the base, the merged checkpoint."""

    adapter: Path
    base: Path
    merged: Path


def agreement(reference: Logits, other: Logits) -> Agreement:
    difference = np.abs(reference - other).max()
    log_p = reference - np.logaddexp.reduce(reference, axis=1, keepdims=True)
    log_q = other - np.logaddexp.reduce(other, axis=1, keepdims=True)
    first, second = reference.argmax(axis=1), other.argmax(axis=1)
    rows = np.arange(len(reference))
    best = np.sort(reference, axis=1)[:, -2:]
    lead = best[:, 1] - best[:, 0]
    return Agreement(
        largest=float(difference),
        scaled=float(difference / reference.std()),
        divergence=float((np.exp(log_p) * (log_p - log_q)).sum(axis=1).mean()),
        margin=float((reference[rows, first] - reference[rows, second]).max()),
        sure=float((first == second)[lead >= 1.0].mean()) if (lead >= 1.0).any() else 1.0,
    )


def llama_logits(path: Path, texts: list[list[int]], lora: Path | None = None) -> Logits:
    """Logits at every position of each sequence, by llama.cpp with a float32 cache."""
    import llama_cpp

    model = llama_cpp.Llama(
        str(path), lora_path=str(lora) if lora else None, n_ctx=512, n_threads=2, logits_all=True, verbose=False,
        type_k=llama_cpp.GGML_TYPE_F32, type_v=llama_cpp.GGML_TYPE_F32,
    )  # fmt: skip
    try:
        rows = []
        for tokens in texts:
            model.reset()
            model.eval(tokens)
            rows.append(np.array(model.scores[: len(tokens)], dtype=np.float32))
        return np.concatenate(rows)
    finally:
        model.close()


def llama_tokens(path: Path, texts: list[str]) -> list[list[int]]:
    """Tokens of texts by llama.cpp, with special-token parsing off."""
    import llama_cpp

    model = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
    try:
        return [model.tokenize(text.encode(), add_bos=False, special=False) for text in texts]
    finally:
        model.close()


def torch_logits(model: Any, texts: list[list[int]]) -> Logits:
    """Logits at every position of each sequence, by transformers in the model's own precision."""
    import torch

    with torch.no_grad():
        rows = [model(input_ids=torch.tensor([tokens])).logits[0].float().numpy() for tokens in texts]
    return np.concatenate(rows)


def save_tokenizer(folder: Path, pre: str, corpus: list[str], size: int = 400) -> int:
    """Train a byte-level BPE tokenizer with one of llama.cpp's ways of cutting; return its number of tokens."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(corpus, trainer)
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in CONTROL])
    values = json.loads(tokenizer.to_str())
    values["pre_tokenizer"] = pre_tokenizer_entry(pre)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(values), encoding="utf-8")
    names = {"bos_token": CONTROL[1], "eos_token": CONTROL[2], "pad_token": CONTROL[0]}
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": TEMPLATE, **names}
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return tokenizer.get_vocab_size()


def save_model(folder: Path, architecture: str, corpus: list[str], **settings: Any) -> Any:
    """Save a random model of 2 layers, width 64, 4 heads (2 of keys), with its tokenizer; return it in float32."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

    tokens = save_tokenizer(folder, "qwen2" if architecture == "qwen2" else "smollm", corpus)
    shape: dict[str, Any] = {
        "vocab_size": tokens + 13, "hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512, "initializer_range": 0.15,
        **settings,
    }  # fmt: skip
    torch.manual_seed(7)
    if architecture == "qwen2":
        model: Any = Qwen2ForCausalLM(Qwen2Config(**shape))
    else:
        model = LlamaForCausalLM(LlamaConfig(**shape))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith(".bias") or "norm" in name:  # all zeros or ones would hide a mistake
                weight.add_(torch.randn_like(weight) * 0.1)
    model = model.eval()
    model.save_pretrained(folder)
    return model
