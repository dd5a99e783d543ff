"""Archives: those of charrnn are read, and all others are refused before any use."""

import errno
import gc
import io
import pickle
import struct
import sys
import zipfile
from contextlib import suppress

import numpy as np
import pytest
from helpers.checkpoints import READING_BYTES
from helpers.memory import peak_bytes
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as some

from charrnn.checkpoint import archive
from charrnn.checkpoint.archive import End
from charrnn.errors import CheckpointError

ARRAYS = {"header": np.arange(5, dtype=np.uint8), "last.Wy": np.ones((2, 3), np.float32)}


def written(arrays=ARRAYS):
    file = io.BytesIO()
    archive.write(file, arrays)
    return file.getvalue()


def zipped(members, **how):
    """A zip file of names and bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **how) as made:
        for name, data in members:
            made.writestr(name, data)
    return file.getvalue()


def npy(header, payload=b"", version=b"\x01\x00"):
    """An array as numpy writes it, with any header."""
    header = header.encode() if isinstance(header, str) else header
    return b"\x93NUMPY" + version + struct.pack("<H", len(header)) + header + payload


def declared(descr, shape, order="False"):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


def read(data):
    return archive.read(io.BytesIO(data))


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,6}(\.[a-zA-Z0-9]{1,6}){0,2}", fullmatch=True),
        some.arrays(
            st.sampled_from([np.uint8, np.uint32, np.float32, np.float64]),
            some.array_shapes(min_dims=0, max_dims=4, min_side=0),
        ),
        max_size=5,
    )
)
def test_written_arrays_are_read(arrays):
    if not arrays:
        return
    found = read(written(arrays))
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def test_numpy_reads_the_same():
    with np.load(io.BytesIO(written()), allow_pickle=False) as file:
        assert {name: file[name].tolist() for name in file.files} == {
            name: array.tolist() for name, array in ARRAYS.items()
        }


def test_arrays_in_another_order_are_written_row_by_row():
    turned = np.arange(6, dtype=np.float32).reshape(2, 3).T
    np.testing.assert_array_equal(read(written({"a": turned}))["a"], turned)


@pytest.fixture
def large(monkeypatch):
    """An archive as numpy writes one above 2 GB."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 10)
    monkeypatch.setattr(archive, "LARGE", 10)
    return written()


def test_a_file_with_the_directory_of_a_large_one_is_read(large):
    assert archive.LARGE_END in large
    assert archive.LOCATOR in large
    assert read(large).keys() == ARRAYS.keys()
    for place in range(large.index(archive.LARGE_END), len(large)):
        assert damaged(flipped(large, place))


def test_a_large_file_is_read_in_its_own_form_alone(large, monkeypatch):
    monkeypatch.undo()
    assert damaged(large)
    assert not damaged(written())


def test_the_end_record_of_a_large_file_is_not_believed_in_a_small_one():
    """The end record of a large file is no end record without its signature."""
    whole = written()
    start = whole.index(archive.ENTRY)
    entries = whole[start : -End.size] * 50_000
    record = archive.LargeEnd.pack(b"PK\0\0", 44, 45, 45, 0, 0, 2, 2, 100, start)
    pointer = archive.Locator.pack(archive.LOCATOR, 0, start + len(entries), 1)
    data = whole[:start] + entries + record + pointer + whole[-End.size :]
    assert damaged(data)
    assert peak_bytes(lambda: damaged(data)) < 1 << 20


def local_of_old_pythons(data):
    """The archive as Python 3.10 writes it, with the sizes also in their usual fields."""
    data, place = bytearray(data), 0
    while data[place : place + 4] == archive.MEMBER:
        local = list(archive.Local.unpack_from(data, place))
        extra = place + archive.Local.size + local[-2]
        _, _, size, packed = archive.Extra.unpack_from(data, extra)
        local[1], local[7], local[8] = archive.USUAL_VERSION, packed, size
        archive.Local.pack_into(data, place, *local)
        place = extra + archive.Extra.size + size
    while data[place : place + 4] == archive.ENTRY:
        entry = list(archive.Entry.unpack_from(data, place))
        entry[2] = archive.USUAL_VERSION
        archive.Entry.pack_into(data, place, *entry)
        place += archive.Entry.size + entry[10] + entry[11]
    return bytes(data)


