"""GGUF -> any type that llama.cpp writes, and the one entry behind ``srllm quantize``.

llama.cpp does the arithmetic (``llama_model_quantize``); this module checks what goes in, keeps it quiet, and lets
nothing half-written take the output's name.
"""

from __future__ import annotations

import ctypes
import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from srllm_cli.errors import ModelError
from srllm_convert.files import PART_SUFFIX, whole_file
from srllm_convert.geometry import CONFIG_FILE, Geometry, geometry
from srllm_convert.gguf_file import Header, check_gguf
from srllm_convert.metadata import StoredProtocol, read_recipe, run_protocol
from srllm_convert.tensors import FILE_TYPES, encoded_size, encoding, encoding_for

#: llama.cpp's file types (llama_ftype) by the names that its own tool uses; those that need an importance matrix are
#: left out.
TYPES = {
    "F32": 0, "F16": 1, "BF16": 32, "Q8_0": 7, "Q4_0": 2, "Q4_1": 3, "Q5_0": 8, "Q5_1": 9, "Q2_K": 10,
    "Q3_K_S": 11, "Q3_K_M": 12, "Q3_K_L": 13, "Q4_K_S": 14, "Q4_K_M": 15, "Q5_K_S": 16, "Q5_K_M": 17, "Q6_K": 18,
    "IQ3_S": 26, "IQ3_M": 27, "IQ4_NL": 25, "IQ4_XS": 30, "TQ1_0": 36, "TQ2_0": 37,
}  # fmt: skip
ALIASES = {"Q3_K": "Q3_K_M", "Q4_K": "Q4_K_M", "Q5_K": "Q5_K_M", "FP16": "F16", "FP32": "F32"}
#: Tensor types that lose next to nothing, so that a file of them may be quantised further.
_NEAR_LOSSLESS = {0, 1, 30, 8}
#: Precision of the file that llama.cpp quantises a merged model from.
_BETWEEN = "F16"
_STEP = re.compile(rb"^\[\s*(\d+)/\s*(\d+)\]")
_LEVEL_ERROR = 4

Progress = Callable[[float], None]


def type_name(name: str) -> str:
    """Return llama.cpp's name of a type, whatever its case.

    Raises:
        ModelError: for an unknown one, with the nearest and all known names.
    """
    wanted = name.upper().replace("-", "_")
    wanted = ALIASES.get(wanted, wanted)
    if wanted not in TYPES:
        near = difflib.get_close_matches(wanted, TYPES, n=1)
        guess = f": did you mean {near[0]}?" if near else ""
        raise ModelError(f"unknown type {name!r}{guess}", hint="known: " + ", ".join(TYPES))
    return wanted


def quantize(
    source: Path,
    out: Path,
    type: str,
    *,
    threads: int = 0,
    requantize: bool = False,
    verbose: bool = False,
    progress: Progress | None = None,
) -> None:
    """Write the GGUF ``source`` in another type as ``out``, metadata kept.

    ``threads`` 0 means all cores. A source that is already quantised (other than Q8_0) is refused unless
    ``requantize``, since errors add up. ``progress`` is called with the share done, 0 to 1.

    Raises:
        ModelError: for an unknown type, a broken or unfit source, or when llama.cpp refuses.
    """
    import llama_cpp

    wanted = type_name(type)
    header = check_gguf(source)
    if header.kind != "model":
        raise ModelError(f"{source}: a GGUF of the kind {header.kind!r}, not a model")
    if is_rounded(header) and not requantize:
        lossy = sum(1 for tensor in header.tensors if tensor.type not in _NEAR_LOSSLESS)
        hint = "start from its F16, BF16 or Q8_0, or allow requantising"
        raise ModelError(f"{source}: already quantised ({lossy} tensors)", hint=hint)
    if source.resolve() == out.resolve():
        raise ModelError(f"{out}: is also the source", hint="give another name for the output")
    params = llama_cpp.llama_model_quantize_default_params()
    params.nthread = threads
    params.ftype = TYPES[wanted]
    params.allow_requantize = True
    with whole_file(out) as part, _llama_log(verbose, progress) as errors:
        part.touch()  # a folder that cannot be written is told from a source that cannot be quantised
        status = llama_cpp.llama_model_quantize(str(source).encode(), str(part).encode(), ctypes.byref(params))
        if status != 0:
            reason = errors[-1] if errors else f"status {status}"
            raise ModelError(f"{source}: llama.cpp cannot quantise it to {wanted}: {reason}")
        check_gguf(part)


def is_rounded(header: Header) -> bool:
    """Whether a GGUF has weights that lost something when they were quantised."""
    return any(tensor.type not in _NEAR_LOSSLESS for tensor in header.tensors)


def weight_type(header: Header) -> str:
    """Return the name of the type that most of a GGUF's matrices have."""
    from gguf import GGMLQuantizationType

    kinds = Counter(tensor.type for tensor in header.tensors if len(tensor.shape) > 1)
    name: str = GGMLQuantizationType(kinds.most_common(1)[0][0]).name
    return name


