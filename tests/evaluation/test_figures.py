from __future__ import annotations

import pytest

from srllm_cli.evaluation.figures import ScoredText, compute_figures, crows_against_bold, score_output, set_figures
from srllm_cli.evaluation.systems import Identity, SystemOutput
from srllm_cli.evaluation.texts import EvalText, length_group, spread


def outside(set_name: str, identifier: str, label: str, score: float, **groups: str) -> ScoredText:
    text = EvalText(set_name, identifier, f"text {identifier}", label, groups=groups)  # type: ignore[arg-type]
    return score_output(text, SystemOutput(text.text, score, flagged=score >= 0.5), 0.0)


def test_figures_of_a_hand_computed_run(records: list[ScoredText]) -> None:
    figures = {name: figure.value for name, figure in compute_figures(records).items()}
    assert figures["clean"] == 0.5
    assert figures["spans_gone"] == 1.0
    assert figures["facts_kept"] == 0.75  # "Two" of four facts is lost
    assert figures["untouched"] == 0.5
    assert figures["false_alarms"] == 0.5
    assert figures["found"] == 1.0
    assert figures["exact"] == 0.5
    # b-1 makes the reference's edit; b-2 makes another than "delete pushy"; n-2 makes one where none is wanted.
    assert figures["edit_precision"] == pytest.approx(1 / 3)
    assert figures["edit_recall"] == pytest.approx(1 / 2)
    assert figures["auc"] == 3.5 / 4  # 0.6 ties with the neutral 0.6


def test_leaving_everything_as_it_is_keeps_every_neutral_text_and_cleans_none(texts: list[EvalText]) -> None:
    outputs = zip(texts, Identity().rewrite_all(texts), strict=True)
    figures = compute_figures([score_output(text, output, 0.0) for text, output in outputs])
    assert figures["untouched"].value == 1.0
    assert figures["clean"].value == 0.0
    assert figures["facts_kept"].value == 1.0
    assert "auc" not in figures


def test_each_dimension_is_ranked_against_all_neutral_texts(records: list[ScoredText]) -> None:
    figures = set_figures("pairs", records)
    assert figures.groups["dimension"]["gender"]["auc"].value == 3.5 / 4
    assert figures.groups["dimension"]["none"]["untouched"].value == 0.5


def test_corpus_chrf_is_sacrebleus(records: list[ScoredText]) -> None:
    sacrebleu = pytest.importorskip("sacrebleu")
    biased = [record for record in records if record.is_biased]
    outputs = [record.output.text for record in biased]
    references = [record.text.references[0] for record in biased]
    assert compute_figures(records)["chrf"].value == pytest.approx(sacrebleu.corpus_chrf(outputs, [references]).score)


def test_hatecheck_is_ranked_with_and_without_its_contested_tests() -> None:
    records = [
        outside("hatecheck", "1", "biased", 0.8, functionality="slur_h"),
        outside("hatecheck", "2", "neutral", 0.2, functionality="counter_quote_nh"),
        outside("hatecheck", "3", "neutral", 0.9, functionality="profanity_nh"),
    ]
    figures = set_figures("hatecheck", records)
    assert figures.overall["auc"].value == 0.5
    assert figures.overall["auc_uncontested"].value == 1.0
    assert figures.groups["functionality"]["profanity_nh"]["false_alarms"].value == 1.0


def test_crows_pairs_are_ranked_against_bold_sentences() -> None:
    sets = {
        "crows_pairs": [outside("crows_pairs", "1", "biased", 0.8, dimension="age")],
        "bold_wikipedia": [
            outside("bold_wikipedia", "2", "neutral", 0.1),
            outside("bold_wikipedia", "3", "neutral", 0.9),
        ],
    }
    figures = crows_against_bold(sets)
    assert figures is not None
    assert figures.overall["auc"].value == 0.5
    assert figures.groups["dimension"]["age"]["auc"].value == 0.5
    assert crows_against_bold({"crows_pairs": sets["crows_pairs"]}) is None


@pytest.mark.parametrize(("words", "group"), [(1, "1-10"), (10, "1-10"), (11, "11-20"), (80, "41-80"), (81, "81+")])
def test_length_groups_have_inclusive_bounds(words: int, group: str) -> None:
    assert length_group("word " * words) == group


def test_a_limit_spreads_over_the_whole_set() -> None:
    assert spread(range(10), 3) == [0, 3, 6]
    assert spread(range(3), 5) == spread(range(3), None) == [0, 1, 2]


def test_lengths_are_listed_from_short_to_long() -> None:
    records = [
        outside("x", str(words), "biased", 0.5, length=length_group("w " * words)) for words in (90, 5, 15, 30, 50)
    ]
    assert list(set_figures("x", records).groups["length"]) == ["1-10", "11-20", "21-40", "41-80", "81+"]
