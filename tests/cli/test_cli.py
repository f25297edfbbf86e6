"""The command line as a user meets it: streams, exit codes, errors. Real processes, the real built-in model."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

BIASED = "The chairman asked the girls at the front desk to man the stand.\n"


def srllm(*arguments: str | Path, stdin: bytes = b"", cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    script = "from srllm_cli.cli import main; main()"
    command: Sequence[str] = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, cwd=cwd, timeout=300, check=False)


def assert_fails(result: subprocess.CompletedProcess[bytes], message: str) -> None:
    """An error is one or two lines on standard error, exit code 2, and nothing on standard output."""
    error = result.stderr.decode()
    assert result.returncode == 2, error
    assert result.stdout == b""
    assert message in error
    assert 1 <= len(error.splitlines()) <= 2, error


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["rewrite", "--help"], ["train", "--help"]])
def test_help_and_version_load_neither_torch_nor_llama(arguments: list[str]) -> None:
    script = (
        "import sys\nfrom srllm_cli.cli import main\n"
        "try:\n    main()\nfinally:\n"
        "    heavy = {'torch', 'transformers', 'llama_cpp', 'numpy'} & set(sys.modules)\n"
        "    print('LOADED', sorted(heavy), file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    assert result.stderr.strip() == "LOADED []"
    assert result.stdout


@pytest.mark.slow
def test_rewriting_never_loads_torch(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(BIASED)
    script = (
        "import sys\nfrom srllm_cli.cli import main\n"
        "try:\n    main()\nfinally:\n"
        "    print('LOADED', sorted({'torch', 'transformers', 'peft'} & set(sys.modules)), file=sys.stderr)"
    )
    command = [sys.executable, "-c", script, "rewrite", "--quiet", str(tmp_path / "a.txt")]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stderr.strip() == "LOADED []"


@pytest.mark.slow
def test_a_document_is_rewritten_from_a_file_and_from_standard_input_alike(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(BIASED)
    from_file = srllm("rewrite", tmp_path / "a.txt")
    assert from_file.returncode == 0
    assert b"chairman" not in from_file.stdout
    for arguments in (["rewrite"], ["rewrite", "-"]):
        assert srllm(*arguments, stdin=BIASED.encode()).stdout == from_file.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"\n",
        b"Water boils at 100 degrees.",
        b"\xef\xbb\xbfWater boils at 100 degrees.\r\n\r\n  Ice melts at 0. \t\r\n",
        "Wasser kocht bei 100 °C — “so”.\n".encode(),
    ],
)
def test_neutral_text_comes_back_byte_for_byte(document: bytes) -> None:
    result = srllm("rewrite", "--quiet", "--threshold", "0.999", stdin=document)
    assert (result.returncode, result.stdout, result.stderr) == (0, document, b"")


@pytest.mark.slow
def test_the_example_loses_its_bias_and_keeps_its_facts(root: Path) -> None:
    before = (root / "examples" / "job-ad.md").read_text(encoding="utf-8")
    after = srllm("rewrite", "--quiet", root / "examples" / "job-ad.md").stdout.decode()
    for gone in ("young and dynamic", "salesman", "chairman", "his own", "girls", "grandmother", "wife", "cripples"):
        assert gone in before
        assert gone not in after
    for kept in (
        "three years of experience", "1 September 2026", "€52,000 to €58,000", "40 accounts", "about six new ones",
        "marine supply trade", "€40,000", "front desk", "Hamburg fair in February", "`forecast` sheet", "manager",
        "[summer party](https://example.com/party)", "12 June", "second floor", "no lift", "HR by 15 July",
        "<jobs@example.com>",
        '> "Nobody here works past five," says Ingrid Solheim, who founded the firm in 1998.', "team of 14", "Nordhavn",
    ):  # fmt: skip
        assert kept in before
        assert kept in after


@pytest.mark.slow
def test_a_diff_can_be_applied_with_git(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(BIASED.encode() + b"No line break at the end")
    expected = srllm("rewrite", path).stdout
    diff = srllm("rewrite", "--diff", "a.txt", cwd=tmp_path).stdout
    assert diff.startswith(b"--- a/a.txt\n+++ b/a.txt\n")
    subprocess.run(["git", "apply", "-"], input=diff, cwd=tmp_path, check=True)
    assert path.read_bytes() == expected


@pytest.mark.slow
def test_the_json_result_keeps_its_contract(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(BIASED)
    report = json.loads(srllm("rewrite", "--format", "json", tmp_path / "a.txt").stdout)
    assert report["version"] == 1
    assert report["model"] == "builtin"
    assert report["screen"] is None
    (document,) = report["documents"]
    assert set(document) == {"path", "changed", "text", "findings", "passages"}
    assert document["changed"] is True
    text = BIASED
    for finding in reversed(document["findings"]):
        assert set(finding) == {"start", "end", "original", "replacement", "dimension", "score", "status"}
        assert BIASED[finding["start"] : finding["end"]] == finding["original"]
        if finding["status"] == "rewritten":
            text = text[: finding["start"]] + finding["replacement"] + text[finding["end"] :]
    assert text == document["text"]
    assert all(0 <= passage["score"] <= 1 for passage in document["passages"])


@pytest.mark.slow
def test_what_the_screen_passed_over_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"Water boils at 100 degrees.\n\n{BIASED}")
    report = json.loads(srllm("rewrite", "--screen", "builtin@0.5", "--format", "json", tmp_path / "a.txt").stdout)
    assert report["screen"] == {"model": "builtin", "threshold": 0.5, "passed_over": 1}
    assert [passage["screened"] for passage in report["documents"][0]["passages"]] == [True, False]


def test_a_screen_without_a_threshold_is_an_error() -> None:
    result = srllm("rewrite", "--screen", "builtin", stdin=b"text")
    assert_fails(result, "no threshold is known for builtin to screen for builtin")


@pytest.mark.slow
def test_check_exits_1_on_findings_and_0_without(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(BIASED)
    (tmp_path / "b.txt").write_text("Ice melts.\n")
    found = srllm("rewrite", "--check", "a.txt", cwd=tmp_path)
    assert found.returncode == 1
    assert found.stdout.startswith(b"a.txt:1:")
    clean = srllm("rewrite", "--check", "b.txt", cwd=tmp_path)
    assert (clean.returncode, clean.stdout) == (0, b"")


@pytest.mark.slow
def test_a_file_is_rewritten_in_place_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbf" + BIASED.replace("\n", "\r\n").encode())
    path.chmod(0o640)
    expected = srllm("rewrite", path).stdout
    result = srllm("rewrite", "--in-place", path)
    assert result.stdout == b""
    assert path.read_bytes() == expected != BIASED.encode()
    assert expected.startswith(b"\xef\xbb\xbf") and expected.endswith(b"\r\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.slow
def test_quiet_says_nothing_and_verbose_lists_the_findings(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(BIASED)
    assert srllm("rewrite", "--quiet", "a.txt", cwd=tmp_path).stderr == b""
    assert b"a.txt:1:" in srllm("rewrite", "--verbose", "a.txt", cwd=tmp_path).stderr


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Ice melts at 0 degrees.\n\n" * 40)
    script = "from srllm_cli.cli import main; main()"
    command = f'"{sys.executable}" -c "{script}" rewrite --quiet --threshold 1 a.txt | head -c 1'
    result = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, check=False)
    assert (result.stdout, result.stderr) == (b"I", b"")


@pytest.mark.slow
def test_a_line_of_5_megabytes_is_cut_into_units_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("x" * 5_000_000)
    script = (
        "import resource, sys\nfrom pathlib import Path\nfrom srllm_cli.documents import passages\n"
        "from srllm_cli.debias.units import unit_spans\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))  # a gigabyte, the interpreter included\n"
        "text = Path(sys.argv[1]).read_text()\n"
        "spans = [s for p in passages(text, 'plain') for s in unit_spans(p.text, 'paragraph')]\n"
        "assert spans[-1][1] == len(text) and max(e - s for s, e in spans) <= 800"
    )
    command = [sys.executable, "-c", script, str(path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr


# Bad input ------------------------------------------------------------------------------------------------------------


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    assert_fails(srllm("rewrite", tmp_path / "none.txt"), "none.txt")


def test_a_folder_is_an_error(tmp_path: Path) -> None:
    assert_fails(srllm("rewrite", tmp_path), "folder")


@pytest.mark.parametrize(("content", "message"), [(b"a\x00b", "binary"), (b"caf\xe9 is open", "UTF-8")])
def test_what_is_no_text_is_an_error(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    assert_fails(srllm("rewrite", tmp_path / "a.txt"), message)


def test_a_bad_file_among_good_ones_stops_the_run_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(BIASED)
    assert_fails(srllm("rewrite", "--in-place", tmp_path / "a.txt", tmp_path / "none.txt"), "none.txt")
    assert (tmp_path / "a.txt").read_text() == BIASED


def test_an_unknown_model_is_an_error() -> None:
    assert_fails(srllm("rewrite", "--model", "buildin", stdin=b"Text."), "builtin")


def test_a_truncated_model_is_an_error(tmp_path: Path) -> None:
    from srllm_cli.models.bases import base_path
    from srllm_cli.models.family import SMOLLM2

    path = tmp_path / "cut.gguf"
    with base_path(SMOLLM2).open("rb") as source:
        path.write_bytes(source.read(3_000_000))
    assert_fails(srllm("rewrite", "--model", path, stdin=b"Text."), "cut.gguf")


def test_a_file_that_is_no_gguf_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"PK\x03\x04" + bytes(100))
    assert_fails(srllm("rewrite", "--model", path, stdin=b"Text."), "model.gguf")


def test_a_lora_given_as_the_model_is_an_error(root: Path) -> None:
    adapter = root / "srllm_cli" / "models" / "data" / "builtin-lora.gguf"
    assert_fails(srllm("rewrite", "--model", adapter, stdin=b"Text."), "adapter")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rewrit"], "rewrite"),
        (["rewrite", "--nope"], "--nope"),
        (["rewrite", "--threshold", "7"], "--threshold"),
        (["rewrite", "--diff", "--in-place", "a.md"], "exclude each other"),
        (["rewrite", "--in-place", "-"], "standard input"),
        (["train", "--out", "x"], "--data"),
        (["quantize", "none", "--out", "x.gguf"], "none"),
    ],
)
def test_wrong_usage_is_an_error(arguments: list[str], message: str) -> None:
    assert_fails(srllm(*arguments), message)
