from itertools import islice

import numpy as np
import pytest
from helpers.memory import peak_bytes
from hypothesis import given
from hypothesis import strategies as st

from charrnn.errors import SettingError, TrainingError, UnknownCharacterError
from charrnn.inspection.positions import read_on
from charrnn.network.holding import Held
from charrnn.network.layers import LAYER_TYPES
from charrnn.network.model import CharRNN
from charrnn.sampling import (
    BLOCK,
    CONTEXT,
    ENDS,
    Character,
    Choice,
    Reader,
    before_ends,
    beginning,
    check_stops,
    generate,
    invert,
    sample,
    sample_text,
    until,
)
from charrnn.text.streams import Streams
from charrnn.text.vocabulary import Vocabulary
from charrnn.training.optimizers import Adam, clip_by_norm

each_layer_type = pytest.mark.parametrize("layer_type", sorted(LAYER_TYPES))


def alphabet(characters="\nabcde"):
    """A model with exact logits: 2 for the next letter, −3 for the first character, else 0."""
    V = len(characters)
    model = CharRNN(Vocabulary(characters), layer_type="vanilla-relu", hidden_size=V)
    model.parameters["layer1.Wx"][...] = np.eye(V)
    for index in range(V):
        model.parameters["Wy"][index % (V - 1) + 1, index] = 2
    model.parameters["Wy"][0] = -3
    return model


def text_of(characters):
    return "".join(character.char for character in characters)


def start_of(model, prime, text=""):
    return read_on(model, beginning(model, text), model.vocabulary.encode(prime))


def draw(model=None, prime="a", length=30, choice=None, **more):
    model = model or alphabet()
    start = start_of(model, prime)
    texts = sample(model, start, length, choice or Choice(), **{"seed": 0, **more})
    return [text_of(text) for text in texts]


class Recording(Reader):
    """A reader that keeps the characters that it has read."""

    def __init__(self, model):
        super().__init__(model)
        self.seen = []

    def read(self, indices):
        self.seen.append(int(indices[0]))
        return super().read(indices)


def draw_from(reader, length, choice=None):
    """Draw one stream from a reader of `alphabet`."""
    start = start_of(alphabet(), "a")
    return list(generate(reader, start, length, choice or Choice(), [np.random.SeedSequence(0)]))


def probabilities(choice, logits, draws=4000):
    uniform = (np.arange(draws) + 0.5) / draws
    columns = np.repeat(np.array(logits, float)[:, None], draws, axis=1)
    chosen = choice.choose(columns, uniform)
    return np.bincount(chosen, minlength=len(logits)) / draws


class Exploding(Recording):
    """A reader with non-finite logits from the sixth character on."""

    def read(self, indices):
        logits = super().read(indices)
        return logits + np.nan if len(self.seen) > 5 else logits


class Flickering(Recording):
    """A reader whose logits are finite at every 256th character and at the last one only."""

    def read(self, indices):
        logits = super().read(indices)
        return logits if len(self.seen) % 256 in (0, 1) else logits + np.nan


@pytest.mark.parametrize("choice", [Choice(), Choice(temperature=0), Choice(top_k=2)])
def test_no_character_is_drawn_from_non_finite_logits(choice):
    with pytest.raises(TrainingError, match="become non-finite"):
        draw_from(Flickering(alphabet()), 257, choice)


@pytest.mark.parametrize("length", [7, 9, 1000])
def test_a_text_ends_with_an_error_where_the_logits_become_non_finite(length):
    reader = Exploding(alphabet())
    with pytest.raises(TrainingError, match="become non-finite"):
        draw_from(reader, length)
    assert len(reader.seen) == 6
    assert len(draw_from(Exploding(alphabet()), 6)) == 6


def softmax(logits):
    p = np.exp(np.array(logits) - np.max(logits))
    return p / p.sum()


LOGITS = [1.0, 3.0, 0.0, 2.0]


def test_a_character_is_as_frequent_as_it_is_probable():
    np.testing.assert_allclose(probabilities(Choice(), LOGITS), softmax(LOGITS), atol=1e-3)


def test_the_temperature_divides_the_logits():
    drawn = probabilities(Choice(temperature=0.5), LOGITS)
    np.testing.assert_allclose(drawn, softmax([2, 6, 0, 4]), atol=1e-3)


def test_temperature_zero_chooses_the_likeliest():
    assert probabilities(Choice(temperature=0), LOGITS).tolist() == [0, 1, 0, 0]


def test_a_tiny_temperature_is_no_division_by_zero():
    for temperature in (1e-200, 1e-300, 1e-320):
        assert probabilities(Choice(temperature=temperature), LOGITS).tolist() == [0, 1, 0, 0]


