import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from configs import complete

from charrnn import checkpoint
from charrnn.checkpoint import schema as header
from charrnn.config import ModelConfig, TrainingConfig
from charrnn.errors import CheckpointError, TextError
from charrnn.parallel.workers import group_of
from charrnn.text import corpus as corpora
from charrnn.text import sources, storage
from charrnn.text.corpus import Corpus
from charrnn.text.vocabulary import Vocabulary
from charrnn.training import planning, resources, resuming, run
from charrnn.training.trainer import Trainer, train

TEXT = "the quick brown fox jumps over the lazy dog, naïvely\n" * 60
MODEL = ModelConfig("lstm", hidden_size=8, dropout=0.1)
OPTIONS = {"steps": 12, "batch_size": 4, "seq_length": 8, "val_every": 4, "workers": 1, "seed": 0}


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The directory of temporary files, which hold every text; blocks of a text are tiny."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(storage, "IN_MEMORY", 0)
    monkeypatch.setattr(sources, "BLOCK_BYTES", 5)
    return folder


@pytest.fixture
def begin(tmp_path):
    def make(corpus, **more):
        config = TrainingConfig(**{**OPTIONS, **more.pop("options", {})})
        model = more.pop("model", MODEL)
        return run.new(corpus, tmp_path / "model.npz", model, config, **more)

    return make


def trained(current):
    """The weights after training, and the excerpt."""
    with current:
        trainer = current.trainer
        list(train(trainer))
        return trainer.model.parameters.flat.copy(), trainer.best.copy(), current.excerpt


@pytest.mark.parametrize("workers", [1, 2])
def test_a_text_in_a_file_trains_to_the_same_bits(workers, begin, write, temporary, monkeypatch):
    path = write("text.txt", TEXT.encode())
    options = {"workers": workers}
    current = begin(corpora.read([path]), options=options)
    assert isinstance(current.indices, np.memmap)
    assert len(list(temporary.iterdir())) == 1
    in_file = trained(current)
    del current
    assert list(temporary.iterdir()) == []
    monkeypatch.setattr(storage, "IN_MEMORY", 10**6)
    in_memory = trained(begin(corpora.read([path]), options=options))
    for one, other in zip(in_file, in_memory):
        np.testing.assert_array_equal(one, other)


def test_workers_read_held_out_text_in_a_file_from_its_beginning(write, temporary, rng):
    corpus = corpora.read([write("text.txt", TEXT.encode())])
    vocabulary = Vocabulary(corpus.characters)
    in_file = corpus.encode(vocabulary)
    losses = []
    for indices in (in_file, np.array(in_file)):
        model = run.build(vocabulary, MODEL)
        model.initialize(np.random.default_rng(0))
        config = complete(steps=1, batch_size=4, seq_length=8, workers=2)
        with group_of(2) as group:
            trainer = Trainer(model, *run.split(indices, 1000), config, group)
            losses.append(trainer.validate())
    assert losses[0] == losses[1]


def test_a_resumed_run_reads_a_text_in_a_file_again(begin, write, temporary, tmp_path):
    path = write("text.txt", TEXT.encode())
    whole = trained(begin(corpora.read([path])))
    with begin(corpora.read([path])) as begun:
        for progress in train(begun.trainer):
            if progress.step == 5:
                break
        begun.save()
    saved = checkpoint.read(tmp_path / "model.npz")
    again = trained(run.resume(saved, tmp_path / "model.npz", corpora.read([path])))
    for one, other in zip(again, whole):
        np.testing.assert_array_equal(one, other)


def test_the_text_is_removed_where_a_run_cannot_start(begin, write, temporary):
    path = write("text.txt", TEXT.encode())
    with pytest.raises(Exception, match="optimizer"):
        begin(corpora.read([path]), options={"optimizer": "magic"})
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(("val_frac", "held_out"), [(None, 200), (0.1, 318), (0.0, 0)])
def test_a_checkpoint_has_the_number_of_characters_held_out(
    val_frac, held_out, begin, monkeypatch, tmp_path
):
    monkeypatch.setattr(planning, "MAX_HELD_OUT", 200)
    current = begin(Corpus.of(TEXT), val_frac=val_frac)
    current.save()
    saved = checkpoint.read(tmp_path / "model.npz")
    assert (saved.corpus.val_frac, saved.corpus.held_out) == (val_frac, held_out)
    assert len(current.trainer.validation) == held_out
    monkeypatch.setattr(planning, "MAX_HELD_OUT", 300)  # in a later version, say
    resumed = run.resume(saved, tmp_path / "model.npz", Corpus.of(TEXT))
    assert len(resumed.trainer.validation) == held_out


