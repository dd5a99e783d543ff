import codecs
from encodings.aliases import aliases
from itertools import cycle

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from charrnn.errors import TextError
from charrnn.text.decoding import (
    BYTE_ORDER_MARKS,
    ERRORS,
    IN_PLACE,
    UNMARKED,
    Decoding,
    InvalidBytes,
    Losses,
    decode,
)


def known(name):
    try:
        return Decoding(name).encoding_after(b"")[0]
    except TextError:
        return None


#: Python's names of all encodings of text.
CODECS = sorted({codec for name in set(aliases.values()) if (codec := known(name))})
codecs_of_texts = st.sampled_from(CODECS) | st.sampled_from(sorted(UNMARKED.values()))
cuts = st.lists(st.integers(1, 9), min_size=1, max_size=5)
characters = st.characters(codec="utf-8") | st.sampled_from("ab\r\né漢あ한😀\ufeff\0")
codes = st.sampled_from(
    [b"\x1b$B", b"\x1b(B", b"\x1b$)C", b"\x0e", b"\x0f", b"~{", b"~}", b"+AAA-", b"\0", b"\0\xd8"]
)
anything = st.lists(st.binary(max_size=6) | codes, max_size=4).map(b"".join)


def outcome(data, sizes, codec, errors="strict", binary=False, losses=None):
    """The text of bytes in blocks of these sizes, or the first invalid byte."""
    blocks, start = [], 0
    for size in cycle(sizes):
        blocks.append(data[start : start + size])
        start += size
        if not blocks[-1]:
            break
    try:
        return "".join(decode(blocks, codec, errors, binary, losses))
    except InvalidBytes as fault:
        return fault.position, fault.nul


def first_nul(data, codec):
    """The position of the first NUL that is not inside another character."""
    unit = int(codec[4:6]) // 8 if codec[:6] in ("utf-16", "utf-32") else 1
    ends = (end for end in range(len(data) + 1) if "\0" in valid_text(data[:end], codec))
    return next((end - unit for end in ends), None)


def valid_text(data, codec):
    """The text of bytes; "" if they are invalid or end within a character."""
    try:
        return data.decode(codec)
    except UnicodeError:
        return ""


def expected(data, codec):
    """The expected result, from all bytes at once."""
    nul = first_nul(data, codec)
    try:
        text = data.decode(codec)
    except UnicodeDecodeError as error:
        return (error.start, False) if nul is None or nul > error.start else (nul, True)
    return text if nul is None else (nul, True)


@given(codecs_of_texts, st.text(characters), cuts)
@settings(max_examples=200)
@example("utf-8", "a\u0301漢😀\r\n", [1])
@example("utf-16-le", "Āā\0", [1])  # only two of its zero bytes together are NUL
@example("utf-8", "ab\0\0", [3])
def test_a_text_is_the_same_in_blocks_of_any_sizes(codec, text, sizes):
    data = text.encode(codec, "ignore")
    assume(codec != "utf-7" or "\0" not in text)  # begins with the code that it is in
    assert outcome(data, sizes, codec) == expected(data, codec)


@given(codecs_of_texts, st.text(characters), anything, cuts)
@settings(max_examples=200)
@example("utf-8", "abc", b"\xe2\x82", [4])  # ends within a character
@example("utf-8", "abc", b"\xe2\x82\x28def", [4])
@example("utf-16-le", "", b"\0\xd8a\0", [3])
@example("utf-8", "", b"ab\xff\0", [9])
@example("utf-8", "", b"ab\0\xff", [9])
@example("iso2022_kr", "", b"+\x1b$\x8e-+~{\xff\x1b\x0eA", [1])  # a code that never ends
def test_the_first_invalid_byte_is_the_same_in_blocks_of_any_sizes(codec, good, bad, sizes):
    data = good.encode(codec, "ignore") + bad
    assume(codec != "utf-7" or first_nul(data, codec) is None)
    assert outcome(data, sizes, codec) == expected(data, codec)


@given(codecs_of_texts, st.sampled_from(ERRORS[1:]), st.text(characters), anything, cuts)
@settings(max_examples=200)
@example("utf-8", "replace", "a", b"\xe2\x82b\xff", [2])
@example("utf-16-le", "replace", "a", b"\0\xd8a\0\xff", [3])
def test_invalid_bytes_and_nuls_are_replaced_or_ignored_and_counted(
    codec, errors, good, bad, sizes
):
    assume(not codec.startswith("iso2022"))  # of which codes without an end stay a fault
    assume(codec != "utf-7")  # its decoder does not repeat its errors in pieces
    data = good.encode(codec, "ignore") + bad
    text = data.decode(codec, errors)
    losses = Losses()
    found = outcome(data, sizes, codec, errors, losses=losses)
    assert found == text.replace("\0", IN_PLACE[errors])
    assert losses.nuls == text.count("\0")
    assert (losses.invalid == 0) == valid(data, codec)


def valid(data, codec):
    """Whether bytes have no mistakes in an encoding."""
    try:
        data.decode(codec)
    except UnicodeError:
        return False
    return True


def test_invalid_bytes_are_counted_one_by_one():
    losses = Losses()
    data = b"caf\xe9 \xff\xfe \xe2\x82 x\0y"
    assert outcome(data, [4], "utf-8", "ignore", losses=losses) == "caf   xy"
    assert losses == Losses(invalid=5, nuls=1)


@given(st.binary(), cuts)
@example(bytes(range(256)), [7])
def test_each_byte_is_a_character_on_request(data, sizes):
    decoding = Decoding(binary=True)
    assert decoding.mark(codecs.BOM_UTF8 + data) == b""
    codec, _ = decoding.encoding_after(b"")
    assert outcome(data, sizes, codec, binary=True) == "".join(map(chr, data))


def test_most_encodings_of_python_are_known():
    assert len(CODECS) > 80
    assert {"utf-8", "cp1252", "iso2022_jp", "gb18030", "koi8-r", "cp037"} <= set(CODECS)


@pytest.mark.parametrize("name", ["utf-9", "hex", "idna", "punycode", "unicode_escape", "\0"])
def test_an_encoding_that_is_not_for_text_is_refused(name):
    with pytest.raises(TextError, match=r"no encoding named .*, try utf-8"):
        Decoding(name)


def test_an_unknown_treatment_of_errors_is_refused():
    with pytest.raises(TextError, match="strict, replace, ignore, not magic"):
        Decoding(errors="magic")


@pytest.mark.parametrize("mark", BYTE_ORDER_MARKS)
def test_a_mark_is_one_of_its_family(mark):
    name = BYTE_ORDER_MARKS[mark]
    for encoding in (None, name, name.replace("-", "_").upper(), name[:6]):
        decoding = Decoding(encoding)
        assert decoding.mark(mark + b"a\0\0\0") == mark
        assert decoding.encoding_after(mark) == (name, name)
    assert Decoding("latin-1").mark(mark) == b""


def test_an_unknown_treatment_of_line_ends_is_refused():
    with pytest.raises(TextError, match="lf, keep, not crlf"):
        Decoding(newlines="crlf")


def test_bytes_keep_their_line_ends():
    assert Decoding(binary=True, newlines="lf").newlines == "keep"
