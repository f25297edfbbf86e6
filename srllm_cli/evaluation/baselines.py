"""What srllm is compared with: an inclusive-language linter, a word list, and language models that are only prompted.

Each is a ``System``. Programs and libraries that they need are looked up when they first run, and their absence is one
clear error. Knows nothing of metrics or reports.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from srllm_cli.debias.protocol import PLAIN_INSTRUCTION
from srllm_cli.errors import ModelError, SrllmError
from srllm_cli.evaluation.edits import tokenize, word_edits
from srllm_cli.evaluation.systems import CoversAll, SystemOutput, file_mark
from srllm_cli.evaluation.texts import EvalText
from srllm_cli.training.pairs import Pair

#: A term enters the word list when the training pairs edit it this often, and in this share of the texts that have it.
MIN_EDITED = 3
MIN_SHARE = 0.5
#: Texts that one run of alex is given: enough to hide node's start, few enough to show progress.
_ALEX_BATCH = 200
_ALEX_FILE = re.compile(r"^(\d{4})\.txt(?::|$)")
_ALEX_MESSAGE = re.compile(r"^\s+\d+:\d+(?:-\d+:\d+)?\s+(?:warning|error)\b")

#: Turns shown to a prompted model before the text: three bias types and a neutral text that mentions a group.
EXAMPLES = (
    (
        "Our new chairman, an excitable woman, opened the Leeds office on 4 May.",
        "Our new chair opened the Leeds office on 4 May.",
    ),
    (
        "Two in five of the 1,200 members are over 65, and the choir meets on Mondays.",
        "Two in five of the 1,200 members are over 65, and the choir meets on Mondays.",
    ),
    (
        "Like all immigrants he was after benefits, so he filed form B12 within a week.",
        "He filed form B12 within a week.",
    ),
    (
        "Only an idiot would set the timeout to 0; the default is 30 seconds.",
        "Setting the timeout to 0 is not advisable; the default is 30 seconds.",
    ),
)


class MissingToolError(SrllmError):
    """A baseline needs a program that is not installed."""


class Alex(CoversAll):
    """The linter alex (npm), run as it comes. It flags and does not rewrite: the score is 1 where it has a message."""

    name = "alex"

    @property
    def fingerprint(self) -> str:
        """The installed version."""
        return f"alex|{self._run(['--version'], Path.cwd()).strip()}"

    def rewrite_all(self, texts: Sequence[EvalText]) -> Iterator[SystemOutput]:
        """Lint the texts as plain text, some hundred files a run.

        Raises:
            MissingToolError: when ``alex`` is not on the path, or fails.
        """
        for start in range(0, len(texts), _ALEX_BATCH):
            batch = texts[start : start + _ALEX_BATCH]
            flagged = self._flagged([text.text for text in batch])
            for number, text in enumerate(batch):
                yield SystemOutput(text.text, float(number in flagged), flagged=number in flagged)

    def _flagged(self, texts: Sequence[str]) -> set[int]:
        """Return the positions of the texts that alex has a message for."""
        with tempfile.TemporaryDirectory() as folder:
            names = [f"{number:04}.txt" for number in range(len(texts))]
            for name, text in zip(names, texts, strict=True):
                (Path(folder) / name).write_text(text, encoding="utf-8")
            report = self._run(["--text", *names], Path(folder))
        flagged: set[int] = set()
        seen: set[int] = set()
        for line in report.splitlines():
            if match := _ALEX_FILE.match(line):
                seen.add(int(match[1]))
                current = int(match[1])
            elif _ALEX_MESSAGE.match(line) and seen:
                flagged.add(current)
        if len(seen) != len(texts):
            raise MissingToolError(f"alex reported on {len(seen)} of {len(texts)} texts", hint="tested with alex 11")
        return flagged

    @staticmethod
    def _run(arguments: list[str], folder: Path) -> str:
        program = shutil.which("alex")
        if program is None:
            raise MissingToolError("alex is not on the path", hint="npm install --global alex")
        result = subprocess.run(  # noqa: S603 - the program found on the path, with our own arguments
            [program, *arguments], cwd=folder, capture_output=True, encoding="utf-8", check=False
        )
        if result.returncode not in (0, 1):  # 1: there are messages
            lines = result.stderr.strip().splitlines() or ["no message"]
            raise MissingToolError(f"alex failed: {lines[-1]}", hint="tested with alex 11")
        return result.stdout + result.stderr


class WordList(CoversAll):
    """Replaces each term of a list, whatever the sentence. Flags a text in which a term occurs (score 0 or 1)."""

    name = "wordlist"

    def __init__(self, terms: Mapping[str, str]) -> None:
        """Take lower-case terms with their replacements (empty: delete)."""
        self._terms = dict(terms)
        longest_first = sorted(self._terms, key=lambda term: (-len(term), term))
        self._pattern = re.compile(
            rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first)) or '(?!)'})(?!\w)", re.IGNORECASE
        )
        self.fingerprint = "wordlist|" + hashlib.sha256(repr(sorted(self._terms.items())).encode()).hexdigest()[:16]

    def rewrite_all(self, texts: Sequence[EvalText]) -> Iterator[SystemOutput]:
        """Substitute every occurrence; a deleted term takes the space before it along."""
        for text in texts:
            rewritten, count = self._pattern.subn(self._replace, text.text)
            if count:
                rewritten = re.sub(r" +(?=[ ,.;:!?])", "", rewritten).strip(" ")
            yield SystemOutput(rewritten, float(count > 0), flagged=count > 0)

    def _replace(self, match: re.Match[str]) -> str:
        replacement = self._terms[match[0].lower()]
        return replacement[:1].upper() + replacement[1:] if match[0][0].isupper() else replacement


class Prompted(CoversAll):
    """An instruct model in GGUF, asked in plain words and not tuned. No score; greedy."""

    def __init__(self, path: Path, *, few_shot: bool = False) -> None:
        """Take a model file, and whether it sees examples first (EXAMPLES).

        Raises:
            ModelError: when there is no such file.
        """
        if not path.is_file():
            raise ModelError(f"{path}: no such model file")
        self.name = f"{'fewshot' if few_shot else 'prompted'}:{path.name}"
        shown = EXAMPLES if few_shot else ()
        mark = hashlib.sha256(repr((PLAIN_INSTRUCTION, shown)).encode()).hexdigest()[:16]
        self.fingerprint = f"prompted|{file_mark(str(path))}|{mark}"
        self._path, self._shown = path, shown
        self._model: Any = None

    def rewrite_all(self, texts: Sequence[EvalText]) -> Iterator[SystemOutput]:
        """Ask for one rewrite after the other; an empty answer counts as leaving the text as it is."""
        if self._model is None:
            self._model = self._load()
        for text in texts:
            answer = self._ask(text.text) or text.text
            yield SystemOutput(answer, None, flagged=answer != text.text)

    def _load(self) -> Any:
        from llama_cpp import Llama

        try:
            return Llama(model_path=str(self._path), n_ctx=4096, verbose=False)
        except (ValueError, OSError) as error:
            raise ModelError(f"{self._path}: cannot be loaded as a GGUF model") from error

    def _ask(self, text: str) -> str:
        turns = [(f"{PLAIN_INSTRUCTION}\n\nText: {shown}", answer) for shown, answer in self._shown]
        messages = [
            message
            for question, answer in turns
            for message in ({"role": "user", "content": question}, {"role": "assistant", "content": answer})
        ]
        messages.append({"role": "user", "content": f"{PLAIN_INSTRUCTION}\n\nText: {text}"})
        length = len(self._model.tokenize(text.encode(), add_bos=False, special=False))
        reply = self._model.create_chat_completion(messages, temperature=0.0, max_tokens=2 * length + 32)
        return str(reply["choices"][0]["message"]["content"] or "").strip()


def learn_word_list(pairs: Sequence[Pair]) -> dict[str, str]:
    """Return the terms that the pairs edit often and seldom leave standing, with their commonest replacement.

    Counted on word-level edits of one to three words, lower case. Give it training records only: a list made of the
    texts under test would know the answers.
    """
    edited: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for pair in pairs:
        source = tokenize(pair.biased_text)
        for edit in word_edits(pair.biased_text, pair.debiased_text):
            term = tuple(word.lower() for word in source[edit.start : edit.end])
            if 1 <= len(term) <= 3 and all(word[0].isalpha() for word in term):
                edited[term][" ".join(edit.words)] += 1
    frequent = {term: replacements for term, replacements in edited.items() if replacements.total() >= MIN_EDITED}
    occurs = _count_texts(frequent, pairs)
    return {
        " ".join(term): replacements.most_common(1)[0][0]
        for term, replacements in sorted(frequent.items())
        if replacements.total() >= MIN_SHARE * occurs[term]
    }


def _count_texts(terms: Mapping[tuple[str, ...], Any], pairs: Sequence[Pair]) -> Counter[tuple[str, ...]]:
    """Count in how many biased and neutral source texts each term occurs."""
    counts: Counter[tuple[str, ...]] = Counter()
    for pair in pairs:
        words = [word.lower() for word in tokenize(pair.biased_text)]
        grams = {tuple(words[i : i + size]) for size in (1, 2, 3) for i in range(len(words) - size + 1)}
        counts.update(grams & terms.keys())
    return counts
