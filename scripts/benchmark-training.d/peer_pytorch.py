"""PyTorch's side of the comparison, one family at one thread count: `peer_pytorch.py THREADS FAMILY FOLDER`.

Answers one line on standard input with one line of JSON: `build` writes the initial weights and the batch to FOLDER
and says what was built, `train WARMUP STEPS` starts from the initial weights every time, `infer CALLS` predicts one
window that often.
"""

import json
import sys
import time
import warnings
from pathlib import Path

import torch
from safetensors.torch import save_file

from networks import BUILD
from ours import BATCH, FEATURES, STEPS

WARMUP_CALLS = 200


def batch():
    """Windows that drift with their label, so that the loss falls; labels in [0, 1]."""
    labels = torch.rand(BATCH)
    drift = (1 - labels)[:, None, None] * torch.linspace(0, 1, STEPS)[:, None] * torch.randn(FEATURES)
    return torch.randn(BATCH, STEPS, FEATURES) * 0.5 + drift, labels


def contiguous(tensors):
    return {name: tensor.detach().contiguous() for name, tensor in tensors.items()}


@torch.inference_mode()
def build(network, inputs, labels, folder):
    save_file(contiguous(network.named_weights()), folder / "weights.safetensors")
    save_file({"inputs": inputs, "labels": labels}, folder / "batch.safetensors")
    parameters = sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
    return {"parameters": parameters, "prediction": network(inputs[:1]).item()}


def train(new_network, initial, inputs, labels, warmup, steps):
    """One step is forward, mean squared error, backward and AdamW; its time includes all of that and nothing else."""
    network = new_network().train()
    network.load_state_dict(initial)
    learnt = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learnt, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, fused=True)
    losses, step_ms = [], []
    for _ in range(warmup + steps):
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.mse_loss(network(inputs), labels)
        loss.backward()
        optimizer.step()
        step_ms.append((time.perf_counter() - start) * 1e3)
        losses.append(loss.item())
    return {"losses": losses, "step_ms": step_ms[warmup:]}


@torch.inference_mode()
def infer(network, window, calls):
    latency_us = []
    for _ in range(WARMUP_CALLS + calls):
        start = time.perf_counter()
        network(window)
        latency_us.append((time.perf_counter() - start) * 1e6)
    return {"latency_us": latency_us[WARMUP_CALLS:]}


def main():
    threads, family, folder = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    warnings.filterwarnings("ignore", "Using padding='same' with even kernel lengths")
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)
    torch.manual_seed(1)
    network = BUILD[family]().eval()
    initial = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    inputs, labels = batch()
    answers = {"build": lambda: build(network, inputs, labels, folder),
               "train": lambda *counts: train(BUILD[family], initial, inputs, labels, *counts),
               "infer": lambda calls: infer(network, inputs[:1].clone(), calls)}
    for line in sys.stdin:
        question, *counts = line.split()
        print(json.dumps(answers[question](*map(int, counts))), flush=True)


if __name__ == "__main__":
    main()