def test_top_k_keeps_the_k_likeliest_even_of_equals():
    drawn = probabilities(Choice(top_k=2), LOGITS)
    expected = softmax([3.0, 2.0])
    np.testing.assert_allclose(drawn, [0, expected[0], 0, expected[1]], atol=1e-3)
    assert (probabilities(Choice(top_k=2), [1.0, 1.0, 1.0]) > 0).sum() == 2


def test_top_k_above_the_vocabulary_changes_nothing():
    np.testing.assert_allclose(probabilities(Choice(top_k=99), LOGITS), softmax(LOGITS), atol=1e-3)


def test_top_p_keeps_the_fewest_that_reach_p():
    p = softmax(LOGITS)  # 0.09, 0.64, 0.03, 0.24
    drawn = probabilities(Choice(top_p=0.7), LOGITS)
    np.testing.assert_allclose(drawn, [0, p[1] / (p[1] + p[3]), 0, p[3] / (p[1] + p[3])], atol=1e-3)
    assert probabilities(Choice(top_p=0.6), LOGITS).tolist() == [0, 1, 0, 0]


def test_min_p_keeps_what_is_likely_enough_beside_the_likeliest():
    drawn = probabilities(Choice(min_p=0.3), LOGITS)
    assert (drawn > 0).tolist() == [False, True, False, True]


def test_filters_work_together():
    drawn = probabilities(Choice(top_k=3, top_p=0.99, min_p=0.1), LOGITS)
    assert (drawn > 0).tolist() == [True, True, False, True]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.floats(0, 1, exclude_max=True))
def test_nothing_impossible_is_chosen(p, uniform):
    if sum(p) > 0:
        assert p[invert(np.array(p)[:, None], np.array([uniform]))[0]] > 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": -1},
        {"temperature": float("nan")},
        {"top_k": 0},
        {"top_p": 0},
        {"top_p": 1.1},
        {"min_p": -0.1},
    ],
)
def test_a_setting_out_of_range_is_refused(wrong):
    with pytest.raises(SettingError, match=next(iter(wrong))):
        Choice(**wrong)


def test_the_length_does_not_count_the_prime():
    assert len(draw(prime="abc", length=10)[0]) == 10
    assert draw(length=0) == [""]


def test_a_sample_without_a_prime_begins_a_line():
    for seed in range(20):
        assert draw(prime="", seed=seed) == draw(prime="\n", seed=seed)


def test_without_a_prime_or_a_newline_any_character_begins():
    model = alphabet("abcdef")
    firsts = {text for seed in range(40) for text in draw(model, prime="", length=1, seed=seed)}
    assert firsts == set("abcdef")


def test_without_a_prime_or_a_newline_a_character_begins_as_often_as_in_the_text():
    model = alphabet("abcdef")
    p = softmax(beginning(model, "abbb").logits)
    np.testing.assert_allclose(p, np.array([2, 4, 1, 1, 1, 1]) / 10, rtol=1e-6)


@pytest.mark.parametrize("layer_type", ["gru", "lstm", "vanilla"])
def test_a_sample_begins_in_the_mean_state_before_the_ends_of_lines(layer_type, rng):
    model = CharRNN(Vocabulary("\nabc"), layer_type=layer_type, hidden_size=5, dtype=np.float64)
    model.initialize(rng)
    text = "ab\ncab\n" * 200
    indices, states = model.vocabulary.encode(text), []
    ends = [n for n, char in enumerate(text) if char == "\n" and n >= CONTEXT]
    chosen = [ends[int(n)] for n in np.linspace(0, len(ends) - 1, ENDS)]
    for end in chosen:
        reader = Reader(model)
        for index in indices[end - CONTEXT : end]:
            reader.read(np.array([index]))
        states.append(reader.state[..., 0].copy())
    reader.state[..., 0] = np.mean(states, axis=0)
    logits = reader.read(model.vocabulary.encode("\n"))
    start = beginning(model, text)
    np.testing.assert_allclose(start.state, reader.state[..., 0], atol=1e-12)
    np.testing.assert_allclose(start.logits, logits[:, 0], atol=1e-12)


def ends_of(text):
    """The columns of `before_ends`, as texts."""
    vocabulary = Vocabulary("\nabc")
    columns = before_ends(vocabulary.encode(text), vocabulary.encode("\n")[0])
    return [vocabulary.decode(column) for column in columns.T]


