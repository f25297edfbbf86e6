"""``python -m srllm_cli``: the command line."""

from srllm_cli.cli import main

main()
