"""Gradients of all targets by the input embeddings, from one forward pass.

The head is differentiated once for all scored tokens, since each of them depends on one hidden
state only; the body is then pulled back once per target, several targets at a time.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from glossator.errors import InputError, ModelError
from glossator.game.budget import Budget, block_bytes
from glossator.game.evaluator import Counts, Progress
from glossator.game.readout import Readout
from glossator.game.removal import BASELINE, Absence, reference_tokens
from glossator.game.rows import Scored, scored
from glossator.game.sides import Sides, player_of_tokens, segments_of
from glossator.game.whole import versions
from glossator.model import LanguageModel
from glossator.model.encoder_decoder import decode_answer, encode_source, shares_embedding
from glossator.model.relevance import relevance_rules
from glossator.text import Question

Reduce = Callable[[Float[Tensor, "*some tokens width"]], Float[Tensor, "*some tokens"]]
Directions = Float[Tensor, "rows tokens width"]

BUSY_TOKENS = 512
"""Rows of so many tokens keep the matrix products at their peak without batched pull-backs."""


@dataclass(frozen=True)
class _Layout:
    """One row of the text from which some scored tokens are read.

    Attributes:
        ids: [length] its tokens.
        free: [length] which of them follow the points; the others stay as they are.
        scored: indices of scored tokens read here. at: the position each is read from.
    """

    ids: Int[Tensor, " length"]
    free: Bool[Tensor, " length"]
    scored: Int[Tensor, " reads"]
    at: Int[Tensor, " reads"]


class Tape(Sides):
    """A differentiable view of the model for one question.

    Attributes:
        before: [targets players] whether the player can act on the target.
        ids: [tokens] the text.
        inputs: [tokens width] its input embeddings.
        player_of: [tokens] index of the token's player, -1 when it is held fixed.
        spans: [players] first character of each player and the one after its last, in the text.
        vocabulary: number of token ids that `embed` takes.
        full: [targets] values of the text as it is; None before they were pulled back.
    """

    def __init__(
        self,
        model: LanguageModel,
        question: Question,
        players: tuple[int, ...],
        before: Bool[Tensor, "targets players"],
        absence: Absence | None,
        readout: Readout,
        budget: Budget,
        counts: Counts,
        progress: Progress | None = None,
        references: tuple[str, ...] = (),
    ) -> None:
        self.before = before
        self.counts = counts
        self._progress = progress
        self._model, self._question, self._absence = model, question, absence
        self._players = players
        if question.source_length and not shares_embedding(model):
            raise InputError(
                f"encoder and decoder of {model.name} look words up in two tables, which methods "
                "that follow gradients cannot: use leave_one_out, shapley or another game method"
            )
        self._readout, self._budget = readout, budget
        self._references = references
        self.ids = ids = torch.tensor(question.ids)
        self.inputs = self.embed(ids)
        self.vocabulary = int(model.embedding.weight.shape[0])
        self.spans = [(question.units[unit].start, question.units[unit].end) for unit in players]
        self.player_of = player_of_tokens(question, players)
        self.full: Float[Tensor, " targets"] | None = None
        self._scored = scored(question)
        self._rules: tuple[str, float] | None = None
        self._reference: Tensor | None = None
        if readout.needs_reference:
            self._reference = self._clean_logits()

    @property
    def absent(self) -> Float[Tensor, "tokens width"]:
        """Each token's embedding when its player is absent.

        Raises:
            InputError: the removal drops tokens, so it has no embedding.
        """
        absence = self._absence
        if absence is None or absence.replacement is None or absence.draws > 1:
            name = absence.name if absence else "none"
            raise InputError(
                f"this method needs a baseline embedding and the removal is '{name}': "
                "use --removal embedding:zero, embedding:mean or token:ID"
            )
        codes = torch.from_numpy(absence.replacement[0])
        absent = self.embed(codes.clamp_min(0)).clone()
        if absence.baseline is not None:
            absent[codes == BASELINE] = absence.baseline
        fixed = (self.player_of < 0).to(absent.device)
        return torch.where(fixed[:, None], self.inputs, absent)

    @functools.cached_property
    def references(self) -> Int[Tensor, " pool"]:
        """Tokens of the reference texts, one text after the other; of this text without any."""
        return torch.tensor(reference_tokens(self._model, self._question, self._references))

    def embed(self, ids: Int[Tensor, "*some"]) -> Float[Tensor, "*some width"]:
        """Input embeddings of any token ids."""
        with self._model.inference():
            return self._model.embed(ids).detach()

    @contextlib.contextmanager
    def rules(self, name: str, gamma: float = 0.0) -> Iterator[None]:
        """Let gradients be relevances for a while; see `glossator.model.relevance`.

        Raises:
            InputError: there are no rules for models of this kind.
        """
        if self._question.source_length:
            raise InputError(
                "there are no rules of relevance for an encoder-decoder: use input_x_gradient"
            )
        self._rules = name, gamma
        try:
            yield
        finally:
            self._rules = None

    def pull(
        self, points: Float[Tensor, "rows tokens width"] | None, reduce: Reduce | Directions
    ) -> tuple[Float[Tensor, "rows targets"], Float[Tensor, "rows targets players"]]:
        """Values at some points, and what `reduce` makes of their gradients, per player.

        Args:
            points: embeddings of the whole text, one row a point; None for the text as it is.
                Fixed tokens, and a target's own tokens for the target, stay as they are.
            reduce: from gradients to one number a token, e.g. `lambda g: g.norm(dim=-1)`; or
                for each row a direction, to take derivatives along it.

        Returns:
            Values in the readout's measure, and the reduced gradients summed over the tokens
            of each player; float64, on the CPU.

        Raises:
            ModelError: the logits or gradients are not numbers.
        """
        clean = points is None
        rows = self.inputs[None] if points is None else points.to(self.inputs)
        slots = _Slots(self._scored, self.targets, self._readout.joins)
        values = torch.zeros(len(rows), slots.count, dtype=torch.float64)
        pulled = torch.zeros(len(rows), slots.count, self.players, dtype=torch.float64)
        with self._model.inference(gradients=True), self._gradient_attention() as settable:
            for layout in self._layouts(clean):
                for block in torch.arange(len(rows)).split(self._rows_at_once(layout)):
                    step = _along(reduce[block]) if isinstance(reduce, Tensor) else reduce
                    batch = self._pull_layout(layout, rows[block], step, slots, settable)
                    values[block] += batch[0]
                    pulled[block] += batch[1]
        if not (torch.isfinite(values).all() and torch.isfinite(pulled).all()):
            raise ModelError(f"{self._model.name} returned gradients that are not numbers (NaN)")
        values, pulled = slots.join(values, pulled)
        if clean:
            self.full = values[0]
        return values, pulled

    @contextlib.contextmanager
    def _gradient_attention(self) -> Iterator[bool]:
        """Attention made of plain matrix products: fused kernels have no batched pull-back."""
        if self._rules is not None:
            with relevance_rules(self._model, *self._rules) as settable:
                if not settable:
                    raise ModelError(
                        f"the attention of {type(self._model.hf).__name__} is its own, so that "
                        "relevance cannot be passed through it: use input_x_gradient"
                    )
                yield settable
        else:
            with self._model.attention("eager") as settable:
                yield settable

    def _layouts(self, clean: bool) -> Iterator[_Layout]:
        """The rows that serve all scored tokens; one row is enough for the clean text.

        Elsewhere a target whose own first tokens are players (for later targets) needs a row
        in which they stay as they are.
        """
        if not self._model.continues:
            yield from self._whole_layouts()
            return
        ids = torch.tensor(self._question.ids)
        main: list[tuple[int, int]] = []
        own: list[_Layout] = []
        k = 0
        for target in self._question.targets:
            context = target.context
            for branch in target.branches:
                tokens = torch.tensor(branch.tokens)
                steps = torch.arange(branch.scored_from, len(branch.tokens))
                scored, at = k + torch.arange(len(steps)), context - 1 + steps
                k += len(steps)
                in_place = torch.equal(ids[context : context + len(tokens)], tokens)
                held = clean or bool((self.player_of[context:][: len(tokens) - 1] < 0).all())
                shared = torch.ones_like(steps, dtype=torch.bool) & (in_place and held)
                shared |= steps == 0
                main += zip(scored[shared].tolist(), at[shared].tolist(), strict=True)
                if not shared.all():
                    row = torch.cat([ids[:context], tokens[:-1]])
                    free = torch.cat(
                        [self.player_of[:context] >= 0, torch.zeros(len(tokens) - 1).bool()]
                    )
                    own.append(_Layout(row, free, scored[~shared], at[~shared]))
        if main:
            reads, at_main = torch.tensor(main).T
            length = int(at_main.max()) + 1
            yield _Layout(ids[:length], self.player_of[:length] >= 0, reads, at_main)
        yield from own

    def _whole_layouts(self) -> Iterator[_Layout]:
        """A row for each text in which a model that reads whole rows is read."""
        for version in versions(self._question, self._players):
            held = torch.cat([torch.from_numpy(version.held), torch.tensor([True])])
            scored, at = torch.tensor(version.scored), torch.tensor(version.at)
            yield _Layout(torch.from_numpy(version.ids), ~held[self.player_of], scored, at)

    def _rows_at_once(self, layout: _Layout) -> int:
        # A pull-back holds the activations of every block, and cotangents like those of one.
        row = block_bytes(self._model) * (self._model.layers + 1) * len(layout.ids)
        bound = int((self._budget.max_memory or 2**30) * 3 / 4)
        return max(min(bound // row, -(-4 * BUSY_TOKENS // len(layout.ids))), 1)

    def _pull_layout(
        self,
        layout: _Layout,
        rows: Float[Tensor, "rows tokens width"],
        reduce: Reduce,
        slots: _Slots,
        settable: bool,
    ) -> tuple[Float[Tensor, "rows slots"], Float[Tensor, "rows slots players"]]:
        """Values and reduced gradients that one layout adds, for a block of points."""
        leaf = self._embedded(layout, rows).requires_grad_(True)
        values, output, cotangents, used = self._values(layout, leaf, slots)
        self.counts.forward_rows += len(rows)
        self.counts.token_positions += len(rows) * len(layout.ids)
        self.counts.backward_rows += len(rows) * len(used)
        if self._progress is not None:
            self._progress(self.counts.forward_rows)
        pulled = torch.zeros(len(rows), slots.count, self.players, dtype=torch.float64)
        batched = settable and leaf.shape[0] * leaf.shape[1] < BUSY_TOKENS
        for part in torch.arange(len(used)).split(self._targets_at_once(leaf) if batched else 1):
            gradients = _pull_back(output, leaf, cotangents(part), batched)
            reduced = self._reduce(layout, gradients, reduce)
            pulled[:, used[part]] = reduced.transpose(0, 1)
        return values, pulled

    def _targets_at_once(self, leaf: Tensor) -> int:
        row = block_bytes(self._model) * leaf.shape[0] * leaf.shape[1]
        return max((self._budget.max_memory or 2**28) // (4 * row), 1)

    def _embedded(self, layout: _Layout, rows: Tensor) -> Tensor:
        with torch.no_grad():
            fixed = self._model.embed(layout.ids)
        length = min(len(layout.ids), rows.shape[1])
        free = layout.free.to(fixed.device)
        embedded = fixed.expand(len(rows), -1, -1).clone()
        embedded[:, :length] = torch.where(
            free[:length, None], rows[:, :length], embedded[:, :length]
        )
        return embedded

    def _reduce(self, layout: _Layout, gradients: Tensor, reduce: Reduce) -> Tensor:
        """[slots rows length width] -> [slots rows players], free positions only."""
        tokens = len(self._question.ids)
        length = min(len(layout.ids), tokens)
        whole = gradients.new_zeros(*gradients.shape[:2], tokens, gradients.shape[-1])
        free = layout.free[:length].to(gradients.device)
        whole[:, :, :length] = gradients[:, :, :length] * free[:, None]
        reduced = reduce(whole).double().cpu()
        players = torch.zeros(*reduced.shape[:2], self.players, dtype=torch.float64)
        playing = self.player_of >= 0
        return players.index_add(2, self.player_of[playing], reduced[:, :, playing])

    def _values(
        self, layout: _Layout, leaf: Tensor, slots: _Slots
    ) -> tuple[Tensor, Tensor, Callable[[Tensor], Tensor], Tensor]:
        """Slot values; and the tensor to pull back, its cotangents by slot, the slots used."""
        slot = slots.of[layout.scored]
        used, index = slot.unique(return_inverse=True)
        mask = torch.ones(leaf.shape[:2], dtype=torch.long)
        positions = mask.cumsum(1) - 1 if self._model.kind == "causal" else None
        at = layout.at.to(leaf.device)
        if not self._model.splits:
            read = self._read(layout, self._logits(leaf, positions, mask)[:, self._column(at)])
            output = _add(read, index, len(used))
            values = slots.spread(output.detach(), used)
            eye = torch.eye(len(used), dtype=output.dtype, device=output.device)
            return values, output, lambda part: _rows_of(eye[part], len(leaf)), used
        assert positions is not None
        rows, length = leaf.shape[:2]
        reads = (torch.arange(rows, device=at.device)[:, None] * length + at.unique()).flatten()
        output = self._model.body(leaf, positions, mask, reads)
        hidden = output.detach()[:, at].requires_grad_(True)  # [rows reads width]
        logits = self._model.head(hidden.flatten(0, 1)).unflatten(0, hidden.shape[:2])
        read = self._read(layout, logits)
        (pull,) = torch.autograd.grad(read.sum(), hidden)
        values = slots.spread(_add(read.detach(), index, len(used)), used)

        def cotangents(part: Tensor) -> Tensor:
            own = (index[None] == part[:, None]).to(pull)  # [part reads]
            spread = pull.new_zeros(len(part), *output.shape)
            return spread.index_add(2, at, own[:, None, :, None] * pull)

        return values, output, cotangents, used

    def _logits(self, leaf: Tensor, positions: Tensor | None, mask: Tensor) -> Tensor:
        """The model's own logits: [rows places vocabulary], one place where it gives classes."""
        size = self._question.source_length
        if size:
            source, answer = leaf[:, :size], leaf[:, size:]
            states = encode_source(self._model, source, mask[:, :size])
            return decode_answer(self._model, states, mask[:, :size], answer, mask[:, size:])
        logits = self._model.logits(leaf, positions, mask, segments_of(self._question))
        return logits if logits.dim() == 3 else logits[:, None]

    def _column(self, at: Int[Tensor, " reads"]) -> Int[Tensor, " reads"]:
        """Where the logits of places in the text are: a decoder gives none of its source."""
        return at - self._question.source_length

    def _read(self, layout: _Layout, logits: Float[Tensor, "rows reads vocabulary"]) -> Tensor:
        rows, reads = logits.shape[:2]
        flat = logits.flatten(0, 1)
        flat = flat.float() if flat.dtype in (torch.float16, torch.bfloat16) else flat
        token = torch.from_numpy(self._scored.token)[layout.scored].to(flat.device)
        reference = self._reference
        if reference is not None:
            reference = reference[layout.scored].repeat(rows, 1)
        return self._readout.read(flat, token.repeat(rows), reference).reshape(rows, reads)

    def _clean_logits(self) -> Tensor:
        """Logits of the unperturbed text at every scored token."""
        found: dict[int, Tensor] = {}
        with self._model.inference():
            for layout in self._layouts(clean=True):
                row = layout.ids[None]
                logits = self._logits(self._model.embed(row), None, torch.ones_like(row))
                columns = self._column(layout.at)
                for k, place in zip(layout.scored.tolist(), columns.tolist(), strict=True):
                    found[k] = logits[0, place]
        return torch.stack([found[k] for k in sorted(found)]).float()


