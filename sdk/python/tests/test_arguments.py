"""Arguments on their way to the policy stay what they are, or stop the call."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import inspect
import pathlib
import uuid
from decimal import Decimal
from typing import Any

import pytest

from faramesh import ArgumentsInvalid
from faramesh.arguments import bind_arguments, encode_json, to_json_value


class Currency(str, enum.Enum):
    EUR = "eur"


@dataclasses.dataclass
class Card:
    number: str
    limit: Decimal


class Model:
    def model_dump(self) -> dict[str, Any]:
        return {"amount": Decimal("10.00")}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (2**63 + 1, "9223372036854775809"),
        (80.1, "80.1"),
        (Decimal("0.10"), "0.10"),
        ([Decimal("12345678901234567890.12")], "[12345678901234567890.12]"),
        ({"a": Decimal("1E+3"), "b": "ü"}, '{"a":1E+3,"b":"ü"}'),
        (Currency.EUR, '"eur"'),
        ((1, 2), "[1,2]"),
        ({"b", "a"}, '["a","b"]'),
        (b"\xff", '"/w=="'),
        (datetime.date(2026, 11, 20), '"2026-11-20"'),
        (uuid.UUID(int=0), '"00000000-0000-0000-0000-000000000000"'),
        (pathlib.PurePosixPath("/etc/passwd"), '"/etc/passwd"'),
        (Card("4242", Decimal("5.5")), '{"number":"4242","limit":5.5}'),
        (Model(), '{"amount":10.00}'),
    ],
)
def test_values_keep_their_meaning(value: object, text: str) -> None:
    assert encode_json(to_json_value(value)) == text


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"a": [1, float("nan")]}, r"`args\.a\[1\]` is not a finite number"),
        ({"a": Decimal("Infinity")}, r"`args\.a` is not a finite number"),
        ({"db": object()}, r"`args\.db` is a `object`"),
        ({1: "a"}, "key of type `int`"),
        ({"f": print}, "no JSON form"),
    ],
)
def test_values_without_a_json_form_stop_the_call(value: object, words: str) -> None:
    with pytest.raises(ArgumentsInvalid, match=words):
        to_json_value(value)


def test_endless_nesting_is_bounded() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(ArgumentsInvalid, match="64 levels"):
        to_json_value({"loop": loop})


def test_what_was_decided_does_not_change_with_the_argument() -> None:
    items = [1]
    seen = to_json_value({"items": items})
    items.append(2)
    assert seen == {"items": [1]}


def refund(amount: int, currency: str = "usd", *notes: str, key: str = "k", **more: Any) -> None:
    """Only its signature is used."""


@pytest.mark.parametrize(
    ("args", "kwargs", "expected"),
    [
        ((80,), {}, {"amount": 80, "currency": "usd", "key": "k"}),
        ((), {"amount": 1, "x": 2}, {"amount": 1, "currency": "usd", "key": "k", "x": 2}),
        (
            (1, "eur", "a", "b"),
            {},
            {"amount": 1, "currency": "eur", "notes": ("a", "b"), "key": "k"},
        ),
        ((), {"currency": "eur"}, {"currency": "eur"}),
    ],
)
def test_arguments_are_named(args: Any, kwargs: Any, expected: Any) -> None:
    assert bind_arguments(inspect.signature(refund), args, kwargs) == expected


def test_hidden_arguments_are_left_out() -> None:
    bound = bind_arguments(inspect.signature(refund), (80,), {}, frozenset({"key", "currency"}))
    assert bound == {"amount": 80}
