"""The benchmark: srllm beside what else does its job, on the same GGUF and passages, interleaved in one run.

``make bench`` runs it (``python -m bench --help``). Each system lives in a process of its own, so that its peak memory
is its own; ``run`` asks them in turn, ``figures`` makes figures of what they took, ``page`` and ``plot`` write them
down.
"""
