"""The paper's two tables on CIFAR-10, this code's searches, and NAS-Bench-201."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """A published result on CIFAR-10, or a search of this code without one.

    Error is in percent, mean and standard deviation where one was given; `params` in
    millions; `gpu_days` is the cost of the search.
    """

    key: str
    method: str
    error: float | None = None
    std: float | None = None
    params: float | None = None
    gpu_days: float | None = None


# Such et al. 2020, arXiv 1912.07768: random search, made cheap in several ways.
RANDOM_SEARCH = (
    Row("ghn_top", "Random search + GHN (GHN Top)", 4.3, 0.1, 5.1, 0.42),
    Row("random_ws", "Random search + weight sharing", 3.92, None, 3.9, 0.25),
    Row("rs_real", "Random search + real data", 3.88, 0.08, 12.4, 10),
    Row("rs_gtn", "Random search + GTN", 3.84, 0.06, 8.2, 0.67),
    Row("rs_real_cutout", "Random search + real data + cutout", 3.02, 0.03, 12.4, 10),
    Row("rs_gtn_cutout", "Random search + GTN + cutout", 2.92, 0.06, 8.2, 0.67),
    Row(
        "rs_real_cutout_4f",
        "Random search + real data + cutout, 4F",
        *(2.51, 0.13, 151.7, 10),
    ),
    Row(
        "rs_gtn_cutout_4f",
        "Random search + GTN + cutout, 4F",
        *(2.42, 0.03, 97.9, 0.67),
    ),
)

# Other searches. The numbers are those that the GTN paper gives.
OTHERS = (
    Row("nasnet_a", "NASNet-A", 3.41, None, 3.3, 2000),
    Row("amoebanet_b_cutout", "AmoebaNet-B + cutout", 2.13, None, 34.9, 3150),
    Row("darts_v2_cutout", "DARTS + cutout", 2.83, None, 4.6, 4),
    Row("naonet_cutout", "NAONet + cutout", 2.48, None, 10.6, 200),
    Row("naonet_ws", "NAONet-WS", 3.53, None, 2.5, 0.3),
    Row("naonet_ws_cutout", "NAONet-WS + cutout", 2.93, None, 2.5, 0.3),
    Row("enas", "ENAS", 3.54, None, 4.6, 0.45),
    Row("enas_cutout", "ENAS + cutout", 2.89, None, 4.6, 0.45),
    Row("ghn_top_best_cutout", "GHN Top-Best + cutout", 2.84, 0.07, 5.7, 0.84),
)

# Searches of this code that the tables above do not have. Some are published, but
# their results are of cells that others found, in other spaces, with more epochs.
SEARCHES = (
    Row("search_random", "Random search"),
    Row("search_evolution", "Evolution"),
    Row("search_local", "Local search"),
    Row("search_reinforce", "REINFORCE"),
    Row("search_controller", "Controller (PPO)"),
    Row("search_nao", "NAO"),
    Row("search_bayesian", "Bayesian optimization"),
    Row("search_pool", "NAO's pool"),
    Row("search_enas", "ENAS"),
    Row("search_darts", "DARTS, first order"),
    Row("search_second_order", "DARTS, second order"),
    Row("search_gdas", "GDAS"),
    # What every search has to be better than.
    Row("params", "Most parameters, in nao"),
    Row("params_5_ops", "Most parameters, in nao with 5 operations"),
    Row("params_201", "Most parameters, in NAS-Bench-201"),
)

TABLES = {
    "Random search": RANDOM_SEARCH,
    "Other searches": OTHERS,
    "Searches of this code": SEARCHES,
}


class Row201(NamedTuple):
    """A published search on NAS-Bench-201, CIFAR-10.

    `accuracy` and `std` are of the test accuracies of the cells found, after 200
    epochs, in percent.
    """

    key: str
    method: str
    accuracy: float
    std: float
    trust: str  # where the number was read


_QUOTED = "read in another paper that quotes the benchmark's table"

# Dong & Yang 2020, arXiv 2001.00326, in the version whose weight-sharing rows are
# later: RSPS had 84.07 and ENAS 53.89 in the first one.
NAS_BENCH_201 = (
    Row201(
        *("rs", "RS", 93.70, 0.36),
        "read in a review that quotes the benchmark's table",
    ),
    Row201("rea", "REA", 93.92, 0.30, "not checked against a source"),
    Row201("reinforce", "REINFORCE", 93.85, 0.37, _QUOTED),
    Row201("rsps", "RSPS", 87.66, 1.69, f"{_QUOTED}; 84.07 in its first version"),
    Row201("enas", "ENAS", 54.30, 0.00, f"{_QUOTED}; 53.89 in its first version"),
    Row201("darts_v1", "DARTS, first order", 54.30, 0.00, _QUOTED),
    Row201("darts_v2", "DARTS, second order", 54.30, 0.00, _QUOTED),
    Row201(
        *("gdas", "GDAS", 93.61, 0.09),
        f"{_QUOTED}; 93.23 and 93.51 elsewhere",
    ),
)
