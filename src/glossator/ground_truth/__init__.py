"""Texts and models whose decisive words are known: by construction, by training, or by people."""

from glossator.ground_truth.compiler import CONFIDENCE, compiled
from glossator.ground_truth.datasets import (
    in_classes_of,
    marked_questions,
    minimal_edits,
    sentiment_phrases,
    word_counts,
)
from glossator.ground_truth.known import Known
from glossator.ground_truth.planted import plant, planted_model, planted_texts
from glossator.ground_truth.programs import model_of, program, programs, texts
from glossator.ground_truth.reviews import SHORTCUTS, planted_reviews, trained_model
from glossator.ground_truth.world import world_texts

__all__ = [
    "CONFIDENCE",
    "SHORTCUTS",
    "Known",
    "compiled",
    "in_classes_of",
    "marked_questions",
    "minimal_edits",
    "model_of",
    "plant",
    "planted_model",
    "planted_reviews",
    "planted_texts",
    "program",
    "programs",
    "sentiment_phrases",
    "texts",
    "trained_model",
    "word_counts",
    "world_texts",
]
