"""Measures one peer in a separate process, which benches/peers/run.py starts. Prints one JSON object.

    python benches/peers/worker.py eager npnet --phase train --batch 4 --threads 2
    python benches/peers/worker.py describe npnet

Exit code 3: the peer is not installed.
"""

import argparse
import json
import statistics
import sys
import time

WARM_UP = 3
MISSING = 3


def peak_rss_mb():
    """Returns the peak resident memory of this process in 10^6 bytes."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            line = next(line for line in status if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        import resource

        # macOS reports bytes.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def measure(call, seconds, least):
    """Measures as `npc bench` does: up to three calls to warm up, then calls for `seconds`, but at least `least` calls."""
    began = time.perf_counter()
    for _ in range(WARM_UP):
        call()
        if time.perf_counter() - began > seconds / 2:
            break
    began, times = time.perf_counter(), []
    while len(times) < least or time.perf_counter() - began < seconds:
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1e3)
    return times


def by_torch(args):
    import torch
    from networks import CLASSES, NETWORKS
    from torch.nn import functional as F

    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    layout = torch.channels_last if args.peer == "channels_last" else torch.contiguous_format
    network = NETWORKS[args.network]().to(memory_format=layout)
    images = torch.rand(args.batch, 3, *args.size).to(memory_format=layout)
    targets = torch.randint(CLASSES, (args.batch, *args.size))
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    run = torch.compile(network, dynamic=False) if args.peer == "compile" else network

    def forward():
        with torch.inference_mode():
            run(images)

    def step():
        optimiser.zero_grad()
        F.cross_entropy(run(images), targets).backward()
        optimiser.step()

    network.train(args.phase == "train")
    return step if args.phase == "train" else forward


def exported(args):
    """Returns the network as an ONNX file; the exporter may fold weights."""
    import os
    import tempfile

    import torch
    from networks import NETWORKS

    torch.manual_seed(0)
    network = NETWORKS[args.network]().eval()
    path = os.path.join(args.cache or tempfile.mkdtemp(), f"{args.network}_{args.batch}.onnx")
    if not os.path.exists(path):
        images = torch.rand(args.batch, 3, *args.size)
        torch.onnx.export(network, (images,), path, dynamo=True, external_data=False, verbose=False)
    return path


def by_onnxruntime(args, path):
    import numpy as np
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = args.threads
    options.inter_op_num_threads = 1
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    images = np.random.default_rng(0).random((args.batch, 3, *args.size), dtype=np.float32)
    name = session.get_inputs()[0].name
    return lambda: session.run(None, {name: images})


def by_openvino(args, path):
    import numpy as np
    import openvino as ov

    # On some processors the default precision is bfloat16.
    settings = {
        "INFERENCE_NUM_THREADS": args.threads,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
    }
    network = ov.Core().compile_model(path, "CPU", settings)
    request = network.create_infer_request()
    images = np.random.default_rng(0).random((args.batch, 3, *args.size), dtype=np.float32)
    return lambda: request.infer([images])


RUNTIMES = {"onnxruntime": by_onnxruntime, "openvino": by_openvino}


def describe(args):
    """Returns parameters and output, for a comparison with `npc check`."""
    import torch
    from networks import NETWORKS

    network = NETWORKS[args.network]().eval()
    with torch.no_grad():
        shape = list(network(torch.zeros(1, 3, *args.size)).shape)
    return {"params": sum(p.numel() for p in network.parameters()), "output": shape[1:]}


def versions():
    import importlib.metadata as metadata

    def of(name):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            return None

    return {name: of(name) for name in ("torch", "onnxruntime", "openvino")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    peers = ["eager", "channels_last", "compile", *RUNTIMES]
    parser.add_argument("peer", choices=[*peers, "export", "describe", "versions"])
    parser.add_argument("network", nargs="?", default="npnet")
    parser.add_argument("--phase", choices=["forward", "train"], default="forward")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--size", type=int, nargs=2, default=(224, 224))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--calls", type=int, default=3)
    parser.add_argument("--cache", help="folder for exported networks")
    args = parser.parse_args()
    if args.peer == "versions":
        return print(json.dumps(versions()))
    if args.peer == "describe":
        return print(json.dumps(describe(args)))
    try:
        if args.peer == "export":
            return print(json.dumps({"path": exported(args)}))
        if args.peer in RUNTIMES:
            if args.phase == "train":
                parser.error(f"{args.peer} does not train")
            call = RUNTIMES[args.peer](args, f"{args.cache}/{args.network}_{args.batch}.onnx")
        else:
            call = by_torch(args)
    except ImportError as error:
        print(f"{args.peer}: {error}", file=sys.stderr)
        sys.exit(MISSING)
    times = measure(call, args.seconds, args.calls)
    print(json.dumps({
        "calls": len(times),
        "median_ms": statistics.median(times),
        "min_ms": min(times),
        "images_per_s": args.batch * 1e3 / statistics.median(times),
        "peak_rss_mb": peak_rss_mb(),
    }))


if __name__ == "__main__":
    main()
