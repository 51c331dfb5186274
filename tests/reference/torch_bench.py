"""Times NPNet in PyTorch as `npc bench` does: forward passes in evaluation mode, and training steps (forward, cross
entropy, backward, Adam). Prints milliseconds per batch.

    python tests/reference/torch_bench.py --size 224 224 --batch 4 [--device cuda] [--seconds 5]
"""

import argparse
import time

import torch
from torch.nn import functional as F
from torch_npnet import NPNet

WARM_UP = 3


def measure(name, device, seconds, batch, call):
    def one():
        began = time.perf_counter()
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return (time.perf_counter() - began) * 1e3

    for _ in range(WARM_UP):
        one()
    began, times = time.perf_counter(), []
    while len(times) < 3 or time.perf_counter() - began < seconds:
        times.append(one())
    times.sort()
    median = times[len(times) // 2]
    print(f"{name:10}  calls {len(times):5}  median {median:8.2f}  min {times[0]:8.2f}  images/s {batch * 1e3 / median:8.1f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, nargs=2, default=(224, 224))
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seconds", type=float, default=5)
    args = parser.parse_args()
    device = torch.device(args.device)
    torch.manual_seed(0)
    network = NPNet(classes=2, attention="cam", reduction=2).to(device)
    images = torch.rand(args.batch, 3, *args.size, device=device)
    targets = torch.randint(2, (args.batch, *args.size), device=device)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    print(f"PyTorch {torch.__version__}, {device}, 3x{args.size[0]}x{args.size[1]}, batch {args.batch}")

    def forward():
        with torch.no_grad():
            network(images)

    def step():
        optimiser.zero_grad()
        F.cross_entropy(network(images), targets).backward()
        optimiser.step()

    network.eval()
    measure("forward", device, args.seconds, args.batch, forward)
    network.train()
    measure("train step", device, args.seconds, args.batch, step)


if __name__ == "__main__":
    main()
