"""Milliseconds that SeqGAN's parts take in PyTorch on the synthetic benchmark, as a line of JSON.

WHAT is `text-mle`, a step of maximum likelihood; `text-sample`, 9,984 sequences; or `text-policy`, an update of the
generator with 8 rollouts. A vocabulary of 5,000, 20 tokens a sequence, 32 LSTM cells, batches of 64.

Needs: pip install torch numpy
"""
import argparse
import json
import statistics
import time

import torch
from torch import nn
from torch.nn import functional

parser = argparse.ArgumentParser()
parser.add_argument("what", choices=["text-mle", "text-sample", "text-policy"])
parser.add_argument("--repeat", type=int)
parser.add_argument("--threads", type=int, default=2)
arguments = parser.parse_args()
torch.set_num_threads(arguments.threads)
torch.manual_seed(0)

VOCABULARY, WIDTH, STEPS, BATCH, ROLLOUTS = 5000, 32, 20, 64, 8


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.lstm = nn.LSTM(WIDTH, WIDTH, batch_first=True)
        self.output = nn.Linear(WIDTH, VOCABULARY)

    def forward(self, tokens):
        start = torch.zeros(len(tokens), 1, dtype=torch.int64)
        inputs = torch.cat([start, tokens[:, :-1]], 1)
        return self.output(self.lstm(self.embedding(inputs))[0])

    @torch.inference_mode()
    def draw(self, count, prefix=None):
        tokens = torch.zeros(count, STEPS, dtype=torch.int64)
        given, state = 0, None
        last = torch.zeros(count, 1, dtype=torch.int64)
        if prefix is not None:
            given = prefix.shape[1]
            tokens[:, :given] = prefix
            inputs = torch.cat([last, prefix[:, :-1]], 1)
            state = self.lstm(self.embedding(inputs))[1]
            last = prefix[:, -1:]
        for step in range(given, STEPS):
            hidden, state = self.lstm(self.embedding(last), state)
            # One uniform number a sequence: `multinomial` draws one for each token of the vocabulary, and takes four times as long.
            sums = functional.softmax(self.output(hidden[:, 0]), 1).cumsum(1)
            last = torch.searchsorted(sums, torch.rand(count, 1) * sums[:, -1:])
            last.clamp_(max=VOCABULARY - 1)
            tokens[:, step] = last[:, 0]
        return tokens


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 64)
        self.convolutions = nn.ModuleList(nn.Conv2d(1, 64, (width, 64)) for width in range(1, 6))
        self.transform, self.gate = nn.Linear(320, 320), nn.Linear(320, 320)
        self.output = nn.Linear(320, 1)

    def forward(self, tokens):
        x = self.embedding(tokens)[:, None]
        pooled = torch.cat([functional.relu(c(x))[..., 0].amax(2) for c in self.convolutions], 1)
        gate = torch.sigmoid(self.gate(pooled))
        features = gate * functional.relu(self.transform(pooled)) + (1 - gate) * pooled
        return self.output(features)[:, 0]


generator, discriminator = Generator(), Discriminator()
optimizer = torch.optim.Adam(generator.parameters(), lr=0.01, fused=True)


def likelihood(tokens):
    logits = generator(tokens)
    return functional.cross_entropy(logits.reshape(-1, VOCABULARY), tokens.reshape(-1), reduction="none")


def maximum_likelihood(index):
    optimizer.zero_grad()
    likelihood(batches[index % len(batches)]).mean().backward()
    optimizer.step()


def policy(_):
    drawn = generator.draw(BATCH)
    rewards = torch.zeros(BATCH, STEPS)
    with torch.inference_mode():
        for given in range(1, STEPS):
            whole = generator.draw(BATCH * ROLLOUTS, drawn[:, :given].repeat_interleave(ROLLOUTS, 0))
            scores = torch.sigmoid(discriminator(whole))
            rewards[:, given - 1] = scores.reshape(BATCH, ROLLOUTS).mean(1)
        rewards[:, -1] = torch.sigmoid(discriminator(drawn))
    optimizer.zero_grad()
    (likelihood(drawn.clone()) * rewards.reshape(-1).clone()).sum().backward()
    nn.utils.clip_grad_norm_(generator.parameters(), 5)
    optimizer.step()


batches = [torch.randint(VOCABULARY, (BATCH, STEPS)) for _ in range(20)]
work, repeat = {
    "text-mle": (maximum_likelihood, 60),
    "text-sample": (lambda _: generator.draw(9984), 3),
    "text-policy": (policy, 5),
}[arguments.what]
repeat = arguments.repeat or repeat
times = []
for index in range(repeat + -(-repeat // 10)):
    begin = time.perf_counter()
    work(index)
    times.append((time.perf_counter() - begin) * 1e3)
print(json.dumps({"median_ms": statistics.median(times[-repeat:])}))
