"""What is in force for a document: the nearest file, its overrides, the environment, the flags; and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from srllm_cli.configuration import Configuration, Configurator
from srllm_cli.errors import ConfigurationError


def write(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def in_force(path: Path, flags: dict[str, object] | None = None, **environment: str) -> Configuration:
    return Configurator(flags, environment).of(path)


def test_without_any_file_the_defaults_hold(tmp_path: Path) -> None:
    given = in_force(tmp_path / "a.md")
    assert (given.model, given.threshold, given.gpu_layers, given.cache, given.baseline) == (
        *("builtin", None, -1),
        *(True, None),
    )
    assert given.acts_on("gender") and given.acts_on("toxicity")


def test_the_nearest_file_speaks_alone_and_srllm_toml_before_pyproject(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", "[tool.srllm]\nthreshold = 0.9\nallow = ['master']\n")
    write(tmp_path / "docs" / "pyproject.toml", "[tool.other]\nx = 1\n")
    write(tmp_path / "docs" / "deep" / "srllm.toml", "threshold = 0.1\n")
    write(tmp_path / "docs" / "deep" / "pyproject.toml", "[tool.srllm]\nthreshold = 0.2\n")
    assert in_force(tmp_path / "a.md").threshold == 0.9
    assert in_force(tmp_path / "docs" / "a.md").allow == ("master",)
    deep = in_force(tmp_path / "docs" / "deep" / "a.md")
    assert (deep.threshold, deep.allow) == (0.1, ())


def test_flags_beat_variables_which_beat_overrides_which_beat_the_file(tmp_path: Path) -> None:
    write(
        tmp_path / "srllm.toml",
        "threshold = 0.1\nskip-dimensions = ['age']\n"
        "[[overrides]]\nfiles = ['legal/**']\nthreshold = 0.2\nskip-dimensions = ['political', 'religion']\n"
        "[[overrides]]\nfiles = ['*.txt']\nthreshold = 0.3\n",
    )
    legal = tmp_path / "legal" / "a.txt"
    assert in_force(tmp_path / "a.md").threshold == 0.1
    assert in_force(tmp_path / "legal" / "a.md").skip_dimensions == ("political", "religion")
    assert in_force(legal).threshold == 0.3
    assert in_force(legal, SRLLM_THRESHOLD="0.4").threshold == 0.4
    assert in_force(legal, {"threshold": 0.5}, SRLLM_THRESHOLD="0.4").threshold == 0.5
    assert in_force(legal, {"threshold": None}, SRLLM_THRESHOLD="").threshold == 0.3


def test_where_each_value_was_said_is_known(tmp_path: Path) -> None:
    path = write(tmp_path / "srllm.toml", "allow = ['guru']\n[[overrides]]\nfiles = ['a.md']\nthreshold = 0\n")
    said = Configurator({"cache": False}, {"SRLLM_MODEL": "m.gguf"}).explain(tmp_path / "a.md")
    assert {key: value.origin for key, value in said.items() if value.origin != "default"} == {
        "allow": str(path),
        "threshold": f"{path}, override 1",
        "model": "SRLLM_MODEL",
        "cache": "command line",
    }


def test_dimensions_are_acted_on_or_left_alone(tmp_path: Path) -> None:
    given = in_force(tmp_path / "a.md", SRLLM_DIMENSIONS="gender, age", SRLLM_SKIP_DIMENSIONS="age")
    assert [name for name in ("gender", "age", "religion") if given.acts_on(name)] == ["gender"]


def test_paths_and_patterns_are_relative_to_where_they_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "srllm.toml", "exclude = ['/vendored/', '*.tmp.md']\nbaseline = 'known.json'\n")
    monkeypatch.chdir(write(tmp_path / "sub" / "x", "").parent)
    configurator = Configurator({}, {})
    assert configurator.of(Path("a.md")).baseline == tmp_path / "known.json"
    assert configurator.excludes(Path("../vendored"), folder=True)
    assert configurator.excludes(tmp_path / "vendored" / "a.md")
    assert configurator.excludes(Path("b.tmp.md"))
    assert not configurator.excludes(Path("vendored/a.md"))
    assert Configurator({"exclude": ("vendored/",)}, {}).excludes(Path("vendored/a.md"))
    assert in_force(Path("a.md"), {"baseline": ""}).baseline is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("treshold = 0.5\n", "unknown key 'treshold': did you mean 'threshold'?"),
        ("gpu_layers = 1\n", "did you mean 'gpu-layers'?"),
        ("colour = true\n", "unknown key 'colour'"),
        ("threshold = 7\n", "threshold must be a number from 0 to 1"),
        ("threshold = true\n", "threshold must be a number from 0 to 1"),
        ("allow = 'guru'\n", "allow must be a list of strings"),
        ("dimensions = ['genders']\n", "'genders' is none: did you mean 'gender'?"),
        ("cache = 'yes'\n", "cache must be true or false"),
        ("[[overrides]]\nthreshold = 0.5\n", "override 1: files must be a list"),
        ("[[overrides]]\nfiles = ['*']\nmodel = 'x'\n", "override 1: unknown key 'model'"),
        ("[overrides]\nfiles = ['*']\n", "overrides must be tables"),
        ("threshold = \n", "is no TOML"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, content: str, message: str) -> None:
    write(tmp_path / "srllm.toml", content)
    with pytest.raises(ConfigurationError) as caught:
        in_force(tmp_path / "a.md")
    assert message in str(caught.value)
    assert "srllm.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "word"), [("THRESHOLD", "high"), ("GPU_LAYERS", "1.5"), ("CACHE", "maybe")])
def test_what_is_wrong_in_the_environment_is_named(tmp_path: Path, name: str, word: str) -> None:
    with pytest.raises(ConfigurationError, match=f"SRLLM_{name} must be"):
        in_force(tmp_path / "a.md", **{f"SRLLM_{name}": word})
