"""Weights under the names of PyTorch, in a `.safetensors` file.

    rnn.weight_ih_l0 (G·H, V)                   layer1.Wx
    rnn.weight_hh_l0 (G·H, H)                   layer1.Wh
    rnn.bias_ih_l0, rnn.bias_hh_l0 (G·H,)       layer1.b, of a GRU also layer1.bh
    output.weight (V, H), output.bias (V,)      Wy, by
    embedding.weight (V, E)                     within layer1.Wx

G is the number of blocks of H rows: 1 for nn.RNN, 3 for nn.GRU, 4 for nn.LSTM. The blocks of an
LSTM are i, f, g, o in PyTorch, and i, f, o, g in charrnn; those of a GRU are r, z, n in both.

PyTorch adds both biases, except for n of a GRU: there the second one is `bh`, which r multiplies. A
file of charrnn has zeros in place of other second biases.

`Wh` of an ensemble is written with zeros between its networks, and read without them.

An embedding is read in the first product: column v of Wx is weight_ih times row v of the embedding.

The vocabulary and the settings for reading a text are in the metadata. PyTorch may have the
characters in any order; those of charrnn are sorted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from math import prod
from typing import IO, Any, NamedTuple

import numpy as np

from charrnn.arrays import Array, Shape
from charrnn.checkpoint import archive, safetensors, schema
from charrnn.checkpoint.safetensors import Tensor
from charrnn.config import ModelConfig
from charrnn.errors import CheckpointError, SettingError
from charrnn.machine import available_bytes
from charrnn.network.model import MAX_LAYERS, CharRNN, build_layers
from charrnn.network.products import dense, own_blocks
from charrnn.text.corpus_info import ReadingSettings
from charrnn.text.vocabulary import Vocabulary, code_points, listed

#: The layer types by the number of blocks of rows; without metadata the first one counts.
LAYER_TYPES = {1: ("vanilla", "vanilla-relu"), 3: ("gru",), 4: ("lstm",)}
#: Characters of a number in the metadata.
MAX_NUMBER = 40
#: The name of a weight of a recurrent layer: prefix, name, direction.
RECURRENT = re.compile(r"(|.*\.)(?:weight|bias)_(?:ih|hh|hr)_l\d+(_reverse)?")
#: The notice about an nn.RNN, whose tensors are the same with tanh and with relu.
READ_AS_TANH = (
    "an nn.RNN without layer_type in the metadata, read as one of tanh: for relu, write "
    '{"layer_type": "vanilla-relu"} there'
)
#: The remedy for a file of PyTorch that is another one.
REMEDY = (
    'write it with `save_file(model.state_dict(), "model.safetensors", {"vocabulary": characters})`'
    " of safetensors.torch, where characters is one string, in the order of the indices"
)


class ForeignModel(NamedTuple):
    """A model in a file: its shape, its characters, and its parameters by name."""

    model: ModelConfig
    vocabulary: Vocabulary
    reading: ReadingSettings
    parameters: dict[str, Array]
    notices: tuple[str, ...]


class Names(NamedTuple):
    """The names of the parts of a network in a file: modules of PyTorch."""

    recurrent: str  # with the dot at its end
    output: str
    embedding: str | None


def other_order(layer_type: str, rows: Array) -> Array:
    """The rows of all blocks (G·H, ...) in PyTorch's order, or back from there."""
    if layer_type != "lstm":
        return rows
    i, f, third, fourth = np.split(rows, 4)
    return np.concatenate([i, f, fourth, third])


def tensors_of(model: CharRNN) -> dict[str, Array]:
    """The parameters of a model under the names of PyTorch."""
    found: dict[str, Array] = {}
    for number in range(model.num_layers):
        layer = model.parameters.part(f"layer{number + 1}.")
        second = np.zeros_like(layer["b"])
        if "bh" in layer:
            second[-model.hidden_size :] = layer["bh"]
        for name, array in (
            ("weight_ih", layer["Wx"]),
            ("weight_hh", dense(layer["Wh"], model.ensemble)),
            ("bias_ih", layer["b"]),
            ("bias_hh", second),
        ):
            found[f"rnn.{name}_l{number}"] = other_order(model.layer_type, array)
    return {
        **found,
        "output.weight": model.parameters["Wy"],
        "output.bias": model.parameters["by"],
    }


def is_pickle(head: bytes) -> bool:
    """True for the first hundreds of bytes of a file of `torch.save`, a zip file with a pickle."""
    return head.startswith(archive.MEMBER) and b"data.pkl" in head


