"""Write the list of common words that the names guard uses, from the training split of the project's own pairs.

usage: python convert/make_common_words.py

A word is common when it occurs in lower case anywhere in the training texts: then its capitalised form in a heading or
at the start of a sentence is no name.
"""

from __future__ import annotations

import re
from pathlib import Path

from srllm_cli.training.pairs import read_pairs
from srllm_cli.training.splits import split_pairs

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "srllm_cli" / "debias" / "data" / "common_words.txt"


def main() -> None:
    """Write the file, sorted, one word a line."""
    texts = [
        text
        for pair in split_pairs(read_pairs([ROOT / "data" / "pairs"])).train
        for text in (pair.biased_text, pair.debiased_text)
    ]
    found = {word for text in texts for word in re.findall(r"(?<![\w@/.-])[a-zà-ÿ]{3,}(?![\w@/-]|\.\w)", text)}
    OUT.write_text("\n".join(sorted(found)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
