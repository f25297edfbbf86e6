"""What is in force for a document, and where it was said: flags over environment over the nearest settings file.

It knows keys, files and variables; what a setting does, it doesn't know.
"""

from __future__ import annotations

from srllm_cli.configuration.resolve import Configuration, Configurator, Value

__all__ = ["Configuration", "Configurator", "Value"]
