import numpy as np
import pytest

from charrnn.network.parameters import Parameters

SHAPES = {"one.W": (2, 3), "one.b": (3,), "two.W": (3, 1), "scale": ()}


@pytest.fixture
def parameters():
    made = Parameters(SHAPES, np.float64)
    made.flat[...] = np.arange(made.flat.size)
    return made


def test_parameters_start_at_zero():
    assert Parameters(SHAPES).flat.tolist() == 13 * [0]


def test_the_views_follow_one_another_in_the_flat_vector(parameters):
    assert list(parameters) == list(SHAPES)
    assert len(parameters) == 4
    assert parameters["one.W"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert parameters["one.b"].tolist() == [6, 7, 8]
    assert parameters["two.W"].tolist() == [[9], [10], [11]]
    assert parameters["scale"].shape == ()
    assert parameters["scale"] == 12


def test_writing_to_a_view_writes_to_the_flat_vector(parameters):
    parameters["one.b"][1] = -1
    assert parameters.flat[7] == -1


def test_writing_to_the_flat_vector_writes_to_the_views(parameters):
    parameters.flat *= 2
    assert parameters["two.W"].tolist() == [[18], [20], [22]]


def test_a_part_has_the_rest_of_the_names_and_the_same_memory(parameters):
    part = parameters.part("one.")
    assert list(part) == ["W", "b"]
    part["W"][...] = 5
    assert parameters.flat[:6].tolist() == 6 * [5]
    assert parameters.part("three.") == {}


def test_zeros_like_has_the_same_shapes_and_type_and_its_own_memory(parameters):
    zeros = parameters.zeros_like()
    assert zeros.shapes == parameters.shapes
    assert zeros.flat.dtype == np.float64
    assert not zeros.flat.any()
    zeros.flat[...] = 1
    assert parameters.flat.tolist() == list(range(13))


def test_parameters_are_single_precision_unless_asked_otherwise():
    assert Parameters({"b": (2,)}).flat.dtype == np.float32
    assert Parameters({"b": (2,)}, np.float64)["b"].dtype == np.float64


def test_an_unknown_name_is_a_key_error(parameters):
    assert "three.W" not in parameters
    with pytest.raises(KeyError):
        parameters["three.W"]


def test_the_shapes_are_kept_apart_from_the_mapping_they_came_from():
    shapes = {"b": (2,)}
    parameters = Parameters(shapes)
    shapes["c"] = (3,)
    assert parameters.zeros_like().flat.size == 2
