"""Task 4: the stock."""

import pytest
from shop import taken


def test_what_is_bought_leaves_the_stock():
    """The rest stays."""
    assert {"apple": 1, "pear": 3} == taken({"apple": 3, "pear": 3}, {"apple": 2})


@pytest.mark.parametrize("cart", [{"apple": 4}, {"plum": 1}])
def test_nobody_buys_more_than_there_is(cart):
    """Neither too much of something, nor anything unknown."""
    with pytest.raises(ValueError, match="not enough"):
        taken({"apple": 3}, cart)
