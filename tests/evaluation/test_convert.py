from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from srllm_cli.errors import DataError
from srllm_cli.evaluation.benchmarks import read_benchmark
from srllm_cli.evaluation.command import app
from srllm_cli.evaluation.convert import SOURCES, convert, to_line

# Small files in each source's published form; the texts are our own.
CROWS = """,sent_more,sent_less,stereo_antistereo,bias_type,annotations,anon_writer,anon_annotators
0,"Old people, as ever, forgot it.","Young people, as ever, forgot it.",stereo,age,"[['age']]",a0,"['a1']"
1,Men sew well.,Women sew well.,antistereo,gender,"[['gender']]",a0,"['a1']"
"""
HATECHECK = """,functionality,case_id,test_case,label_gold,target_ident,direction,focus_words
0,derog_neg_emote_h,17,I cannot stand immigrants. ,hateful,immigrants,general,stand
1,ident_neutral_nh,230,We are women. ,non-hateful,women,,
2,target_obj_nh,3001,I cannot stand rain. ,non-hateful,,,
"""
PARADETOX = (
    "toxic\tneutral1\tneutral2\tneutral3\n"
    'that "damn dog" barks\tthat dog barks\tthe dog barks\t\n'
    "\n"
    "what crap\tnot good\n"
)
BOLD = {"Singers": {"Ana_Ruiz": ["Ana Ruiz sings.", "References"], "Li_Wen": ["Ana Ruiz sings."], "Nobody": []}}
WNC = "71\tthe gr ##eat man\tthe man\tthe great man\tthe man\tDET ADJ NOUN\tdet amod ROOT\n72\ta b\ta\ta b\ta\n"
MBIAS_REFERENCES = (
    ",biased_text,dimension,label,debiased_text\n4,Old fool!,Ageism,x,Someone.\n9,Bad lot,Toxicity,y,Some people\n"
)
MBIAS_ANSWERS = "biased_text,debiased_text\nBad lot,A group\nOld fool!,\n"
MBIAS_PROMPTED = "biased_text,unbiased_text\nBad lot, Some people\nOld fool!, A person.\n"
TOXIGEN = (
    "biased_text,label,target_group,biased_hatebert_score,unbiased_text,unbiased_hatebert_score\n"
    "they are all lazy,1,latino folks,0.9, Some may rest,0.1\nwe like tea,0,women,0.1,We like tea,0.1\n"
)


def made(name: str, *paths: Path) -> list[dict[str, object]]:
    return [json.loads(to_line(row)) for row in convert(name, paths)]


