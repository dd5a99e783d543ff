import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from configs import complete

from charrnn import checkpoint
from charrnn.checkpoint import schema
from charrnn.config import ModelConfig, TrainingConfig
from charrnn.errors import CheckpointError, SettingError, TextError, TrainingError
from charrnn.parallel.group import Group
from charrnn.parallel.workers import group_of
from charrnn.text import corpus as corpora
from charrnn.text import sources, storage
from charrnn.text.corpus import Corpus
from charrnn.text.decoding import Decoding
from charrnn.text.held_out import Division
from charrnn.text.vocabulary import Vocabulary
from charrnn.training import advice, planning, resources, resuming, run
from charrnn.training.trainer import Trainer, train

TEXT = "the quick brown fox jumps over the lazy dog, naïvely\n" * 60
MODEL = ModelConfig("lstm", hidden_size=8, ensemble=1, dropout=0.1)
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
    assert isinstance(current.parts[0], np.memmap)
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
            trainer = Trainer(model, *Division(1000).split(indices, vocabulary), config, group)
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


NAMES = "".join(f"{number * 7919 % 1000:b}\n" for number in range(150))
OF_LINES = ModelConfig("gru", hidden_size=8, dropout=0.1, lines=True)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("in_memory", [0, 10**6])
def test_a_resumed_run_of_lines_has_the_same_bits(
    workers, in_memory, begin, write, temporary, tmp_path, monkeypatch
):
    monkeypatch.setattr(storage, "IN_MEMORY", in_memory)
    options = {"workers": workers, "steps": 100, "val_every": 50}

    def corpus():
        return corpora.read([write("names.txt", NAMES.encode())], lines=True)

    whole = trained(begin(corpus(), options=options, model=OF_LINES))
    for last in (42, 61):  # at the end of an epoch, and within one
        with begin(corpus(), options=options, model=OF_LINES) as begun:
            for progress in train(begun.trainer):
                if progress.step == last:
                    break
            begun.save()
        saved = checkpoint.read(tmp_path / "model.npz")
        again = trained(run.resume(saved, tmp_path / "model.npz", corpus()))
        for one, other in zip(again, whole):
            np.testing.assert_array_equal(one, other)


class Sent:
    """A text that is sent from another process, as that of MPI ranks."""

    def __init__(self, text):
        self.text = np.asarray(text)

    def __len__(self):
        return len(self.text)

    def take(self, positions, mode="raise"):
        return self.text.take(positions, mode=mode)


class Sending(Group):
    def text(self, text):
        return Sent(text)


@pytest.mark.parametrize("workers", [1, 2])
def test_ranks_that_are_sent_the_text_read_the_lines_in_the_same_order(workers, begin):
    options = {"workers": workers, "steps": 60, "val_every": 30}
    weights = [
        trained(begin(Corpus.of(NAMES, lines=True), options=options, model=OF_LINES, ranks=ranks))
        for ranks in (None, Sending())
    ]
    np.testing.assert_array_equal(weights[0][0], weights[1][0])


def test_the_lines_are_in_another_order_in_each_epoch(begin):
    with begin(Corpus.of(NAMES, lines=True), model=OF_LINES, options={"steps": 80}) as current:
        vocabulary = current.trainer.model.vocabulary
        lines = sorted(vocabulary.decode(current.trainer._lines.text).splitlines())
        text = current.trainer.streams.indices
        orders = [vocabulary.decode(text) for _ in train(current.trainer)]
    different = list(dict.fromkeys(orders))
    assert [orders.count(order) for order in different][:2] == [42, 38]
    assert all(sorted(order.splitlines()) == lines for order in different)


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
    assert current.trainer.model.dropout == planning.MAX_DROPOUT


@pytest.mark.parametrize(("name", "count"), [("x" * 100, 30_000), ("x", 80_000)])
def test_files_whose_names_a_checkpoint_has_no_room_for_are_refused(name, count, begin, tmp_path):
    """The names may be too long, or too many."""
    files = tuple(f"/{name}/{number}" for number in range(count))
    with pytest.raises(TextError, match=rf"names of {count:,} files are too long.*cat \.\.\."):
        begin(Corpus("many", [[TEXT]], files=files))
    step = count // 40
    most = next(n for n in range(0, count, step) if not schema.has_room("many", files[: n + step]))
    assert most > 10_000
    begin(Corpus("many", [[TEXT]], files=files[:most])).save()
    assert len(checkpoint.read(tmp_path / "model.npz").corpus.files) == most


