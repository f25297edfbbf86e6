"""The errors a user can cause or meet, each with its exit code. Nothing here prints: ``cli`` does."""

from __future__ import annotations


class SrllmError(Exception):
    """Base of every expected error. ``hint`` says what to do, in one line."""

    exit_code = 2

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class InputError(SrllmError):
    """A document cannot be read: missing, a directory, binary, undecodable."""


class ConfigurationError(SrllmError):
    """A settings file, an environment variable or a baseline file is wrong; the message names it and the key."""


class ModelError(SrllmError):
    """A model is unknown, broken, of another kind, or cannot be fetched."""


class DataError(SrllmError):
    """Training or evaluation data breaks its form; the message names file and row."""


class TrainingError(SrllmError):
    """A training, merging or conversion run cannot start or go on."""


class MissingExtraError(SrllmError):
    """A command needs an optional dependency that is not installed."""

    def __init__(self, command: str, extra: str) -> None:
        super().__init__(f"srllm {command} needs the extra [{extra}]", hint=f"pip install 'srllm[{extra}]'")