def quantize_command(
    source: Path,
    out: Path,
    type: str,
    *,
    base: Path | None = None,
    threshold: float | None = None,
    stored: StoredProtocol | None = None,
    threads: int = 0,
    requantize: bool = False,
    verbose: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Make a GGUF out of whatever ``source`` is: what ``srllm quantize`` runs.

    A Hugging Face checkpoint folder or a GGUF becomes a model of ``type``; a PEFT LoRA folder becomes a GGUF adapter
    (F32, F16, BF16 or Q8_0), for which ``base`` (a GGUF or a checkpoint folder) is the model that it was trained on,
    by default the one its recipe names. The protocol is ``stored``, else the recipe's with ``threshold``.
    Returns ``out``.

    Raises:
        ModelError: when ``source`` is none of these, or anything about it is broken.
    """
    wanted = type_name(type)
    if not source.exists():
        raise ModelError(f"{source}: no such file or folder")
    if source.is_file():
        if threshold is not None or stored is not None:
            raise ModelError(
                f"{source}: a GGUF keeps the protocol and threshold it has",
                hint="set them when the checkpoint is converted",
            )
        quantize(source, out, wanted, threads=threads, requantize=requantize, verbose=verbose, progress=progress)
        return out
    stored = stored or run_protocol(source, threshold)
    if (source / "adapter_config.json").is_file():
        from srllm_convert.adapter import convert_adapter

        convert_adapter(source, out, adapter_base(source, base), type=wanted, stored=stored)
        return out
    if not (source / CONFIG_FILE).is_file():
        hint = "give a merged checkpoint, a LoRA folder, or a .gguf file"
        raise ModelError(f"{source}: neither a Hugging Face checkpoint nor a LoRA adapter", hint=hint)
    _quantize_checkpoint(source, out, wanted, stored, threads=threads, verbose=verbose, progress=progress)
    return out


def merge_quantized(
    base: Path,
    adapter: Path,
    out: Path,
    type: str,
    *,
    stored: StoredProtocol | None = None,
    progress: Progress | None = None,
) -> None:
    """Write ``base`` with ``adapter`` added to it as ``out`` in any type: what the first use of a built-in model runs.

    llama.cpp's own types go by way of a file in F16 beside ``out``, which is removed. Memory holds one tensor at a
    time, whatever the model's size.

    Raises:
        ModelError: as ``merge_gguf`` and :func:`quantize`.
    """
    from srllm_convert.merge_gguf import merge_gguf

    wanted = type_name(type)
    if wanted in FILE_TYPES:
        merge_gguf(base, adapter, out, type=wanted, stored=stored, progress=progress)
        return
    between = out.with_name(f"{out.name}.full{PART_SUFFIX}")
    try:
        merge_gguf(base, adapter, between, type=_BETWEEN, stored=stored, progress=_half(progress, 0.0))
        quantize(between, out, wanted, progress=_half(progress, 0.5))
    finally:
        between.unlink(missing_ok=True)


def merging_bytes(base: Path, type: str) -> int:
    """Return the bytes of disk that :func:`merge_quantized` takes at its height."""
    header, wanted = check_gguf(base), type_name(type)
    direct = wanted in FILE_TYPES
    kind = encoding(wanted if direct else _BETWEEN)
    written = sum(encoded_size(tensor.shape, encoding_for(tensor.shape, kind)) for tensor in header.tensors)
    # No type of llama.cpp's own is larger than Q8_0, which is about half of F16.
    return written if direct else written * 8 // 5


def adapter_base(folder: Path, base: Path | None) -> Geometry:
    """Return the geometry of an adapter's base: ``base``, or what its recipe names.

    Raises:
        ModelError: when it is not known, or not on this machine.
    """
    if base is None:
        from srllm_cli.models.bases import base_file

        named = (read_recipe(folder) or {}).get("base")
        if named is None:
            raise ModelError(f"{folder}: no recipe says which base it belongs to", hint="name it with --base")
        base = base_file(str(named))
    if not base.exists():
        hint = "name a local .gguf or checkpoint folder with --base"
        raise ModelError(f"the base model {str(base)!r} is not on this machine", hint=hint)
    return geometry(base)


def _quantize_checkpoint(
    source: Path,
    out: Path,
    wanted: str,
    stored: StoredProtocol | None,
    *,
    threads: int,
    verbose: bool,
    progress: Progress | None,
) -> None:
    """Convert; for llama.cpp's types, by way of a file in the checkpoint's own precision, so nothing rounds twice."""
    from srllm_convert.checkpoint import convert_checkpoint, native_type

    if wanted in FILE_TYPES:
        convert_checkpoint(source, out, wanted, stored=stored, progress=progress)
        return
    between = out.with_name(f"{out.name}.full{PART_SUFFIX}")
    try:
        convert_checkpoint(source, between, native_type(source), stored=stored, progress=_half(progress, 0.0))
        quantize(between, out, wanted, threads=threads, verbose=verbose, progress=_half(progress, 0.5))
    finally:
        between.unlink(missing_ok=True)


def _half(progress: Progress | None, offset: float) -> Progress | None:
    """Return the report of one of two equal steps."""
    return (lambda share: progress(offset + share / 2)) if progress else None


@contextmanager
def _llama_log(verbose: bool, progress: Progress | None) -> Iterator[list[str]]:
    """Listen to llama.cpp's log while it works: yields a list that collects its error lines.

    The callback is one per process, so the one that was there is put back.
    """
    import sys

    import llama_cpp

    before, data = llama_cpp.llama_log_callback(), ctypes.c_void_p()
    llama_cpp.llama_log_get(ctypes.byref(before), ctypes.byref(data))
    errors: list[str] = []

    def listen(level: int, text: bytes, _data: ctypes.c_void_p) -> None:
        if verbose:
            sys.stderr.write(text.decode("utf-8", "replace"))
        if level == _LEVEL_ERROR and text.strip():
            errors.append(text.decode("utf-8", "replace").strip())
        step = _STEP.match(text)
        if step and progress:
            progress(int(step[1]) / int(step[2]))

    callback = llama_cpp.llama_log_callback(listen)
    llama_cpp.llama_log_set(callback, ctypes.c_void_p())
    try:
        yield errors
    finally:
        llama_cpp.llama_log_set(before, data)
