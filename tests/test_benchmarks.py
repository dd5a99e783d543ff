import json
import os
import subprocess
import sys
from importlib import import_module
from math import log2
from pathlib import Path
from xml.etree import ElementTree

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
PARTS = (
    "blocks",
    "copying",
    "effects",
    "finding",
    "floor",
    "layers",
    "learning",
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


def run(*arguments, **variables):
    command = [sys.executable, *map(str, arguments)]
    env = {**os.environ, **variables} if variables else None
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env)


def without_measuring(tmp_path, *more, **variables):
    """The output of a part that is left out, and the machine in its results."""
    results = tmp_path / "results.json"
    asked = "--text", tmp_path / "nothing.txt", "--json", results
    result = run(BENCHMARKS / "quality.py", *asked, *more, **variables)
    assert result.returncode == 0, result.stderr
    return result.stdout, json.loads(results.read_text())["machine"]


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


def test_a_kernel_of_the_environment_is_not_used_and_named_once(tmp_path):
    none = dict.fromkeys(("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"), "")
    _, usual = without_measuring(tmp_path, **none)
    set_here = {"OPENBLAS_CORETYPE": "Nehalem", "OPENBLAS_L2_SIZE": "512"}
    output, machine = without_measuring(tmp_path, **set_here)
    assert output.count("OPENBLAS_CORETYPE=Nehalem was set, and is not used here") == 1
    assert output.count("OPENBLAS_L2_SIZE=512 was set, and is not used here") == 1
    assert output.count("NumPy") == 1
    assert machine["coretype"] is None
    assert machine["kernel"] == usual["kernel"]


def test_a_kernel_is_chosen_on_purpose(tmp_path):
    _, usual = without_measuring(tmp_path)
    if not usual["kernel"]:
        pytest.skip("the library of NumPy's products does not name its kernel")
    asked = "--coretype", usual["kernel"]
    output, machine = without_measuring(tmp_path, *asked, OPENBLAS_CORETYPE="other")
    assert "OPENBLAS_CORETYPE=other was set, and is not used here" in output
    assert f"OPENBLAS_CORETYPE={usual['kernel']} for all that is measured" in output
    assert machine["coretype"] == machine["kernel"] == usual["kernel"]
    refused = run(BENCHMARKS / "quality.py", "--coretype", "no kernel")
    assert refused.returncode == 2
    assert f"--coretype no kernel: OpenBLAS uses {usual['kernel']}: name a" in refused.stderr


#: A part that measures a command, which prints the variables that choose a kernel.
PART = f"""
import sys
sys.path.insert(0, {str(BENCHMARKS)!r})
from pathlib import Path
from common import alone
from watching import watch

def part(options):
    show = "import os, sys; print(sorted(set(sys.argv) & set(os.environ)), file=sys.stderr)"
    names = "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"
    print(watch([sys.executable, "-c", show, *names], Path()).lines[0][1])
    return {{}}

alone(part, "A part.")
"""


def test_every_process_that_is_measured_has_the_chosen_kernel(module, tmp_path):
    script = tmp_path / "part.py"
    script.write_text(PART)
    assert "\n[]\n" in run(script, OPENBLAS_CORETYPE="Nehalem", OPENBLAS_L2_SIZE="512").stdout
    kernel = module("common").kernel()
    if kernel:
        chosen = run(script, "--coretype", kernel, OPENBLAS_L2_SIZE="512")
        assert "\n['OPENBLAS_CORETYPE']\n" in chosen.stdout


@pytest.mark.parametrize("option", ["--json", "--picture"])
def test_a_file_in_a_missing_folder_is_refused_before_measuring(option, tmp_path):
    path = tmp_path / "nowhere" / "file"
    refused = run(BENCHMARKS / "learning.py", option, path)
    assert refused.returncode == 2
    assert f"{path}: there is no folder {path.parent}" in refused.stderr


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


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="reads /proc/stat")
def test_the_time_of_other_programs_is_without_children_that_have_ended(module):
    seconds_of_others = module("watching").seconds_of_others
    spin = "import time\nwhile time.process_time() < 0.6: pass\nprint('done', flush=True)\ninput()"
    before = seconds_of_others()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", spin], **pipes) as child:
        child.stdout.readline()
        running = seconds_of_others()
        child.communicate(b"\n")
    assert running - before > 0.5
    assert seconds_of_others() < running - 0.3


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


@pytest.fixture(scope="module")
def torch():
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    return torch


def test_pytorch_repeats_a_run_of_charrnn(torch, module, tmp_path):
    import charrnn

    text, checkpoint, recipe = (tmp_path / name for name in ("text", "run.npz", "recipe"))
    sentence = "The lamp was lit at dusk, and the keeper wrote it down.\n"
    text.write_text("".join(sentence[n % 40 :] for n in range(150)))
    losses, validations = [], []

    def follow(progress):
        losses.append(progress.loss)
        validations.append(progress.val_loss)

    sizes = {"hidden_size": 24, "batch_size": 8, "seq_length": 16, "dropout": 0.0, "workers": 1}
    length = {"steps": 30, "val_every": 15, "learning_rate": 0.01, "warmup": 5, "seed": 3}
    length |= {"grad_clip": 0.1, "optimizer": "adam"}
    charrnn.train(text, checkpoint=checkpoint, progress=follow, **sizes, **length)
    Recipe = module("recipe").Recipe
    Recipe.of_run(checkpoint, text).write(recipe)
    assert Recipe.read(recipe) == Recipe.of_run(checkpoint, text)
    training = module("torch_gru").TorchTraining(Recipe.read(recipe))
    found = [training.step() for _ in range(15)]
    assert training.validate() == pytest.approx(validations[14], abs=1e-4)
    found += [training.step() for _ in range(15)]
    assert found == pytest.approx(losses, abs=1e-4)
    assert training.validate() == pytest.approx(validations[29], abs=1e-4)
    assert losses[29] < losses[0] - 0.5


