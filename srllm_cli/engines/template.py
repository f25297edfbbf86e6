"""Protocol ``plain`` for a model that brings no protocol: its chat template around our instruction."""

from __future__ import annotations

from llama_cpp.llama_chat_format import Jinja2ChatFormatter

from srllm_cli.debias.protocol import PLAIN_INSTRUCTION, Protocol
from srllm_cli.errors import ModelError

#: Stands for the passage while the template is rendered; no template contains or alters it.
_PASSAGE = "\ue000passage\ue001"


def plain_protocol(template: str | None, end: str, model: str) -> Protocol:
    """Return protocol ``plain`` with the prompt cut in two at the passage.

    Raises:
        ModelError: when there is no chat template, or it does not carry the user's text as it stands.
    """
    if not template:
        raise ModelError(
            f"{model}: it has neither srllm's protocol nor a chat template", hint="use an instruct model's GGUF"
        )
    formatter = Jinja2ChatFormatter(template=template, eos_token=end, bos_token="", add_generation_prompt=True)
    content = f"{PLAIN_INSTRUCTION}\n\nText:\n{_PASSAGE}"
    prompt = formatter(messages=[{"role": "user", "content": content}]).prompt
    prefix, passage, suffix = prompt.partition(_PASSAGE)
    if not passage:
        raise ModelError(f"{model}: its chat template does not carry the user's text")
    return Protocol(name="plain", prefix=prefix, suffix=suffix, end=end)
