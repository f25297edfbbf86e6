"""Hugging Face checkpoints and LoRA adapters to GGUF, and GGUF to other quantisations."""
