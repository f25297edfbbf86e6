from __future__ import annotations

import os
from pathlib import Path

import pytest
from tiny_models import agreement, llama_logits, llama_tokens, save_model

from srllm_cli.errors import ModelError
from srllm_convert import quantize_command
from srllm_convert.gguf_file import check_gguf
from srllm_convert.metadata import StoredProtocol, read_protocol
from srllm_convert.quantize import TYPES, quantize, type_name


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> Path:
    """A folder with the checkpoint ``model`` and ``f16.gguf``; rows of 256, so that every type applies."""
    folder = tmp_path_factory.mktemp("quantize")
    save_model(folder / "model", "llama", texts, hidden_size=256, intermediate_size=512, num_hidden_layers=1)
    (folder / "model" / "recipe.json").write_text('{"protocol": "verdict", "base": "x", "data": "abc"}')
    quantize_command(folder / "model", folder / "f16.gguf", "F16", threshold=0.25)
    return folder


def test_types_are_llama_cpps() -> None:
    import llama_cpp

    for name, number in TYPES.items():
        theirs = "LLAMA_FTYPE_ALL_F32" if name == "F32" else f"LLAMA_FTYPE_MOSTLY_{name}"
        assert getattr(llama_cpp, theirs) == number


@pytest.mark.parametrize("name", sorted(TYPES))
def test_every_type_is_written_with_its_protocol(name: str, model: Path, tmp_path: Path) -> None:
    shares: list[float] = []
    quantize(model / "f16.gguf", tmp_path / "out.gguf", name.lower(), threads=1, progress=shares.append)
    header = check_gguf(tmp_path / "out.gguf")
    assert header.get("general.file_type") == TYPES[name]
    stored = read_protocol(tmp_path / "out.gguf")
    assert isinstance(stored, StoredProtocol)
    assert (stored.threshold, stored.extras.data) == (0.25, "abc")
    assert shares[-1] == 1.0
    assert not list(tmp_path.glob("*.part"))


def test_checkpoint_goes_straight_to_a_k_quant(model: Path, tmp_path: Path) -> None:
    quantize_command(model / "model", tmp_path / "a.gguf", "Q4_K_M", threads=1)
    quantize(model / "f16.gguf", tmp_path / "b.gguf", "Q4_K_M", threads=1)
    tokens = [llama_tokens(tmp_path / "a.gguf", ["A nurse and his patients met the chairman at noon."])[0]]
    reference = llama_logits(model / "f16.gguf", tokens)
    direct, by_f16 = (agreement(reference, llama_logits(tmp_path / name, tokens)) for name in ("a.gguf", "b.gguf"))
    # From float32 here, from float16 there: a random model loses much at four bits, and as much both ways.
    assert by_f16.divergence < 0.5
    assert direct.divergence < 1.5 * by_f16.divergence
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.gguf", "b.gguf"]


@pytest.mark.parametrize(
    ("name", "told"), [("Q4KM", r"did you mean Q4_K_M\?"), ("banana", "unknown type 'banana'$"), ("", "unknown type")]
)
def test_unknown_type_names_the_nearest_and_all(name: str, told: str) -> None:
    with pytest.raises(ModelError, match=told) as caught:
        type_name(name)
    assert "Q4_K_M" in (caught.value.hint or "")


def test_quantised_source_is_refused_unless_allowed(model: Path, tmp_path: Path) -> None:
    quantize(model / "f16.gguf", tmp_path / "q4.gguf", "Q4_0", threads=1)
    with pytest.raises(ModelError, match="already quantised"):
        quantize(tmp_path / "q4.gguf", tmp_path / "again.gguf", "Q8_0")
    quantize(tmp_path / "q4.gguf", tmp_path / "again.gguf", "Q8_0", threads=1, requantize=True)
    assert check_gguf(tmp_path / "again.gguf").get("general.file_type") == TYPES["Q8_0"]


def test_bad_sources_and_outputs_leave_nothing_behind(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.gguf"
    with pytest.raises(ModelError, match="no such file"):
        quantize_command(tmp_path / "absent", out, "Q8_0")
    with pytest.raises(ModelError, match="keeps the protocol and threshold"):
        quantize_command(model / "f16.gguf", out, "Q8_0", threshold=0.5)
    with pytest.raises(ModelError, match="is also the source"):
        quantize(model / "f16.gguf", model / "f16.gguf", "Q8_0")
    with pytest.raises(ModelError, match="cannot be written"):
        quantize(model / "f16.gguf", tmp_path / "absent" / "out.gguf", "Q8_0")
    cut = tmp_path / "cut.gguf"
    cut.write_bytes((model / "f16.gguf").read_bytes()[:-20000])
    with pytest.raises(ModelError, match="truncated"):
        quantize(cut, out, "Q8_0")
    assert [path.name for path in tmp_path.iterdir()] == ["cut.gguf"]
    check_gguf(model / "f16.gguf")


@pytest.mark.skipif(not Path("/dev/full").exists() or os.name != "posix", reason="needs /dev/full")
def test_full_disk_is_said_in_one_line(model: Path, tmp_path: Path) -> None:
    from srllm_convert.files import whole_file

    refused = pytest.raises(ModelError, match="disk is full")
    with refused, whole_file(tmp_path / "out.bin"), Path("/dev/full").open("wb", buffering=0) as stream:
        stream.write(b"x")


def test_llama_cpps_log_stays_quiet(model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    quantize(model / "f16.gguf", tmp_path / "a.gguf", "Q8_0", threads=1)
    assert capfd.readouterr() == ("", "")
    quantize(model / "f16.gguf", tmp_path / "b.gguf", "Q8_0", threads=1, verbose=True)
    assert "blk.0" in capfd.readouterr().err