def test_characters_that_old_weights_do_not_know_get_new_weights(begin, tmp_path):
    begin(Corpus.of(TEXT)).save()
    old = checkpoint.read(tmp_path / "model.npz")
    current = begin(Corpus("new", [[TEXT[:2000]], ["é漢" * 20, "A"]]), init_from=old)
    assert current.notices == [
        "new weights for 3 characters that the old model does not know: 'A' 'é' '漢'"
    ]
    model, known = current.trainer.model, old.vocabulary.ix_to_char
    assert model.vocabulary.ix_to_char == "".join(sorted(known + "Aé漢"))
    old_ones = model.vocabulary.encode(known)
    new_ones = model.vocabulary.encode("Aé漢")
    weights = model.parameters
    np.testing.assert_array_equal(weights["layer1.Wh"], old.best["layer1.Wh"])
    np.testing.assert_array_equal(weights["layer1.Wx"][:, old_ones], old.best["layer1.Wx"])
    np.testing.assert_array_equal(weights["Wy"][old_ones], old.best["Wy"])
    np.testing.assert_array_equal(weights["by"][old_ones], old.best["by"])
    started = run.build(model.vocabulary, MODEL)
    started.initialize(np.random.default_rng(OPTIONS["seed"]))
    for name, part in (("layer1.Wx", np.s_[:, new_ones]), ("Wy", new_ones), ("by", new_ones)):
        np.testing.assert_array_equal(weights[name][part], started.parameters[name][part])
    assert all(np.isfinite(progress.loss) for progress in train(current.trainer))


def test_old_characters_that_a_new_text_lacks_stay(begin, tmp_path):
    begin(Corpus.of(TEXT)).save()
    old = checkpoint.read(tmp_path / "model.npz")
    current = begin(Corpus.of("the fox\n" * 300), init_from=old)
    assert current.trainer.model.vocabulary == old.vocabulary
    assert current.notices == []
    np.testing.assert_array_equal(current.trainer.model.parameters["Wy"], old.best["Wy"])


#: Each of forty characters once in the part trained on, and one more in the part held out.
RARE = "".join(chr(0x4E00 + n) for n in range(40)) + TEXT + "龍" + TEXT[:10]


def test_rare_characters_are_replaced(begin, tmp_path):
    current = begin(Corpus.of(RARE), min_count=2)
    assert current.notices == ["replaced 41 characters with fewer than 2 occurrences by U+FFFD"]
    vocabulary = current.trainer.model.vocabulary
    assert vocabulary.ix_to_char == "".join(sorted(set(TEXT) | {"\ufffd"}))
    assert (
        vocabulary.decode(np.concatenate(current.parts))
        == 40 * "\ufffd" + TEXT + "\ufffd" + TEXT[:10]
    )
    current.save()
    saved = checkpoint.read(tmp_path / "model.npz")
    assert saved.corpus.min_count == 2
    assert saved.vocabulary.replaces
    assert "\ufffd" in saved.excerpt


def test_a_character_is_rare_by_the_text_trained_on(begin):
    """As in any later text, characters of the text held out alone are unknown."""
    current = begin(Corpus.of(TEXT + "龍" * 50), min_count=2)
    assert "龍" not in current.trainer.model.vocabulary.ix_to_char
    assert current.excerpt.endswith("\ufffd" * 50)


def test_a_text_with_rare_characters_is_resumed_with_the_same_bits(begin, tmp_path):
    whole = trained(begin(Corpus.of(RARE), min_count=2))
    with begin(Corpus.of(RARE), min_count=2) as begun:
        for progress in train(begun.trainer):
            if progress.step == 5:
                break
        begun.save()
    path = tmp_path / "model.npz"
    again = trained(run.resume(checkpoint.read(path), path, Corpus.of(RARE)))
    for one, other in zip(again, whole):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(TrainingError, match="as many characters, but others"):
        run.resume(checkpoint.read(path), path, Corpus.of(RARE.replace("龍", "龜")))


