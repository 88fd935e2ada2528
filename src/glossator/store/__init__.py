"""Explanations on disk and as JSON records, schema `glossator.explanation/1`."""

from glossator.store.files import load, save, write_atomically
from glossator.store.record import from_json, to_json
from glossator.store.schema import json_schema

__all__ = ["from_json", "json_schema", "load", "save", "to_json", "write_atomically"]
