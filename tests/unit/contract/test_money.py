"""Prices and sums as people quote them."""

import pytest

from wattbus_contract.money import cost_text, price_text


@pytest.mark.parametrize(
    ("price", "currency", "text"),
    [
        (0.6801, "SEK", "68.01 öre/kWh"),
        (0.3, "EUR", "30.00 ct/kWh"),
        (-0.021, "NOK", "-2.10 øre/kWh"),
        (0.245, "GBP", "24.50 p/kWh"),
        (30.5, "ISK", "30.5000 ISK/kWh"),
    ],
)
def test_a_price_is_quoted_in_the_minor_unit(price: float, currency: str, text: str) -> None:
    assert price_text(price, currency) == text


def test_a_sum_is_quoted_in_the_major_unit() -> None:
    assert cost_text(13.7298, "SEK") == "13.73 kr"
    assert cost_text(2, "ISK") == "2.00 ISK"
