import numpy as np

import charrnn
from charrnn.checkpoint import Checkpoint, save
from charrnn.sampling import sample_text


def test_a_model_of_the_api_writes_text(tmp_path, tiny_model):
    path, model = tmp_path / "model.npz", tiny_model(dtype=np.float32)
    best, last = dict(model.parameters), {n: array + 1 for n, array in model.parameters.items()}
    save(path, Checkpoint(model.configuration, model.vocabulary, best, last))
    loaded = charrnn.load(path)
    assert isinstance(loaded, charrnn.CharRNN)
    expected = "".join(sample_text(model, 50, seed=3, prime="abc", top_k=3))
    assert "".join(loaded.sample(50, seed=3, prime="abc", top_k=3)) == expected
    np.testing.assert_array_equal(charrnn.load(path, "last").parameters["by"], last["by"])


def test_a_new_model_of_the_api_can_be_trained_and_writes(window):
    model = charrnn.CharRNN(charrnn.Vocabulary("abcdefg"), hidden_size=5)
    model.initialize(np.random.default_rng(0))
    assert np.isfinite(model.loss_and_gradient(window, model.state(3)))
    assert len("".join(model.sample(9))) == 9
