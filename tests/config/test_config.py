"""Configuration: presets, YAML round trips, and errors that say what to do."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gtn_tf.config import (
    Config,
    ConfigError,
    DartsConfig,
    DataConfig,
    EnasConfig,
    FinalConfig,
    GeneratorConfig,
    GHNConfig,
    InnerOptimizerConfig,
    LearnersConfig,
    MetaConfig,
    SearchConfig,
    SupernetConfig,
    TeacherConfig,
    differences,
    files,
    load_config,
    to_yaml,
)
from gtn_tf.names import TEACHERS

_ALL = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))
_OTHERS = {
    "search": SearchConfig,
    "final": FinalConfig,
    "supernet": SupernetConfig,
    "darts": DartsConfig,
    "enas": EnasConfig,
    "ghn": GHNConfig,
}
OTHERS = [path for path in _ALL if path.stem.split("_")[0] in _OTHERS]
PRESETS = [path for path in _ALL if path not in OTHERS]


def write(folder: Path, text: str) -> str:
    path = folder / "run.yaml"
    path.write_text(text)
    return str(path)


def flat(values: dict[str, Any]) -> dict[str, Any]:
    """Dotted keys of a parsed YAML file or of `dataclasses.asdict`."""
    keys = {}
    for name, value in values.items():
        inner = value if isinstance(value, dict) else {}
        keys.update({f"{name}.{key}": entry for key, entry in inner.items()})
        if not inner:
            keys[name] = value
    return keys


def error_of(*args: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(*args)
    message = str(caught.value)
    assert "\n" not in message
    return message


# Presets


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_preset_loads_by_name_and_by_path(path: Path) -> None:
    assert load_config(path.stem) == load_config(str(path))


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.stem)
def test_other_presets_load_and_round_trip(path: Path, tmp_path) -> None:
    schema = _OTHERS[path.stem.split("_")[0]]
    config = load_config(path.stem, schema=schema)
    assert load_config(write(tmp_path, to_yaml(config)), (), schema) == config


def test_a_search_sees_images_as_they_are() -> None:
    for name, value in {"augment": ("shift",), "cutout": 4}.items():
        with pytest.raises(ConfigError, match=f"data.{name}: expected none in a"):
            SearchConfig(data=DataConfig("cifar10", **{name: value}))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["ranking.scorer=[gtn, size]"],
            "ranking.scorer: expected one of gtn, gtn_tse",
        ),
        (["ranking.scorer=[]"], "ranking.scorer: expected one of gtn, gtn_tse"),
        (["training.top_k=99"], "at most ranking.candidates (12), received 99"),
        (["ranking.candidate=3"], "did you mean ranking.candidates?"),
        (["meta.iterations=3"], "meta.iterations: unknown key"),
    ],
)
def test_refused_search(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        load_config("search_digits", overrides, SearchConfig)


@pytest.mark.parametrize("path", _ALL, ids=lambda path: path.stem)
def test_preset_has_a_header(path: Path) -> None:
    text = path.read_text()
    assert text.startswith(f"# {path.stem}: ")
    assert "\n# cost: " in text
    assert "\n# reached: " in text


def test_digits_spells_out_every_setting_in_order() -> None:
    values = flat(yaml.safe_load((PRESETS[0].parent / "digits.yaml").read_text()))
    assert list(values) == list(flat(dataclasses.asdict(Config())))


@pytest.mark.parametrize(
    "path", [path for path in PRESETS if path.stem != "digits"], ids=lambda p: p.stem
)
def test_other_presets_hold_only_what_differs(path: Path) -> None:
    changed = {line.split(":")[0] for line in differences(Config(), load_config(path))}
    assert set(flat(yaml.safe_load(path.read_text()))) == changed


def test_paper_presets_hold_the_papers_numbers() -> None:
    mnist, cifar10 = load_config("mnist_paper"), load_config("cifar10_paper")
    assert mnist.teacher.steps == 32
    assert mnist.learners.filters == ((32, 128), (64, 256))
    assert mnist.inner_optimizer == InnerOptimizerConfig(
        learning_rate=0.02, momentum=0.5
    )
    assert cifar10.teacher.steps == 128
    assert cifar10.learners.strides == (1, 2, 1, 2, 1)
    assert (cifar10.meta.beta_1, cifar10.meta.beta_2) == (0.9, 0.9)


def test_presets_installed_with_the_package_come_first(tmp_path, monkeypatch) -> None:
    (tmp_path / "digits.yaml").write_text("seed: 7")
    folders = (tmp_path, *files._PRESET_FOLDERS)
    monkeypatch.setattr(files, "_PRESET_FOLDERS", folders)
    assert load_config("digits").seed == 7
    assert load_config("mnist_paper").data.name == "mnist"


@pytest.mark.parametrize("name", ["digit", "configs/digit.yaml"])
def test_missing_preset_names_the_nearest_and_all(name: str) -> None:
    message = error_of(name)
    assert message.startswith(f"{name}: expected a file or one of the presets ")
    assert all(path.stem in message for path in PRESETS)
    assert message.endswith("; did you mean digits?")


def test_missing_preset_with_nothing_near() -> None:
    assert "did you mean" not in error_of("zzzz")


# Reading


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "meta: {}\n"])
def test_what_a_file_leaves_out_keeps_its_default(tmp_path, text: str) -> None:
    assert load_config(write(tmp_path, text)) == Config()


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("seed=3", "seed", 3),
        (" meta.iterations = 500", "meta.iterations", 500),
        ("meta.learning_rate=1e-3", "meta.learning_rate", 0.001),
        ("meta.learning_rate=1", "meta.learning_rate", 1.0),
        ("data.augment=[rotate, shift]", "data.augment", ("rotate", "shift")),
        ("teacher.source=real_data", "teacher.source", "real_data"),
        ("learners.batch_norm=none", "learners.batch_norm", "none"),
        ("learners.family=mlp", "learners.family", "mlp"),
        ("learners.weight_norm=[true]", "learners.weight_norm", (True,)),
        ("learners.units=[]", "learners.units", ()),
        ("learners.filters=[8, [4, 9]]", "learners.filters", (8, (4, 9))),
        ("meta.intermediate_every=0", "meta.intermediate_every", 0),
    ],
)
def test_override(override: str, key: str, value: Any) -> None:
    read = flat(dataclasses.asdict(load_config("digits", [override])))[key]
    assert read == value
    assert type(read) is type(value)


def test_last_override_wins_over_the_file(tmp_path) -> None:
    path = write(tmp_path, "seed: 1")
    assert load_config(path, ["seed=2", "seed=3"]).seed == 3


def test_numbers_of_a_list_may_be_integers():
    overrides = ["learners.negative_slope=[0.5, 0]", "learners.architectures=2"]
    slopes = load_config("digits", overrides).learners.negative_slope
    assert slopes == (0.5, 0) and {*map(type, slopes)} == {float}


def test_fixed_rates_allow_no_momentum() -> None:
    overrides = ["inner_optimizer.rates=fixed", "inner_optimizer.momentum=0"]
    assert load_config("digits", overrides).inner_optimizer.momentum == 0.0


# Writing


COUNTS = st.integers(1, 10**6)
ABOVE_0 = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
DECAYS = st.floats(0, 1, exclude_max=True)
PAIRS = st.tuples(COUNTS, COUNTS).filter(lambda pair: pair[0] < pair[1])
WIDTHS = st.lists(COUNTS | PAIRS, max_size=4).map(tuple)


@st.composite
def configs(draw: st.DrawFn) -> Config:
    filters = draw(WIDTHS)
    strides = draw(
        st.lists(COUNTS, min_size=len(filters), max_size=len(filters)).map(tuple)
    )
    steps, epochs, epoch = draw(COUNTS), draw(COUNTS), draw(COUNTS)
    return Config(
        seed=draw(st.integers(min_value=0)),
        data=DataConfig("cifar10", augment=draw(st.sampled_from([(), ("colour",)]))),
        teacher=TeacherConfig(draw(st.sampled_from(list(TEACHERS))), steps),
        generator=GeneratorConfig(draw(COUNTS), draw(COUNTS), draw(st.booleans())),
        learners=LearnersConfig(
            family=draw(st.sampled_from(["mlp", ("conv", "mlp")])),
            filters=filters,
            units=draw(WIDTHS),
            strides=strides,
            batch_norm="none",
            architectures=3,
        ),
        inner_optimizer=InnerOptimizerConfig("sgd", *(draw(ABOVE_0) for _ in range(3))),
        meta=MetaConfig(
            iterations=epochs * epoch,
            iterations_per_epoch=epoch,
            learning_rate=draw(ABOVE_0),
            beta_1=draw(DECAYS),
            epsilon=draw(ABOVE_0),
            intermediate_every=draw(st.integers(0, steps - 1)),
        ),
    )


@settings(deadline=None)  # the machine may be busy
@given(config=configs())
def test_round_trip(tmp_path_factory, config: Config) -> None:
    path = write(tmp_path_factory.getbasetemp(), to_yaml(config))
    read = load_config(path)
    assert read == config
    assert differences(read, config) == []
    assert repr(read) == repr(config)  # 1 == 1.0 == True, their texts are not


@settings(deadline=None)  # the machine may be busy
@given(config=configs())
def test_values_round_trip_as_overrides(config: Config) -> None:
    values = flat(dataclasses.asdict(config))
    overrides = [f"{key}={to_override(value)}" for key, value in values.items()]
    assert load_config("digits", overrides) == config


def to_override(value: Any) -> str:
    return repr(value).replace("(", "[").replace(",)", ",]").replace(")", "]")


def test_yaml_is_in_schema_order_and_needs_no_anchor() -> None:
    pair = (16, 32)
    text = to_yaml(Config(learners=LearnersConfig(filters=(pair, pair))))
    assert list(yaml.safe_load(text)) == [f.name for f in dataclasses.fields(Config)]
    assert "  filters: [[16, 32], [16, 32]]\n" in text


def test_differences_are_in_schema_order() -> None:
    a = load_config("digits")
    b = load_config("digits", ["learners.units=[8]", "meta.iterations=500", "seed=1"])
    assert differences(a, b) == [
        "seed: 0 != 1",
        "learners.units: (64,) != (8,)",
        "meta.iterations: 1500 != 500",
    ]


# Errors


@pytest.mark.parametrize(
    ("override", "expected", "received"),
    [
        ("seed=-1", "an integer of at least 0", "-1"),
        ("seed=", "an integer of at least 0", "null"),
        ("seed={a: 1}", "an integer of at least 0", "{'a': 1}"),
        ("teacher.steps=0", "an integer of at least 1", "0"),
        ("teacher.steps=32.0", "an integer of at least 1", "32.0"),
        ("teacher.steps=true", "an integer of at least 1", "True"),
        ("teacher.steps='32'", "an integer of at least 1", "'32'"),
        ("data.augment=1", "a list of some of shift, mirror, rotate, colour", "1"),
        ("data.augment=true", "a list of some of shift, mirror,", "received True"),
        ("data.augment=shift", "some of shift, mirror,", "'shift'"),
        ("data.augment=[shift, miror]", "each once", "; did you mean mirror?"),
        ("data.augment=[shift, shift]", "each once, or []", "['shift', 'shift']"),
        ("data.augment=[[shift]]", "each once, or []", "; did you mean shift?"),
        ("data.name=mist", "one of digits, mnist, fashion", "; did you mean mnist?"),
        ("data.name=[digits]", "one of digits, mnist", "did you mean digits?"),
        ("meta.learning_rate=0", "a number above 0", "0"),
        ("meta.learning_rate=true", "a number above 0", "True"),
        ("meta.learning_rate=fast", "a number above 0", "'fast'"),
        ("meta.learning_rate=.nan", "a number above 0", "nan"),
        ("meta.learning_rate=.inf", "a number above 0", "inf"),
        ("meta.learning_rate=~", "a number above 0", "null"),
        ("meta.learning_rate=[0.1]", "a number above 0", "[0.1]"),
        ("meta.final_learning_rate=1.5", "a number in [0, 1]", "1.5"),
        ("meta.beta_2=1", "a number in [0, 1)", "1"),
        ("inner_optimizer.momentum=-0.5", "a number of at least 0", "-0.5"),
        ("inner_optimizer.momentum=[0.5]", "a number of at least 0", "[0.5]"),
        ("learners.negative_slope=[0.1, -1]", "a number of at least 0", "[0.1, -1]"),
        ("learners.strides=[2, 0]", "a list of integers of at least 1", "[2, 0]"),
        ("learners.units=64", "a list of integers of at least 1 or pairs", "64"),
        ("learners.units=[[9, 9]]", "pairs [low, high] with 1 <= low < high", "9]]"),
        ("learners.units=[[1, 2, 3]]", "pairs [low, high]", "[[1, 2, 3]]"),
        ("learners.units=[[a, b]]", "pairs [low, high]", "[['a', 'b']]"),
        ("learners.units=[null]", "pairs [low, high]", "[None]"),
        ("learners.units=&a [*a]", "pairs [low, high]", "[[...]]"),
        (
            "learners.family=[conv, vgg]",
            "one of conv, mlp, resnet, nao, nas_bench_201, or a list",
            "'vgg']",
        ),
        (
            "learners.architectures=all",
            "an integer, or all beside",
            "all beside 'conv'",
        ),
        ("meta.relative_clip=0.5", "0 or a number of at least 1", "0.5"),
        ("learners.architectures=0", "an integer of at least 1, or all", "0"),
        (
            "learners.family=[]",
            "one of conv, mlp, resnet, nao, nas_bench_201, or a list",
            "[]",
        ),
        (
            "learners.family=[conv, mlp]",
            "at most learners.architectures (1)",
            "('conv', 'mlp')",
        ),
        ("meta=5", "a section", "5"),
        ("meta={iterations: 50}", "a section", "{'iterations': 50}"),
    ],
)
def test_refused_value(override: str, expected: str, received: str) -> None:
    key = override.split("=")[0]
    message = error_of("digits", [override])
    assert message.startswith(f"override {override!r}: {key}: expected ")
    assert expected in message
    assert message.endswith(received)


@pytest.mark.parametrize(
    ("overrides", "key", "expected", "received"),
    [
        (
            ["learners.filters=[8]"],
            "learners.strides",
            "one for each entry of learners.filters (8,)",
            "(1, 2)",
        ),
        (
            ["inner_optimizer.rates=shared", "inner_optimizer.final_learning_rate=0.1"],
            "inner_optimizer.final_learning_rate",
            "1 beside inner_optimizer.rates=shared",
            "0.1",
        ),
        (
            ["inner_optimizer.momentum=0"],
            "inner_optimizer.momentum",
            "a number above 0, since learned rates are kept as logarithms",
            "0.0",
        ),
        (
            ["meta.iterations=1010"],
            "meta.iterations",
            "a multiple of meta.iterations_per_epoch (50), since a run is resumed",
            "1010",
        ),
        (
            ["teacher.steps=8", "meta.intermediate_every=8"],
            "meta.intermediate_every",
            "0 or a number of steps below 8",
            "8",
        ),
        (
            ["teacher.steps=8", "meta.estimator=truncated", "meta.window=3"],
            "meta.window",
            "a divisor of the 8 steps",
            "3",
        ),
        (
            ["meta.estimator=truncated"],
            "meta.window",
            "a divisor of the 12 steps",
            "0",
        ),
        (
            ["meta.estimator=persistent", "meta.window=5"],
            "meta.window",
            "a divisor of the 12 steps",
            "5",
        ),
        (
            ["meta.estimator=random_window", "meta.window=13"],
            "meta.window",
            "a number of steps from 1 to 12",
            "13",
        ),
        (
            ["meta.estimator=ridge"],
            "meta.window",
            "a number of steps from 1 to 12",
            "0",
        ),
        (
            ["meta.estimator=ridge", "meta.window=3", "rate_factors.inner_optimizer=2"],
            "rate_factors.inner_optimizer",
            "1 beside meta.estimator=ridge, which leaves the inner optimizer as it is",
            "2",
        ),
        (
            ["meta.estimator=ridge", "meta.window=3", "teacher.source=real_data"],
            "teacher.source",
            "one with images to learn beside meta.estimator=ridge",
            "real_data",
        ),
        (
            ["meta.estimator=persistent", "meta.window=4"],
            "meta.intermediate_every",
            "0 or a number of steps below 4",
            "4",
        ),
        (
            [
                "meta.estimator=persistent",
                "meta.window=6",
                "learners.family=nao",
                "learners.architectures=all",
            ],
            "meta.estimator",
            "one of fresh learners, such as full, beside learners.architectures=all",
            "persistent",
        ),
        (
            [
                "meta.estimator=ridge",
                "meta.window=6",
                "learners.family=nao",
                "learners.architectures=all",
            ],
            "meta.estimator",
            "one of fresh learners, such as full, beside learners.architectures=all",
            "ridge",
        ),
        (
            ["teacher.steps=8", "meta.estimator=lengthening", "meta.initial_steps=9"],
            "meta.initial_steps",
            "a number of steps from 1 to 8",
            "9",
        ),
        (
            ["meta.estimator=lengthening", "meta.initial_steps=4", "meta.unroll=keep"],
            "meta.unroll",
            "auto or recompute when the number of inner steps grows",
            "'keep'",
        ),
        (
            [
                "teacher.steps=99",
                "meta.iterations=100",
                "meta.estimator=lengthening",
                "meta.initial_steps=4",
                "meta.lengthen_every=5",
            ],
            "meta.lengthen_every",
            "so few that meta.iterations (100) reach teacher.steps (99)",
            "5",
        ),
    ],
)
def test_refused_pair_of_values(
    overrides: list[str], key: str, expected: str, received: str
) -> None:
    message = error_of("digits", overrides)
    origin = " with ".join(["digits.yaml", *overrides])
    assert f"{origin}: {key}: expected {expected}" in message
    assert message.endswith(f"received {received}")


@pytest.mark.parametrize(
    ("chosen", "unused", "default"),
    [
        ("meta.estimator=full", "meta.window=3", "0"),
        ("meta.estimator=truncated", "meta.initial_steps=4", "0"),
        ("meta.estimator=truncated", "meta.persistent_learners=2", "4"),
        ("meta.estimator=truncated", "meta.lengthen_every=4", "5"),
        ("meta.estimator=ridge", "meta.intermediate_every=2", "4"),
        ("inner_optimizer.name=adam", "inner_optimizer.momentum=0.25", "0.5"),
        ("inner_optimizer.name=sgd", "inner_optimizer.rho=0.25", "0.9"),
    ],
)
def test_a_setting_of_what_is_not_chosen(
    chosen: str, unused: str, default: str
) -> None:
    key, _, value = unused.partition("=")
    assert error_of("digits", [chosen, unused]) == (
        f"override '{unused}': {key}: expected its default, {default}, beside "
        f"{chosen}, which does not use it, received {value}"
    )


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["teacher.init=real"], "teacher.init: expected its default beside"),
        (["teacher.source=no_curriculum", "teacher.soft_labels=1"], "teacher.soft_lab"),
        (
            ["teacher.source=dataset_distillation", "generator.warm_start=9"],
            "generator.warm_start: expected 0",
        ),
        (["rate_factors.pixels=3"], "rate_factors.pixels: expected 1"),
        (["rate_factors.labels=3"], "rate_factors.labels: expected 1"),
        (["teacher.learned_latents=false", "rate_factors.latents=3"], "no latents"),
    ],
)
def test_a_setting_of_what_the_teacher_has_not(overrides, message) -> None:
    assert message in error_of("digits", overrides)


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("meta.iteration", "did you mean meta.iterations?"),
        ("learner.filters", "did you mean learners.filters?"),
        ("generator.filter", "did you mean generator.filters?"),
        ("generator.steps", "did you mean teacher.steps?"),
        ("iterations", "did you mean meta.iterations?"),
        ("sed", "did you mean seed?"),
        ("generator.xyz", "expected one of units, filters, weight_norm"),
        ("xyz", "expected one of seed, data, teacher, generator, learners"),
        ("", "expected one of seed, data, teacher, generator, learners"),
    ],
)
def test_unknown_key(key: str, hint: str) -> None:
    override = f"{key}=1"
    message = error_of("digits", [override])
    assert message.startswith(f"override {override!r}: {key}: unknown key; {hint}")


def test_override_without_equals_sign() -> None:
    message = error_of("digits", ["seed"])
    assert message == "override 'seed': expected section.key=value, received no '='"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: 1\nsed: 2", ", line 2: sed: unknown key; did you mean seed?"),
        (
            "learner: {architectures: 2}",
            ", line 1: learner: unknown key; did you mean learners",
        ),
        ("meta:\n  iterations: x", ", line 2: meta.iterations: expected an integer"),
        ("meta:", ", line 1: meta: expected a section with keys, received null"),
        ("meta: [1]", ", line 1: meta: expected a section with keys, received [1]"),
        ("seed: ~", ", line 1: seed: expected an integer of at least 0, received null"),
        ("- seed", ": expected sections such as meta:, received ['seed']"),
        ("digits", ": expected sections such as meta:, received 'digits'"),
        ("meta: {iterations: 70}", ": meta.iterations: expected a multiple of "),
        ("1: 2", ", line 1: 1: unknown key; expected one of seed"),
        ("[a]: 2", ", line 1: ['a']: unknown key; expected one of seed"),
        ("seed: 1\n\nseed: 1", ", line 3: seed: expected once, received on line 1 too"),
        (
            "meta:\n  epsilon: 1\n  epsilon: 2",
            ", line 3: meta.epsilon: expected once, received on line 2 too",
        ),
        ("meta: {}\nmeta: {}", ", line 2: meta: expected once, received on line 1 too"),
        ("seed: [1", ", line 1, column 9: not valid YAML, expected ',' or ']'"),
        ("seed: 1\n\tmeta: 2", ", line 2, column 1: not valid YAML, "),
        ("seed: 1\n---\nseed: 2", ", line 2, column 1: not valid YAML, "),
        ("seed: 2020-13-45", ": not valid YAML, month must be in 1..12"),
        ("seed: \0", ": not valid YAML, "),
    ],
)
def test_refused_file(tmp_path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    assert error_of(path).startswith(f"{path}{message}")


TEMPLATES = """\ufeffx-short: &short {iterations: 50, epsilon: 0.5}
x-long: &long
  iterations: 400
  max_skipped: 2
