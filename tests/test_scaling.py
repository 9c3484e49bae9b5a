"""Cores needed, against laws whose answer is known."""

from math import ceil

import pytest

from pipebench.scaling import Need, amdahl, linear, need, scaled, usl


def law(single: float, serial: float, crosstalk: float, cores: int) -> float:
    return single * cores / (1 + serial * (cores - 1) + crosstalk * cores * (cores - 1))


def test_what_was_measured_is_not_extrapolated() -> None:
    assert need(900, {1: 600, 2: 1000}) == Need(how="measured", least=2, most=2)
    assert need(500, {1: 600, 2: 1000}) == Need(how="measured", least=1, most=1)
    assert str(need(500, {1: 600, 2: 1000})) == "1"


def test_five_percent_are_to_spare() -> None:
    assert need(950, {1: 1000, 2: 1900}).least == 1
    assert need(951, {1: 1000, 2: 1900}).least == 2


def test_two_counts_give_two_bounds() -> None:
    measured = {1: 600.0, 2: 1000.0}
    assert linear(measured, 4) == 2000
    assert amdahl(measured, 1) == pytest.approx(600)
    assert amdahl(measured, 2) == pytest.approx(1000)
    assert amdahl(measured, 4) == pytest.approx(1500)  # a serial share of 0.2: 600 / (0.2 + 0.8 / 4)
    found = need(1300, measured)
    assert found == Need(how="extrapolated", least=3, most=4)
    assert str(found) == "3-4 (extrapolated)"
    assert need(1800, measured) == Need(how="extrapolated", least=4, most=None)
    assert str(need(1800, measured)) == "4 or more (extrapolated)"


def test_beyond_twice_the_measured_cores_nothing_is_said() -> None:
    assert need(5000, {1: 600, 2: 1000}) == Need(how="beyond", limit=4)
    assert str(need(5000, {1: 600, 2: 1000})) == "> 4"
    assert scaled({1: 600, 2: 1000}, 5) is None


def test_one_count_alone_bounds_little() -> None:
    assert need(1500, {1: 800}) == Need(how="extrapolated", least=2, most=None)


def test_more_than_linear_is_bounded_too() -> None:
    assert need(1800, {1: 400, 2: 1000}).how == "extrapolated"
    assert amdahl({1: 400.0, 2: 1000.0}, 4) >= 1000


@pytest.mark.parametrize(("serial", "crosstalk"), [(0.05, 0.0), (0.02, 0.001), (0.0, 0.0)])
def test_the_laws_own_curve_is_found_again(serial: float, crosstalk: float) -> None:
    measured = {c: law(500, serial, crosstalk, c) for c in (1, 2, 4, 8)}
    fit = usl(measured)
    assert [fit(c) for c in (3, 16, 24)] == pytest.approx(
        [law(500, serial, crosstalk, c) for c in (3, 16, 24)]
    )
    wanted = law(500, serial, crosstalk, 12) * 0.95
    assert need(wanted * 0.999, measured) == Need(how="extrapolated", least=12, most=12)


def test_where_the_rate_saturates_first_it_is_unreachable() -> None:
    measured = {c: law(500, 0.05, 0.01, c) for c in (1, 2, 4, 8)}
    peak = max(law(500, 0.05, 0.01, c) for c in range(1, 200))
    assert str(need(peak, measured)) == "unreachable"
    assert need(law(500, 0.05, 0.01, 9) * 0.949, measured) == Need(how="extrapolated", least=9, most=9)


def test_a_fits_interval_comes_from_the_blocks() -> None:
    measured = {c: law(500, 0.02, 0.0, c) for c in (1, 2, 4, 8)}
    blocks = [{c: rate * factor for c, rate in measured.items()} for factor in (0.9, 1.0, 1.1, 0.95)]
    found = need(law(500, 0.02, 0.0, 16) * 0.94, measured, blocks)
    assert found.how == "extrapolated"
    assert found.least is not None and found.most is not None
    assert found.least < 16 < found.most


def test_noise_never_gives_a_negative_coefficient() -> None:
    fit = usl({1: 500, 2: 1010, 4: 2100, 8: 4000})
    assert fit(16) >= fit(8)
    assert ceil(fit(1)) > 0
