"""The four networks in PyTorch, each in the fastest form found (docs/performance.md), and their weights by name.

Weights leave as matrices `[inputs, outputs]`, the transpose of PyTorch's, under the names of `named_weights`; the
shapes are in `ours.py`.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from ours import FEATURES, STEPS


class Head(nn.Module):
    def __init__(self, inputs, hidden, activation):
        super().__init__()
        self.hidden, self.output, self.activation = nn.Linear(inputs, hidden), nn.Linear(hidden, 1), activation

    def forward(self, x):
        return self.output(self.activation(self.hidden(x))).squeeze(-1)

    def named_weights(self):
        return {**linear("head", self.hidden), **linear("output", self.output)}


class Recurrent(nn.Module):
    """PyTorch's fused GRU or LSTM, two layers of 64, and a head on the last step.

    The two biases of an LSTM only ever act as their sum. One is frozen at zero, so that both sides learn the same
    numbers; that makes PyTorch no slower.
    """

    def __init__(self, cell):
        super().__init__()
        self.layers = cell(FEATURES, 64, num_layers=2, batch_first=True)
        self.head = Head(64, 32, F.relu)
        for index in range(2 if cell is nn.LSTM else 0):
            bias = getattr(self.layers, f"bias_hh_l{index}")
            nn.init.zeros_(bias)
            bias.requires_grad_(False)

    def forward(self, x):
        return self.head(self.layers(x)[0][:, -1])

    def named_weights(self):
        weights = {}
        for name, parameter in self.layers.named_parameters():
            kind, side, layer = name.split("_")
            side = {"ih": "input", "hh": "recurrent"}[side]
            if parameter.requires_grad:
                weights[f"layers.{layer[1:]}.{side}.{kind}"] = parameter.mT if kind == "weight" else parameter
        return weights | self.head.named_weights()


class Convolutional(nn.Module):
    """DCNN (Li, Ding and Sun, Reliability Engineering & System Safety 172, 2018) without dropout: filters along time,
    shared over the features. `channels_last` halves the time of a training step, but not that of one window."""

    def __init__(self):
        super().__init__()
        shapes = [(1, 10, 10), (10, 10, 10), (10, 10, 10), (10, 10, 10), (10, 1, 3)]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, outputs, (taps, 1), padding="same") for inputs, outputs, taps in shapes)
        self.head = Head(STEPS * FEATURES, 100, torch.tanh)

    def train(self, mode=True):
        self.layout = torch.channels_last if mode else torch.contiguous_format
        self.convolutions.to(memory_format=self.layout)
        return super().train(mode)

    def forward(self, x):
        x = x.unsqueeze(1).contiguous(memory_format=self.layout)
        for convolution in self.convolutions:
            x = torch.tanh(convolution(x))
        return self.head(x.flatten(1))

    def named_weights(self):
        weights = {}
        for index, convolution in enumerate(self.convolutions):
            weights[f"convolutions.{index}.weight"] = convolution.weight.squeeze(-1).permute(2, 1, 0)
            weights[f"convolutions.{index}.bias"] = convolution.bias
        return weights | self.head.named_weights()


class Encoder(nn.Module):
    """The pre-norm encoder layer, by hand: a sixth faster than `nn.TransformerEncoderLayer(norm_first=True)`."""

    def __init__(self, width=64, heads=4, feed_forward=128):
        super().__init__()
        self.heads = heads
        self.attention_norm, self.feed_forward_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.attended = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, feed_forward), nn.Linear(feed_forward, width)

    def forward(self, x):
        batch, steps, width = x.shape
        qkv = self.qkv(self.attention_norm(x)).view(batch, steps, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.attended(attended.transpose(1, 2).reshape(batch, steps, width))
        return x + self.down(F.relu(self.up(self.feed_forward_norm(x))))

    def named_weights(self, prefix):
        layers = ["attention_norm", "qkv", "attended", "feed_forward_norm", "up", "down"]
        return {name: tensor for layer in layers
                for name, tensor in linear(f"{prefix}.{layer}", getattr(self, layer)).items()}


class Transformer(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.input, self.norm = nn.Linear(FEATURES, width), nn.LayerNorm(width)
        self.layers = nn.ModuleList(Encoder(width) for _ in range(2))
        self.head = Head(width, 32, F.relu)
        self.register_buffer("positions", positions(width))

    def forward(self, x):
        x = self.input(x) + self.positions
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x)[:, -1])

    def named_weights(self):
        weights = linear("input", self.input)
        for index, layer in enumerate(self.layers):
            weights |= layer.named_weights(f"layers.{index}")
        return weights | linear("norm", self.norm) | self.head.named_weights()


def positions(width):
    """The positions of Vaswani et al. (2017): `sin(t / 10000^(2i / width))` at `2i`, the cosine at `2i + 1`."""
    angle = torch.arange(STEPS)[:, None] * torch.exp(torch.arange(0, width, 2) * (-math.log(10000) / width))
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(1)


def linear(name, layer):
    """The tensors of a linear layer or of a norm, whose weight is a vector."""
    weight = layer.weight.mT if layer.weight.dim() == 2 else layer.weight
    return {f"{name}.weight": weight, f"{name}.bias": layer.bias}


BUILD = {
    "gru": lambda: Recurrent(nn.GRU),
    "lstm": lambda: Recurrent(nn.LSTM),
    "cnn": Convolutional,
    "transformer": Transformer,
}