def curves(module, step=1.0):
    """Two runs of three validations, of which the second takes twice as long."""
    learning = module("learning")
    first, second = (
        learning.Curve(
            [
                learning.Point(n * seconds, 10 * n, loss)
                for n, loss in enumerate((2.0, 1.7, 1.5), start=1)
            ],
            [4.0, 3.0],
        )
        for seconds in (20 * step, 40 * step)
    )
    return first, second


def test_a_validation_has_the_time_since_the_start_of_the_process(module, tmp_path, monkeypatch):
    learning, watching = module("learning"), module("watching")
    log = [(1, 100, None), (2, 200, 2.5), (3, 300, None), (4, 400, 2.25)]
    (tmp_path / "default.jsonl").write_text(
        "".join(
            json.dumps(
                {
                    "step": step,
                    "loss": 5 - step,
                    "characters": read,
                    "chars_per_second": 100,
                    "val_loss": loss,
                }
            )
            + "\n"
            for step, read, loss in log
        )
    )
    # The first step ends a second after the first one began, and 7 after the process did.
    finished = watching.Finished(lines=[(1.0, "a text"), (7.0, "step 1 of 4, epoch 0.01")])
    monkeypatch.setattr(learning, "watch", lambda command, folder: finished)
    curve = learning.charrnn_curve(module("common").Options(), tmp_path, "default")
    assert curve.points == [(8.0, 2, 2.5), (10.0, 4, 2.25)]
    assert curve.first_losses == [4, 3, 2, 1]
    finished.lines = [(3.0, "step 2"), (6.5, "step 4")]
    records = learning.read_log(tmp_path / "default.jsonl")
    assert learning.times_of_steps(finished, records) == [0.0, 3.0, 0.0, 6.5]


@pytest.mark.skipif(os.name == "nt", reason="a shell of POSIX")
def test_nanogpt_is_timed_by_its_own_lines(module, tmp_path):
    learning = module("learning")
    options = module("common").Options(nanogpt=tmp_path)
    options.text = tmp_path / "text"
    options.text.touch()
    with pytest.raises(SystemExit, match="no data: run data/shakespeare_char/prepare"):
        learning.measure(options)
    (tmp_path / "train.py").write_text(
        "import sys, time\n"
        "assert '--max_iters=2000' in sys.argv\n"
        "print('step 0: train loss 4.2874, val loss 4.2823')\n"
        "print('iter 1: loss 3.5, time 20.1ms')\n"
        "time.sleep(0.2)\n"
        "print('step 250: train loss 2.4, val loss 2.4277')\n"
    )
    curve = learning.nanogpt_curve(options, tmp_path)
    ((seconds, step, loss),) = curve.points
    assert (step, loss) == (250, 2.4277)
    assert 0.2 < seconds < 60


def test_milestones_are_the_first_validations_with_the_loss(module):
    learning, (first, _) = module("learning"), curves(module)
    assert learning.seconds_to(1.88, first.points) == 40
    assert learning.seconds_to(1.7, first.points) == 40
    assert learning.seconds_to(1.4, first.points) is None


def test_runs_of_another_recipe_are_not_compared_in_silence(module, capsys):
    learning, (first, second) = module("learning"), curves(module)
    result = learning.compare(first, second)
    assert result["same_recipe"]
    assert result["ratio"] == pytest.approx(2)
    assert "NOT THE SAME RECIPE" not in capsys.readouterr().out
    other = second._replace(first_losses=[4.0, 3.002])
    result = learning.compare(first, other)
    assert not result["same_recipe"]
    assert result["first_losses_differ_by"] == pytest.approx(0.002)
    assert "NOT THE SAME RECIPE" in capsys.readouterr().out


def test_the_picture_has_a_point_for_each_validation_and_names_that_do_not_overlap(module):
    learning, picture = module("learning"), module("picture")
    first, second = curves(module)
    figure = learning.figure({"one <run>": first, "another": second, "the same": second})
    root = ElementTree.fromstring(picture.svg(figure))
    space = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{space}polyline")) == 3
    assert len(root.findall(f"{space}circle")) == 3 * 3 + 1
    texts = [element.text for element in root.findall(f"{space}text")]
    assert "one <run>" in texts
    assert "1.500 in 60.0 s" in texts
    assert {"seconds since the start of the program", "loss, nats a character"} <= set(texts)
    line = root.find(f"{space}polyline").get("points").split()
    (x1, y1), *_, (x3, y3) = (map(float, point.split(",")) for point in line)
    assert x3 - x1 == pytest.approx(2 * (x1 - picture.LEFT), abs=0.2)  # at 20 and 60 seconds
    assert y3 > y1  # a lower loss stands lower
    names = [element for element in root.findall(f"{space}text") if element.get("class") == "name"]
    assert len(names) == 2 * 3 + 2
    assert max(float(element.get("y")) for element in names) < picture.vertical(0)
    measured = learning.figure({"one": first, learning.NANOGPT_HERE: second})
    assert [each.name.split("\n")[0] for each in measured.series] == ["one", learning.NANOGPT_HERE]
    boxes = picture.place([[(700, 100)]] * 3, ["a name\nof two lines"] * 3)
    assert not any(a.meets(b) for a in boxes for b in boxes if a is not b)
    assert all(box.left >= picture.LEFT and box.right <= picture.WIDTH for box in boxes)
