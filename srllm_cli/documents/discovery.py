"""From what a user names (files, folders, patterns) to the documents that are meant, each once.

It knows the file system, ``.gitignore`` and suffixes; who else may exclude a path, its caller says.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from srllm_cli.documents import format_of
from srllm_cli.errors import InputError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

#: Folders that hold no documents of the user's own.
_NEVER = frozenset({".git", ".hg", ".svn", ".jj", ".venv", "node_modules", "__pycache__"})
_PLAIN_SUFFIXES = frozenset({".txt", ".text"})
_WILD = frozenset("*?[")

#: Says of a path whether it is excluded; the keyword ``folder`` tells that all below it would be.
Excludes = Callable[..., bool]


def find_documents(names: Iterable[str], excludes: Excludes) -> Iterator[str]:
    """Yield the names of the documents that are meant, in order, each file once however often it is named.

    A file that is named comes as it is named, excluded or not: what to do with it then is the caller's matter. Of a
    folder, the documents in it and below come, by suffix, without what ``.gitignore`` files or ``excludes`` leave out;
    links to folders are not followed, and links to files only inside the folder. A pattern (``docs/**/*.md``) is that
    of Python's ``glob``. ``-`` is standard input.

    Raises:
        InputError: when a name is none of these, or nothing is found under it.
    """
    seen: set[str] = set()
    for name in names:
        for found in [name] if name == "-" else _expand(name, excludes):
            place = found if found == "-" else os.path.realpath(found)
            if place not in seen:
                seen.add(place)
                yield found


def _expand(name: str, excludes: Excludes) -> list[str]:
    if Path(name).is_dir():
        found = list(_walk(Path(name), excludes))
        if not found:
            raise InputError(f"{name}: no documents in this folder", "it looks for Markdown and .txt files")
        return found
    if os.path.lexists(name) or not _WILD.intersection(name):
        return [name]
    # A pattern means what a folder means: hidden files and what is ignored are left out.
    ignored = Ignored(Path(glob.escape(name)).parent)
    hits = [Path(hit) for hit in sorted(glob.glob(name, recursive=True))]  # noqa: PTH207 -- pathlib's has no absolute
    files = [hit for hit in hits if hit.is_file() and not excludes(hit) and not ignored.has(hit)]
    if not files:
        raise InputError(f"{name}: nothing matches this pattern")
    return [str(file) for file in files]


def _walk(top: Path, excludes: Excludes) -> Iterator[str]:
    ignored = Ignored(top)
    root = os.path.realpath(top)
    for folder, folders, files in os.walk(top):
        here = Path(folder)
        folders[:] = sorted(
            name
            for name in folders
            if name not in _NEVER
            and not excludes(here / name, folder=True)
            and not ignored.has(here / name, folder=True)
        )
        for name in sorted(files):
            path = here / name
            if _is_document(name) and not excludes(path) and not ignored.has(path) and _lies_in(path, root):
                yield str(path)


def _is_document(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in _PLAIN_SUFFIXES or format_of(name) != "plain"  # noqa: PTH122 -- quick


def _lies_in(path: Path, root: str) -> bool:
    """Whether a file is a regular one, or a link to one that lies in the folder too."""
    if not path.is_symlink():
        return path.is_file()
    return path.is_file() and Path(os.path.realpath(path)).is_relative_to(root)


class Ignored:
    """Answers what the ``.gitignore`` files of a tree leave out (stateful: remembers those that it read).

    They are looked for from a path up to the root of its Git work tree; where there is none, up to ``top``. The
    deepest file that says something about a path decides, and in it the last line.
    """

    def __init__(self, top: Path) -> None:
        self._root = _work_tree(top) or Path(os.path.realpath(top))
        self._specs: dict[Path, GitIgnoreSpec | None] = {}
        self._speaking: dict[str, list[tuple[GitIgnoreSpec, str]]] = {}

    def has(self, path: Path, *, folder: bool = False) -> bool:
        """Whether a path is ignored by a pattern for itself or for a folder above it."""
        parent, name = os.path.split(path)
        if parent not in self._speaking:
            self._speaking[parent] = list(self._specs_for(Path(os.path.realpath(parent))))
        for spec, prefix in self._speaking[parent]:
            said = spec.check_file(f"{prefix}{name}/" if folder else prefix + name).include
            if said is not None:
                return said
        return False

    def _specs_for(self, parent: Path) -> Iterator[tuple[GitIgnoreSpec, str]]:
        """Yield what may speak for a folder's entries, the deepest first, with the folder's path as it sees it."""
        if not parent.is_relative_to(self._root):
            return
        for above in (parent, *parent.parents):
            spec = self._spec(above)
            if spec is not None:
                yield spec, "" if above == parent else f"{parent.relative_to(above).as_posix()}/"
            if above == self._root:
                return

    def _spec(self, folder: Path) -> GitIgnoreSpec | None:
        if folder not in self._specs:
            self._specs[folder] = _read_spec(folder / ".gitignore")
        return self._specs[folder]


def _read_spec(path: Path) -> GitIgnoreSpec | None:
    if not path.is_file():
        return None
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(path.read_text(encoding="utf-8", errors="surrogateescape").splitlines())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be used: {error}") from error


def _work_tree(top: Path) -> Path | None:
    """Return the root of the Git work tree that a folder lies in."""
    place = Path(os.path.realpath(top))
    return next((folder for folder in (place, *place.parents) if (folder / ".git").exists()), None)
