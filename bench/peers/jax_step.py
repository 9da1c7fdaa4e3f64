"""Milliseconds a training step of the tutorial's recipe takes in JAX, compiled as a whole, as a
line of JSON.

Needs: pip install jax optax numpy
"""
import argparse
import json
import statistics
import time

import jax
import optax
from jax import numpy as jnp

parser = argparse.ArgumentParser()
parser.add_argument("--batch", type=int, default=128)
parser.add_argument("--repeat", type=int, default=300)
parser.add_argument("--burst", type=int, default=1, help="steps between two waits for the device")
arguments = parser.parse_args()
GENERATOR = (100, 128, 256, 512, 1024, 784)
DISCRIMINATOR = (784, 512, 256, 1)


def layers(key, widths):
    made = []
    for inputs, outputs in zip(widths, widths[1:]):
        key, of_weight, of_bias = jax.random.split(key, 3)
        bound = inputs**-0.5
        draw = lambda key, shape: jax.random.uniform(key, shape, minval=-bound, maxval=bound)
        made.append([draw(of_weight, (inputs, outputs)), draw(of_bias, (outputs,))])
    return made


def generate(parameters, z):
    linear, norms = parameters
    x = z
    for index, (weight, bias) in enumerate(linear):
        x = x @ weight + bias
        if 1 <= index <= 3:
            scale, shift = norms[index - 1]
            x = (x - x.mean(0)) * jax.lax.rsqrt(x.var(0) + 0.8) * scale + shift
        x = jnp.tanh(x) if index == len(linear) - 1 else jax.nn.leaky_relu(x, 0.2)
    return x


def judge(parameters, x):
    for index, (weight, bias) in enumerate(parameters):
        x = x @ weight + bias
        if index < len(parameters) - 1:
            x = jax.nn.leaky_relu(x, 0.2)
    return x


def cross_entropy(logits, label):
    return optax.sigmoid_binary_cross_entropy(logits, jnp.full_like(logits, label)).mean()


optimizer = optax.adam(2e-4, b1=0.5, b2=0.999)


@jax.jit
def step(state, real, key):
    generator, discriminator, of_generator, of_discriminator = state
    z = jax.random.normal(key, (arguments.batch, 100))

    def generator_loss(parameters):
        fake = generate(parameters, z)
        return cross_entropy(judge(discriminator, fake), 1.0), fake

    def discriminator_loss(parameters, fake):
        on_real = cross_entropy(judge(parameters, real), 1.0)
        return (on_real + cross_entropy(judge(parameters, fake), 0.0)) / 2

    (loss, fake), gradient = jax.value_and_grad(generator_loss, has_aux=True)(generator)
    by_discriminator = jax.grad(discriminator_loss)(discriminator, fake)
    move, of_generator = optimizer.update(gradient, of_generator)
    generator = optax.apply_updates(generator, move)
    move, of_discriminator = optimizer.update(by_discriminator, of_discriminator)
    discriminator = optax.apply_updates(discriminator, move)
    return (generator, discriminator, of_generator, of_discriminator), loss


key = jax.random.PRNGKey(0)
norms = [[jnp.ones(width), jnp.zeros(width)] for width in GENERATOR[2:5]]
generator = [layers(key, GENERATOR), norms]
discriminator = layers(jax.random.fold_in(key, 1), DISCRIMINATOR)
state = (generator, discriminator, optimizer.init(generator), optimizer.init(discriminator))
# Any images will do: the time does not depend on them.
images = jax.random.uniform(key, (40, arguments.batch, 784), minval=-1, maxval=1)
batches = [images[index] for index in range(40)]
times = []
for index in range(arguments.repeat + arguments.repeat // 10):
    begin = time.perf_counter()
    for part in range(arguments.burst):
        place = index * arguments.burst + part
        state, loss = step(state, batches[place % 40], jax.random.fold_in(key, place))
    jax.block_until_ready(state)
    times.append((time.perf_counter() - begin) * 1e3 / arguments.burst)
print(json.dumps({"median_ms": statistics.median(times[arguments.repeat // 10 :])}))