def test_rare_characters_are_replaced_in_a_file_too(begin, write, temporary):
    path = write("text.txt", RARE.encode())
    current = begin(corpora.read([path]), min_count=2)
    assert isinstance(current.parts[0], np.memmap)
    assert len(list(temporary.iterdir())) == 1
    in_memory = begin(Corpus.of(RARE), min_count=2)
    for one, other in zip(current.parts, in_memory.parts):
        np.testing.assert_array_equal(one, other)


def test_without_rare_characters_nothing_is_replaced(begin):
    current = begin(Corpus.of(TEXT), min_count=2)
    assert current.notices == ["--min-count 2: no character occurs fewer times, all stay"]
    assert "\ufffd" not in current.trainer.model.vocabulary.ix_to_char


def test_a_count_that_no_character_reaches_is_refused(begin):
    with pytest.raises(SettingError, match=r"no character occurs 10,000 times: .* --min-count"):
        begin(Corpus.of(TEXT), min_count=10_000)


def test_bytes_are_not_replaced(begin):
    corpus = Corpus("bytes", [[TEXT]], decoding=Decoding(binary=True))
    with pytest.raises(SettingError, match="keeps all bytes"):
        begin(corpus, min_count=2)


def test_a_new_run_replaces_as_the_old_one_did_and_keeps_the_old_characters(begin, tmp_path):
    begin(Corpus.of(TEXT), min_count=2).save()
    plain = checkpoint.read(tmp_path / "model.npz")
    text = TEXT[:1500].replace("j", "é", 5) + "漢"
    with_new = begin(Corpus.of(text), init_from=plain)  # 'é' occurs five times
    assert with_new.notices == [
        "replaced 1 character with fewer than 2 occurrences by U+FFFD",
        "new weights for 2 characters that the old model does not know: 'é' '\ufffd'",
    ]
    assert set(with_new.trainer.model.vocabulary.ix_to_char) == set(TEXT) | {"é", "\ufffd"}
    keeping_all = begin(Corpus.of(text), init_from=plain, min_count=1)
    assert "漢" in keeping_all.trainer.model.vocabulary.ix_to_char


def test_rare_characters_that_matter_are_named(begin):
    many = "".join(chr(0x4E00 + n) for n in range(150))
    (line,) = begin(Corpus.of(many + TEXT)).notices
    assert line.startswith("150 characters occur fewer than 5 times, and ")
    assert "--min-count 5" in line
    assert begin(Corpus.of(many + TEXT), min_count=2).notices[1:] == []


def test_an_unlike_end_is_named_before_the_training(begin):
    (line,) = begin(Corpus.of(TEXT * 3 + "0123456789;\n" * 80)).notices
    assert line.startswith("the last 1,050 characters, which are held out, are unlike the rest")
    assert begin(Corpus.of(TEXT * 3 + "0123456789;\n" * 80), val_frac=0).notices == []


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
        frequencies = advice.loss_by_frequencies(
            *current.parts,
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
    assert (
        current.notices[0]
        == f"results can differ by rounding from the earlier run: --workers {workers}, not 4"
    )


@pytest.mark.parametrize(
    "settings", [{"batch_size": 2**20}, {"seq_length": 4096}, {"batch_size": 100, "seq_length": 8}]
)
def test_a_file_asks_for_no_more_streams_than_its_text_has_room_for(settings, saved):
    saved.settings = replace(saved.settings, **settings)
    with pytest.raises(CheckpointError, match=r"streams of .*, from a text of 2,862: use an"):
        resumed(saved)


def test_a_file_asks_for_no_more_memory_than_there_is(saved, monkeypatch):
    monkeypatch.setattr(resources, "available_bytes", lambda root: 1000)
    with pytest.raises(CheckpointError, match=r" available: use a machine with more memory"):
        resumed(saved)


def test_a_run_of_as_many_steps_as_can_be_counted_goes_on(saved):
    saved.run.step = 2**53 - 1
    saved.settings = replace(saved.settings, steps=2**53)
    with resumed(saved) as current:
        assert [progress.step for progress in train(current.trainer)] == [2**53]
