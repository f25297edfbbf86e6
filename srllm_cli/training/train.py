"""One training run: recipe and pairs in, a LoRA adapter with its recipe and log out.

The loop, the schedule, checkpoints and resuming are transformers' ``Trainer``; this project's own part is what goes
into a batch and how its tokens are weighed. Needs the extra ``[train]``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch.utils.data import DataLoader, Dataset, Sampler
from transformers import Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from srllm_cli.debias.protocol import Protocol
from srllm_cli.errors import TrainingError
from srllm_cli.training.base_model import load_base
from srllm_cli.training.batches import padding_share, plan_batches
from srllm_cli.training.examples import Encoded, build_examples, encode
from srllm_cli.training.pairs import Pair, fingerprint
from srllm_cli.training.recipe import Recipe
from srllm_cli.training.splits import split_pairs
from srllm_convert.metadata import RECIPE_FILE

ADAPTER_FOLDER = "adapter"
LOG_FILE = "log.jsonl"


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run reports after a step. ``loss`` is ``None`` where it was not measured."""

    step: int
    steps: int
    loss: float | None
    learning_rate: float | None
    tokens: int


def train(
    recipe: Recipe,
    pairs: Sequence[Pair],
    out: Path,
    *,
    resume: bool = True,
    report: Callable[[Progress], None] | None = None,
) -> Path:
    """Train a LoRA adapter on the training split of ``pairs`` and return its folder, ``out/adapter``.

    Checkpoints go to ``out/checkpoint-N``; with ``resume``, a run that was killed goes on from the last one.

    Raises:
        TrainingError: when ``out`` holds a run with another recipe or other data.
    """
    out.mkdir(parents=True, exist_ok=True)
    identity = {**json.loads(recipe.to_json()), "data": fingerprint(pairs)}
    last = _claim(out, identity) if resume else None

    bf16 = _has_bfloat16()
    torch.manual_seed(recipe.seed)
    base, tokenizer = load_base(recipe.base, torch.bfloat16 if bf16 else torch.float32)
    protocol = Protocol(recipe.protocol)
    encoded, batches = training_plan(recipe, split_pairs(pairs).train, tokenizer, protocol)
    lengths = [len(example.tokens) for example in encoded]

    base.config.use_cache = False
    model = _adapted(base, recipe)
    arguments = TrainingArguments(
        output_dir=str(out),
        num_train_epochs=1,  # the plan holds every pass
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=max(1, round(recipe.warmup_share * len(batches))),
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm,
        bf16=bf16,
        use_cpu=not torch.cuda.is_available(),
        logging_steps=max(1, min(10, len(batches) // 10)),
        save_steps=recipe.checkpoint_steps,
        save_total_limit=2,
        seed=recipe.seed,
        data_seed=recipe.seed,
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_num_workers=0,
        dataloader_pin_memory=torch.cuda.is_available(),
    )
    trainer = AnswerTrainer(
        model=model,
        args=arguments,
        train_dataset=EncodedDataset(encoded),
        data_collator=Collator(pad=tokenizer.pad_token_id or tokenizer.eos_token_id or 0),
        callbacks=[_Reporter(report, [sum(lengths[i] for i in batch) for batch in batches], out / LOG_FILE)],
        plan=batches,
    )
    logging.getLogger(__name__).info(
        "%d examples, %d steps, padding %.1f %%", len(encoded), len(batches), 100 * padding_share(lengths, batches)
    )
    trainer.train(resume_from_checkpoint=last)
    adapter = out / ADAPTER_FOLDER
    model.save_pretrained(adapter)
    tokenizer.save_pretrained(adapter)
    (adapter / RECIPE_FILE).write_text(json.dumps(identity, indent=2) + "\n", encoding="utf-8")
    return adapter


def training_plan(
    recipe: Recipe, pairs: Sequence[Pair], tokenizer: Any, protocol: Protocol
) -> tuple[list[Encoded], list[list[int]]]:
    """Return every example of every pass, encoded, and the batches (indices into them) in the order of the run.

    ``recipe.max_steps`` cuts the run short (0: no), with the learning rate's schedule as long as what is left.
    """
    encoded: list[Encoded] = []
    batches: list[list[int]] = []
    passes = build_examples(
        pairs,
        seed=recipe.seed,
        passes=recipe.passes,
        twin_share=recipe.twin_share,
        sentence_share=recipe.sentence_share,
        shares=dict(recipe.shares),
    )
    for number, examples in enumerate(passes):
        fresh = [encode(example, tokenizer, protocol, recipe.loss_weights) for example in examples]
        fresh = [example for example in fresh if len(example.tokens) <= recipe.max_tokens]
        plan = plan_batches([len(example.tokens) for example in fresh], recipe.tokens_per_batch, recipe.seed + number)
        batches += [[index + len(encoded) for index in batch] for batch in plan]
        encoded += fresh
    return encoded, batches[: recipe.max_steps or None]


def _adapted(base: Any, recipe: Recipe) -> Any:
    """Return the base with a new LoRA, or with that of an earlier run to go on from.

    Raises:
        TrainingError: when the earlier adapter cannot be read or does not fit the base.
    """
    if not recipe.start:
        return get_peft_model(
            base,
            LoraConfig(
                r=recipe.rank,
                lora_alpha=recipe.alpha,
                lora_dropout=recipe.dropout,
                target_modules=list(recipe.target_modules),
                task_type="CAUSAL_LM",
            ),
        )
    try:
        return PeftModel.from_pretrained(base, recipe.start, is_trainable=True)
    except (OSError, ValueError, RuntimeError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise TrainingError(f"{recipe.start}: not an adapter to go on from: {reason}") from error


def answer_loss(model: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return the weighted mean cross-entropy of the answers.

    The vocabulary projection is a fifth of a small model's arithmetic, so logits are made at answer positions only.
    Padding stands on the right, where causal attention never looks back at it from a real token, so no mask is needed.
    ``input_ids`` and ``weights`` are (batch, length); the result is a scalar.
    """
    causal = model.get_base_model() if hasattr(model, "get_base_model") else model
    hidden = causal.model(input_ids=batch["input_ids"], use_cache=False).last_hidden_state
    weights = batch["weights"][:, 1:]
    wanted = weights > 0
    logits = causal.lm_head(hidden[:, :-1][wanted])  # (answer tokens, vocabulary)
    losses = torch.nn.functional.cross_entropy(logits.float(), batch["input_ids"][:, 1:][wanted], reduction="none")
    chosen = weights[wanted]
    return (losses * chosen).sum() / chosen.sum()


class EncodedDataset(Dataset[Encoded]):  # type: ignore[misc]
    """The encoded examples, by index."""

    def __init__(self, examples: Sequence[Encoded]) -> None:
        self.examples = examples

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> Encoded:
        return self.examples[index]


class PlannedBatches(Sampler[list[int]]):  # type: ignore[misc]
    """Yields the batches of a plan in their order."""

    def __init__(self, plan: Sequence[list[int]]) -> None:
        self.plan = plan

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self.plan)

    def __len__(self) -> int:
        return len(self.plan)


@dataclass(frozen=True, slots=True)
class Collator:
    """Pads a batch on the right; padding has weight 0."""

    pad: int

    def __call__(self, examples: Sequence[Encoded]) -> dict[str, torch.Tensor]:
        """Return ``input_ids`` and ``weights``, each (batch, longest length)."""
        width = max(len(example.tokens) for example in examples)
        ids = torch.full((len(examples), width), self.pad, dtype=torch.long)
        weights = torch.zeros((len(examples), width), dtype=torch.float32)
        for row, example in enumerate(examples):
            size = len(example.tokens)
            ids[row, :size] = torch.tensor(example.tokens)
            weights[row, :size] = torch.tensor(example.weights)
        return {"input_ids": ids, "weights": weights}


class AnswerTrainer(Trainer):  # type: ignore[misc]
    """``Trainer`` with planned batches and the weighted answer loss."""

    def __init__(self, *args: Any, plan: Sequence[list[int]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._plan = plan
        self.model_accepts_loss_kwargs = False

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Return the loader of the planned batches."""
        loader: DataLoader[Any] = DataLoader(
            self.train_dataset, batch_sampler=PlannedBatches(self._plan), collate_fn=self.data_collator
        )
        prepared: DataLoader[Any] = self.accelerator.prepare(loader)
        return prepared

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the weighted answer loss of a batch."""
        with self.compute_loss_context_manager():
            loss = answer_loss(model, inputs)
        return (loss, None) if return_outputs else loss


class _Reporter(TrainerCallback):  # type: ignore[misc]
    """Passes progress on and keeps the log file."""

    def __init__(self, report: Callable[[Progress], None] | None, tokens: Sequence[int], log: Path) -> None:
        self._report, self._tokens, self._log = report, tokens, log

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        """Append what the trainer logs to the log file."""
        entry = {"step": state.global_step, **(logs or {})}
        with self._log.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(entry) + "\n")

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Report the step."""
        if self._report:
            last = state.log_history[-1] if state.log_history else {}
            done = state.global_step
            self._report(
                Progress(done, len(self._tokens), last.get("loss"), last.get("learning_rate"), sum(self._tokens[:done]))
            )


def _claim(out: Path, identity: dict[str, Any]) -> str | None:
    """Take ``out`` for this run; return its last checkpoint, if there is one."""
    path = out / RECIPE_FILE
    if path.exists():
        if json.loads(path.read_text(encoding="utf-8")) != identity:
            raise TrainingError(
                f"{out} holds a run with another recipe or other data", hint="choose another --out, or remove it"
            )
    else:
        path.write_text(json.dumps(identity, indent=2) + "\n", encoding="utf-8")
    last: str | None = get_last_checkpoint(str(out))
    return last


def _has_bfloat16() -> bool:
    """Whether bfloat16 arithmetic is native here; emulated, it is slower than float32."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    capability = torch.backends.cpu.get_cpu_capability()
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return "AVX512" in capability and "avx512_bf16" in flags