def test_the_dropout_for_a_time_without_end_is_the_highest(begin):
    current = begin(Corpus.of(TEXT), model=ModelConfig("lstm", 8), seconds=1e307)
    assert current.trainer.model.dropout == 0.5


@pytest.mark.parametrize(("name", "count"), [("x" * 100, 30_000), ("x", 80_000)])
def test_files_whose_names_a_checkpoint_has_no_room_for_are_refused(name, count, begin, tmp_path):
    """For their length, and for their number."""
    files = tuple(f"/{name}/{number}" for number in range(count))
    with pytest.raises(TextError, match=rf"names of {count:,} files are too long.*cat \.\.\."):
        begin(Corpus("many", [[TEXT]], files=files))
    step = count // 40
    most = next(n for n in range(0, count, step) if not header.has_room("many", files[: n + step]))
    assert most > 10_000
    begin(Corpus("many", [[TEXT]], files=files[:most])).save()
    assert len(checkpoint.read(tmp_path / "model.npz").corpus.files) == most


def test_characters_that_old_weights_do_not_know_are_listed(begin, tmp_path):
    begin(Corpus.of(TEXT)).save()
    old = checkpoint.read(tmp_path / "model.npz")
    with pytest.raises(TextError, match=r"3 characters that the old weights do not know.*'A' 'é'"):
        begin(Corpus("new", [[TEXT], ["é漢", "A"]]), init_from=old)


def test_untrained_weights_are_the_starting_ones_and_beside_init_from_random_ones(begin, tmp_path):
    options = {"seed": 5}
    current = begin(Corpus.of(TEXT), options=options)
    started = current.trainer.model.parameters.flat.copy()
    current.trainer.step()
    current.save()
    old = checkpoint.read(tmp_path / "model.npz")
    np.testing.assert_array_equal(old.untrained().parameters.flat, started)

    begin(Corpus.of(TEXT), options=options, init_from=old).save()
    new = checkpoint.read(tmp_path / "model.npz")
    np.testing.assert_array_equal(new.untrained().parameters.flat, started)
    assert (new.last["Wy"] != new.untrained().parameters["Wy"]).all()


@pytest.mark.parametrize("layer_type", ["vanilla", "vanilla-relu"])
def test_a_deep_vanilla_network_learns_by_default(tmp_path, layer_type):
    model = ModelConfig(layer_type, hidden_size=48, num_layers=3)
    config = TrainingConfig(steps=120, batch_size=8, seq_length=16, workers=1)
    with run.new(Corpus.of(TEXT * 2), tmp_path / "model.npz", model, config) as current:
        losses = [progress.loss for progress in train(current.trainer)]
        frequencies = planning.loss_by_frequencies(
            *run.split(current.indices, len(current.trainer.validation)),
            len(current.trainer.model.vocabulary),
        )
        assert current.trainer.counters.best_loss < 0.3 * frequencies
        assert max(losses) < losses[0] + 0.3


@pytest.fixture
def saved(begin, tmp_path):
    begin(Corpus.of(TEXT)).save()
    return checkpoint.read(tmp_path / "model.npz")


def resumed(saved, **changes):
    return run.resume(saved, Path("model.npz"), Corpus.of(TEXT), **changes)


@pytest.mark.parametrize(
    ("asked", "workers"), [({}, 2), ({"workers": 3}, 3), ({"workers": None}, 1)]
)
def test_a_file_starts_no_more_workers_than_there_are_cores(asked, workers, saved, monkeypatch):
    monkeypatch.setattr(resuming, "cores", lambda: 2)
    saved.settings = replace(saved.settings, workers=4)
    with resumed(saved, **asked) as current:
        assert current.trainer.config.workers == workers
    assert current.notices[0] == f"--workers {workers}, not 4: the same training, but for rounding"


@pytest.mark.parametrize(
    "settings", [{"batch_size": 2**20}, {"seq_length": 4096}, {"batch_size": 100, "seq_length": 8}]
)
def test_a_file_asks_for_no_more_streams_than_its_text_has_room_for(settings, saved):
    saved.settings = replace(saved.settings, **settings)
    with pytest.raises(CheckpointError, match=r"streams of .* characters, from a text of 2,862$"):
        resumed(saved)


def test_a_file_asks_for_no_more_memory_than_there_is(saved, monkeypatch):
    monkeypatch.setattr(resources, "available_bytes", lambda: 1000)
    with pytest.raises(CheckpointError, match=r"GB are available: resume on a machine with more"):
        resumed(saved)


def test_a_run_of_as_many_steps_as_can_be_counted_goes_on(saved):
    saved.run.step = 2**53 - 1
    saved.settings = replace(saved.settings, steps=2**53)
    with resumed(saved) as current:
        assert [progress.step for progress in train(current.trainer)] == [2**53]
