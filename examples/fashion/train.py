#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Train the example network on Fashion-MNIST and write fashion.safetensors.

    apt-get install dataset-fashion-mnist
    python3 -m venv venv && venv/bin/pip install "jax[cpu]==0.10.2" optax==0.2.8
    venv/bin/python train.py            # or --check: only measure the file that is there

Two phases. The first is ordinary training with batch normalisation, which is then folded into the convolutions, so
that the file holds weights and biases and nothing else. The second goes on with the folded network and sees its
weights, step by step in turn, as they are, at 3 or 4 bits per row, with 70 % of each tensor zeroed, and cut to rank 16
or 24. Gradients pass straight through to the exact weights. What is stored is the exact float32 network; the second
phase only makes sure that it has no habits which a later compression would break.

The weights after the last step are the result: no epoch is chosen by looking at the test set.
"""
import argparse
import gzip
import json
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

# name, kernel, output channels, pool after it; the input is 28 x 28 x 1. fashion_net.c has the same table.
LAYERS = [("conv1", 3, 16, True), ("conv2", 3, 32, True), ("conv3", 3, 64, False), ("conv4", 3, 32, True),
          ("conv5", 3, 64, True), ("fc1", 1, 64, False), ("fc2", 1, 10, False)]
SEED, BATCH, PLAIN_EPOCHS, ROBUST_EPOCHS = 1, 128, 14, 10
SUBSET = 2000  # test images kept beside the network: the first ones, whatever they are
SMALL = 1024  # weights; below that nothing is quantised, pruned or cut in rank
EPSILON = 1e-5  # of batch normalisation
HERE = Path(__file__).resolve().parent
DATA = Path("/usr/share/datasets/fashion-mnist")


def read_idx(path):
    """An idx file of unsigned bytes: two zeros, type 8, number of dimensions, dimensions (big-endian), data."""
    data = gzip.open(path, "rb").read()
    shape = np.frombuffer(data, ">u4", data[3], 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def write_safetensors(path, tensors, metadata):
    """Sorted by name and without anything that varies from run to run."""
    header, at = {"__metadata__": metadata}, 0
    for name, t in sorted(tensors.items()):
        dtype = {"float32": "F32", "uint8": "U8"}[t.dtype.name]
        header[name] = {"dtype": dtype, "shape": list(t.shape), "data_offsets": [at, at + t.nbytes]}
        at += t.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(t.tobytes() for _, t in sorted(tensors.items())))


def read_safetensors(path):
    """The float32 tensors of a file that write_safetensors wrote."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    del header["__metadata__"]
    return {name: np.frombuffer(data[start:], "<f4")[e["data_offsets"][0] // 4:e["data_offsets"][1] // 4]
            .reshape(e["shape"]) for name, e in header.items()}


def init(seed):
    """He initialisation. Weights are [out, ky, kx, in] for convolutions and [out, in] for dense layers."""
    rng, params, size, fan = np.random.default_rng(seed), {}, 28, 1
    for name, k, out, pool in LAYERS:
        if name == "fc1":
            fan *= size * size
        shape = (out, k, k, fan) if k > 1 else (out, fan)
        params[name + ".weight"] = rng.normal(0, np.sqrt(2 / (k * k * fan)), shape).astype(np.float32)
        params[name + ".bias"] = np.zeros(out, np.float32)
        fan, size = out, (size + 1) // 2 if pool else size
    return params


def forward(params, x, norm=None):
    """Logits of x [n, 28, 28] in 0..1. norm(name, y), if given, normalises each layer but the last before its ReLU."""
    x = x[..., None]
    for name, k, _, pool in LAYERS:
        w, b = params[name + ".weight"], params[name + ".bias"]
        if k > 1:
            x = lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "OHWI", "NHWC")) + b
        else:
            x = x.reshape(len(x), -1) @ w.T + b
        if name == "fc2":
            return x
        if norm:
            x = norm(name, x)
        if pool:  # 2 x 2 maximum; an odd last row or column makes smaller windows
            n, h, wd, c = x.shape
            x = jnp.pad(x, ((0, 0), (0, h % 2), (0, wd % 2), (0, 0)), constant_values=-jnp.inf)
            x = x.reshape(n, (h + 1) // 2, 2, (wd + 1) // 2, 2, c).max((2, 4))
        x = jax.nn.relu(x)


def augment(key, x):
    """Mirror half of the images and move each by up to one pixel."""
    flip, move = jax.random.split(key)
    x = jnp.where(jax.random.bernoulli(flip, 0.5, (len(x), 1, 1)), x[:, :, ::-1], x)
    at = jax.random.randint(move, (len(x), 2), 0, 3)
    return jax.vmap(lambda im, a: lax.dynamic_slice(jnp.pad(im, 1), a, (28, 28)))(x, at)


# How each form of compression changes a weight matrix [out, everything else].
def quantised(w, bits):
    scale = jnp.abs(w).max(1, keepdims=True) / (2 ** (bits - 1) - 1)
    return jnp.round(w / scale) * scale


def pruned(w, fraction):
    return jnp.where(jnp.abs(w) > jnp.quantile(jnp.abs(w), fraction), w, 0)


def low_rank(w, rank):
    u, s, v = jnp.linalg.svd(w, full_matrices=False)
    return (u[:, :rank] * s[:rank]) @ v[:rank]


def low_rank_by_energy(w, energy):
    """The least rank that keeps this share of the sum of squares; the tensor as it is if its factors are no smaller."""
    s = np.linalg.svd(w, compute_uv=False) ** 2
    rank = int(np.searchsorted(np.cumsum(s) / s.sum(), energy)) + 1
    return low_rank(w, rank) if rank * sum(w.shape) < w.size else w


CHANGES = [lambda w: w, lambda w: quantised(w, 3), lambda w: pruned(w, 0.7), lambda w: low_rank(w, 16),
           lambda w: w, lambda w: quantised(w, 4), lambda w: pruned(w, 0.7), lambda w: low_rank(w, 24)]


def changed(params, change):
    """params with change applied, as to a matrix, to every tensor that `mote pack` would not leave as it is."""
    return {name: change(p.reshape(len(p), -1)).reshape(p.shape) if p.size >= SMALL else p
            for name, p in params.items()}


def accuracy(params, images, labels):
    classes = [forward_jit(params, images[i:i + 1000] / np.float32(255)).argmax(1)
               for i in range(0, len(images), 1000)]
    return float((np.concatenate(classes) == labels).mean())


def smooth(labels):
    return optax.smooth_labels(jax.nn.one_hot(labels, 10), 0.05)


def optimiser(rate, steps):
    """AdamW, which shrinks weights but not biases; the rate rises for 5 % of the steps and falls with a cosine."""
    return optax.adamw(optax.warmup_cosine_decay_schedule(rate / 20, rate, steps // 20, steps), weight_decay=0.05,
                       mask=lambda tree: {name: name.endswith(".weight") for name in tree})


def run(epochs, seed, images, labels, step, state):
    """Feed shuffled, augmented batches to step(i, x, y, *state) -> (*state, loss)."""
    rng, key, start, i = np.random.default_rng(seed), jax.random.key(seed), time.time(), 0
    for epoch in range(epochs):
        losses, order = [], rng.permutation(len(images))
        for at in range(0, len(order) - BATCH + 1, BATCH):
            pick = order[at:at + BATCH]
            x = augment_jit(jax.random.fold_in(key, i), images[pick] / np.float32(255))
            *state, loss = step(i, x, labels[pick], *state)
            losses.append(loss)
            i += 1
        print(f"  epoch {epoch + 1}: loss {np.mean(losses):.4f}, {time.time() - start:.0f} s", flush=True)
    return state


def train_plain(params, images, labels):
    """Phase 1: the ordinary network with batch normalisation, folded at the end."""
    hidden = [name for name, _, _, _ in LAYERS[:-1]]
    ones = {name: np.ones_like(params[name + ".bias"]) for name in hidden}
    zeros = {name: np.zeros_like(params[name + ".bias"]) for name in hidden}
    params |= {name + ".gamma": v for name, v in ones.items()} | {name + ".beta": v for name, v in zeros.items()}
    running = {name: (zeros[name], ones[name]) for name in hidden}  # mean, variance
    opt = optimiser(2e-3, PLAIN_EPOCHS * (len(images) // BATCH))

    @jax.jit
    def step(params, running, state, x, y):
        def loss(params):
            stats = {}

            def norm(name, z):
                axes = tuple(range(z.ndim - 1))
                mean, var = stats[name] = z.mean(axes), z.var(axes)
                return (z - mean) * lax.rsqrt(var + EPSILON) * params[name + ".gamma"] + params[name + ".beta"]
            return optax.softmax_cross_entropy(forward(params, x, norm), smooth(y)).mean(), stats
        (value, stats), grad = jax.value_and_grad(loss, has_aux=True)(params)
        update, state = opt.update(grad, state, params)
        running = jax.tree.map(lambda old, new: old + 0.02 * (new - old), running, stats)
        return optax.apply_updates(params, update), running, state, value

    params, running, _ = run(PLAIN_EPOCHS, SEED, images, labels, lambda i, x, y, *s: step(*s, x, y),
                             (params, running, opt.init(params)))
    return fold(params, running)


def fold(params, running):
    """With its averages fixed, batch normalisation is a factor and a shift per channel, hence part of the weights."""
    folded = {}
    for name, _, _, _ in LAYERS:
        w, b = params[name + ".weight"], params[name + ".bias"]
        if name in running:
            mean, var = running[name]
            factor = params[name + ".gamma"] / jnp.sqrt(var + EPSILON)
            w, b = (w.T * factor).T, (b - mean) * factor + params[name + ".beta"]
        folded |= {name + ".weight": w, name + ".bias": b}
    return folded


def train_robust(params, images, labels):
    """Phase 2: the folded network under compression; half of each target is what phase 1 had to say."""
    opt, teacher = optimiser(5e-4, ROBUST_EPOCHS * (len(images) // BATCH)), dict(params)

    def make_step(change):
        def loss(params, x, target):  # sees changed weights; its gradient arrives at the exact ones
            seen = jax.tree.map(lambda p, c: p + lax.stop_gradient(c - p), params, changed(params, change))
            return optax.softmax_cross_entropy(forward(seen, x), target).mean()

        @jax.jit
        def step(params, state, x, y):
            target = 0.5 * jax.nn.softmax(forward(teacher, x)) + 0.5 * smooth(y)
            value, grad = jax.value_and_grad(loss)(params, x, target)
            update, state = opt.update(grad, state, params)
            return optax.apply_updates(params, update), state, value
        return step

    steps = [make_step(change) for change in CHANGES]
    return run(ROBUST_EPOCHS, SEED + 1, images, labels, lambda i, x, y, *s: steps[i % len(steps)](*s, x, y),
               (params, opt.init(params)))[0]


def report(params, images, labels):
    """Accuracy on all test images, and what simulated compression of the large tensors does to it."""
    print(f"{sum(p.size for p in params.values())} parameters")
    print(f"float32               {accuracy(params, images, labels):.4f}"
          f"  (first {SUBSET}: {accuracy(params, images[:SUBSET], labels[:SUBSET]):.4f})")
    for label, change in (
            [(f"{b} bits per row", lambda w, b=b: quantised(w, b)) for b in (8, 4, 3)]
            + [(f"{f:.0%} pruned", lambda w, f=f: pruned(w, f)) for f in (0.5, 0.7, 0.8)]
            + [(f"rank {r}", lambda w, r=r: low_rank(w, r)) for r in (8, 16, 24)]
            + [(f"energy {e}", lambda w, e=e: low_rank_by_energy(w, e)) for e in (0.95, 0.9, 0.8)]):
        print(f"{label:20}  {accuracy(changed(params, change), images, labels):.4f}")


def main():
    args = argparse.ArgumentParser(description="Train the example network, or measure it.")
    args.add_argument("--check", action="store_true", help="only measure fashion.safetensors")
    images, labels = (read_idx(DATA / f"t10k-{kind}-ubyte.gz") for kind in ("images-idx3", "labels-idx1"))
    if args.parse_args().check:
        report(read_safetensors(HERE / "fashion.safetensors"), images, labels)
        return
    train = [read_idx(DATA / f"train-{kind}-ubyte.gz") for kind in ("images-idx3", "labels-idx1")]
    print("plain")
    params = train_plain(init(SEED), *train)
    print("robust")
    params = {name: np.asarray(p) for name, p in train_robust(params, *train).items()}
    write_safetensors(HERE / "fashion.safetensors", params, {
        f"test_accuracy_{n}": f"{accuracy(params, images[:n], labels[:n]):.4f}" for n in (SUBSET, len(images))})
    write_safetensors(HERE / "images.safetensors", {"images": images[:SUBSET], "labels": labels[:SUBSET]}, {
        "source": "Fashion-MNIST, first images of the test set, see LICENSE.fashion-mnist"})
    report(params, images, labels)


forward_jit, augment_jit = jax.jit(forward), jax.jit(augment)
if __name__ == "__main__":
    main()
