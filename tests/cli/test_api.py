"""The Python API on the real built-in model."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from srllm_cli import Debiaser
from srllm_cli.debias.types import Rewrite, Status

pytestmark = pytest.mark.slow

TEXTS = [
    "The chairman asked the girls at the front desk to man the stand.",
    "Water boils at 100 degrees. Ice melts at 0.",
    "",
    "Police in Halden are looking for a Black man who left a restaurant on Saturday without paying an $86 bill.",
]


@pytest.fixture(scope="module")
def debiaser() -> Iterator[Debiaser]:
    with Debiaser(model="builtin", threshold=None) as loaded:
        yield loaded


def applied(text: str, result: Rewrite) -> str:
    for finding in reversed(result.findings):
        if finding.status is Status.REWRITTEN:
            assert finding.replacement is not None
            text = text[: finding.start] + finding.replacement + text[finding.end :]
    return text


@pytest.mark.parametrize("text", TEXTS)
def test_applying_the_findings_gives_the_text(debiaser: Debiaser, text: str) -> None:
    result = debiaser.rewrite(text, format="plain")
    assert applied(text, result) == result.text
    assert all(text[finding.start : finding.end] == finding.original for finding in result.findings)


def test_every_sentence_has_a_score_in_order(debiaser: Debiaser) -> None:
    result = debiaser.rewrite(TEXTS[1])
    assert all(0 <= passage.score <= 1 for passage in result.passages if passage.score is not None)
    assert [passage.start for passage in result.passages] == sorted(passage.start for passage in result.passages)
    assert result.passages[-1].end == len(TEXTS[1])


def test_many_documents_at_once_give_what_each_gives_alone(debiaser: Debiaser) -> None:
    together = list(debiaser.rewrite_all(TEXTS))
    assert [result.text for result in together] == [debiaser.rewrite(text).text for text in TEXTS]


def test_a_threshold_of_one_changes_nothing(debiaser: Debiaser) -> None:
    with Debiaser(model="builtin", threshold=1.0) as strict:
        assert strict.rewrite(TEXTS[0]).text == TEXTS[0]
    assert 0 < debiaser.threshold < 1


def test_markdown_markup_stays(debiaser: Debiaser) -> None:
    text = "# The *chairman*\n\n- The chairman uses `chairman.py`, see [the chairman](https://example.com/chairman).\n"
    result = debiaser.rewrite(text, format="markdown")
    for kept in ("`chairman.py`", "](https://example.com/chairman)", "# The *", "\n\n- "):
        assert kept in result.text


def test_an_unknown_format_is_an_error(debiaser: Debiaser) -> None:
    with pytest.raises(ValueError, match="docx"):
        debiaser.rewrite("Text.", format="docx")
