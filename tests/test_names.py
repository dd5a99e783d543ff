import pytest

from charrnn.names import checkpoint_name, is_weights, similar, unused

NAMES = ("shakespeare.txt", "shakespeare.npz", "notes.md", "b.npz", ".none.safetensors.lock")


@pytest.fixture
def folder(tmp_path):
    for name in NAMES:
        (tmp_path / name).touch()
    (tmp_path / "folder.txt").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "model", "found"),
    [
        ("shakespear.txt", False, "shakespeare.txt"),
        ("shakespeare", False, "shakespeare.txt"),
        ("note.md", False, "notes.md"),
        ("folders.txt", False, ""),
        ("shakspeare.npz", True, "shakespeare.npz"),
        ("shakespeare.txt", True, "shakespeare.npz"),
        ("note.npz", True, ""),
        ("a.npz", True, ""),
        ("none.safetensors", True, ""),
        ("none.safetensors", False, ""),
    ],
)
def test_a_mistyped_name_has_the_most_similar_file_of_its_kind(name, model, found, folder):
    assert similar(folder / name, model=model) == (str(folder / found) if found else "")


def test_of_names_with_the_same_stem_the_suffix_decides(folder):
    (folder / "notes.txt").touch()
    assert similar(folder / "note.tx") == str(folder / "notes.txt")


def test_a_folder_that_is_missing_has_no_names(tmp_path):
    assert similar(tmp_path / "missing" / "notes.md") == ""


def test_an_unused_name_has_a_number_where_it_is_needed(folder):
    assert unused(folder / "new.txt") == folder / "new.txt"
    assert unused(folder / "b.npz") == folder / "b-2.npz"


@pytest.mark.parametrize("name", ["m.safetensors", "m.SAFETENSORS"])
def test_a_file_of_weights_has_its_suffix_in_any_case(name):
    assert is_weights(name)
    assert checkpoint_name(name) == "m.npz"
    assert checkpoint_name("m.npz") == "m.npz"
