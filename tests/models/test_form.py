"""Which type a built-in model is kept in."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_builtin import Small

from srllm_cli.models import form, overview, resolve
from srllm_cli.models.family import FAMILY
from srllm_cli.models.manifest import Manifest
from srllm_convert.gguf_file import check_gguf

BF16 = 30


def weight_type(path: Path) -> int:
    return next(tensor.type for tensor in check_gguf(path).tensors if tensor.name.startswith("blk."))


@pytest.mark.parametrize(
    ("flags", "published", "kept"),
    [
        ({"avx2"}, "Q8_0", "Q8_0"),
        ({"avx512f", "avx512_bf16"}, "Q8_0", "BF16"),
        ({"avx512_bf16", "amx_int8"}, "Q8_0", "Q8_0"),
        ({"avx512_bf16"}, "Q4_K_M", "Q4_K_M"),
        (set(), "Q8_0", "Q8_0"),
    ],
)
def test_the_processor_decides(flags: set[str], published: str, kept: str) -> None:
    assert form.form_for(frozenset(flags), published) == kept


def test_flags_are_read_from_either_spelling_and_absent_elsewhere(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("processor\t: 0\nflags\t\t: fpu avx512_bf16\n\nprocessor\t: 1\nflags\t\t: fpu\n")
    assert form.cpu_flags(info) == {"fpu", "avx512_bf16"}
    info.write_text("processor : 0\nFeatures : asimd bf16\n")
    assert form.cpu_flags(info) == {"asimd", "bf16"}
    assert form.cpu_flags(tmp_path / "none") == frozenset()


def test_the_model_is_made_in_the_form_and_named_by_it(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form, "cpu_flags", lambda: frozenset({"avx512_bf16"}))
    fast = resolve("builtin")
    assert weight_type(fast.path) == BF16
    assert overview.facts(FAMILY["builtin"])["as run"] == "merged, BF16"
    monkeypatch.setattr(form, "cpu_flags", lambda: frozenset())
    plain = resolve("builtin")
    assert plain.id != fast.id
    assert small.files == [plain.path], "one form at a time is kept"


def test_the_rule_is_for_models_that_were_measured(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form, "cpu_flags", lambda: frozenset({"avx512_bf16"}))
    manifest = Manifest.read(FAMILY["builtin"])
    assert form.suited(FAMILY["builtin"], manifest).format == "BF16"
    assert form.suited(FAMILY["builtin-large"], manifest).format == "Q8_0"


def test_what_was_tuned_goes_before_the_rule_until_the_adapter_changes(small: Small) -> None:
    member = FAMILY["builtin"]
    manifest = Manifest.read(member)
    form.keep_tuned_form(member, manifest, "F16")
    assert form.suited(member, manifest).format == "F16"
    small.write_manifest(adapter_sha256="another")
    assert form.tuned_form(member, Manifest.read(member)) is None
    small.write_manifest()
    overview.remove(member)
    assert form.tuned_form(member, manifest) is None