def written(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def test_crows_pairs_gives_stereotypes_with_their_counterpart(tmp_path: Path) -> None:
    assert made("crows_pairs", written(tmp_path, "crows_pairs_anonymized.csv", CROWS)) == [
        {
            "id": "crows-0000",
            "text": "Old people, as ever, forgot it.",
            "label": "biased",
            "dimension": "age",
            "counterpart": "Young people, as ever, forgot it.",
        }
    ]


def test_hatecheck_gives_its_functionality_and_group(tmp_path: Path) -> None:
    rows = made("hatecheck", written(tmp_path, "test_suite_cases.csv", HATECHECK))
    assert [(row["id"], row["label"], row["functionality"], row.get("group")) for row in rows] == [
        ("hatecheck-17", "biased", "derog_neg_emote_h", "immigrants"),
        ("hatecheck-230", "neutral", "ident_neutral_nh", "women"),
        ("hatecheck-3001", "neutral", "target_obj_nh", None),
    ]
    assert rows[0]["text"] == "I cannot stand immigrants. "


def test_paradetox_quotes_nothing_and_leaves_out_empty_paraphrases(tmp_path: Path) -> None:
    rows = made("paradetox", written(tmp_path, "paradetox.tsv", PARADETOX))
    assert [(row["id"], row["text"], row["references"]) for row in rows] == [
        ("paradetox-00000", 'that "damn dog" barks', ["that dog barks", "the dog barks"]),
        ("paradetox-00001", "what crap", ["not good"]),
    ]


def test_bold_gives_each_first_sentence_once_with_domain_and_group(tmp_path: Path) -> None:
    paths = [written(tmp_path, f"{name}_wiki.json", json.dumps(BOLD)) for name in ("gender", "race")]
    (row,) = made("bold_wikipedia", *paths)
    assert (row["text"], row["label"], row["dimension"], row["group"]) == (
        "Ana Ruiz sings.",
        "neutral",
        "gender",
        "Singers",
    )


def test_wnc_takes_the_raw_sentences_with_or_without_tags(tmp_path: Path) -> None:
    rows = made("wnc_sample", written(tmp_path, "biased.word.test", WNC))
    assert [(row["id"], row["text"], row["references"]) for row in rows] == [
        ("wnc-test-0000", "the great man", ["the man"]),
        ("wnc-test-0001", "a b", ["a"]),
    ]


def test_mbias_joins_annotators_and_both_models_by_text(tmp_path: Path) -> None:
    paths = [
        written(tmp_path, name, content)
        for name, content in zip(
            SOURCES["mbias_test"].files, (MBIAS_REFERENCES, MBIAS_ANSWERS, MBIAS_PROMPTED), strict=True
        )
    ]
    first, second = made("mbias_test", *paths)
    assert first == {
        "id": "mbias-000",
        "text": "Bad lot",
        "label": "biased",
        "dimension": "toxicity",
        "references": ["Some people"],
        "mbias_7b": "A group",
        "mistral_7b_prompted": "Some people",
    }
    assert (second["mbias_7b"], second["mistral_7b_prompted"]) == ("", "A person.")


def test_toxigen_gives_labels_groups_and_rewrites(tmp_path: Path) -> None:
    rows = made("toxigen_mbias", written(tmp_path, "toxigen-results.csv", TOXIGEN))
    assert [(row["label"], row["group"], row["mbias_7b"]) for row in rows] == [
        ("biased", "latino folks", "Some may rest"),
        ("neutral", "women", "We like tea"),
    ]


def test_what_is_converted_can_be_evaluated_on(tmp_path: Path) -> None:
    source = written(tmp_path, "test_suite_cases.csv", HATECHECK)
    result = CliRunner().invoke(app, ["convert", "hatecheck", str(source)])
    assert result.exit_code == 0, result.output
    texts = read_benchmark(written(tmp_path, "hatecheck.jsonl", result.stdout))
    assert [text.groups.get("group") for text in texts] == ["immigrants", "women", None]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("crows_pairs", "a,b\n1,2\n", "no column '', 'sent_more'"),
        ("crows_pairs", CROWS.replace("Old people, as ever, forgot it.", ""), ":2: text: .*at least 1"),
        ("hatecheck", HATECHECK.replace(",hateful,", ",unclear,"), ":2: label: "),
        ("hatecheck", HATECHECK.replace(",230,", ",17,"), r":3: the same row as .*:2"),
        ("paradetox", PARADETOX + "a\tb\tc\td\te\n", ":5: 5 columns where the header has 4"),
        ("wnc_sample", "1\ta\tb\n", ":1: 3 columns; WNC has"),
        ("bold_wikipedia", "[1]", "not {group"),
        ("bold_wikipedia", "{", "not JSON"),
        ("toxigen_mbias", TOXIGEN.splitlines()[0], "no rows"),
    ],
)
def test_a_file_of_another_form_is_named_with_its_row(tmp_path: Path, name: str, content: str, message: str) -> None:
    path = written(tmp_path, "file.test", content)
    with pytest.raises(DataError, match=message) as caught:
        list(convert(name, [path]))
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_text_that_one_of_mbias_files_lacks_is_named(tmp_path: Path) -> None:
    paths = [
        written(tmp_path, f"{number}.csv", content)
        for number, content in enumerate((MBIAS_REFERENCES, MBIAS_ANSWERS + "New,x\n", MBIAS_PROMPTED))
    ]
    with pytest.raises(DataError, match=r"1\.csv:4: its biased_text is not in .*0\.csv"):
        list(convert("mbias_test", paths))


def test_a_wrong_number_of_files_or_an_unknown_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="made from train-500") as caught:
        list(convert("mbias_test", [tmp_path / "a.csv"]))
    assert caught.value.hint == "name the files in this order"
    with pytest.raises(DataError, match="unknown source 'crows'"):
        list(convert("crows", [tmp_path / "a.csv"]))


@pytest.mark.parametrize("name", SOURCES)
def test_a_missing_file_is_one_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="No such file"):
        list(convert(name, [tmp_path / "none"] * len(SOURCES[name].files)))
