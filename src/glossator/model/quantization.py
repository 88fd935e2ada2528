"""How a model's weights are quantised, as its configuration says."""

from __future__ import annotations

from typing import Any


def quantization(config: Any) -> str | None:
    """How weights are quantised, in words; None for plain ones.

    Args:
        config: a transformers configuration.

    Example:
        >>> from types import SimpleNamespace
        >>> four = {"quant_method": "bitsandbytes", "load_in_4bit": True}
        >>> quantization(SimpleNamespace(quantization_config=four))
        'bitsandbytes, 4 bits'
    """
    settings = getattr(config, "quantization_config", None)
    if not settings:
        return None
    found: dict[str, Any] = settings if isinstance(settings, dict) else settings.to_dict()
    method = found.get("quant_method", "")
    kind = found.get("quant_type")
    if isinstance(kind, dict):  # of torchao
        kind = kind.get("default", {}).get("_type")
    bits = next((n for n in (4, 8) if found.get(f"load_in_{n}bit")), found.get("bits"))
    said = kind if isinstance(kind, str) else bits and f"{bits} bits"
    return ", ".join(str(part) for part in (getattr(method, "value", method), said) if part)