meta:
  epsilon: 0.25
  <<: [*short, *long]
"""


def test_merged_keys_lose_to_own_ones_and_earlier_to_later(tmp_path) -> None:
    meta = load_config(write(tmp_path, TEMPLATES)).meta
    assert (meta.epsilon, meta.iterations, meta.max_skipped) == (0.25, 50, 2)
    nested = "x-a: &a {epsilon: 0.5}\nx-b: &b {<<: *a, iterations: 50}\n"
    meta = load_config(write(tmp_path, nested + "meta: {<<: *b}")).meta
    assert (meta.epsilon, meta.iterations) == (0.5, 50)
    # Of whole sections, shallow: `meta` is taken or left as one.
    whole = "x-a: &a\n  seed: 3\n  meta: {epsilon: 0.5}\n<<: *a\n"
    assert load_config(write(tmp_path, whole)).meta.epsilon == 0.5
    config = load_config(write(tmp_path, whole + "meta: {iterations: 50}"))
    assert (config.seed, config.meta) == (3, MetaConfig(iterations=50))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # The line is that of the template.
        ("x-a: &a\n  epsilonn: 1\nmeta: {<<: *a}", "line 2: meta.epsilonn: unknown"),
        ("x-a: &a\n  epsilon: x\nmeta: {<<: *a}", "line 2: meta.epsilon: expected a"),
        (
            "x-a: &a {epsilon: 1}\nmeta:\n  epsilon: 2\n  <<: *a\n  epsilon: 2",
            "line 5: meta.epsilon: expected once, received on line 3 too",
        ),
        (
            "x-a: &a {epsilon: 1,\n epsilon: 2}\nmeta: {<<: *a}",
            "line 2: meta.epsilon: expected once, received on line 1 too",
        ),
        (
            "x-a: &a {}\nmeta:\n  <<: *a\n  <<: *a",
            "line 4: meta.<<: expected once, received on line 3 too",
        ),
        ("meta:\n  <<: 3", "line 2: <<: expected a mapping such as *base, or a list"),
        ("x-a: &a 3\nmeta:\n  <<: [*a]", "line 3: <<: expected a mapping such as"),
        ("meta: &a\n  <<: *a", "line 1: expected a mapping that does not merge itself"),
        ("meta: {<<: *a}", "line 1, column 12: not valid YAML, found undefined alias"),
        ('meta: {"<<": {}}', "line 1: meta.<<: unknown key"),
        ("x-a: 1\nx-a: 2", "line 2: x-a: expected once, received on line 1 too"),
        ("meta: {x-a: 1}", "line 1: meta.x-a: unknown key"),
    ],
)
def test_refused_merge(tmp_path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    assert error_of(path).startswith(f"{path}, {message}")


def test_merges_of_merges_are_read_up_to_a_bound(tmp_path) -> None:
    def merged(levels: int) -> str:
        lines = ["x-0: &a0 {epsilon: 0.5}"]
        for n in range(1, levels):
            lines.append(f"x-{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}")
        return write(tmp_path, "\n".join([*lines, f"meta: {{<<: *a{levels - 1}}}"]))

    assert load_config(merged(6)).meta.epsilon == 0.5
    assert "expected at most 10000 entries" in error_of(merged(60))


def test_file_that_is_not_text(tmp_path) -> None:
    path = tmp_path / "run.yaml"
    path.write_bytes(b"seed: \xff\xfe")
    assert error_of(str(path)).startswith(f"{path}: not valid YAML, ")


@pytest.mark.parametrize("tag", ["object/apply:pathlib.Path.touch", "name:os.system"])
def test_python_tags_are_refused_and_run_nothing(tmp_path, tag: str) -> None:
    touched = tmp_path / "touched"
    value = f"!!python/{tag} ['{touched}']"
    assert "could not determine a constructor" in error_of("digits", [f"seed={value}"])
    path = write(tmp_path, f"seed: {value}")
    assert error_of(path).startswith(f"{path}, line 1, column 7: not valid YAML, ")
    assert not touched.exists()


def test_a_config_made_in_python_is_checked_too() -> None:
    with pytest.raises(ConfigError, match="meta.iterations: expected .* received -1"):
        MetaConfig(iterations=-1)
    with pytest.raises(ConfigError, match="data: expected a DataConfig, received {}"):
        Config(data={})
    assert LearnersConfig(filters=[8, [4, 9]]).filters == (8, (4, 9))


def test_error_carries_its_key_and_is_a_value_error() -> None:
    with pytest.raises(ValueError) as caught:
        load_config("digits", ["seed=x"])
    assert caught.value.key == "seed"


def test_config_is_frozen_and_hashable() -> None:
    config = load_config("digits")
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.seed = 1
    assert hash(config) == hash(load_config("digits"))


def test_module_does_not_import_tensorflow() -> None:
    code = "import sys, gtn_tf.config; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def laughs(levels: int) -> str:
    """YAML of a few lines that unfolds to 10 ** levels entries."""
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    for level in range(1, levels):
        aliases = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level} [{aliases}]")
    return "\n".join([*lines, f"seed: *a{levels - 1}"])


def test_aliases_do_not_unfold_for_ever(tmp_path) -> None:
    path = tmp_path / "laughs.yaml"
    for levels in (9, 60):
        path.write_text(laughs(levels))
        message = error_of(str(path), [])
        assert message == (
            f"{path}: expected at most 10000 entries, received more, with each alias "
            "as long as what it stands for"
        )
    nested = "&a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"
    for name in "bcdef":
        alias = chr(ord(name) - 1)
        nested = f"&{name} [{nested}, {', '.join([f'*{alias}'] * 9)}]"
    message = error_of("digits", [f"learners.units={nested}"])
    assert "expected at most 10000 entries" in message and len(message) < 500
    path.write_text("learners: {filters: &f [8, 8], strides: *f}")
    assert load_config(str(path)).learners.strides == (8, 8)


HUGE = {
    "a text": "x" * 10**6,
    "a list": [1] * 10**5,
    "lists of one list": [[[[1] * 99] * 99] * 99] * 99,
    "a section": {n: n for n in range(999)},
    "texts": {"a": ["x" * 999] * 999},
    "an integer": -(10**3000),
    "one that Python does not write": -(10**9000),
}


@pytest.mark.parametrize("kind", HUGE)
def test_errors_are_short_whatever_was_received(kind: str) -> None:
    for make in (
        lambda: Config(seed=HUGE[kind]),
        lambda: LearnersConfig(units=HUGE[kind]),
        lambda: LearnersConfig(family=HUGE[kind]),
    ):
        try:
            make()
        except ConfigError as error:
            assert len(str(error)) < 400 and "\n" not in str(error)
        else:
            assert kind == "a list"  # of widths


def test_long_overrides_are_cut() -> None:
    assert len(error_of("digits", ["meta.iterations=" + "9x" * 10**5])) < 700
    assert len(error_of("digits", ["x" * 10**6])) < 400


# What an earlier version wrote into a run directory: every key, those of estimators
# without a name among them.
EARLIER = """\
teacher: {steps: 12}
meta:
  intermediate_every: 2
  truncate_every: %d
  initial_steps: %d
  lengthen_every: 3
