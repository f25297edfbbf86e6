"""``hf:owner/repo[@revision]/file.gguf`` to a file in the Hugging Face cache, fetched when it is not there yet.

The client is huggingface_hub: resume, hashes, proxies, tokens, mirrors (``HF_ENDPOINT``) and ``HF_HUB_OFFLINE`` are its
own. GGUF files only: nothing that could hold code is fetched.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from srllm_cli.errors import ModelError

SCHEME = "hf:"
FORM = "hf:owner/repo/file.gguf, or hf:owner/repo@revision/file.gguf"
_NAME = re.compile(r"^hf:(?P<repo>[\w.-]+/[\w.-]+?)(@(?P<revision>[\w.-]+))?/(?P<file>[\w./ +-]+)$")


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a repository on the hub; ``revision`` is a branch, tag or commit, ``None`` for the default branch."""

    repository: str
    revision: str | None
    file: str


def parse(name: str) -> HubFile:
    """Parse a name that begins with ``hf:``.

    Raises:
        ModelError: when it has another form, or names another kind of file than GGUF.
    """
    match = _NAME.match(name)
    if match is None or ".." in match["file"].split("/"):
        raise ModelError(f"{name!r} is not the name of a file on the hub", hint=f"write {FORM}")
    if not match["file"].endswith(".gguf"):
        raise ModelError(f"{name!r}: only .gguf files are fetched", hint=f"write {FORM}")
    return HubFile(match["repo"], match["revision"], match["file"])


def fetch(name: str, progress: Callable[[str, float | None], None] | None = None) -> Path:
    """Return the local path of a file on the hub, fetching it when it is not in the cache.

    Raises:
        ModelError: when it does not exist, needs a login, or cannot be reached.
    """
    wanted = parse(name)
    cached = _cached(wanted)
    if cached is not None:
        return cached
    if progress:
        progress(f"fetching {wanted.file} from {wanted.repository}", None)
    return _download(wanted, name, None)


def fetch_into(folder: Path, wanted: HubFile) -> Path:
    """Fetch a file into a folder of its own, without huggingface_hub's bars; a run that was cut short goes on.

    What is in the Hugging Face cache already is copied from there.

    Raises:
        ModelError: as :func:`fetch`.
    """
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    cached = _cached(wanted)
    if cached is not None:
        folder.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copyfile(cached, folder / Path(wanted.file).name))
    shown = not are_progress_bars_disabled()
    disable_progress_bars()
    try:
        return _download(wanted, wanted.repository, folder)
    finally:
        if shown:
            enable_progress_bars()


def _download(wanted: HubFile, name: str, folder: Path | None) -> Path:
    """Fetch into the Hugging Face cache, or into ``folder``; errors speak of ``name``."""
    from huggingface_hub import errors, get_hf_file_metadata, hf_hub_download, hf_hub_url

    where = f"{wanted.repository}@{wanted.revision}" if wanted.revision else wanted.repository
    try:
        # Asked once: the download itself retries for half a minute where there is no network, and logs each try.
        url = hf_hub_url(wanted.repository, wanted.file, revision=wanted.revision)
        size = get_hf_file_metadata(url).size
        if folder is not None:
            return _resume(url, size, folder / Path(wanted.file).name)
        return Path(hf_hub_download(wanted.repository, wanted.file, revision=wanted.revision))
    except errors.GatedRepoError as error:
        hint = "accept its licence on the hub and log in: hf auth login"
        raise ModelError(f"{name}: {where} needs a login", hint=hint) from error
    except errors.RevisionNotFoundError as error:
        raise ModelError(f"{name}: {wanted.repository} has no revision {wanted.revision}") from error
    except errors.RepositoryNotFoundError as error:
        hint = "check the name; a private one needs a login: hf auth login"
        raise ModelError(f"{name}: no repository {wanted.repository}", hint=hint) from error
    except errors.LocalEntryNotFoundError as error:
        raise _unreachable(name) from error
    except errors.EntryNotFoundError as error:
        raise ModelError(f"{name}: {where} has no file {wanted.file}", hint="look at its list of files") from error
    except errors.HfHubHTTPError as error:
        raise ModelError(f"{name}: the hub answered with an error: {_first_line(error)}", hint="try again") from error
    except (errors.HTTPError, ConnectionError) as error:  # type: ignore[attr-defined]  # no answer, or offline mode
        raise _unreachable(name) from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{name}: cannot be fetched: {_first_line(error)}") from error


def _resume(url: str, size: int | None, path: Path) -> Path:
    """Fetch to ``path`` from where an earlier run stopped.

    ``hf_hub_download`` goes on after a broken connection, but begins anew after a killed process.
    """
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # documented there

    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    if size is not None and part.is_file() and part.stat().st_size > size:
        part.unlink()
    with part.open("ab") as stream:
        http_get(url, stream, resume_size=stream.tell(), headers=build_hf_headers(), expected_size=size)
    return part.replace(path)


def _unreachable(name: str) -> ModelError:
    hint = "connect, or give a local .gguf file, or use the built-in model"
    return ModelError(f"{name}: the hub cannot be reached and the file is not in the cache", hint=hint)


def _cached(wanted: HubFile) -> Path | None:
    """Return a file that is in the cache already. The same command then works without a network, and without asking.

    A branch that moved on is thus not fetched again; a revision pins what is meant.
    """
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(wanted.repository, wanted.file, revision=wanted.revision)
    return Path(found) if isinstance(found, str) and Path(found).is_file() else None


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
