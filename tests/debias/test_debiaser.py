"""The loop of verdict, rewrite, guards and second verdict, with an engine whose answers are written down here."""

from collections.abc import Sequence

from srllm_cli.debias.debiaser import PassageDebiaser, Screen, Settings, Task, branch_points
from srllm_cli.debias.diff import apply_all
from srllm_cli.debias.engine import Decoded, DecodeRequest
from srllm_cli.debias.protocol import Protocol
from srllm_cli.debias.types import Passage, Piece, PieceKind, ScoredPassage, Status

FORCED = (0,)


class WrittenEngine:
    """Gives the scores and answers that it was made with (an engine's interface without a model)."""

    def __init__(self, scores: dict[str, float], answers: dict[str, list[str]], protocol: str = "verdict") -> None:
        self.protocol = Protocol(protocol)
        self.scores, self.answers = scores, answers
        self.decoded: list[str] = []
        self.shown: list[str] = []

    def score(self, texts: Sequence[str]) -> list[float]:
        self.shown += texts
        return [self.scores.get(text, 0.0) for text in texts]

    def biased_prefix(self) -> tuple[int, ...]:
        return FORCED

    def decode(self, requests: Sequence[DecodeRequest]) -> list[Decoded]:
        results = []
        for request in requests:
            self.decoded.append(request.text)
            branch = 0 if request.forced in (FORCED, ()) else request.forced[-1]
            answers = self.answers.get(request.text, ["unbiased"])
            text = answers[min(branch, len(answers) - 1)]
            steps = len(answers)
            results.append(Decoded(text, (0,) * steps, (-1, *range(1, steps)), (0.0, *[0.5] * (steps - 1)), True))
        return results


def passage(text: str) -> Passage:
    return Passage(text, (Piece(0, len(text), 0, len(text), PieceKind.TEXT),))


def run(engine: WrittenEngine, text: str, **settings: float) -> tuple[str, list[Status]]:
    results = PassageDebiaser(engine, Settings(**settings)).debias([Task(passage(text))])[0]
    edits = [edit for result in results.found for edit in result.edits]
    return apply_all(text, edits), [result.status for result in results.found]


def test_a_neutral_sentence_costs_no_decoding() -> None:
    engine = WrittenEngine({}, {})
    assert run(engine, "Water boils. Ice melts.") == ("Water boils. Ice melts.", [])
    assert engine.decoded == []


def test_only_the_biased_sentence_of_a_biased_paragraph_is_rewritten() -> None:
    text = "Ice melts. The chairman spoke."
    engine = WrittenEngine(
        {text: 0.9, "The chairman spoke.": 0.9}, {"The chairman spoke.": ["biased: gender\nThe chair spoke."]}
    )
    assert run(engine, text) == ("Ice melts. The chair spoke.", [Status.REWRITTEN])
    assert engine.decoded == ["The chairman spoke."]


def test_a_biased_paragraph_in_which_no_sentence_stands_out_is_rewritten_whole() -> None:
    text = "Ada is 83. One expects a rocking chair."
    engine = WrittenEngine({text: 0.9}, {text: ["biased: age\nAda is 83. She signed."]})
    assert run(engine, text) == ("Ada is 83. She signed.", [Status.REWRITTEN])


def test_a_sentence_is_not_looked_at_in_a_paragraph_that_is_neutral() -> None:
    engine = WrittenEngine({"The chairman spoke.": 0.9}, {})
    assert run(engine, "Ice melts. The chairman spoke.") == ("Ice melts. The chairman spoke.", [])


def test_every_paragraph_has_its_score() -> None:
    core = PassageDebiaser(WrittenEngine({"Ice melts.": 0.25}, {}), Settings())
    assert core.debias([Task(passage("Ice melts."))])[0].scored == (ScoredPassage(0, 10, 0.25),)


def test_the_threshold_decides_what_is_rewritten() -> None:
    engine = WrittenEngine({"The chairman spoke.": 0.4}, {"The chairman spoke.": ["biased: gender\nThe chair spoke."]})
    assert run(engine, "The chairman spoke.", threshold=0.5)[1] == []
    assert run(engine, "The chairman spoke.", threshold=0.3)[1] == [Status.REWRITTEN]


def test_a_rewrite_that_is_still_biased_is_rewritten_again() -> None:
    first, second = "The chairman and his girls spoke.", "The chair and his girls spoke."
    engine = WrittenEngine(
        {first: 0.9, second: 0.85},
        {first: [f"biased: gender\n{second}"], second: ["biased: gender\nThe chair and the staff spoke."]},
    )
    # The second round's edits are guarded against the source, so both rounds' edits show.
    text, status = run(engine, first)
    assert (text, status) == ("The chair and the staff spoke.", [Status.REWRITTEN])