"""


@pytest.mark.parametrize(
    "old, expected",
    [
        ((0, 0), MetaConfig(intermediate_every=2)),
        ((6, 0), MetaConfig(estimator="truncated", intermediate_every=2, window=6)),
        (
            (0, 4),
            MetaConfig(
                estimator="lengthening",
                intermediate_every=2,
                initial_steps=4,
                lengthen_every=3,
            ),
        ),
    ],
)
def test_configurations_of_earlier_versions(tmp_path, old, expected) -> None:
    assert load_config(write(tmp_path, EARLIER % old)).meta == expected


@pytest.mark.parametrize("schema", [Config, FinalConfig, SupernetConfig])
def test_a_switch_of_augmentation_of_an_earlier_version(tmp_path, schema) -> None:
    """In files alone: what is written today has names."""
    for text, names in {"true": ("shift", "mirror"), "false": ()}.items():
        path = write(tmp_path, f"data: {{name: cifar10, augment: {text}}}")
        assert load_config(path, schema=schema).data.augment == names
        assert load_config(path, ["data.augment=[]"], schema).data.augment == ()


def test_a_pool_of_an_earlier_version(tmp_path) -> None:
    path = write(tmp_path, "learners: {family: [conv, mlp], pool: 3}")
    assert load_config(path).learners.architectures == 3


def test_all_architectures_are_of_families_of_cells() -> None:
    family = "learners.family=[nao, conv, nas_bench_201]"
    learners = load_config("digits", [family, "learners.architectures=all"]).learners
    assert [(one.family, one.architectures) for one in learners.networks()] == [
        ("nao", "all"),
        ("conv", 1),
        ("nas_bench_201", "all"),
    ]


def test_a_mistake_in_an_earlier_configuration_is_told_where_it_is(tmp_path) -> None:
    path = write(tmp_path, EARLIER % (6, 4))
    assert "meta.initial_steps: expected its default, 0" in error_of(path)
    path = write(tmp_path, EARLIER % (-6, 0))
    assert error_of(path).startswith(f"{path}, line 4: meta.window: expected an int")
    path = write(tmp_path, "meta: {estimator: full, truncate_every: 0}")
    assert "meta.truncate_every: unknown key" in error_of(path)