def test_what_older_pythons_write_is_read():
    data = local_of_old_pythons(written())
    assert not damaged(data)
    with np.load(io.BytesIO(data)) as file:
        assert set(file.files) == ARRAYS.keys()


FLOAT = "'<f4'"
GOOD = npy(declared(FLOAT, "(2,)"), bytes(8))
FOREIGN = {
    "nothing": b"",
    "text": b"To whom it may concern" * 9,
    "an array": npy(declared(FLOAT, "(2,)"), bytes(8)),
    "a pickle": pickle.dumps({"a": 1}),
    "an empty archive": zipped([]),
    "a packed bomb": zipped(
        [("a.npy", npy(declared("'|u1'", "(1000000,)"), bytes(10**6)))],
        compression=zipfile.ZIP_DEFLATED,
    ),
    "a packed member of one byte": zipped([("a.npy", b"a")], compression=zipfile.ZIP_BZIP2),
    "a member that is no array": zipped([("a.npy", b"To whom it may concern")]),
    "an empty member": zipped([("a.npy", b"")]),
    "a name without .npy": zipped([("a", GOOD)]),
    "a version that is not known": zipped(
        [("a.npy", npy(declared(FLOAT, "(2,)"), bytes(8), b"\x03\x00"))]
    ),
    "a broken header": zipped([("a.npy", npy("{'descr': ", bytes(8)))]),
    "a header that is code": zipped([("a.npy", npy("__import__('os').system('x')\n"))]),
    "a long header": zipped([("a.npy", npy(declared(FLOAT, "(2,)") + " " * 10_000, bytes(8)))]),
    "a header without an end": zipped([("a.npy", npy(declared(FLOAT, "(2,)"))[:-20])]),
    "2^60 numbers": zipped([("a.npy", npy(declared(FLOAT, f"({2**60},)"), bytes(8)))]),
    "2^32 × 2^32 numbers": zipped(
        [("a.npy", npy(declared(FLOAT, f"({2**32}, {2**32})"), bytes(8)))]
    ),
    "a long number": zipped([("a.npy", npy(declared(FLOAT, f"({'9' * 400},)"), bytes(8)))]),
    "a negative shape": zipped([("a.npy", npy(declared(FLOAT, "(-2,)"), bytes(8)))]),
    "a shape of booleans": zipped([("a.npy", npy(declared(FLOAT, "(True, 2)"), bytes(8)))]),
    "too few numbers": zipped([("a.npy", npy(declared(FLOAT, "(3,)"), bytes(8)))]),
    "too many numbers": zipped([("a.npy", npy(declared(FLOAT, "(1,)"), bytes(8)))]),
    "objects": zipped([("a.npy", npy(declared("'|O'", "(1,)"), pickle.dumps([1])))]),
    "records": zipped([("a.npy", npy(declared("[('x', '<f4')]", "(2,)"), bytes(8)))]),
    "empty strings": zipped([("a.npy", npy(declared("'|S0'", "(2,)")))]),
    "strings": zipped([("a.npy", npy(declared("'<U1'", "(2,)"), bytes(8)))]),
    "big-endian numbers": zipped([("a.npy", npy(declared("'>f4'", "(2,)"), bytes(8)))]),
    "half numbers": zipped([("a.npy", npy(declared("'<f2'", "(4,)"), bytes(8)))]),
    "columns first": zipped([("a.npy", npy(declared(FLOAT, "(2,)", "True"), bytes(8)))]),
    "a comment": written() + b"",
}
FOREIGN["a comment"] = FOREIGN["a comment"][:-2] + b"\x03\x00abc"


def damaged(data):
    """Return True if an archive is refused; otherwise it must be read as the same."""
    try:
        found = read(data)
    except CheckpointError:
        return True
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
    return False


