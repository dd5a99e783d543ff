"""`charrnn train --ensemble`: from the first step to the page."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from helpers.checkpoints import with_header
from helpers.commands import QUICK
from test_train import assert_same_arrays, header, weights

import charrnn
from charrnn.config import ModelConfig, TrainingConfig
from charrnn.training import resources

ENSEMBLE = [*QUICK, "--hidden-size", 12, "--ensemble", 2]


def test_its_networks_are_named_and_have_weights_for_their_own_cells(run):
    said = run("train", "text.txt", *ENSEMBLE).stderr
    assert "lstm, an ensemble of 2 networks of 6, dropout" in said
    assert header().model.ensemble == 2
    assert weights()["best.layer1.Wh"].shape == (4 * 12, 6)


def test_a_resumed_run_has_the_bits_of_one_that_was_not_interrupted(run):
    same = ["--val-every", 5, "--warmup", 2, "--schedule", "constant", "--seed", 3]
    run("train", "text.txt", "-c", "whole.npz", *ENSEMBLE, *same)
    run("train", "text.txt", "-c", "half.npz", *ENSEMBLE, *same, "--steps", 5)
    run("train", "-c", "half.npz", "--resume", "--steps", 12)
    assert_same_arrays(weights("half.npz"), weights("whole.npz"))
    said = run("train", "-c", "half.npz", "--resume", "--ensemble", 3, code=2).stderr
    assert "half.npz: a run keeps its --ensemble 2" in said


def test_it_is_sampled_and_inspected_like_any_network(run):
    run("train", "text.txt", *ENSEMBLE)
    run("sample", "--length", 20)
    assert "an ensemble of 2 networks of 6 cells, " in run("inspect").stdout
    assert json.loads(run("inspect", "--json").stdout)["ensemble"] == 2
    run("inspect", "--cell", 11, "--spectrum", "--gradient")
    run("inspect", "--html", "page.html", "--no-analyses")
    assert "The network is an ensemble of 2 networks of 6 cells, which predict together." in Path(
        "page.html"
    ).read_text(encoding="utf-8")
    assert "an ensemble of 2 networks of 6" in repr(charrnn.load("charrnn.npz"))


def test_its_weights_go_to_pytorch_and_back(run):
    run("train", "text.txt", *ENSEMBLE)
    run("inspect", "--save-weights", "w.safetensors")
    run("train", "text.txt", "-c", "again.npz", "--init-from", "w.safetensors", "--steps", 1,
        "--learning-rate", 1e-30)  # fmt: skip
    assert header("again.npz").model.ensemble == 2
    first, again = weights(), weights("again.npz")
    np.testing.assert_allclose(again["last.layer1.Wh"], first["best.layer1.Wh"], atol=1e-6)


def test_by_default_each_network_has_the_default_size(run):
    run("train", "text.txt", "--ensemble", 3, "--steps", 1, "--seq-length", 8, "--batch-size", 4)
    assert header().model.hidden_size == 3 * 256


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--hidden-size", 16, "--ensemble", 3], "ensemble 3 does not divide hidden_size 16"),
        (["--ensemble", 2, "--num-layers", 2], "one layer, not 2"),
    ],
)
def test_an_impossible_ensemble_is_refused(more, message, run):
    assert message in run("train", "text.txt", *QUICK, *more, code=2).stderr
    assert not Path("charrnn.npz").exists()


def test_two_workers_train_it_as_one_does(run):
    for workers in (1, 2):
        run("train", "text.txt", *ENSEMBLE, "--workers", workers, "-c", f"{workers}.npz")
    one, two = weights("1.npz"), weights("2.npz")
    for name in ("last.layer1.Wh", "last.layer1.Wx", "last.Wy"):
        np.testing.assert_allclose(two[name], one[name], rtol=1e-3, atol=1e-4)


def test_an_ensemble_that_a_file_cannot_have_is_refused(run):
    run("train", "text.txt", *ENSEMBLE)
    run("inspect", "--save-weights", "w.safetensors")
    with_header(Path("charrnn.npz"), lambda said: said["model"].update(ensemble=5))
    said = run("sample", code=1).stderr
    assert "charrnn.npz: damaged: model.ensemble of its header is 5, and hidden_size" in said
    data = Path("w.safetensors").read_bytes()
    Path("w.safetensors").write_bytes(data.replace(b'"ensemble":"2"', b'"ensemble":"5"'))
    said = run("sample", "-c", "w.safetensors", code=1).stderr
    assert "w.safetensors: ensemble of its metadata is 5, and hidden_size" in said


def test_weights_of_pytorch_between_its_networks_are_refused(run):
    run("train", "text.txt", *ENSEMBLE)
    run("inspect", "--save-weights", "w.safetensors")
    data = Path("w.safetensors").read_bytes()
    length = 8 + int.from_bytes(data[:8], "little")
    start, _ = json.loads(data[8:length])["rnn.weight_hh_l0"]["data_offsets"]
    tensor = np.frombuffer(data, np.float32, 48 * 12, length + start).reshape(48, 12).copy()
    assert not tensor[0, 6:].any()
    tensor[0, 6] = 1
    after = length + start + tensor.nbytes
    Path("w.safetensors").write_bytes(data[: length + start] + tensor.tobytes() + data[after:])
    said = run("sample", "-c", "w.safetensors", code=1).stderr
    assert "w.safetensors: has weights between the 2 networks of the ensemble" in said


@pytest.mark.parametrize(
    ("more", "shape"),
    [
        (["--ensemble", 5], (15, 5, 1)),
        (["--num-layers", 2], (12, 1, 2)),
        (["--hidden-size", 10], (10, 2, 1)),
        (["--hidden-size", 11], (11, 1, 1)),
        (["--ensemble", 1], (12, 1, 1)),
        (["--model", "gru"], (12, 2, 1)),
    ],
)
def test_the_command_for_another_shape_trains_a_network_that_can_be(more, shape, run):
    run("train", "text.txt", *ENSEMBLE)
    said = run("train", "--resume", *more, code=2).stderr
    words = shlex.split(re.findall(r"`charrnn (.*?)`", said)[-1])
    run(*words, "text.txt" if "text.txt" not in " ".join(words) else "--overwrite")
    model = header(words[words.index("-c") + 1]).model
    assert (model.hidden_size, model.ensemble, model.num_layers) == shape


def test_the_options_to_repeat_a_timed_run_name_the_ensemble(run):
    said = run("train", "text.txt", *QUICK[2:-2], "--ensemble", 2, "--time", "1s").stderr
    (options,) = re.findall(r"to repeat this run: (.*)", said)
    run("train", "text.txt", *QUICK[4:-2], *options.split(), "-c", "again.npz")
    assert header("again.npz").model == header().model


def test_advice_on_memory_names_the_ensemble(run):
    shape = ModelConfig("gru", hidden_size=200_000, ensemble=2, dropout=0)
    config = TrainingConfig(steps=1, batch_size=4, seq_length=4, workers=1)
    said = resources.advice(resources.Sizes(shape, 7, config), 0, Path("/"))
    assert re.fullmatch(r"try --hidden-size \d+ --ensemble 2", said)