def pack(model: CharRNN, reading: ReadingSettings) -> tuple[bytes, dict[str, Array]]:
    """Return the beginning of a file with a model, and the arrays that follow.

    Args:
        model: the model.
        reading: the settings for reading a text.

    Raises:
        CheckpointError: for a vocabulary that the format cannot hold.
    """
    characters = model.vocabulary.ix_to_char
    if surrogates := surrogates_in(characters):
        raise CheckpointError(
            f"the vocabulary has {listed(surrogates)}, which .safetensors cannot hold: train on a "
            "text without surrogates"
        )
    settings = {**asdict(ModelConfig(**model.configuration)), **asdict(reading)}
    metadata = {
        name: value if isinstance(value, str) else json.dumps(value, allow_nan=False)
        for name, value in settings.items()
        if value is not None
    }
    arrays = tensors_of(model)
    return safetensors.encode(arrays, {**metadata, "vocabulary": characters}), arrays


def read(file: IO[bytes]) -> ForeignModel:
    """Return the model in a file, which may come from a stranger.

    Raises:
        CheckpointError: if the file is damaged, or not a network that charrnn has.
    """
    metadata, tensors = safetensors.read_header(file)
    characters = characters_of(metadata)
    names = names_of(tensors)
    settings = settings_of(ModelConfig, metadata)
    model = model_of(tensors, names.recurrent, settings)
    check_tensors(tensors, expected(tensors, names, model, len(characters)))
    reading = ReadingSettings(**settings_of(ReadingSettings, metadata))
    vocabulary = Vocabulary(characters, replaces=reading.min_count > 1)
    archive.check_memory(bytes_of(tensors, names, len(characters)), available_bytes())
    found = parameters(file, tensors, names, model, characters)
    unclear = model.layer_type == LAYER_TYPES[1][0] and "layer_type" not in settings
    notices = (READ_AS_TANH,) if unclear else ()
    return ForeignModel(model, vocabulary, reading, found, notices)


def bytes_of(tensors: Mapping[str, Tensor], names: Names, V: int) -> int:
    """The bytes of the parameters of a network, and of an embedding with its product (G·H, V)."""
    numbers = sum(prod(each.shape) for each in tensors.values())
    if names.embedding:
        numbers += tensors[f"{names.recurrent}weight_hh_l0"].shape[0] * V
    return 4 * numbers


def characters_of(metadata: Mapping[str, str]) -> str:
    """The characters of a network, in the order of their indices in the file.

    Raises:
        CheckpointError: if there are none, or one is repeated.
    """
    characters = metadata.get("vocabulary", "")
    if not characters:
        raise CheckpointError(f"has no vocabulary: {REMEDY}")
    if surrogates := surrogates_in(characters):
        raise CheckpointError(
            f"the vocabulary of its metadata has {listed(surrogates)}: leave out surrogates"
        )
    points, counts = np.unique(code_points(characters), return_counts=True)
    if len(points) < len(characters):
        repeated = [chr(point) for point in points[counts > 1]]
        raise CheckpointError(
            f"the vocabulary of its metadata repeats {listed(repeated)}: each index has a "
            "character of its own"
        )
    return characters


def surrogates_in(characters: str) -> list[str]:
    """The characters that UTF-8 cannot encode."""
    return [character for character in characters if "\ud800" <= character <= "\udfff"]


