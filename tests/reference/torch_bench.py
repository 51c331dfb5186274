"""Times NPNet and U-Net in PyTorch as `npc bench` does: forward passes in evaluation mode, and training steps (forward,
cross entropy, backward, Adam), in the modes that people use. Prints a table, and with --json one record a line.

    python tests/reference/torch_bench.py --size 224 224 --batch 4 [--network unet] [--device cuda] [--seconds 5]
        [--modes eager channels_last amp compile graph] [--json FILE]

| mode          | what it is                                                                                        |
|---------------|---------------------------------------------------------------------------------------------------|
| eager         | 32-bit floats, PyTorch's defaults (convolutions in TF32 on CUDA, matrix products not)             |
| channels_last | the same with channels last, TF32 for everything                                                  |
| amp           | bf16 autocast, channels last                                                                      |
| compile       | `torch.compile(mode="reduce-overhead")`, channels last, TF32                                      |
| compile_amp   | the same under bf16 autocast                                                                      |
| graph         | the whole step captured as one CUDA graph, channels last, TF32 (CUDA alone)                       |
| graph_amp     | the same under bf16 autocast                                                                      |

Memory is the peak that PyTorch's allocator held for the mode's calls; on the CPU it is left out. A mode that fails is
reported with its error, and the others go on.
"""

import argparse
import contextlib
import json
import time

import torch
from torch import nn
from torch.nn import functional as F
from torch_npnet import NPNet

WARM_UP = 3
MODES = ["eager", "channels_last", "amp", "compile", "compile_amp", "graph", "graph_amp"]


def double(inputs, outputs):
    layers = []
    for channels in (inputs, outputs):
        layers += [nn.Conv2d(channels, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """`UNet` of models/unet.model."""

    def __init__(self, classes=2, width=(64, 128, 256, 512, 1024)):
        super().__init__()
        pairs = list(zip(width, width[1:]))
        self.first = double(3, width[0])
        self.down = nn.ModuleList(double(i, o) for i, o in pairs)
        narrow = lambda i, o: nn.Sequential(nn.Conv2d(o, i, 3, padding=1, bias=False), nn.BatchNorm2d(i), nn.ReLU())
        self.narrow = nn.ModuleList(narrow(i, o) for i, o in pairs)
        self.up = nn.ModuleList(double(2 * i, i) for i, _ in pairs)
        self.classifier = nn.Conv2d(width[0], classes, 1)

    def forward(self, x):
        maps = [self.first(x)]
        for down in self.down:
            maps.append(down(F.max_pool2d(maps[-1], 2)))
        x = maps.pop()
        for narrow, up in reversed(list(zip(self.narrow, self.up))):
            x = up(torch.cat([maps.pop(), narrow(F.interpolate(x, scale_factor=2))], 1))
        return self.classifier(x)


NETWORKS = {"npnet": lambda: NPNet(classes=2, attention="cam", reduction=2), "unet": UNet}


class Workload:
    """A network with a batch, in one mode."""

    def __init__(self, args, mode):
        self.device, self.mode = torch.device(args.device), mode
        self.on_cuda = self.device.type == "cuda"
        torch.manual_seed(0)
        torch.backends.cuda.matmul.allow_tf32 = mode != "eager"
        torch.backends.cudnn.benchmark = mode != "eager"
        layout = torch.contiguous_format if mode == "eager" else torch.channels_last
        self.network = NETWORKS[args.network]().to(self.device).to(memory_format=layout)
        images = torch.rand(args.batch, 3, *args.size, device=self.device)
        self.images = images.to(memory_format=layout)
        self.targets = torch.randint(2, (args.batch, *args.size), device=self.device)
        graphed = mode.startswith("graph")
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=1e-3, capturable=graphed)
        self.call = torch.compile(self.network, mode="reduce-overhead") if "compile" in mode else self.network

    def cast(self):
        amp = "amp" in self.mode
        return torch.autocast(self.device.type, dtype=torch.bfloat16) if amp else contextlib.nullcontext()

    def forward(self):
        with torch.no_grad(), self.cast():
            self.call(self.images)

    def step(self):
        self.optimiser.zero_grad(set_to_none=not self.mode.startswith("graph"))
        with self.cast():
            loss = F.cross_entropy(self.call(self.images).float(), self.targets)
        loss.backward()
        self.optimiser.step()

    def captured(self, call):
        """Returns what replays `call`, if the mode asks for that."""
        if not self.mode.startswith("graph"):
            return call
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                call()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            call()
        return graph.replay


def timed(workload, seconds, call):
    def one():
        began = time.perf_counter()
        call()
        if workload.on_cuda:
            torch.cuda.synchronize(workload.device)
        return (time.perf_counter() - began) * 1e3

    for _ in range(WARM_UP):
        one()
    began, times = time.perf_counter(), []
    while len(times) < 3 or time.perf_counter() - began < seconds:
        times.append(one())
    return sorted(times)


def measure(args, mode, what):
    if args.device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()
    workload = Workload(args, mode)
    training = what == "train step"
    workload.network.train(training)
    call = workload.captured(workload.step if training else workload.forward)
    times = timed(workload, args.seconds, call)
    record = {"network": args.network, "size": args.size, "batch": args.batch, "mode": mode, "what": what}
    record |= {"calls": len(times), "median_ms": times[len(times) // 2], "min_ms": times[0]}
    if workload.on_cuda:
        record["peak_bytes"] = torch.cuda.max_memory_allocated()
    return record


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--network", choices=NETWORKS, default="npnet")
    parser.add_argument("--size", type=int, nargs=2, default=(224, 224))
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--modes", nargs="+", choices=MODES, default=["eager"])
    parser.add_argument("--json")
    args = parser.parse_args()
    size = f"3x{args.size[0]}x{args.size[1]}"
    print(f"PyTorch {torch.__version__}, {args.device}, {args.network}, {size}, batch {args.batch}", flush=True)
    failed = False
    for mode in args.modes:
        for what in ("forward", "train step"):
            try:
                record = measure(args, mode, what)
            except Exception as error:
                failed = True
                print(f"{mode:14} {what:10}  failed: {str(error).splitlines()[0] if str(error) else type(error).__name__}", flush=True)
                continue
            memory = f"  {record['peak_bytes'] / 1e6:8.0f} MB" if "peak_bytes" in record else ""
            rate = args.batch * 1e3 / record["median_ms"]
            print(
                f"{mode:14} {what:10}  calls {record['calls']:5}  median {record['median_ms']:9.3f}  "
                f"min {record['min_ms']:9.3f}  images/s {rate:8.1f}{memory}",
                flush=True,
            )
            if args.json:
                with open(args.json, "a") as lines:
                    lines.write(json.dumps(record | {"torch": torch.__version__}) + "\n")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