def test_a_copy_of_the_source_is_no_answer_and_the_next_best_path_is_taken() -> None:
    source = "The chairman spoke."
    engine = WrittenEngine({source: 0.9}, {source: [f"biased: gender\n{source}", "biased: gender\nThe chair spoke."]})
    assert run(engine, source) == ("The chair spoke.", [Status.REWRITTEN])


def test_what_no_round_can_mend_stays_and_needs_review() -> None:
    source = "The chairman spoke."
    engine = WrittenEngine({source: 0.9, "The boss spoke.": 0.9}, {source: ["biased: gender\nThe boss spoke."]})
    assert run(engine, source) == (source, [Status.NEEDS_REVIEW])


def test_a_malformed_answer_changes_nothing() -> None:
    source = "The chairman spoke."
    engine = WrittenEngine({source: 0.9}, {source: ["I cannot help with that."]})
    assert run(engine, source) == (source, [Status.NEEDS_REVIEW])


def test_the_smallest_edit_wins_among_good_candidates() -> None:
    source = "The chairman spoke about the new plan for an hour."
    long_one = "Someone talked about plans."
    engine = WrittenEngine(
        {source: 0.9, "The boss spoke about the new plan for an hour.": 0.9},
        {
            source: [
                "biased: gender\nThe boss spoke about the new plan for an hour.",
                f"biased: gender\n{long_one}",
                "biased: gender\nThe chair spoke about the new plan for an hour.",
            ]
        },
    )
    assert run(engine, source)[0] == "The chair spoke about the new plan for an hour."


def test_protocol_plain_rewrites_without_a_score() -> None:
    source = "The chairman spoke."
    engine = WrittenEngine({}, {source: ["The chair spoke."]}, protocol="plain")
    assert run(engine, source) == ("The chair spoke.", [Status.REWRITTEN])


def test_a_passage_has_the_same_result_alone_and_among_others() -> None:
    sources = ["The chairman spoke.", "Ice melts.", "The girls left."]
    engine = WrittenEngine(
        {sources[0]: 0.9, sources[2]: 0.9},
        {sources[0]: ["biased: gender\nThe chair spoke."], sources[2]: ["biased: gender\nThe staff left."]},
    )
    core = PassageDebiaser(engine, Settings())
    together = core.debias([Task(passage(source)) for source in sources])
    assert together == [core.debias([Task(passage(source))])[0] for source in sources]


NEUTRAL, UNSURE, BIASED = "Ice melts.", "The girls left.", "The chairman spoke."


def test_what_the_screen_is_sure_of_never_reaches_the_engine() -> None:
    small = WrittenEngine({NEUTRAL: 0.01, UNSURE: 0.2, BIASED: 0.6}, {})
    large = WrittenEngine(
        {NEUTRAL: 0.9, UNSURE: 0.1, BIASED: 0.9},
        {NEUTRAL: ["biased: gender\nIce stays."], BIASED: ["biased: gender\nThe chair spoke."]},
    )
    core = PassageDebiaser(large, Settings(), Screen(small, 0.1))
    results = core.debias([Task(passage(text)) for text in (NEUTRAL, UNSURE, BIASED)])
    assert small.shown == [NEUTRAL, UNSURE, BIASED]
    assert NEUTRAL not in large.shown + large.decoded
    assert [result.scored for result in results] == [
        (ScoredPassage(0, 10, 0.01, screened=True),),
        (ScoredPassage(0, 15, 0.1),),
        (ScoredPassage(0, 19, 0.9),),
    ]
    assert [len(result.found) for result in results] == [0, 0, 1]


def test_a_score_at_the_screens_threshold_is_shown_to_the_engine() -> None:
    large = WrittenEngine({}, {})
    PassageDebiaser(large, Settings(), Screen(WrittenEngine({NEUTRAL: 0.1}, {}), 0.1)).debias([Task(passage(NEUTRAL))])
    assert large.shown == [NEUTRAL]


def test_a_screen_spares_a_model_without_scores_its_answers() -> None:
    plain = WrittenEngine({}, {BIASED: ["The chair spoke."]}, protocol="plain")
    core = PassageDebiaser(plain, Settings(), Screen(WrittenEngine({BIASED: 0.9}, {}), 0.5))
    neutral, biased = core.debias([Task(passage(NEUTRAL)), Task(passage(BIASED))])
    assert plain.decoded == [BIASED]
    assert neutral.scored == (ScoredPassage(0, 10, 0.0, screened=True),)
    assert biased.scored == (ScoredPassage(0, 19, None),)
    assert [unit.status for unit in biased.found] == [Status.REWRITTEN]


def test_branches_leave_the_answer_where_the_model_was_least_sure() -> None:
    answer = Decoded("", (10, 11, 12, 13), (-1, 21, 22, 23), (0.0, 3.0, 0.2, 1.0), True)
    assert branch_points(answer, fixed=1, count=2) == [(10, 11, 22), (10, 11, 12, 23)]
