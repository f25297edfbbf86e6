"""``tokenizer.json`` -> the vocabulary in a GGUF: tokens, their kinds, merges, and how text is cut before merging.

llama.cpp knows each way of cutting by a name (``tokenizer.ggml.pre``). Here the name is found from the cutting steps
themselves, as ``tokenizer.json`` lists them; an unknown way is refused, since a near one would give other tokens.
Byte-level BPE only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gguf import GGUFWriter, SpecialVocab, TokenType

from srllm_cli.errors import ModelError

TOKENIZER_FILE = "tokenizer.json"
#: A way of cutting: ``digits`` (each on its own), ``split:REGEX``, ``bytes`` or ``bytes+words`` (GPT-2's regex).
Steps = tuple[str, ...]
_WORDS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_QWEN2 = (
    rf"split:{_WORDS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_LLAMA3 = _QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
PRE_TOKENIZERS: Mapping[Steps, str] = {
    ("digits", "bytes+words"): "smollm",
    ("bytes+words",): "gpt-2",
    (_QWEN2, "bytes"): "qwen2",
    (_LLAMA3, "bytes"): "llama-bpe",
}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Tokens by id with their kinds, and llama.cpp's name of the way text is cut."""

    tokens: tuple[str, ...]
    kinds: tuple[TokenType, ...]
    pre: str


def read_vocabulary(folder: Path, size: int) -> Vocabulary:
    """Read a checkpoint's vocabulary; ``size`` is the embedding's rows, often padded beyond the tokenizer's tokens.

    Raises:
        ModelError: when there is no byte-level BPE ``tokenizer.json``, or it does not fit ``size``.
    """
    path = folder / TOKENIZER_FILE
    try:
        tokenizer = json.loads(path.read_text(encoding="utf-8"))
        model = tokenizer["model"]
        if model.get("type") != "BPE" or model.get("byte_fallback") or tokenizer["decoder"]["type"] != "ByteLevel":
            raise ModelError(f"{path}: not a byte-level BPE tokenizer", hint="SentencePiece models are not supported")
        ids = {int(number): str(text) for text, number in model["vocab"].items()}
        added = {int(item["id"]): item for item in tokenizer.get("added_tokens") or ()}
        pre = pre_tokenizer(tokenizer.get("pre_tokenizer"))
    except FileNotFoundError as error:
        hint = "save the tokenizer in its fast form beside the weights"
        raise ModelError(f"{folder}: no {TOKENIZER_FILE}", hint=hint) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path}: cannot be read: {error}") from error
    except ModelError as error:
        raise error if str(error).startswith(str(path)) else ModelError(f"{path}: {error}", error.hint) from error
    highest = max((*ids, *added), default=-1)
    if highest >= size:
        raise ModelError(f"{path}: token {highest} has no row in the embedding of {size} rows")
    rows = [_token(number, ids, added) for number in range(size)]
    return Vocabulary(tuple(text for text, _ in rows), tuple(kind for _, kind in rows), pre)


def write_vocabulary(writer: GGUFWriter, folder: Path, vocabulary: Vocabulary) -> None:
    """Add the vocabulary, special tokens and chat template of a checkpoint to a GGUF that is being written."""
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(vocabulary.pre)
    writer.add_token_list(list(vocabulary.tokens))
    writer.add_token_types(list(vocabulary.kinds))
    writer.add_add_space_prefix(False)
    special = SpecialVocab(folder, load_merges=True, n_vocab=len(vocabulary.tokens))
    special.add_special_token.setdefault("bos", False)
    special.add_to_gguf(writer, quiet=True)


def pre_tokenizer(value: Mapping[str, Any] | None) -> str:
    """Return llama.cpp's name of a ``pre_tokenizer`` entry.

    Raises:
        ModelError: for a way of cutting that is not known here.
    """
    steps = tuple(_step(item) for item in _flat(value))
    if steps not in PRE_TOKENIZERS:
        known = ", ".join(PRE_TOKENIZERS.values())
        raise ModelError(f"its pre-tokenizer {steps} is not supported", hint=f"supported: those of {known}")
    return PRE_TOKENIZERS[steps]


def pre_tokenizer_entry(name: str) -> dict[str, Any] | None:
    """Return the ``pre_tokenizer`` entry of one of llama.cpp's names, ``None`` when it is not known here."""
    steps = next((steps for steps, known in PRE_TOKENIZERS.items() if known == name), None)
    if steps is None:
        return None
    return {"type": "Sequence", "pretokenizers": [_entry(step) for step in steps]}


def _flat(value: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    if value is None:
        return []
    return list(value["pretokenizers"]) if value["type"] == "Sequence" else [value]


def _step(item: Mapping[str, Any]) -> str:
    kind = item["type"]
    if kind == "Digits" and item.get("individual_digits"):
        return "digits"
    if kind == "ByteLevel" and not item.get("add_prefix_space"):
        return "bytes+words" if item.get("use_regex", True) else "bytes"
    if kind == "Split" and item.get("behavior") == "Isolated" and not item.get("invert") and "Regex" in item["pattern"]:
        return f"split:{item['pattern']['Regex']}"
    return f"unknown:{kind}"


def _entry(step: str) -> dict[str, Any]:
    if step == "digits":
        return {"type": "Digits", "individual_digits": True}
    if step.startswith("split:"):
        pattern = {"Regex": step.removeprefix("split:")}
        return {"type": "Split", "pattern": pattern, "behavior": "Isolated", "invert": False}
    words = step == "bytes+words"
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": words}


def _token(number: int, ids: Mapping[int, str], added: Mapping[int, Mapping[str, Any]]) -> tuple[str, TokenType]:
    """Return a token's text and kind. As llama.cpp's converter does, names of the form ``<|...|>`` count as control."""
    if number in added:
        text = str(added[number]["content"])
        control = added[number].get("special") or (text.startswith("<|") and text.endswith("|>"))
        return text, TokenType.CONTROL if control else TokenType.USER_DEFINED
    if number in ids:
        return ids[number], TokenType.NORMAL
    return f"[PAD{number}]", TokenType.UNUSED
