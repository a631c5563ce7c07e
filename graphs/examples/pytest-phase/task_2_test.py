"""Task 2: what a cart costs."""

import pytest
from shop import total

PRICES = {"apple": 30, "pear": 45}


@pytest.mark.parametrize(("cart", "cents"), [({}, 0), ({"apple": 1}, 30), ({"apple": 2, "pear": 1}, 105)])
def test_a_cart_costs_the_sum_of_what_is_in_it(cart, cents):
    """Each price times its amount."""
    assert cents == total(PRICES, cart)


def test_what_has_no_price_cannot_be_sold():
    """An unknown name is an error, not free."""
    with pytest.raises(KeyError):
        total(PRICES, {"plum": 1})
