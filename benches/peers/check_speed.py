"""Compares `npc check` with torchinfo and thop on the same networks: as whole processes, and inside a running Python.

    python benches/peers/check_speed.py target/release/npc models

Requires torch, torchinfo and thop. The tools run in turn, so that a busy machine slows all of them equally. The table
contains medians of wall and processor time, and the ratio of each tool's time to npc's. Before the measurement, the
script checks that all tools count the same parameters.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[2] / "tests" / "reference"))


def unet_plus_plus():
    """Returns the UNet++ with five widths of models/unetpp.model."""
    import torch
    from torch import nn

    def double(inputs, width):
        layers = []
        for c in [inputs, width]:
            layers += [nn.Conv2d(c, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
        return nn.Sequential(*layers)

    class Net(nn.Module):
        def __init__(self, width=(64, 128, 256, 512, 1024)):
            super().__init__()
            self.depth = len(width)
            self.nodes = nn.ModuleDict()
            for j in range(self.depth):
                for i in range(self.depth - j):
                    below = 3 if i == 0 else width[i - 1]
                    inputs = below if j == 0 else j * width[i] + width[i + 1]
                    self.nodes[f"{i}_{j}"] = double(inputs, width[i])
            self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
            self.head = nn.Conv2d(width[0], 1, 1)

        def forward(self, x):
            n = {}
            for i in range(self.depth):
                x = self.nodes[f"{i}_0"](nn.functional.max_pool2d(x, 2) if i else x)
                n[i, 0] = x
            for j in range(1, self.depth):
                for i in range(self.depth - j):
                    parts = [n[i, k] for k in range(j)] + [self.up(n[i + 1, j - 1])]
                    n[i, j] = self.nodes[f"{i}_{j}"](torch.cat(parts, 1))
            return self.head(n[0, self.depth - 1])

    return Net()


def npnet():
    from torch_npnet import NPNet

    return NPNet()


# Name in the file, file, PyTorch module, input size.
NETWORKS = [("NPNet", "npnet.model", npnet, (288, 384)), ("UNetPlusPlus", "unetpp.model", unet_plus_plus, (96, 96))]


def by_torchinfo(net, size):
    import torchinfo

    return torchinfo.summary(net, (1, 3, *size), verbose=0, device="cpu").total_params


def by_thop(net, size):
    import thop
    import torch

    return int(thop.profile(net, (torch.zeros(1, 3, *size),), verbose=False)[1])


TOOLS = {"torchinfo": by_torchinfo, "thop": by_thop}


def inside(tool, make, size, runs):
    """Measures one tool in this process, and prints the seconds of each call after the first."""
    net = make().eval()
    params = sum(p.numel() for p in net.parameters())
    TOOLS[tool](net, size)
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        TOOLS[tool](net, size)
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"params": params, "seconds": seconds}))


def process(command):
    """Returns wall seconds, processor seconds and standard output of one process."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    out = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, f"{command} ends with {child.returncode}"
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, out


def main():
    if sys.argv[1] == "--inside":
        _, _, tool, name, runs = sys.argv
        _, _, make, size = next(n for n in NETWORKS if n[0] == name)
        return inside(tool, make, size, int(runs))
    npc, models = sys.argv[1], Path(sys.argv[2])
    rounds, fast = 5, 10
    print("| network | tool | process, ms | processor, ms | times npc | one call inside Python, ms |")
    print("|---|---|---:|---:|---:|---:|")
    for name, file, _, size in NETWORKS:
        check = [npc, "check", str(models / file), "--model", name, "--size", f"{size[0]}x{size[1]}"]
        params = json.loads(process(check + ["--format", "json"])[2])["models"][0]["params"]
        times = {tool: ([], [], []) for tool in ["npc", *TOOLS]}
        for _ in range(rounds):
            for _ in range(fast):
                wall, cpu, _ = process(check)
                times["npc"][0].append(wall)
                times["npc"][1].append(cpu)
            for tool in TOOLS:
                wall, cpu, _ = process([sys.executable, str(HERE), "--inside", tool, name, "0"])
                times[tool][0].append(wall)
                times[tool][1].append(cpu)
        for tool in TOOLS:
            report = json.loads(process([sys.executable, str(HERE), "--inside", tool, name, "3"])[2])
            assert report["params"] == params, f"{name}: {report['params']} in PyTorch, {params} in npc"
            times[tool][2].extend(report["seconds"])
        base = statistics.median(times["npc"][0])
        for tool, (wall, cpu, call) in times.items():
            row = [f"{1000 * statistics.median(x):.1f}" if x else "" for x in (wall, cpu, call)]
            ratio = statistics.median(wall) / base
            print(f"| {name} | {tool} | {row[0]} | {row[1]} | {ratio:.0f} | {row[2]} |", flush=True)


if __name__ == "__main__":
    main()
