"""Milliseconds a training step of the tutorial's recipe takes in PyTorch, as a line of JSON.

Needs: pip install torch numpy
"""
import argparse
import json
import statistics
import time

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--batch", type=int, default=128)
parser.add_argument("--repeat", type=int, default=300)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--eager", action="store_true", help="Adam as it comes, not its fused form")
arguments = parser.parse_args()
torch.set_num_threads(arguments.threads)
torch.manual_seed(0)

generator = nn.Sequential()
width = 100
for outputs in (128, 256, 512, 1024):
    generator.append(nn.Linear(width, outputs))
    if outputs > 128:
        generator.append(nn.BatchNorm1d(outputs, 0.8))
    generator.append(nn.LeakyReLU(0.2, inplace=True))
    width = outputs
generator.append(nn.Linear(width, 784))
generator.append(nn.Tanh())
discriminator = nn.Sequential(
    nn.Linear(784, 512),
    nn.LeakyReLU(0.2, inplace=True),
    nn.Linear(512, 256),
    nn.LeakyReLU(0.2, inplace=True),
    nn.Linear(256, 1),
    nn.Sigmoid(),
)
options = dict(lr=2e-4, betas=(0.5, 0.999), fused=None if arguments.eager else True)
of_generator = torch.optim.Adam(generator.parameters(), **options)
of_discriminator = torch.optim.Adam(discriminator.parameters(), **options)
cross_entropy = nn.BCELoss()
real_label = torch.ones(arguments.batch, 1)
fake_label = torch.zeros(arguments.batch, 1)
# Any images will do: the time does not depend on them.
batches = [torch.rand(arguments.batch, 784) * 2 - 1 for _ in range(40)]


def step(real):
    of_generator.zero_grad()
    fake = generator(torch.randn(arguments.batch, 100))
    loss = cross_entropy(discriminator(fake), real_label)
    loss.backward()
    of_generator.step()

    of_discriminator.zero_grad()
    on_real = cross_entropy(discriminator(real), real_label)
    on_fake = cross_entropy(discriminator(fake.detach()), fake_label)
    ((on_real + on_fake) / 2).backward()
    of_discriminator.step()


times = []
for index in range(arguments.repeat + arguments.repeat // 10):
    begin = time.perf_counter()
    step(batches[index % len(batches)])
    times.append((time.perf_counter() - begin) * 1e3)
print(json.dumps({"median_ms": statistics.median(times[arguments.repeat // 10 :])}))
