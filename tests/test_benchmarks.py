import json
import subprocess
import sys
from importlib import import_module
from math import log2
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
PARTS = (
    "copying",
    "effects",
    "finding",
    "floor",
    "layers",
    "looking",
    "memory",
    "mpi",
    "page",
    "quality",
    "run",
    "sampling",
    "saving",
    "scaling",
    "scoring",
    "startup",
    "texts",
    "throughput",
)


@pytest.fixture
def module(monkeypatch):
    """Imports a module as the benchmarks do."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return import_module


def run(*arguments):
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_part_says_what_it_measures_and_is_among_those_that_run_runs(module):
    parts = module("run").PARTS
    assert sorted([*parts, "run"]) == sorted(PARTS)
    for name in PARTS:
        assert (module(name).__doc__ or "").count("\n") > 2


@pytest.mark.parametrize("part", ["run", "texts"])
def test_help_is_there_without_measuring_anything(part):
    result = run(BENCHMARKS / f"{part}.py", "--help")
    assert result.returncode == 0, result.stderr
    assert "--quick" in result.stdout


def test_an_unknown_part_is_refused():
    result = run(BENCHMARKS / "run.py", "speed")
    assert result.returncode == 2
    assert "no part named speed" in result.stderr


def test_a_part_without_its_text_is_left_out_with_a_notice(tmp_path):
    results = tmp_path / "results.json"
    result = run(
        *(BENCHMARKS / "run.py", "quality", "--quick"),
        *("--text", tmp_path / "nothing.txt", "--json", results),
    )
    assert result.returncode == 0, result.stderr
    assert "left out" in result.stdout
    written = json.loads(results.read_text())
    assert "nothing.txt" in written["quality"]["left_out"]
    assert written["machine"]["numpy"]
    assert written["machine"]["cores"] >= 1


def test_a_ratio_is_the_median_of_those_turn_by_turn(module):
    # 2, 1, 3: not the ratio of the medians, which is 30 / 10
    assert module("common").ratio([20, 30, 300], [10, 30, 100]) == 2
    assert module("common").ratio([30, 8, 300], [10, 8, 100]) == 3


def test_the_geometric_mean_takes_a_half_and_a_double_as_one(module):
    assert module("common").geometric_mean([0.5, 2]) == pytest.approx(1)
    assert module("common").geometric_mean([1, 8]) == pytest.approx(8**0.5)


def test_the_fastest_is_the_one_with_the_lowest_median(module):
    assert module("common").fastest({"a": [1, 5, 5], "b": [4, 4, 9]}) == "b"


def test_a_table_lines_up_its_columns(module, capsys):
    common = module("common")
    common.table(("cell", "speed"), [("lstm", 123456.7), ("gru", 0.25), ("none", None)])
    heading, rule, *rows = capsys.readouterr().out.splitlines()
    assert heading == "| cell     |    speed |"
    assert rule == "|----------|---------:|"
    assert rows == [
        "| lstm     |  123,457 |",
        "| gru      |     0.25 |",
        "| none     |        – |",
    ]


def test_a_contender_repeats_its_step_in_each_turn(module):
    contenders, products = module("contenders"), module("products")
    with contenders.contenders({"ours": 1, "theirs": 1}) as who:
        for contender in who.values():
            contender.prepare(products.output_products, 3, 4, 5)
        times = contenders.interleaved(who, turns=2, seconds=0.001)
    assert list(times) == ["ours", "theirs"]
    assert all(len(own) == 2 and min(own) > 0 for own in times.values())
    assert not any(contender.process.is_alive() for contender in who.values())


def test_lines_of_a_command_are_kept_with_their_times(module, tmp_path):
    watching = module("watching")
    code = "import sys; print('one step', file=sys.stderr)"
    finished = watching.watch([sys.executable, "-c", code], tmp_path)
    assert 0 < finished.when("one", "step") <= finished.seconds
    assert finished.peak_resident > 1e6
    with pytest.raises(RuntimeError, match="no line 'two'"):
        finished.when("two")


def test_a_command_that_fails_is_not_measured(module, tmp_path):
    with pytest.raises(RuntimeError, match="no good"):
        module("watching").watch([sys.executable, "-c", "raise SystemExit('no good')"], tmp_path)


def test_what_ranks_cost_on_a_network_is_the_sum_of_its_parts(module):
    mpi = module("mpi")
    own = mpi.Cost(parameters=1000, fixed=0.002, stream=0.001, sum=0.01, text=0.0, within=0.0)
    free = mpi.Network("free", 0.0, float("inf"))
    assert own.meeting(2, 9, free) == pytest.approx(0.01)  # in memory alone, as measured
    slow = mpi.Network("slow", 0.0, 4000.0)  # the whole vector in a second
    vectors, text = 2 * 0.75 + 2 * 0.75 * 0.01, 4 * 9 * mpi.STEPS / 4000
    assert own.meeting(4, 9, slow) == pytest.approx(vectors + text)
    far = mpi.Network("far", 1.0, float("inf"))
    assert own.meeting(8, 9, far) == pytest.approx(2 * 7 + 5 * 3 + 2 * 7 / 8 * 0.01)
    reads = mpi.Cost(parameters=1000, fixed=0.002, stream=0.001, sum=0.01, text=0.1, within=0.0)
    assert reads.meeting(2, 9, free) == pytest.approx(0.01 + 2 * 9 * 0.1)


def test_streams_that_pay_compute_for_their_share_of_the_time(module):
    mpi = module("mpi")
    own = mpi.Cost(parameters=1000, fixed=0.002, stream=0.001, sum=0.0095, text=0.0, within=0.0)
    free = mpi.Network("free", 0.0, float("inf"))
    assert own.streams(2, free, 0.5) == 8  # 2 ms and 8 × 1 ms beside 9.5
    assert own.streams(2, free, 0.75) == 27
    assert mpi.Cost(1000, 1.0, 0.001, 0.01, 0.0, 0.0).streams(2, free, 0.5) == 1
    reads = mpi.Cost(1000, 0.002, 0.001, 0.0095, 0.0001, 0.0)  # a fifth of a stream's time
    assert reads.streams(2, free, 0.5) == 10
    assert reads.streams(20, free, 0.5) == float("inf")


def test_ranks_of_workers_send_less_often_and_sum_among_themselves(module):
    mpi = module("mpi")
    own = mpi.Cost(parameters=1000, fixed=0.002, stream=0.001, sum=0.01, text=0.0, within=0.001)
    for name, network, cores, _, of_workers, *_ in mpi.calculated({"small": own}):
        latency, bandwidth = {each.name: each[1:] for each in mpi.NETWORKS}[network]
        n = cores // mpi.WORKERS
        sent = 2 * (n - 1) / n * (4000 / bandwidth + 0.01) + mpi.AMONG * cores * 64 / bandwidth
        late = (2 * (n - 1) + 5 * log2(n)) * latency
        assert of_workers == pytest.approx(1e3 * (sent + late + 0.001 * mpi.WORKERS / 2))
        assert name == "small"


def test_the_cost_of_a_stream_is_what_more_of_them_add(module):
    rows = [
        {"streams": 16, "step": 26.0, "text": 0.5},
        {"streams": 64, "step": 74.0},
        {"streams": 64, "step": 40.0, "sum": 2.0},
        {"streams": 128, "step": 80.0, "parameters": 5.0, "sum": 3.0},
    ]
    own = module("mpi").cost(rows, 64)
    assert (own.parameters, own.sum, own.text, own.within) == (5, 0.003, 0.0005, 0.002)
    assert own.stream == pytest.approx(0.001)
    assert own.fixed == pytest.approx(0.010)


def test_texts_are_of_their_size_and_always_the_same(module, tmp_path):
    texts = module("texts")
    for name in ("one", "two"):
        texts.generate(tmp_path / name, 1_200_000)
    content = (tmp_path / "one").read_bytes()
    assert len(content) == 1_200_000
    assert content == (tmp_path / "two").read_bytes()
    assert len(content.splitlines()[1]) < 80


def test_the_loss_after_a_time_is_that_of_the_last_validation_before(module, tmp_path):
    quality = module("quality")
    log = tmp_path / "log.jsonl"
    losses = [None, 2.0, None, 1.5]
    log.write_text(
        "".join(
            json.dumps({"step": n, "characters": n * 100, "chars_per_second": 10, "val_loss": loss})
            + "\n"
            for n, loss in enumerate(losses, start=1)
        )
    )
    points = quality.curve(log)
    assert [point["seconds"] for point in points] == [20, 40]
    assert quality.last_before(points, 39)["carried"] == 2.0
    assert quality.last_before(points, 19) is None
