"""Our side of the comparison: the bench target `training_steps`, and what it must do.

    training_steps --family gru --threads 2 --weights weights.safetensors --data batch.safetensors
                   [--warmup 3] [--steps 20] [--latency 0]

It prints one JSON object on standard output:

    family, threads, batch   as asked; `batch` is the number of windows in the data
    parameters               how many numbers are learnt
    prediction               of the first window with the weights of the file, by the code that `latency_us` times
    losses                   of every step, warm-up included, before its update: `losses[0]` belongs to the weights read
    step_ms                  wall time of each step after the warm-up
    latency_us               wall time of each of `--latency` predictions of the first window, after 200 untimed ones

A step is: gradients cleared, forward, loss, backward, AdamW (learning rate 1e-3, betas 0.9 and 0.999, epsilon 1e-8,
decoupled weight decay 0.01 on every parameter). The loss is the mean of (prediction - label)^2 over the batch, the
prediction being that of a window's last step, without a label scale. All 30 steps of a window are computed by both
sides, as a loss at every step needs them. Numbers are f32 throughout. Without `--family` (`cargo bench` adds `--bench`
to every target's arguments, which is ignored) it prints its usage to standard error and ends with 0.

`--data` holds `inputs` [256, 30, 24] and `labels` [256]. `--weights` holds, with matrices as [inputs, outputs]:

    gru          layers.I.input.weight [24 or 64, 192], layers.I.input.bias [192], layers.I.recurrent.weight [64, 192],
                 layers.I.recurrent.bias [192], I = 0, 1, gates r z n, reset after the product;
                 head.weight [64, 32], head.bias [32], ReLU, output.weight [32, 1], output.bias [1]
    lstm         the same with gates i f g o, so 256 for 192, and without layers.I.recurrent.bias
    cnn          convolutions.I.weight [taps, inputs, outputs] = [10, 1, 10], 3 x [10, 10, 10], [3, 10, 1], each along
                 time, shared over the 24 features, tanh: out[t] = bias + sum over k of in[t + k - before] weight[k],
                 zeros outside, before = 4 of 10 taps, 1 of 3; convolutions.I.bias [outputs]; flattened as
                 [time * 24 + feature]; head.weight [720, 100], head.bias [100], tanh, output.weight [100, 1],
                 output.bias [1]
    transformer  input.weight [24, 64], input.bias, plus positions (sin(t / 10000^(2i / 64)) at 2i, cos at 2i + 1);
                 layers.I.attention_norm.weight and .bias [64], layers.I.qkv.weight [64, 192] (query, key, value; each
                 4 heads of 16) and .bias, layers.I.attended.weight [64, 64] and .bias, added to the layer's input;
                 layers.I.feed_forward_norm, layers.I.up [64, 128], ReLU, layers.I.down [128, 64], added; I = 0, 1;
                 norm.weight and .bias [64]; head and output as of gru. Norms have epsilon 1e-5; attention is causal
                 and scaled by 1/4.

44,353, 57,921, 75,372 and 70,785 parameters.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

BATCH, STEPS, FEATURES = 256, 30, 24
ROOT = Path(__file__).resolve().parents[2]


def build(kind, name, *flags):
    """Builds the target of this kind and name, and returns its path; what cargo says of a missing one is shown."""
    command = ["cargo", *flags, f"--{kind}", name, "--locked", "--message-format=json-render-diagnostics"]
    built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if built.returncode != 0:
        sys.exit(f"benchmark-training: `{' '.join(command)}` failed, so there is nothing of ours to time")
    messages = [json.loads(line) for line in built.stdout.splitlines()]
    # Cargo may build the program, too.
    ours = [message for message in messages if message.get("target", {}).get("name") == name]
    return next(message["executable"] for message in ours if message.get("executable"))


def run(binary, family, threads, folder, warmup, steps, latency):
    """Runs our binary once and returns its JSON; anything else ends the comparison."""
    options = {"family": family, "threads": threads, "weights": folder / "weights.safetensors",
               "data": folder / "batch.safetensors", "warmup": warmup, "steps": steps, "latency": latency}
    command = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
    environment = os.environ | {"RAYON_NUM_THREADS": str(threads)}
    ended = subprocess.run([binary, *command], env=environment, stdout=subprocess.PIPE, text=True)
    if ended.returncode != 0:
        sys.exit(f"benchmark-training: {binary} {' '.join(command)} ended with {ended.returncode}")
    return json.loads(ended.stdout)
