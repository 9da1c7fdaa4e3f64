"""Milliseconds a training step of DCGAN takes in PyTorch, as a line of JSON.

Width w: 100 → 4w x 4 x 4 → 2w x 7 x 7 → w x 14 x 14 → 1 x 28 x 28, and the mirror; batch
normalization in the generator alone, non-saturating loss, fused Adam.

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
parser.add_argument("--batch", type=int, default=128)
parser.add_argument("--repeat", type=int, default=40)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--width", type=int, default=64)
parser.add_argument("--penalty", action="store_true", help="R1 and R2, every step")
parser.add_argument("--channels-last", action="store_true", help="the other memory order")
arguments = parser.parse_args()
torch.set_num_threads(arguments.threads)
torch.manual_seed(0)
w = arguments.width


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
order = torch.channels_last if arguments.channels_last else torch.contiguous_format
generator.to(memory_format=order)
discriminator.to(memory_format=order)
options = dict(lr=2e-4, betas=(0.5, 0.999), fused=True)
of_generator = torch.optim.Adam(generator.parameters(), **options)
of_discriminator = torch.optim.Adam(discriminator.parameters(), **options)
# Any images will do: the time does not depend on them.
batches = [torch.rand(arguments.batch, 1, 28, 28) * 2 - 1 for _ in range(8)]


def step(real):
    of_generator.zero_grad()
    fake = generator(torch.randn(arguments.batch, 100, 1, 1))
    # The discriminator's own gradients are not computed here.
    for parameter in discriminator.parameters():
        parameter.requires_grad_(False)
    softplus(-discriminator(fake)).mean().backward()
    of_generator.step()

    for parameter in discriminator.parameters():
        parameter.requires_grad_(True)
    of_discriminator.zero_grad()
    images = torch.cat([real, fake.detach()]).requires_grad_(arguments.penalty)
    logits = discriminator(images).flatten()
    on_real, on_fake = logits[: arguments.batch], logits[arguments.batch :]
    loss = (softplus(-on_real).mean() + softplus(on_fake).mean()).div(2)
    if arguments.penalty:
        (gradients,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
        loss = loss + gradients.square().sum((1, 2, 3)).mean()
    loss.backward()
    of_discriminator.step()


times = []
for index in range(arguments.repeat + arguments.repeat // 10):
    begin = time.perf_counter()
    step(batches[index % len(batches)])
    times.append((time.perf_counter() - begin) * 1e3)
print(json.dumps({"median_ms": statistics.median(times[arguments.repeat // 10 :])}))
