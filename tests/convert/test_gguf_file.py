from __future__ import annotations

import random
import struct
import subprocess
import sys
import time
from pathlib import Path

import gguf
import numpy as np
import pytest

from srllm_cli.errors import ModelError
from srllm_cli.models.bases import base_path
from srllm_cli.models.family import SMOLLM2
from srllm_convert.gguf_file import BLOCKS, Array, check_gguf, read_header


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_uint32("number", 7)
    writer.add_array("words", ["one", "zwei", "три"])
    writer.add_array("numbers", [1, 2, 3])
    writer.add_bool("yes", True)
    writer.add_float64("share", 0.37)
    writer.add_tensor("a.weight", np.arange(12, dtype=np.float32).reshape(3, 4))
    writer.add_tensor("b.weight", np.zeros((2, 34), np.uint8), raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_block_table_is_ggufs_own() -> None:
    assert {int(kind): sizes for kind, sizes in gguf.GGML_QUANT_SIZES.items()} == BLOCKS


def test_header_equals_what_ggufs_reader_finds(small: Path) -> None:
    header = check_gguf(small, arrays=True)
    reader = gguf.GGUFReader(small)
    for key, field in header.fields.items():
        theirs = reader.fields[key].contents()
        assert (list(field.value.values or ()) if isinstance(field.value, Array) else field.value) == theirs
    assert [(t.name, t.offset, t.size, t.type) for t in header.tensors] == [
        (t.name, t.data_offset, t.n_bytes, int(t.tensor_type)) for t in reader.tensors
    ]
    assert [tensor.shape for tensor in header.tensors] == [(3, 4), (2, 32)]


def test_arrays_are_skipped_unless_asked_for(small: Path) -> None:
    assert read_header(small).get("words") == Array(8, 3, None)
    assert read_header(small).get("share") == 0.37


def test_file_cut_anywhere_is_refused_in_one_line(small: Path, tmp_path: Path) -> None:
    whole = small.read_bytes()
    cut = tmp_path / "cut.gguf"
    for length in range(len(whole) - 32):  # the last tensor's padding may be missing
        cut.write_bytes(whole[:length])
        with pytest.raises(ModelError) as caught:
            check_gguf(cut)
        assert "\n" not in str(caught.value)


def test_damaged_header_never_raises_anything_but_a_model_error(small: Path, tmp_path: Path) -> None:
    whole, chooser, damaged = small.read_bytes(), random.Random(5), tmp_path / "damaged.gguf"
    for _ in range(1500):
        data = bytearray(whole)
        for _ in range(chooser.randint(1, 4)):
            data[chooser.randrange(4, len(data))] = chooser.choice([0, 1, 127, 255, chooser.randrange(256)])
        damaged.write_bytes(data)
        try:
            check_gguf(damaged, arrays=True)
        except ModelError as error:
            assert "\n" not in str(error)


def test_other_files_are_refused(tmp_path: Path) -> None:
    cases = {
        "text.gguf": b"hello, world",
        "empty.gguf": b"",
        "old.gguf": b"GGUF" + struct.pack("<I", 1) + bytes(40),
        "bigendian.gguf": b"GGUF" + struct.pack(">I", 3) + bytes(40),
    }
    for name, data in cases.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ModelError, match=r"not a GGUF|version"):
            check_gguf(tmp_path / name)
    with pytest.raises(ModelError, match="no such file"):
        check_gguf(tmp_path / "absent.gguf")
    with pytest.raises(ModelError, match="folder"):
        check_gguf(tmp_path)


def test_header_of_a_real_model_is_read_without_its_vocabulary() -> None:
    path = base_path(SMOLLM2)
    best = min(_seconds(path) for _ in range(3))
    assert best < 0.1  # 20 ms on two idle cores; gguf's reader takes a second or more


def test_reading_a_protocol_loads_no_heavy_library() -> None:
    code = (
        "import sys; from srllm_convert.metadata import read_protocol; import srllm_cli.models;"
        "print([name for name in ('torch', 'gguf', 'numpy', 'llama_cpp', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _seconds(path: Path) -> float:
    start = time.perf_counter()
    check_gguf(path)
    return time.perf_counter() - start