def settings_of(cls: type[Any], metadata: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a dataclass that the metadata of a file sets.

    Raises:
        CheckpointError: for a value of another type or out of its range.
    """
    found = {}
    for name, field in schema.fields_of(cls):
        if name not in metadata:
            continue
        value: Any = metadata[name]
        if field.kind is not str and len(value) <= MAX_NUMBER:
            with suppress(ValueError):
                value = json.loads(value, parse_constant=schema.refuse_constant)
        if not field.fits(value):
            raise CheckpointError(
                f"{name} of its metadata is {schema.SHORT.repr(metadata[name])}: write {field}, "
                "or leave it out"
            )
        found[name] = value
    return found


def names_of(tensors: Mapping[str, Tensor]) -> Names:
    """The modules of a network.

    A weight with a bias is that of the output, a weight without one that of an embedding. A weight
    that is alone is that of the output. Where two have no bias, their names decide.

    Raises:
        CheckpointError: where they are not one nn.RNN, nn.LSTM or nn.GRU, which reads forwards,
            an output, and perhaps an embedding.
    """
    parts = {name: match for name in tensors if (match := RECURRENT.fullmatch(name))}
    prefixes = sorted({match[1] for match in parts.values()})
    if len(prefixes) != 1:
        some = schema.some([prefix.rstrip(".") for prefix in prefixes])
        found = f"the recurrent layers {some}" if prefixes else "no recurrent layer"
        raise CheckpointError(
            f"has {found}: write the weights of a network with one nn.RNN, nn.LSTM or nn.GRU"
        )
    for name, match in parts.items():
        if match[2]:
            raise CheckpointError(
                f"tensor {name!r:.100} reads the text backwards: train with bidirectional=False"
            )
        if "_hr_" in name:
            raise CheckpointError(f"tensor {name!r:.100} is a projection: train with proj_size=0")
    others = sorted({name for name in tensors if name not in parts})
    modules = [name.removesuffix(".weight") for name in others if name.endswith(".weight")]
    biased = [name for name in modules if f"{name}.bias" in tensors]
    outputs = modules if len(modules) == 1 else biased or sorted({"output"} & set(modules))
    embeddings = sorted(set(modules) - set(outputs))
    if len(outputs) != 1 or len(embeddings) > 1:
        raise CheckpointError(
            f"has {schema.some(modules) or 'no module'} beside the recurrent one: write the "
            "weights of a network with an output, and at most an embedding; call them output and "
            "embedding"
        )
    return Names(prefixes[0], outputs[0], embeddings[0] if embeddings else None)


def model_of(
    tensors: Mapping[str, Tensor], prefix: str, settings: Mapping[str, Any]
) -> ModelConfig:
    """The shape of a network, from that of its tensors.

    Args:
        tensors: the tensors by name.
        prefix: that of the names of the recurrent layers.
        settings: the fields that the metadata has.

    Raises:
        CheckpointError: for another shape than charrnn has, or than the metadata says.
    """
    name = f"{prefix}weight_hh_l0"
    if name not in tensors:
        raise CheckpointError(f"lacks tensor {name!r:.100}: write all weights of the network")
    shape = tensors[name].shape
    H = shape[1] if len(shape) == 2 else 0
    layer_types = LAYER_TYPES.get(shape[0] // H) if H and shape[0] % H == 0 else None
    if not layer_types:
        raise CheckpointError(
            f"tensor {name!r:.100} has the shape {shape!s:.80}, which no nn.RNN, nn.LSTM or nn.GRU "
            "has: write the weights of one of them"
        )
    layers = sum(each.startswith(f"{prefix}weight_ih_l") for each in tensors)
    if layers > MAX_LAYERS:
        raise CheckpointError(f"has {layers:,} layers: write a network of at most {MAX_LAYERS:,}")
    found = {"hidden_size": H, "num_layers": max(1, layers)}
    for field, value in found.items():
        if settings.get(field, value) != value:
            raise CheckpointError(
                f"{field} of its metadata is {settings[field]:,}, and that of its tensors "
                f"{value:,}: leave it out"
            )
    layer_type = settings.get("layer_type", layer_types[0])
    if layer_type not in layer_types:
        raise CheckpointError(
            f"layer_type of its metadata is {layer_type}, and its tensors are those of "
            f"{' or '.join(layer_types)}: leave it out"
        )
    defaults = {"dropout": 0.0, "ensemble": 1}
    model = ModelConfig(**{**defaults, **settings, **found, "layer_type": layer_type})
    try:
        build_layers(1, layer_type, model.hidden_size, model.num_layers, model.ensemble)
    except SettingError as error:  # an ensemble that the sizes do not allow
        raise CheckpointError(
            f"ensemble of its metadata is {model.ensemble:,}, and hidden_size and num_layers are "
            f"{model.hidden_size:,} and {model.num_layers:,}: leave it out"
        ) from error
    return model


def expected(
    tensors: Mapping[str, Tensor], names: Names, model: ModelConfig, V: int
) -> dict[str, Shape]:
    """The names of all tensors of a network, with their shapes.

    Args:
        tensors: those in the file, which show whether the layers have biases.
        names: the modules.
        model: the shape of the network.
        V: the number of characters.
    """
    H, D = model.hidden_size, V
    rows = tensors[f"{names.recurrent}weight_hh_l0"].shape[0]
    shapes: dict[str, Shape] = {f"{names.output}.weight": (V, H)}
    if f"{names.output}.bias" in tensors:
        shapes[f"{names.output}.bias"] = (V,)
    if names.embedding:
        D = (0, *tensors[f"{names.embedding}.weight"].shape)[-1]
        shapes[f"{names.embedding}.weight"] = (V, D)
    # One of the two is enough for a sign: then the other one is missing.
    biased = any(f"{names.recurrent}bias_{kind}_l0" in tensors for kind in ("ih", "hh"))
    kinds = ["ih", "hh"] if biased else []
    for number in range(model.num_layers):
        shapes[f"{names.recurrent}weight_ih_l{number}"] = (rows, H if number else D)
        shapes[f"{names.recurrent}weight_hh_l{number}"] = (rows, H)
        shapes |= {f"{names.recurrent}bias_{kind}_l{number}": (rows,) for kind in kinds}
    return shapes


def of_networks(Wh: Array, ensemble: int) -> Array:
    """The weights of an ensemble without those from one network to another, (G·H, H/E).

    Args:
        Wh: (G·H, H).
        ensemble: E, the number of networks.

    Raises:
        CheckpointError: if there are weights between the networks.
    """
    own = own_blocks(Wh, ensemble).reshape(len(Wh), -1)
    if np.count_nonzero(own) < np.count_nonzero(Wh):
        raise CheckpointError(
            f"has weights between the {ensemble} networks of the ensemble that its metadata names: "
            "leave out ensemble"
        )
    return own


def check_tensors(tensors: Mapping[str, Tensor], shapes: Mapping[str, Shape]) -> None:
    """Compare the tensors in a file with those of a network.

    Args:
        tensors: those in the file, by name.
        shapes: the shapes of those of the network, by name.

    Raises:
        CheckpointError: if a tensor is missing, unexpected, or of another shape.
    """
    if missing := shapes.keys() - tensors.keys():
        raise CheckpointError(
            f"lacks tensor {schema.some(missing)}: write all weights of the network"
        )
    if unexpected := tensors.keys() - shapes.keys():
        raise CheckpointError(
            f"has the tensor {schema.some(unexpected)}, and charrnn has nothing like it: write the "
            "weights of a network with an nn.RNN, nn.LSTM or nn.GRU, an output, and at most an "
            "embedding"
        )
    for name, shape in shapes.items():
        if tensors[name].shape != shape:
            raise CheckpointError(
                f"tensor {name!r:.100} has the shape {tensors[name].shape!s:.80}, and the network "
                f"needs {shape}: use layers of one size, and as many characters in the vocabulary "
                "as rows"
            )


def parameters(
    file: IO[bytes],
    tensors: Mapping[str, Tensor],
    names: Names,
    model: ModelConfig,
    characters: str,
) -> dict[str, Array]:
    """Read the parameters of a network, under the names of charrnn.

    Args:
        file: the file.
        tensors: the tensors in it, with the shapes of `expected`.
        names: the modules.
        model: the shape of the network.
        characters: the characters, in the order of their indices in the file.

    Raises:
        CheckpointError: if a number is not finite.
    """
    order = np.argsort(code_points(characters))
    rows = tensors[f"{names.recurrent}weight_hh_l0"].shape[0]

    def numbers(name: str, size: int = 0) -> Array:
        """A tensor, or as many zeros as the bias has that is missing."""
        if name not in tensors:
            return np.zeros(size, np.float32)
        return safetensors.read_numbers(file, tensors[name])

    # The output first: an embedding of E = 1 and its product would be in memory beside it.
    found = {
        "Wy": numbers(f"{names.output}.weight")[order],
        "by": numbers(f"{names.output}.bias", len(order))[order],
    }
    for number in range(model.num_layers):
        Wx, Wh, b, second = (
            other_order(model.layer_type, numbers(f"{names.recurrent}{kind}_l{number}", rows))
            for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        layer = f"layer{number + 1}."
        with np.errstate(over="ignore", invalid="ignore"):  # `Checkpoint.check` finds infinity
            if number == 0:
                embedding = names.embedding
                Wx = Wx @ numbers(f"{embedding}.weight")[order].T if embedding else Wx[:, order]
            sums = rows
            if model.layer_type == "gru":
                sums -= model.hidden_size
                found[f"{layer}bh"] = second[sums:]
            b = b.copy()
            b[:sums] += second[:sums]
        if model.ensemble > 1:
            Wh = of_networks(Wh, model.ensemble)
        found |= {f"{layer}Wx": Wx, f"{layer}Wh": Wh, f"{layer}b": b}
    return found