def test_the_ends_are_those_of_paragraphs_if_there_are_enough():
    assert all(end.endswith("b\n") for end in ends_of("a\nab\n\n" * 100))
    few = "a\nab\n\n" * (ENDS - 1)
    assert sum(end.endswith("b\n") for end in ends_of(few + "a\nab\n" * 300)) <= 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("abc", []),
        ("\n", [""]),
        ("\na", [""]),
        ("ab\n", ["ab"]),
        ("ab\ncab\na", ["ab", "ab"]),
        ("a" * 200 + "\n", ["a" * CONTEXT]),
    ],
)
def test_a_short_text_has_few_and_short_contexts(text, expected):
    assert [end[-2:] for end in ends_of(text)] == [end[-2:] for end in expected]
    assert [len(end) for end in ends_of(text)] == [len(end) for end in expected]


def test_a_sample_does_not_depend_on_how_many_are_drawn():
    many = draw(num_samples=2 * BLOCK + 5)
    assert len(many) == 2 * BLOCK + 5
    for count in (1, 2, 3, 6, 7, BLOCK + 6, BLOCK + 7):
        assert draw(num_samples=count) == many[:count]


def test_a_sample_of_a_real_model_does_not_depend_on_how_many_are_drawn(tiny_model):
    model = tiny_model("lstm", 2, hidden_size=33, dtype=np.float32)
    many = draw(model, num_samples=BLOCK + 3, length=100)
    for count in (1, 2, 7):
        assert draw(model, num_samples=count, length=100) == many[:count]


def test_every_sample_comes_while_it_is_drawn():
    endless = {"length": 10**12, "num_samples": 2 * BLOCK}
    model = alphabet()
    texts = sample(model, start_of(model, "a"), choice=Choice(), seed=0, **endless)
    firsts = [text_of(islice(text, 20)) for text in texts]
    assert firsts == draw(length=20, num_samples=2 * BLOCK)


def test_streams_that_are_read_later_are_kept_in_few_bytes():
    model = alphabet()
    *_, last = sample(model, start_of(model, "a"), 10_000, Choice(), num_samples=4, seed=0)
    # A byte a character of four streams, and some room to grow.
    assert peak_bytes(lambda: sum(1 for _ in last)) < 8 * 10_000


def test_a_large_vocabulary_has_its_characters_in_every_sample():
    letters = "".join(map(chr, range(0x4E00, 0x4E00 + 300)))
    model = alphabet(letters)
    start = beginning(model)
    for text in sample(model, start, 300, Choice(temperature=0), num_samples=4, seed=0):
        assert text_of(text)[1:] == (letters[1:] * 2)[:299]


def test_samples_differ_from_each_other_and_from_seed_to_seed():
    assert len(set(draw(num_samples=20))) == 20
    assert draw(seed=1) != draw(seed=2)


def test_a_longer_sample_begins_with_the_shorter_one():
    assert draw(length=600)[0].startswith(draw(length=300)[0])


def test_a_sample_ends_before_its_stop():
    whole = draw(length=200, num_samples=BLOCK + 1)
    stopped = draw(length=200, num_samples=BLOCK + 1, stops=["cde", "\n"])
    for long, short in zip(whole, stopped):
        found = [start for start in (long.find("cde"), long.find("\n")) if start >= 0]
        assert short == long[: min(found)]


def test_a_block_ends_when_all_its_samples_have():
    never = 10**12  # more steps than a test can wait for
    texts = draw(length=never, choice=Choice(temperature=0), num_samples=2, stops=["d"])
    assert texts == ["bc", "bc"]


def characters(text):
    return [Character(char, 0.0, 0.0) for char in text]


@pytest.mark.parametrize(
    ("text", "stops", "expected"),
    [
        ("abcabd", ["abd"], "abc"),
        ("aab", ["ab"], "a"),
        ("aaab", ["aab"], "a"),
        ("abab", ["abc"], "abab"),
        ("xay", ["y", "ay"], "x"),
        ("abc", [], "abc"),
        ("abc", ["a"], ""),
    ],
)
def test_a_stop_is_left_out_and_nothing_else(text, stops, expected):
    assert text_of(until(characters(text), stops)) == expected


@given(st.text("ab", max_size=12), st.lists(st.text("ab", min_size=1, max_size=4), max_size=3))
def test_the_text_before_the_first_stop_is_passed_on(text, stops):
    ends = [text.find(stop) + len(stop) for stop in stops if stop in text]
    expected = text
    if ends:
        end = min(ends)
        stop = max((stop for stop in stops if text[:end].endswith(stop)), key=len)
        expected = text[: end - len(stop)]
    assert text_of(until(characters(text), stops)) == expected


