"""The recurrent layers as a lecture writes them: one character at a time, one line a formula.

Plain and slow. `charrnn/network` computes the same numbers for windows of many streams; the tests
compare the two (`tests/network/test_plain_layers.py`).

Vectors are columns: x (D,) is the input, one-hot in the first layer, and h and c (H,) are the
state. Each layer is a function of its weights W, x and the state. It returns the next state, whose
first array h is also the output, and `backward`: from the gradient of the loss with respect to the
next state, `backward` computes the gradients of the weights, of x and of the state before. `d_X` is
the gradient with respect to X; d_a, d_i, … are the gradients with respect to the arguments of tanh
and σ.
"""

import numpy as np


def sigmoid(a):
    """σ(a)."""
    return 1 / (1 + np.exp(-a))


def vanilla(W, x, state):
    """Simple recurrent network (Elman 1990), squashed by tanh."""
    (h,) = state
    h_next = np.tanh(W["Wx"] @ x + W["Wh"] @ h + W["b"])

    def backward(d_state):
        (d_h,) = d_state
        d_a = d_h * (1 - h_next**2)
        d_W = {"Wx": np.outer(d_a, x), "Wh": np.outer(d_a, h), "b": d_a}
        return d_W, W["Wx"].T @ d_a, [W["Wh"].T @ d_a]

    return [h_next], backward


def vanilla_relu(W, x, state):
    """Simple recurrent network with a rectifier."""
    (h,) = state
    h_next = np.maximum(0, W["Wx"] @ x + W["Wh"] @ h + W["b"])

    def backward(d_state):
        (d_h,) = d_state
        d_a = d_h * (h_next > 0)
        d_W = {"Wx": np.outer(d_a, x), "Wh": np.outer(d_a, h), "b": d_a}
        return d_W, W["Wx"].T @ d_a, [W["Wh"].T @ d_a]

    return [h_next], backward


def lstm(W, x, state):
    """Long short-term memory (Hochreiter, Schmidhuber 1997; forget gate: Gers 2000)."""
    h, c = state
    a_i, a_f, a_o, a_g = np.split(W["Wx"] @ x + W["Wh"] @ h + W["b"], 4)
    i, f, o = sigmoid(a_i), sigmoid(a_f), sigmoid(a_o)  # input, forget and output gate
    g = np.tanh(a_g)  # candidate
    c_next = f * c + i * g
    h_next = o * np.tanh(c_next)

    def backward(d_state):
        d_h, d_c = d_state
        d_c = d_c + d_h * o * (1 - np.tanh(c_next) ** 2)
        d_i = d_c * g * i * (1 - i)
        d_f = d_c * c * f * (1 - f)
        d_o = d_h * np.tanh(c_next) * o * (1 - o)
        d_g = d_c * i * (1 - g**2)
        d_a = np.concatenate([d_i, d_f, d_o, d_g])
        d_W = {"Wx": np.outer(d_a, x), "Wh": np.outer(d_a, h), "b": d_a}
        return d_W, W["Wx"].T @ d_a, [W["Wh"].T @ d_a, d_c * f]

    return [h_next, c_next], backward


def gru(W, x, state):
    """Gated recurrent unit (Cho 2014), in the form of cuDNN, PyTorch and Keras."""
    (h,) = state
    r_x, z_x, n_x = np.split(W["Wx"] @ x + W["b"], 3)
    r_h, z_h, n_h = np.split(W["Wh"] @ h, 3)
    r, z = sigmoid(r_x + r_h), sigmoid(z_x + z_h)  # reset and update gate
    q = n_h + W["bh"]
    n = np.tanh(n_x + r * q)  # candidate
    h_next = (1 - z) * n + z * h

    def backward(d_state):
        (d_h,) = d_state
        d_n = d_h * (1 - z) * (1 - n**2)
        d_z = d_h * (h - n) * z * (1 - z)
        d_q = d_n * r
        d_r = d_n * q * r * (1 - r)
        d_ax, d_ah = np.concatenate([d_r, d_z, d_n]), np.concatenate([d_r, d_z, d_q])
        d_W = {"Wx": np.outer(d_ax, x), "Wh": np.outer(d_ah, h), "b": d_ax, "bh": d_q}
        return d_W, W["Wx"].T @ d_ax, [d_h * z + W["Wh"].T @ d_ah]

    return [h_next], backward


LAYER_TYPES = {"gru": gru, "lstm": lstm, "vanilla": vanilla, "vanilla-relu": vanilla_relu}


def losses_and_gradient(parameters, layer, inputs, targets, state):
    """Losses of one stream, −ln p of each target in nats, and the gradient of their mean.

    Args:
        parameters: the weights of L layers and of the softmax by name: layer1.Wx, …, Wy, by.
        layer: one of the functions above.
        inputs, targets: T indices of characters each.
        state: the arrays of each layer; overwritten by the state after the last character.
    """
    Wy, by = parameters["Wy"], parameters["by"]
    L, T, one_hot = len(state), len(inputs), np.eye(len(by))
    weights = [
        {name.split(".")[1]: W for name, W in parameters.items() if name.startswith(f"layer{n}.")}
        for n in range(1, L + 1)
    ]

    losses, tape = [], []
    for index, target in zip(inputs, targets):
        x, backward = one_hot[index], [None] * L
        for n in range(L):
            state[n], backward[n] = layer(weights[n], x, state[n])
            x = state[n][0]
        logits = Wy @ x + by
        p = np.exp(logits - logits.max())
        p /= p.sum()
        losses.append(-np.log(p[target]))
        tape.append((p - one_hot[target], x, backward))

    gradient = {name: np.zeros_like(W) for name, W in parameters.items()}
    d_state = [[np.zeros_like(array) for array in arrays] for arrays in state]
    for d_logits, h, backward in reversed(tape):
        d_logits = d_logits / T
        gradient["Wy"] += np.outer(d_logits, h)
        gradient["by"] += d_logits
        d_x = Wy.T @ d_logits
        for n in reversed(range(L)):
            d_state[n][0] += d_x
            d_W, d_x, d_state[n] = backward[n](d_state[n])
            for name, d in d_W.items():
                gradient[f"layer{n + 1}.{name}"] += d
    return losses, gradient
