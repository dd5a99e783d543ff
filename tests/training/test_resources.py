"""The memory that a training needs, and the memory of the machine."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from configs import complete
from helpers.memory import peak_bytes

from charrnn.config import ModelConfig
from charrnn.errors import TrainingError
from charrnn.network.layers import LAYER_TYPES
from charrnn.network.model import CharRNN
from charrnn.text.vocabulary import Vocabulary
from charrnn.training.resources import Sizes, check_memory, most_workers
from charrnn.training.trainer import Trainer

CONFIG = complete(steps=2, batch_size=64, seq_length=64, val_every=9)
MB = 1_000_000


def sizes(**more):
    """A training of a network of 7 characters."""
    shape = {"layer_type": "gru", "hidden_size": 64, "num_layers": 2, "ensemble": 1, "dropout": 0.1}
    shape |= {name: more.pop(name) for name in list(more) if name in shape}
    return Sizes(ModelConfig(**shape), 7, replace(CONFIG, **more))


def network(of, V=7):
    vocabulary = Vocabulary("".join(map(chr, range(65, 65 + V))))
    return CharRNN(vocabulary, **vars(of.model))


@pytest.mark.parametrize("layer_type", sorted(LAYER_TYPES))
@pytest.mark.parametrize(("num_layers", "dropout"), [(1, 0.0), (2, 0.1)])
def test_the_estimate_is_a_lower_bound_and_no_poor_one(layer_type, num_layers, dropout):
    training = sizes(layer_type=layer_type, num_layers=num_layers, dropout=dropout)
    made, text = network(training), np.arange(20_000) % 7
    made.initialize(np.random.default_rng(0))

    def train():
        trainer = Trainer(made, text, None, training.config)
        trainer.step()
        made.parameters.zeros_like()  # as for a save

    taken = peak_bytes(train)
    assert 0.85 * taken < training.need().process < taken


@pytest.mark.parametrize("ensemble", [1, 2])
def test_the_estimate_has_the_update_of_many_cells(ensemble):
    shape = {"hidden_size": 512, "num_layers": 1, "ensemble": ensemble}
    training = sizes(**shape, batch_size=8, seq_length=8)
    made, text = network(training), np.arange(20_000) % 7
    made.initialize(np.random.default_rng(0))

    def train():
        Trainer(made, text, None, training.config).step()

    taken = peak_bytes(train)
    assert 0.85 * taken < training.need().process < taken


@pytest.mark.parametrize("layer_type", sorted(LAYER_TYPES))
@pytest.mark.parametrize("num_layers", [1, 2])
def test_the_starting_weights_need_no_more_than_estimated(layer_type, num_layers):
    training = sizes(layer_type=layer_type, hidden_size=300, num_layers=num_layers)

    def start():
        made = network(training)
        made.initialize(np.random.default_rng(0))

    taken = peak_bytes(start)
    weights = network(training).parameters.flat.nbytes  # the gradient, which is not written to
    assert 0.8 * taken < training.need().start + weights < 1.2 * taken


def test_workers_need_interpreters_gradients_and_a_copy_of_the_text():
    one, four = sizes(), replace(sizes(), text_bytes=5 * MB).with_workers(4)
    weights = network(one).parameters.flat.nbytes
    assert four.need().shared - one.need().shared == 3 * weights + 5 * MB
    assert four.need().worker < one.need().worker / 3.9
    assert four.need().total(4) > one.need().total(1) + 3 * 19 * MB
    assert replace(one, text_bytes=5 * MB).need() == one.need()


@pytest.fixture
def machine(tmp_path):
    """A function that makes the root of a machine with this memory free."""

    def make(size):
        (tmp_path / "proc").mkdir(exist_ok=True)
        (tmp_path / "proc/meminfo").write_text(f"MemAvailable: {size // 1024} kB\n")
        return tmp_path

    return make


LARGE = sizes(hidden_size=1024)


def refusal(training, root, **more):
    """The message of a refusal."""
    with pytest.raises(TrainingError) as refused:
        check_memory(training, root=root, **more)
    return str(refused.value)


def test_a_training_that_does_not_fit_is_refused_with_the_sizes_and_a_size_that_fits(machine):
    root = machine(200 * MB)
    said = refusal(LARGE, root)
    start = "2 × 1,024 cells and 64 streams of 64 characters need "
    assert said.startswith(start)
    assert "MB of memory, and 200.0 MB are available: try --hidden-size " in said
    advised = int(said.split()[-1])
    assert 256 < advised < 1024
    check_memory(sizes(hidden_size=advised), root=root)
    assert refusal(replace(LARGE, drawn=False), root).endswith("use a machine with more memory")
    check_memory(LARGE, root=root, freed=1000 * MB)
    check_memory(LARGE, root=machine(LARGE.need().process + 2000))


def test_one_worker_is_advised_where_one_fits(machine):
    training, alone = LARGE.with_workers(8), LARGE.need().process
    root = machine(int(1.3 * alone))
    said = refusal(training, root)
    assert ", with 8 workers, need " in said
    assert said.endswith(": try --workers 1")
    assert refusal(replace(training, drawn=False), root).endswith(": try --workers 1")
    check_memory(LARGE, root=root)
    assert refusal(training, machine(alone // 2)).endswith(" --workers 1")


def test_nothing_is_advised_where_nothing_fits(machine):
    assert refusal(LARGE, machine(1000)).endswith(": use a machine with more memory")


def test_as_many_workers_are_chosen_as_fit(machine):
    eight = sizes().with_workers(8)
    needs = [eight.with_workers(n).need().total(n) for n in range(1, 9)]
    assert needs == sorted(needs)
    for workers, need in enumerate(needs, start=1):
        assert most_workers(eight, machine(need + 2000)) == workers
    assert most_workers(eight, machine(1000)) == 1


def test_shared_memory_that_no_directory_has_room_for_is_refused_with_the_whole_size(
    machine, monkeypatch
):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("charrnn.parallel.shared_memory.folders", lambda: ["/", "/."])
    free = {"/": 8 * MB, "/.": 8 * MB}  # one file system

    def usage(directory):
        return type("Usage", (), {"total": 9 * MB, "free": free[directory]})

    monkeypatch.setattr(shutil, "disk_usage", usage)
    two, root = LARGE.with_workers(2), machine(10_000 * MB)
    shared = f"{two.need().shared / MB:,.1f} MB"
    assert refusal(two, root) == (
        f"no room for {shared} of memory that the workers share (/: 8.0 MB free): train with "
        "--workers 1, or name a folder with more space in TMPDIR"
    )
    assert most_workers(two, root) == 1
    check_memory(LARGE, root=root)
    free["/"] = two.need().shared
    check_memory(two, root=root)