def test_a_character_that_cannot_be_in_a_stop_is_passed_on_at_once():
    passed = until(iter(characters("xyz")), ["yq"])
    assert next(passed).char == "x"


def first_drawn(**choice):
    """The letter drawn after an "a": its logits are −3, 0, 2, 0, 0, 0."""
    model, seeds = alphabet(), [np.random.SeedSequence(seed) for seed in range(50)]
    start, reader = start_of(model, "a"), Reader(model, 50)
    (drawn,) = generate(reader, start, 1, Choice(**choice), seeds, log_probs=True)
    return drawn


def test_log_probabilities_are_those_of_the_model_alone():
    expected = np.log(softmax([-3, 0, 2, 0, 0, 0.0]))
    for choice in ({}, {"top_k": 1}, {"temperature": 0.1}, {"temperature": 0}, {"min_p": 0.1}):
        drawn = first_drawn(**choice)
        np.testing.assert_allclose(drawn.log_probs, expected[drawn.indices], rtol=1e-12)


def test_without_temperature_and_filters_both_log_probabilities_are_the_same():
    drawn = first_drawn()
    assert len(set(drawn.indices)) > 1
    np.testing.assert_array_equal(drawn.sampled_log_probs, drawn.log_probs)


@pytest.mark.parametrize("choice", [{"top_k": 1}, {"temperature": 0}, {"min_p": 1}])
def test_the_only_possible_character_has_probability_1(choice):
    assert first_drawn(**choice).sampled_log_probs.tolist() == [0] * 50


def test_sampled_log_probabilities_are_those_after_temperature_and_filters():
    drawn = first_drawn(temperature=2.0, top_k=3)
    expected = np.log(softmax([2 / 2, 0 / 2, 0 / 2]))  # the likeliest, then two of the equals
    at = {2: expected[0], 1: expected[1], 3: expected[2]}
    assert set(drawn.indices) == set(at)
    for index, log_prob in zip(drawn.indices, drawn.sampled_log_probs):
        assert log_prob == pytest.approx(at[index], rel=1e-12)


CHOICES = [
    {},
    {"temperature": 0},
    {"temperature": 0.3},
    {"temperature": 1e-300},
    {"top_k": 2},
    {"top_p": 0.7},
    {"min_p": 0.3},
    {"temperature": 1.7, "top_k": 3, "top_p": 0.95, "min_p": 0.05},
]


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("logits", [LOGITS, [1.0, 1.0, 1.0, -2.0], [-1000.0, 0.0, 1000.0, 0.0]])
def test_sampled_probabilities_sum_to_1_and_are_the_frequencies(choice, logits):
    choice = Choice(**choice)
    columns = np.repeat(np.array(logits)[:, None], len(logits), axis=1)
    p = np.exp(choice.log_probs(columns, np.arange(len(logits))))
    assert p.sum() == pytest.approx(1, rel=1e-12)
    np.testing.assert_allclose(probabilities(choice, logits), p, atol=1e-3)


def test_an_improbable_character_has_a_finite_log_probability():
    log_probs = Choice().log_probs(np.array([[0.0], [-2000.0]]), np.array([1]))
    assert log_probs.tolist() == [-2000]


def test_log_probabilities_are_computed_only_on_request(monkeypatch):
    monkeypatch.delattr(Choice, "log_probs")
    assert len(draw()[0]) == 30


@each_layer_type
def test_a_reader_computes_the_logits_of_a_whole_window(layer_type, tiny_model, window):
    model = tiny_model(layer_type, 2)
    at_once, reader = model.state(3), Reader(model, 3)
    logits = model.forward(window.inputs, at_once)
    for t, indices in enumerate(window.inputs):
        np.testing.assert_allclose(reader.read(indices), logits[:, t], atol=1e-12)
    np.testing.assert_allclose(reader.state, at_once, atol=1e-12)


@each_layer_type
def test_two_readers_in_turns_do_not_disturb_each_other(layer_type, tiny_model):
    model, text, other = tiny_model(layer_type, 2), [1, 4, 2, 0], [5, 5, 3, 6]
    alone = Reader(model)
    expected = [alone.read(np.array([index])).copy() for index in text]
    first, second = Reader(model), Reader(model)
    for here, there, logits in zip(text, other, expected):
        seen = first.read(np.array([here]))
        second.read(np.array([there]))
        np.testing.assert_array_equal(seen, logits)


