"""A language model that says a text in other words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glossator.errors import InputError
from glossator.model.encoder_decoder import decoder_start
from glossator.model.generate import generate
from glossator.model.language_model import LanguageModel
from glossator.model.remote import RemoteModel
from glossator.model.text_model import TextModel
from glossator.text import continue_ids, encode, encode_chat, encode_source

TEMPLATE = "Say the same in other words.\nText: {text}\nIn other words:"


class Rewriter:
    """Asks a model to reformulate, and takes what it writes up to the first line break.

    Args:
        model: a causal or encoder-decoder model, or one behind an endpoint.
        template: the prompt, with {text} in it. A model with a chat template gets it as a user's
            message.
        max_new_tokens: at most so many tokens are written.

    Attributes:
        record: model and prompt, for the record of a pair.

    Raises:
        InputError: a template without its place, or a model that does not write.
    """

    def __init__(
        self,
        model: LanguageModel | TextModel,
        template: str = TEMPLATE,
        max_new_tokens: int = 128,
    ) -> None:
        if template.count("{text}") != 1:
            raise InputError(f"got the template {template!r}: write {{text}} in it, once")
        writes = isinstance(model, RemoteModel) or (
            isinstance(model, LanguageModel) and model.continues
        )
        if not writes:
            raise InputError(f"{model.name} writes no text: give a causal language model")
        self.model, self.template, self.max_new_tokens = model, template, max_new_tokens
        self.record: Mapping[str, Any] = {"rewriter": model.name, "template": template}

    def __call__(self, text: str) -> str:
        """The text in other words; "" where the model writes nothing."""
        prompt = self.template.replace("{text}", text)
        if isinstance(self.model, RemoteModel):
            said = self.model.generate(prompt, max_new_tokens=self.max_new_tokens)
        else:
            assert isinstance(self.model, LanguageModel)
            said = self._written(self.model, prompt)
        return said.strip().partition("\n")[0].strip()

    def _written(self, model: LanguageModel, prompt: str) -> str:
        if model.kind == "encoder_decoder":
            start = encode_source(model.tokenizer, prompt, decoder_start(model, None))
        elif getattr(model.tokenizer, "chat_template", None):
            start = encode_chat(model.tokenizer, [{"role": "user", "content": prompt}])
        else:
            start = encode(model.tokenizer, prompt)
        new = generate(
            model,
            start.ids,
            source_length=start.source_length,
            max_new_tokens=self.max_new_tokens,
        )
        return continue_ids(model.tokenizer, start, new).continuation
