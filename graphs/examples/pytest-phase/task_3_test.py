"""Task 3: tax."""

import pytest
from shop import with_tax


@pytest.mark.parametrize(("cents", "percent", "expected"), [(0, 19, 0), (100, 19, 119), (50, 19, 60), (10, 5, 11)])
def test_tax_is_rounded_to_the_cent(cents, percent, expected):
    """Halves are rounded up."""
    assert expected == with_tax(cents, percent)