@each_layer_type
def test_a_held_cell_keeps_its_value_and_others_change(layer_type, tiny_model, rng):
    model = tiny_model(layer_type, 2)
    held, free = Reader(model, 3), Reader(model, 3)
    names = model.layers[0].state_names
    cells = [(cell, stream, name) for cell, stream in ((0, 1), (4, 2)) for name in names]
    held.hold(
        [Held(1, cell, name, 0.25) for cell, _, name in cells],
        [np.array([stream]) for _, stream, _ in cells],
    )
    for _ in range(5):
        indices = rng.integers(0, 7, 3)
        logits, expected = held.read(indices).copy(), free.read(indices).copy()
    assert (held.state[0][:, [0, 4], [1, 2]] == 0.25).all()
    np.testing.assert_array_equal(held.state[..., 0], free.state[..., 0])
    np.testing.assert_array_equal(logits[:, 0], expected[:, 0])
    for stream in (1, 2):
        assert not np.allclose(held.state[1, ..., stream], free.state[1, ..., stream])


def test_the_output_depends_on_held_values(tiny_model):
    model = tiny_model("vanilla")
    reader = Reader(model)
    reader.hold([Held(1, cell, "h", 0.5) for cell in range(5)])
    expected = model.parameters["Wy"] @ np.full(5, 0.5) + model.parameters["by"]
    np.testing.assert_allclose(reader.read(np.array([3]))[:, 0], expected)


def test_held_cells_are_held_in_every_sample_and_in_the_prime(tiny_model):
    model = tiny_model("lstm", 2)
    held = [Held(1, 2, "c", 3.0), Held(2, 0, "h", -0.5)]
    prime = model.vocabulary.encode("abcab")
    start = read_on(model, beginning(model), prime, hold=held)
    reader = Reader(model)
    reader.hold(held)
    reader.state[...] = beginning(model).state[..., None]
    for index in prime:
        reader.read(np.array([index]))
    np.testing.assert_array_equal(start.state, reader.state[..., 0])
    texts = sample(model, start, 30, Choice(), num_samples=4, seed=0, log_probs=True, hold=held)
    for text in map(list, texts):
        reader.state[...], logits = start.state[..., None], start.logits[:, None]
        for char, log_prob, _ in text:
            index = model.vocabulary.encode(char)
            assert log_prob == pytest.approx(Choice().log_probs(logits, index)[0], rel=1e-9)
            logits = reader.read(index)


def test_a_sample_has_its_length_and_repeats_with_its_seed(tiny_model):
    model = tiny_model()
    start = start_of(model, "abc")
    first = "".join(sample_text(model, 50, start=start, seed=3))
    assert len(first) == 50
    assert first == "".join(sample_text(model, 50, start=start, seed=3))
    assert first != "".join(sample_text(model, 50, start=start, seed=4))


@each_layer_type
def test_hello_is_written_by_a_model_that_learned_it(layer_type):
    vocabulary = Vocabulary("hello")
    text = vocabulary.encode("hello")
    model = CharRNN(vocabulary, layer_type=layer_type, hidden_size=16)
    model.initialize(np.random.default_rng(0))
    optimizer, streams = Adam(model.parameters), Streams(text, 1, 5)
    for number in range(150):
        model.loss_and_gradient(streams.window(number), model.state())
        gradient = model.gradient.flat
        clip_by_norm(gradient, np.linalg.norm(gradient), 1.0)
        optimizer.step(model.gradient.flat, 0.02)
    assert (
        "h" + "".join(sample_text(model, 4, start=start_of(model, "h"), temperature=0)) == "hello"
    )


def test_log_probabilities_of_samples_drawn_side_by_side_are_their_own(tiny_model):
    model = tiny_model()
    start = start_of(model, "a")
    for text in sample(model, start, 20, Choice(0.7), num_samples=7, seed=0, log_probs=True):
        reader = Reader(model)
        reader.state[..., 0] = start.state
        logits = start.logits[:, None]
        for char, log_prob, sampled in text:
            index = model.vocabulary.encode(char)
            expected = [choice.log_probs(logits, index)[0] for choice in (Choice(), Choice(0.7))]
            assert [log_prob, sampled] == pytest.approx(expected, rel=1e-9)
            logits = reader.read(index)


def test_a_stop_that_cannot_come_is_refused():
    vocabulary = Vocabulary("\nabc")
    check_stops(["ab", "\n\n"], vocabulary)
    with pytest.raises(UnknownCharacterError, match=r"stop 'a<b>': the model never writes '<' '>'"):
        check_stops(["ab", "a<b>"], vocabulary)
    with pytest.raises(UnknownCharacterError, match=r"lines end in \\n alone, leave out \\r"):
        check_stops(["\r\n"], vocabulary)
    with pytest.raises(SettingError, match="an empty string"):
        check_stops([""], vocabulary)
