"""The network: one-hot input, stacked recurrent layers, softmax."""