@pytest.mark.parametrize("data", FOREIGN.values(), ids=FOREIGN)
def test_a_file_of_another_form_is_refused(data):
    with pytest.raises(CheckpointError, match=r"damaged|not a charrnn checkpoint"):
        read(data)


@pytest.mark.filterwarnings("ignore:Duplicate name")  # a warning of zipfile
def test_a_name_that_is_there_twice_is_refused():
    with pytest.raises(CheckpointError, match=r"'a\.npy' is repeated"):
        read(zipped([("a.npy", GOOD), ("a.npy", GOOD)]))


@pytest.mark.parametrize("flag", [1, 8, 0x20, 0x40])
def test_flags_of_encryption_and_the_like_are_refused(flag):
    data = bytearray(written())
    data[data.index(b"PK\x01\x02") + 8] |= flag
    assert damaged(bytes(data))


@pytest.mark.parametrize("junk", [b"\x00", b"PK\x05\x06", b"x" * 100, bytes(70_000)])
def test_junk_before_behind_or_between_is_refused(junk):
    whole = written()
    assert damaged(junk + whole)
    assert damaged(whole + junk)
    second = whole.index(b"PK\x03\x04", 1)
    assert damaged(whole[:second] + junk + whole[second:])


def test_members_that_share_their_bytes_are_refused():
    """Two entries of the directory that point at one member."""
    whole = written({"a": np.zeros(100, np.float32), "b": np.zeros(100, np.float32)})
    entry = whole.index(b"PK\x01\x02", whole.index(b"PK\x01\x02") + 1)
    assert damaged(whole[: entry + 42] + bytes(4) + whole[entry + 46 :])


def test_a_file_that_is_cut_short_anywhere_is_refused():
    whole = written()
    assert all(damaged(whole[:size]) for size in range(len(whole)))


def flipped(data, place, bit=0):
    return data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]


def test_a_bit_that_is_wrong_anywhere_is_refused_or_means_nothing():
    whole = written()
    refused = sum(damaged(flipped(whole, place, place % 8)) for place in range(len(whole)))
    # Times, attributes and the like mean nothing; every bit of a name, a size, an array does.
    assert refused > 0.7 * len(whole)


def bomb(size):
    """A small file that claims to be a large array."""
    header = npy(declared("'|u1'", f"({size},)"))
    return zipped([("a.npy", header + bytes(size))], compression=zipfile.ZIP_DEFLATED)


@pytest.mark.parametrize(
    "data",
    [
        written({"a": np.ones((3000, 5000), np.float32)}),
        bomb(300_000_000),
        zipped([(f"{number}.npy", GOOD) for number in range(20_000)]),
        zipped([("a.npy", npy(declared("'|u1'", "(3000000000,)"), bytes(10**6)))]),
    ],
    ids=["a good one", "a bomb", "many members", "a lie"],
)
def test_memory_is_bounded_by_the_size_of_the_file(data):
    def refused_or_read():
        with suppress(CheckpointError):
            read(data)

    assert peak_bytes(refused_or_read) < 2 * len(data) + READING_BYTES


#: The value of each field of the format as `numpy.savez` writes it, and its other values.
OTHER = [0, 1, 8, 0x7F, 0xFFFF]


def fields(form, signature, leave):
    """Change each field of the last record of a kind, except those in `leave`."""
    whole = written()
    place = whole.rindex(signature)
    found = form.unpack_from(whole, place)
    for number, value in enumerate(found):
        if number not in (0, *leave):
            for other in {*OTHER, value ^ 1} - {value}:
                changed = [*found[:number], other, *found[number + 1 :]]
                data = bytearray(whole)
                form.pack_into(data, place, *changed)
                yield number, other, bytes(data)


@pytest.mark.parametrize(
    ("form", "signature", "leave"),
    [
        (archive.Local, archive.MEMBER, ()),
        (archive.Entry, archive.ENTRY, (1, 15)),  # the version of the writer; the mode of the file
        (archive.End, archive.END, ()),
    ],
    ids=["member", "directory", "end"],
)
def test_every_field_of_the_format_is_held_to_what_numpy_writes(form, signature, leave):
    tried = list(fields(form, signature, leave))
    assert len(tried) > 20
    assert [(number, other) for number, other, data in tried if not damaged(data)] == []


