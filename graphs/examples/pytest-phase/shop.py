"""A shop in three functions, so that three files of tests have something to test."""

from __future__ import annotations

from collections.abc import Mapping


def total(prices: Mapping[str, int], cart: Mapping[str, int]) -> int:
    """Answer what a cart costs, in cents.

    Raises:
        KeyError: something in it has no price.

    """
    return sum(prices[name] * amount for name, amount in cart.items())


def with_tax(cents: int, percent: int) -> int:
    """Answer a price with tax, in cents, halves rounded up."""
    return (cents * (100 + percent) + 50) // 100


def taken(stock: Mapping[str, int], cart: Mapping[str, int]) -> dict[str, int]:
    """Answer the stock without what is in a cart.

    Raises:
        ValueError: there is not enough of something.

    """
    short = [name for name, amount in cart.items() if stock.get(name, 0) < amount]
    if short:
        raise ValueError(f"not enough {', '.join(short)}")
    return {name: amount - cart.get(name, 0) for name, amount in stock.items()}
