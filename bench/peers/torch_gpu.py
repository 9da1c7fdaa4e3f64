"""Milliseconds a training step takes in PyTorch on a GPU, as a line of JSON.

mlp: the tutorial's networks, losses and Adam. dcgan: width 64, batch normalization in the generator alone,
non-saturating loss. eager: as it is written; graph: the whole step as one CUDA graph, with fused Adam; compile:
torch.compile with its own graphs. Noise is drawn and batches are taken on the GPU.

Needs: pip install torch numpy
"""
import argparse
import json
import statistics
import time

import torch
from torch import nn
from torch.nn.functional import softplus

parser = argparse.ArgumentParser()
parser.add_argument("network", choices=["mlp", "dcgan"])
parser.add_argument("mode", choices=["eager", "graph", "compile"])
parser.add_argument("--batch", type=int, default=128)
parser.add_argument("--bursts", type=int, default=9)
parser.add_argument("--steps", type=int, default=500, help="of a burst")
parser.add_argument("--tf32", action="store_true", help="products of 10 bits of mantissa")
arguments = parser.parse_args()
torch.manual_seed(0)
torch.backends.cuda.matmul.allow_tf32 = arguments.tf32
torch.backends.cudnn.allow_tf32 = arguments.tf32
torch.backends.cudnn.benchmark = True
device = torch.device("cuda")


def perceptrons():
    layers, width = [], 100
    for outputs in (128, 256, 512, 1024):
        layers.append(nn.Linear(width, outputs))
        if outputs > 128:
            layers.append(nn.BatchNorm1d(outputs, 0.8))
        layers.append(nn.LeakyReLU(0.2, inplace=True))
        width = outputs
    generator = nn.Sequential(*layers, nn.Linear(width, 784), nn.Tanh())
    discriminator = nn.Sequential(
        nn.Linear(784, 512),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Linear(512, 256),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Linear(256, 1),
    )
    return generator, discriminator, (100,), (784,)


def convolutions(w=64):
    def up(inputs, outputs, kernel, stride, padding):
        return [
            nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding, bias=False),
            nn.BatchNorm2d(outputs),
            nn.LeakyReLU(0.2, inplace=True),
        ]

    def down(inputs, outputs, kernel):
        return [nn.Conv2d(inputs, outputs, kernel, 2, 1), nn.LeakyReLU(0.2, inplace=True)]

    generator = nn.Sequential(
        *up(100, 4 * w, 4, 1, 0),
        *up(4 * w, 2 * w, 3, 2, 1),
        *up(2 * w, w, 4, 2, 1),
        nn.ConvTranspose2d(w, 1, 4, 2, 1),
        nn.Tanh(),
    )
    discriminator = nn.Sequential(
        *down(1, w, 4), *down(w, 2 * w, 4), *down(2 * w, 4 * w, 3), nn.Conv2d(4 * w, 1, 4)
    )
    return generator, discriminator, (100, 1, 1), (1, 28, 28)


makers = {"mlp": perceptrons, "dcgan": convolutions}
generator, discriminator, latent, image = makers[arguments.network]()
order = torch.channels_last if arguments.network == "dcgan" else torch.contiguous_format
generator.to(device, memory_format=order)
discriminator.to(device, memory_format=order)
options = dict(lr=2e-4, betas=(0.5, 0.999), fused=True, capturable=True)
of_generator = torch.optim.Adam(generator.parameters(), **options)
of_discriminator = torch.optim.Adam(discriminator.parameters(), **options)
# Any images will do: the time does not depend on them.
data = torch.rand(6000, *image, device=device) * 2 - 1


def step():
    of_generator.zero_grad(set_to_none=False)
    fake = generator(torch.randn(arguments.batch, *latent, device=device))
    # The discriminator's own gradients are not computed here.
    for parameter in discriminator.parameters():
        parameter.requires_grad_(False)
    softplus(-discriminator(fake)).mean().backward()
    of_generator.step()

    for parameter in discriminator.parameters():
        parameter.requires_grad_(True)
    of_discriminator.zero_grad(set_to_none=False)
    real = data[torch.randint(len(data), (arguments.batch,), device=device)]
    on_real = softplus(-discriminator(real)).mean()
    on_fake = softplus(discriminator(fake.detach())).mean()
    ((on_real + on_fake) / 2).backward()
    of_discriminator.step()


run = step
if arguments.mode == "compile":
    run = torch.compile(step, mode="max-autotune")
side = torch.cuda.Stream()
side.wait_stream(torch.cuda.current_stream())
with torch.cuda.stream(side):
    for _ in range(15):
        run()
torch.cuda.current_stream().wait_stream(side)
if arguments.mode == "graph":
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    run = graph.replay
times = []
for _ in range(arguments.bursts + 1):
    torch.cuda.synchronize()
    begin = time.perf_counter()
    for _ in range(arguments.steps):
        run()
    torch.cuda.synchronize()
    times.append((time.perf_counter() - begin) * 1e3 / arguments.steps)
times = times[1:]
print(json.dumps({"median_ms": statistics.median(times), "fastest_ms": min(times)}))
