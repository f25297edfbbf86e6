"""What kept results depend on: the code and the words that made them, and the form of the model."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from srllm_cli.models.family import FAMILY
from srllm_cli.models.form import forget_tuned_form, keep_tuned_form
from srllm_cli.models.manifest import Manifest
from srllm_cli.results import known
from srllm_cli.results.model_id import built_in_id

PACKAGE = Path(known.__file__).parent.parent


@pytest.mark.parametrize(
    ("file", "counts"),
    [("debias/guards.py", True), ("debias/data/group_terms.txt", True), ("reporting/data/dimensions.json", False)],
)
def test_no_result_outlives_the_code_or_the_word_list_that_made_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, counts: bool
) -> None:
    copy = tmp_path / "package"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("*.gguf", "__pycache__"))
    monkeypatch.setattr(known, "_PACKAGE", copy)
    mark = known.code_mark.__wrapped__
    before = mark()
    assert mark() == before
    (copy / file).write_bytes((copy / file).read_bytes() + b"\n# another\n")
    assert (mark() != before) is counts


def test_results_of_a_built_in_model_depend_on_the_type_chosen_for_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SRLLM_CACHE_DIR", str(tmp_path))
    member = FAMILY["builtin"]
    before = built_in_id("builtin")
    keep_tuned_form(member, Manifest.read(member), "Q4_0")
    chosen = built_in_id("builtin")
    forget_tuned_form(member)
    assert before is not None
    assert chosen != before
    assert built_in_id("builtin") == before
    assert built_in_id("../builtin") is None
    assert built_in_id("mine.gguf") is None
