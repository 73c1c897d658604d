"""The page of the estimators' times, from given ones."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gtn_tf import names

pytestmark = pytest.mark.usefixtures("benchmark_modules")


def test_the_page_has_a_row_for_each_estimator():
    import estimators

    times = {
        "seconds": [0.5, 1.5],
        "peak_bytes": 2.5e9,
        "unroll": "keep",
        "versions": {"tensorflow": "2"},
    }
    options = SimpleNamespace(steps=96, window=16, repeats=2, quick=False)
    rows = dict.fromkeys(("full", *estimators._WINDOWS), times)
    page = estimators.page(options, rows, {"Cores": "2 of 2"})
    for name in rows:
        assert f"| {name} | keep | 1.000 | 0.500 to 1.500 | 2.50 |" in page
    assert "--steps 96 --window 16" in page and "tensorflow: 2" in page
    assert set(rows) == set(names.ESTIMATORS) - {"lengthening"}
