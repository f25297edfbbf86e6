"""The large built-in model's real base (Q5_0, Q4_K, Q6_K and Q8_0 weights, Qwen2 with biases) and a random adapter.

Bounds are stated where they are asserted; what was measured stands beside them.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import gguf
import numpy as np
import pytest
from tiny_models import Logits, agreement, llama_logits, llama_tokens

from srllm_convert.gguf_file import check_gguf

pytestmark = pytest.mark.slow

WEIGHTS = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
RANK = 32
TEXT = "The chairman asked the girls at the front desk to man the stand, and 45 of 1,200 members agreed in 2024."
#: Prints the highest resident size of its own. Linux' ``ru_maxrss`` may be that of the process it was started from.
MERGE = """
import resource, sys
from pathlib import Path
from srllm_convert.quantize import merge_quantized
merge_quantized(*map(Path, sys.argv[1:4]), sys.argv[4])
status = Path("/proc/self/status")
lines = status.read_text().splitlines() if status.exists() else []
own = [int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM")]
print(own[0] if own else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.fixture(scope="module")
def lora(large_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random adapter of the geometry that training gives; it moves the predictions visibly."""
    path = tmp_path_factory.mktemp("large") / "lora.gguf"
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 2.0 * RANK)
    chooser = np.random.default_rng(3)
    for tensor in check_gguf(large_base).tensors:
        if tensor.name.endswith(tuple(f".{name}.weight" for name in WEIGHTS)):
            rows, columns = tensor.shape
            low = chooser.normal(scale=columns**-0.5, size=(RANK, columns)).astype(np.float32)
            high = chooser.normal(scale=0.01, size=(rows, RANK)).astype(np.float32)
            writer.add_tensor(f"{tensor.name}.lora_a", low)
            writer.add_tensor(f"{tensor.name}.lora_b", high)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="module")
def prompt(large_base: Path) -> list[list[int]]:
    return llama_tokens(large_base, [TEXT])


@pytest.fixture(scope="module")
def reference(large_base: Path, lora: Path, prompt: list[list[int]]) -> Logits:
    """llama.cpp's own way: the base as it is, the adapter added while it runs."""
    return llama_logits(large_base, prompt, lora=lora)


@pytest.mark.parametrize(
    ("type", "most_megabytes", "apart"),
    [
        ("F16", 600, 0.01),  # measured 374 MB, divergence 0.0017
        ("Q8_0", 400, 0.02),  # 265 MB, 0.0029
        ("Q4_K_M", 1400, 0.1),  # 1,008 MB (the embeddings as float32 are 545), 0.028
    ],
)
def test_merge_agrees_with_the_adapter_on_its_base_in_bounded_memory(
    type: str,
    most_megabytes: int,
    apart: float,
    large_base: Path,
    lora: Path,
    prompt: list[list[int]],
    reference: Logits,
    tmp_path: Path,
) -> None:
    merged = tmp_path / "merged.gguf"
    command = [sys.executable, "-c", MERGE, str(large_base), str(lora), str(merged), type]
    peak = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])
    assert peak >> 20 < most_megabytes
    assert [path.name for path in tmp_path.iterdir()] == ["merged.gguf"]
    assert agreement(reference, llama_logits(merged, prompt)).divergence < apart


def test_adapter_moves_the_predictions_more_than_any_encoding(
    large_base: Path, prompt: list[list[int]], reference: Logits
) -> None:
    assert agreement(reference, llama_logits(large_base, prompt)).divergence > 0.4  # measured 0.70
