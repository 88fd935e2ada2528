"""One sentence pattern filled with words, and the record of which of those words decide."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Span = tuple[int, int]

_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Link:
    """A word of the continuation and the words of the text that fix it.

    Attributes:
        word: characters of the continued word, counted in `Item.text`.
        sources: characters of the earlier words that it follows from, in `Item.text`.
    """

    word: Span
    sources: tuple[Span, ...]


@dataclass(frozen=True)
class Item:
    """A prompt whose right continuation, and whose decisive words, are known by construction.

    Attributes:
        phenomenon: which rule of the world made it.
        prompt: the text before the answer; it ends without a space.
        answer: the only right continuation, with its leading space.
        foil: the answer that would be right for `twin`.
        decisive: characters of the words of `prompt` without which the answer is not determined.
        edited: the part of `decisive` at which `twin` has other words.
        twin: the prompt with the words at `edited` replaced, word for word.
        rest: text after the answer that follows from the same facts.
        links: for each known word of the answer and of the rest, its decisive words.
    """

    phenomenon: str
    prompt: str
    answer: str
    foil: str
    decisive: tuple[Span, ...]
    edited: tuple[Span, ...]
    twin: str
    rest: str
    links: tuple[Link, ...] = ()

    @property
    def text(self) -> str:
        """The whole: prompt, answer and rest."""
        return self.prompt + self.answer + self.rest

    @property
    def decisive_words(self) -> tuple[str, ...]:
        """The decisive words in reading order."""
        return tuple(self.prompt[start:end] for start, end in self.decisive)


def fill(template: str, words: Mapping[str, str]) -> tuple[str, dict[str, Span]]:
    """Put words into the slots of a template and say where each went.

    Args:
        template: text with slots such as `{name}`, each slot at most once.
        words: a word for every slot.

    Returns:
        The text, and the characters of each slot in it.

    Example:
        >>> fill("{who} ran.", {"who": "Mia"})
        ('Mia ran.', {'who': (0, 3)})
    """
    pieces: list[str] = []
    spans: dict[str, Span] = {}
    length = done = 0
    for slot in _SLOT.finditer(template):
        before, word = template[done : slot.start()], words[slot[1]]
        start = length + len(before)
        if slot[1] in spans:
            raise ValueError(f"slot {slot[1]!r} occurs twice in {template!r}; name them apart")
        spans[slot[1]] = (start, start + len(word))
        pieces += [before, word]
        length, done = start + len(word), slot.end()
    return "".join([*pieces, template[done:]]), spans


def make_item(
    phenomenon: str,
    template: str,
    words: Mapping[str, str],
    edits: Mapping[str, str],
    decisive: Sequence[str],
    links: Mapping[str, Sequence[str]] | None = None,
) -> Item:
    """Fill `prompt|answer|rest` twice, as it is and as its twin, and keep the decisive spans.

    Args:
        phenomenon: the name of the rule.
        template: prompt, answer and rest, parted by two bars.
        words: a word for every slot.
        edits: the slots of prompt and answer that are different in the twin.
        decisive: the slots of the prompt that decide; those in `edits` are added.
        links: slots of the answer or rest -> the slots that they follow from. Where nothing else
            is said, a slot of the answer follows from all decisive slots.

    Returns:
        The item.

    Example:
        >>> item = make_item("colour", "A {c} cup. It is| {answer}|.",
        ...                  {"c": "red", "answer": "red"}, {"c": "blue", "answer": "blue"}, ["c"])
        >>> item.prompt, item.answer, item.foil, item.decisive_words
        ('A red cup. It is', ' red', ' blue', ('red',))
        >>> item.twin
        'A blue cup. It is'
    """
    prompt_form, answer_form, _ = template.split("|")
    prompt, in_prompt = fill(prompt_form, words)
    answer, in_answer = fill(answer_form, words)
    text, spans = fill(template.replace("|", ""), words)
    changed = {**words, **edits}
    edited = sorted(in_prompt[slot] for slot in edits if slot in in_prompt)
    deciding = [*decisive, *(slot for slot in edits if slot in in_prompt)]
    known = dict.fromkeys(in_answer, deciding) | dict(links or {})
    return Item(
        phenomenon=phenomenon,
        prompt=prompt,
        answer=answer,
        foil=fill(answer_form, changed)[0],
        decisive=tuple(sorted({*edited, *(in_prompt[slot] for slot in decisive)})),
        edited=tuple(edited),
        twin=fill(prompt_form, changed)[0],
        rest=text[len(prompt) + len(answer) :],
        links=tuple(
            Link(spans[slot], tuple(sorted({spans[s] for s in sources})))
            for slot, sources in known.items()
        ),
    )
