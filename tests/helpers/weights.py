"""Files of weights as PyTorch writes them, made with NumPy alone."""

import io
import json

import numpy as np

from charrnn.checkpoint import pytorch

#: NumPy's types by the names of the format; BF16 is given as uint16.
NAMES = {"float64": "F64", "float32": "F32", "float16": "F16", "uint16": "BF16", "int64": "I64"}


def packed(arrays, metadata=None, change=lambda header: None):
    """The bytes of a file; `change` alters the header, or returns its bytes."""
    header, data = {}, b""
    if metadata is not None:
        header["__metadata__"] = metadata
    for name, array in arrays.items():
        end = len(data) + array.nbytes
        dtype = NAMES[array.dtype.name]
        header[name] = {"dtype": dtype, "shape": [*array.shape], "data_offsets": [len(data), end]}
        data += array.tobytes()
    said = change(header)
    if not isinstance(said, bytes):
        said = json.dumps(header).encode()
    return len(said).to_bytes(8, "little") + said + data


def network(rows=4, H=3, V=4, L=1, E=None, seed=0):
    """Random tensors of a network, by name.

    Args:
        rows: blocks of rows of a layer: 1, 3 or 4.
        H, V, L: cells, characters, layers.
        E: the size of an embedding; None or 0 for none.
        seed: of the numbers.
    """
    rng = np.random.default_rng(seed)
    shapes = {"embedding.weight": (V, E)} if E else {}
    for layer in range(L):
        D = H if layer else E or V
        shapes[f"rnn.weight_ih_l{layer}"] = rows * H, D
        shapes[f"rnn.weight_hh_l{layer}"] = rows * H, H
        shapes |= {f"rnn.bias_{kind}_l{layer}": (rows * H,) for kind in ("ih", "hh")}
    shapes |= {"output.weight": (V, H), "output.bias": (V,)}
    return {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def read(data):
    """The model in the bytes of a file."""
    return pytorch.read(io.BytesIO(data))
