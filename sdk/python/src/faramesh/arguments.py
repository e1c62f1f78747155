"""A tool's arguments as the JSON that the policy reads.

The daemon must see what the tool will get: numbers stay exact (a ``Decimal``
becomes a JSON number, never a float), and a value without a faithful JSON form
stops the call instead of being guessed at.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import decimal
import enum
import inspect
import json
import math
import os
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from .exceptions import ArgumentsInvalid

__all__ = ["MAX_DEPTH", "bind_arguments", "encode_json", "signature_of", "to_json_value"]

MAX_DEPTH = 64
"""How deep arguments may nest; the daemon refuses more."""


_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def to_json_value(value: object, path: str = "args", depth: int = 0) -> Any:
    """A fresh copy of ``value`` in JSON types (and ``Decimal`` for exact numbers).

    Raises :class:`ArgumentsInvalid` that names the place and type, never the value.
    """
    if value is None or (isinstance(value, (bool, str)) and not isinstance(value, enum.Enum)):
        return str(value) if isinstance(value, str) else value
    if depth > MAX_DEPTH:
        raise _invalid(path, f"nests deeper than {MAX_DEPTH} levels")
    if isinstance(value, enum.Enum):
        return to_json_value(value.value, path, depth + 1)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _invalid(path, "is not a finite number")
        return float(value)
    if isinstance(value, decimal.Decimal):
        if not value.is_finite():
            raise _invalid(path, "is not a finite number")
        return value
    if isinstance(value, Mapping):
        return _mapping(value, path, depth)
    if isinstance(value, (list, tuple)):
        return [to_json_value(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(value)]
    return _other(value, path, depth)


def _mapping(value: Mapping[Any, Any], path: str, depth: int) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(key, enum.Enum):
            key = key.value
        if not isinstance(key, str):
            raise _invalid(path, f"has a key of type `{type(key).__name__}`, not text")
        if key in out:
            raise _invalid(path, "has the same key twice")
        out[str(key)] = to_json_value(item, f"{path}.{key}", depth + 1)
    return out


def _other(value: object, path: str, depth: int) -> Any:
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, (set, frozenset)):
        items = [to_json_value(item, f"{path}[]", depth + 1) for item in value]
        return sorted(items, key=encode_json)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return to_json_value(fields, path, depth + 1)
    if not isinstance(value, type):
        if callable(dump := getattr(value, "model_dump", None)):
            return to_json_value(dump(), path, depth + 1)
        if hasattr(value, "dtype") and callable(item := getattr(value, "tolist", None)):
            return to_json_value(item(), path, depth + 1)
    raise _invalid(
        path,
        f"is a `{type(value).__name__}`, which has no JSON form; "
        "pass plain values, or name the parameter in `hide_args` if the model never sets it",
    )


def _invalid(path: str, problem: str) -> ArgumentsInvalid:
    return ArgumentsInvalid(code="ARGUMENTS_INVALID", human_message=f"`{path}` {problem}")


def encode_json(value: object) -> str:
    """Compact JSON text of what :func:`to_json_value` returned; exact for ``Decimal``."""
    try:
        return _ENCODER.encode(value)
    except TypeError:
        return _encode_exact(value)


def _encode_exact(value: object) -> str:
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, dict):
        members = (f"{_encode_exact(key)}:{_encode_exact(item)}" for key, item in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_encode_exact(item) for item in value) + "]"
    return _ENCODER.encode(value)


def bind_arguments(
    signature: inspect.Signature | None,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    hidden: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """The call's arguments by parameter name, defaults included, hidden ones left out.

    Arguments that do not fit the signature are passed on by name as they came, so that
    the policy decides the attempt and the tool itself raises the ``TypeError``.
    """
    bound: dict[str, Any]
    if signature is not None and not args and (plain := _by_name(signature, kwargs)) is not None:
        return {name: value for name, value in plain.items() if name not in hidden} if hidden else plain
    try:
        if signature is None:
            raise TypeError("no signature")
        fitted = signature.bind(*args, **kwargs)
        fitted.apply_defaults()
        bound = {}
        for name, value in fitted.arguments.items():
            kind = signature.parameters[name].kind
            if kind is inspect.Parameter.VAR_KEYWORD:
                bound.update(value)
            elif kind is not inspect.Parameter.VAR_POSITIONAL or value:
                bound[name] = value
    except TypeError:
        bound = dict(kwargs)
        if args:
            bound["args"] = list(args)
    return {name: value for name, value in bound.items() if name not in hidden}


def _by_name(signature: inspect.Signature, kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
    """Arguments that all came by name, as frameworks give them, without the work of a general
    binding; ``None`` where it is more than names and defaults.
    """
    bound: dict[str, Any] = {}
    for name, parameter in signature.parameters.items():
        if parameter.kind not in _NAMED:
            return None
        if name in kwargs:
            bound[name] = kwargs[name]
        elif parameter.default is not inspect.Parameter.empty:
            bound[name] = parameter.default
        else:
            return None
    # One that is no parameter is for the general way to tell.
    return bound if all(name in bound for name in kwargs) else None


def signature_of(target: Callable[..., Any]) -> inspect.Signature | None:
    """The signature, or ``None`` for callables (some built-ins) that do not tell it."""
    try:
        return inspect.signature(target)
    except (TypeError, ValueError):
        return None