class _Slots:
    """One slot a branch of a target: the scored tokens of a slot are summed."""

    def __init__(self, scored: Scored, targets: int, joins: str) -> None:
        self.branches = int(scored.branch.max()) + 1
        self.targets = targets
        self.count = targets * self.branches
        self.of = torch.from_numpy(scored.target * self.branches + scored.branch)
        self.sign = torch.zeros(self.count, dtype=torch.float64)
        self.sign[self.of] = torch.from_numpy(scored.sign).double()
        self.product = joins == "product"

    def spread(self, values: Tensor, used: Tensor) -> Tensor:
        """Values of the used slots among all slots, on the CPU."""
        out = torch.zeros(len(values), self.count, dtype=torch.float64)
        out[:, used] = values.double().cpu()
        return out

    def join(self, values: Tensor, pulled: Tensor) -> tuple[Tensor, Tensor]:
        """From slots to targets: d exp(v) = exp(v) dv for products, then signed sums."""
        if self.product:
            values = values.exp()
            pulled = values[..., None] * pulled
        values, pulled = values * self.sign, pulled * self.sign[:, None]
        shape = (self.targets, self.branches)
        return values.unflatten(1, shape).sum(2), pulled.unflatten(1, shape).sum(2)


def _along(directions: Directions) -> Reduce:
    return lambda gradients: (gradients * directions.to(gradients.device)).sum(-1)


def _add(read: Tensor, index: Tensor, slots: int) -> Tensor:
    out = read.new_zeros(len(read), slots)
    return out.index_add(1, index.to(read.device), read)


def _rows_of(choices: Tensor, rows: int) -> Tensor:
    return choices[:, None].expand(-1, rows, -1)


def _pull_back(
    output: Tensor, leaf: Tensor, cotangents: Tensor, batched: bool
) -> Float[Tensor, "slots rows length width"]:
    """Vector-Jacobian products of `output` by `leaf`, one for each cotangent."""
    if batched:
        (gradients,) = torch.autograd.grad(
            output, leaf, cotangents, retain_graph=True, is_grads_batched=True
        )
        return gradients
    pulled = [torch.autograd.grad(output, leaf, c, retain_graph=True)[0] for c in cotangents]
    return torch.stack(pulled)