@pytest.mark.parametrize("comment", [b"", b"abc", b"PK\x05\x06" + bytes(18)])
def test_entries_of_the_directory_have_no_comments_or_further_fields(comment):
    whole = written()
    place = whole.rindex(archive.ENTRY)
    for number in (11, 12):
        entry, end = list(archive.Entry.unpack_from(whole, place)), list(End.unpack(whole[-22:]))
        entry[number] += len(comment)
        end[5] += len(comment)
        made = archive.Entry.pack(*entry) + whole[place + archive.Entry.size : -22] + comment
        assert damaged(whole[:place] + made + End.pack(*end)) == bool(comment)


def test_a_directory_of_more_than_the_members_is_refused_before_it_is_read():
    whole = written()
    directory = whole.index(archive.ENTRY)
    entry, end = whole[directory : -End.size], list(End.unpack(whole[-End.size :]))
    entries = entry * 100_000
    end[5] = len(entries)
    long = whole[:directory] + entries + End.pack(*end)
    assert damaged(long)
    assert peak_bytes(lambda: damaged(long)) < 1 << 20


@pytest.mark.parametrize("name", ["a\0b.npy", "é.npy", "x" * 200 + ".npy"])
def test_a_name_that_no_array_has_is_refused(name):
    whole = written({"z" * len(name.removesuffix(".npy").encode()): np.zeros(2, np.float32)})
    written_name = b"z" * len(name.removesuffix(".npy").encode())
    assert damaged(whole.replace(written_name, name.removesuffix(".npy").encode()))


@pytest.mark.parametrize("descr", [">f4", ">f8", ">u4"])
def test_arrays_of_another_order_of_bytes_are_written_in_the_usual_one(descr):
    array = np.arange(6).reshape(2, 3).astype(descr)
    np.testing.assert_array_equal(read(written({"a": array}))["a"], array)
    assert descr.replace(">", "<").encode() in written({"a": array})


def test_a_single_number_keeps_its_shape():
    assert read(written({"a": np.array(3.0)}))["a"].shape == ()


def test_the_bytes_are_those_that_numpy_writes():
    arrays = {
        **ARRAYS,
        "empty": np.zeros((0, 3), np.float32),
        "number": np.array(3.5),
        "big": np.arange(5, dtype=">f8"),
        "columns": np.arange(6, dtype="<u4").reshape(2, 3).T,
    }
    file = io.BytesIO()
    ordered = {"big": arrays["big"].astype("<f8"), "columns": arrays["columns"].copy()}
    np.savez(file, **{**arrays, **ordered})
    assert written(arrays) == file.getvalue()


class FullAfter(io.BytesIO):
    """A file on a disk that is full after a number of writes."""

    def __init__(self, writes):
        super().__init__()
        self.left = writes

    def write(self, data):
        self.left -= 1
        if self.left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


def test_a_full_disk_is_an_error_and_no_traceback_of_an_archive_that_is_freed(monkeypatch):
    def fits(file):
        try:
            archive.write(file, ARRAYS)
        except OSError:
            return False
        return True

    ignored, writes = [], 0
    monkeypatch.setattr(sys, "unraisablehook", ignored.append)
    while not fits(FullAfter(writes)):
        writes += 1
    gc.collect()
    assert ignored == []
    assert writes > 8


def test_arrays_that_do_not_fit_in_memory_are_refused_with_the_sizes(monkeypatch):
    archive.check_memory(300_000_000, None)
    archive.check_memory(300_000_000, 300_000_000)
    with pytest.raises(CheckpointError, match=r"has 300\.0 MB, and 200\.0 MB of memory are avail"):
        archive.check_memory(300_000_000, 200_000_000)
    data = written()
    monkeypatch.setattr(archive, "available_bytes", lambda: len(data) - 1)
    with pytest.raises(CheckpointError, match="use a machine with more memory"):
        read(data)
