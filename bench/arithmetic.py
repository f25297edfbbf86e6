"""How much arithmetic a token takes in a GGUF, and how much the machine can do: for the share that is reached.

It reads a GGUF's table of tensors and multiplies matrices; it runs no model.
"""

from __future__ import annotations

import time
from math import prod
from pathlib import Path

from srllm_convert.gguf_file import check_gguf

_EMBEDDING, _HEAD = "token_embd.weight", "output.weight"
#: Side of the matrices that are multiplied, and how long.
_SIDE, _SECONDS = 2048, 1.0


def operations_per_token(model: Path) -> int:
    """Return the operations (two a weight) of one token in the layers' matrices.

    Embeddings are looked up and the head is run for one token a passage only, so neither counts; nor does attention,
    which is little at a passage's length.
    """
    header = check_gguf(model)
    return sum(2 * prod(tensor.shape) for tensor in header.tensors if _in_a_layer(tensor.name, tensor.shape))


def matmul_rate(kind: str, threads: int) -> float:
    """Return the most operations a second that PyTorch's matrix multiplication reaches in these types.

    BF16 weights are multiplied in bfloat16; F16 and F32 in float32, as llama.cpp does on a CPU; all others, whose
    activations llama.cpp rounds to 8 bits, in int8.
    """
    import torch

    torch.set_num_threads(threads)
    if kind in ("BF16", "F16", "F32"):
        dtype = torch.bfloat16 if kind == "BF16" else torch.float32
        one, other = (torch.randn(_SIDE, _SIDE).to(dtype) for _ in range(2))
        multiply = torch.mm
    else:
        one, other = (torch.randint(-127, 127, (_SIDE, _SIDE), dtype=torch.int8) for _ in range(2))
        multiply = torch._int_mm
    multiply(one, other)
    best, until = float("inf"), time.perf_counter() + _SECONDS
    while time.perf_counter() < until:
        start = time.perf_counter()
        multiply(one, other)
        best = min(best, time.perf_counter() - start)
    return float(2 * _SIDE**3 / best)


def _in_a_layer(name: str, shape: tuple[int, ...]) -> bool:
    return len(shape) == 2 and name not in (_EMBEDDING, _HEAD)
