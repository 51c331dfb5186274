"""Compares npc with plain Burn, PyTorch (eager, channels last, compiled), ONNX Runtime and OpenVINO on the same networks.

    python benches/peers/run.py --npc target/release/npc
    python benches/peers/run.py --npc target/release/npc --quick

Requires torch; ONNX Runtime requires onnx, onnxscript and onnxruntime, OpenVINO requires openvino, and torch.compile a
C++ compiler. Peers that are not installed are skipped. Every measurement is a separate process. In each round all peers
run the same task in turn, and each round starts with another peer, so that a busy machine slows all of them equally. A
cell is the median over the rounds of the medians of a round; the minimum of all calls is in brackets. Progress is written
to standard error, the Markdown tables to standard output.
"""

import argparse
import itertools
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MODELS = {
    "npnet": ("NPNet", ["models/npnet.model", "--model", "NPNet"]),
    "unet": ("U-Net", ["models/unet.model", "--model", "UNet", "--with", "classes=2"]),
}
# Name in the table.
PEERS = {
    "npc": "npc",
    "burn": "plain Burn",
    "eager": "PyTorch, eager",
    "channels_last": "PyTorch, channels last",
    "compile": "PyTorch, compile",
    "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO",
}
TORCH = ["eager", "channels_last", "compile"]
TRAINS = ["npc", "burn", *TORCH]
RUNTIMES = {"onnxruntime", "openvino"}
# Phase and batch.
TASKS = [("forward", 1), ("forward", 4), ("train", 4)]
MISSING = 3


def say(*words):
    print(*words, file=sys.stderr, flush=True)


class Failed(Exception):
    """The reason why a process ended without a result."""

    def __init__(self, code, why):
        super().__init__(why)
        self.missing = code == MISSING


def output(command, env=None):
    """Returns the JSON at the end of a process's output."""
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no message"]
        # npc prints the cause first, Python last.
        why = lines[0] if lines[0].startswith("error:") else lines[-1]
        raise Failed(done.returncode, f"exit code {done.returncode}, {why}")
    start = done.stdout.index("{")
    return json.loads(done.stdout[start:])


class Bench:
    def __init__(self, args, folder):
        self.args = args
        self.folder = folder

    def environment(self, threads):
        many = {name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")}
        return {**os.environ, **many, "TORCHINDUCTOR_CACHE_DIR": f"{self.folder}/inductor"}

    def worker(self, peer, network, *options, threads=1):
        size = [str(n) for n in self.args.size]
        command = [sys.executable, str(HERE / "worker.py"), peer, network, "--size", *size, *map(str, options)]
        return output(command, self.environment(threads))

    def npc(self, network, backend, phase, batch, threads):
        size = "x".join(map(str, self.args.size))
        command = [self.args.npc, "bench", *MODELS[network][1], "--size", size, "--format", "json"]
        command += ["--batch", str(batch), "--threads", str(threads)]
        command += ["--seconds", str(self.args.seconds), "--calls", str(self.args.calls)]
        command += ["--train"] if phase == "train" else []
        command += ["--backend", "burn"] if backend == "burn" else []
        report = output(command, self.environment(threads))
        result = report["train_step" if phase == "train" else "forward"]
        return {**result, "peak_gflops": report["peak_gflops"]}

    def measure(self, peer, network, phase, batch, threads):
        if peer in ("npc", "burn"):
            return self.npc(network, peer, phase, batch, threads)
        options = ["--phase", phase, "--batch", batch, "--threads", threads, "--cache", self.folder]
        options += ["--seconds", self.args.seconds, "--calls", self.args.calls]
        return self.worker(peer, network, *options, threads=threads)

    def compare(self, network):
        """Checks that the networks are the same: parameters and output."""
        size = "x".join(map(str, self.args.size))
        checked = output([self.args.npc, "check", *MODELS[network][1], "--size", size, "--format", "json"])
        model = checked["models"][0]
        ours = {"params": model["params"], "output": model["output"]}
        theirs = self.worker("describe", network)
        if ours != theirs:
            raise SystemExit(f"{network}: {ours} in npc, {theirs} in PyTorch")
        say(f"{network}: {ours['params']} parameters, output {ours['output']}, in npc and in PyTorch")


def machine(npc):
    model = platform.processor() or platform.machine()
    memory = ""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
        kilobytes = int(Path("/proc/meminfo").read_text(encoding="utf-8").split()[1])
        memory = f", {kilobytes * 1024 / 1e9:.0f} GB of memory"
    except (OSError, StopIteration, ValueError):
        pass
    report = output([sys.executable, str(HERE / "worker.py"), "versions"])
    versions = ", ".join(f"{name} {version}" for name, version in report.items() if version)
    version = subprocess.run([npc, "--version"], capture_output=True, text=True).stdout.strip()
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{model}, {os.cpu_count()} cores{memory}; {system}; {version}; {versions}."


def ratio(ours, theirs):
    return f"{ours / theirs:.2f}" if ours and theirs else ""


def table(results, network, threads, peers, tasks):
    """Returns a table with one row per peer. `results` maps peer and task to the results of all rounds."""

    def cell(peer, task, key="median_ms"):
        found = [r[key] for r in results.get((network, threads, peer, task), []) if r.get(key) is not None]
        return statistics.median(found) if found else None

    def least(peer, task):
        found = [r["min_ms"] for r in results.get((network, threads, peer, task), [])]
        return min(found) if found else None

    trained = [task for task in tasks if task[0] == "train"]
    words = {"forward": "forward", "train": "training step"}
    heads = [f"{words[phase]}, batch {batch}, ms" for phase, batch in tasks]
    heads += [f"memory in training, batch {batch}, MB" for _, batch in trained]
    many = "1 thread" if threads == 1 else f"{threads} threads"
    lines = ["| " + " | ".join([f"{MODELS[network][0]}, {many}"] + [f"{h} | npc / it" for h in heads]) + " |"]
    lines.append("|---|" + "---:|" * (2 * len(heads)))

    def row(name, medians, leasts):
        cells = [name]
        for i, (median, least_) in enumerate(zip(medians, leasts)):
            brackets = f" ({least_:.1f})" if least_ else ""
            digits = 0 if i >= len(tasks) else 1
            cells.append(f"{median:.{digits}f}{brackets}" if median else "-")
            cells.append(ratio(ours[i], median) if name != PEERS["npc"] else "")
        lines.append("| " + " | ".join(cells) + " |")

    def columns(peer):
        return [cell(peer, task) for task in tasks] + [cell(peer, task, "peak_rss_mb") for task in trained]

    ours = columns("npc")
    for peer in peers:
        medians = columns(peer)
        if any(medians):
            row(PEERS[peer], medians, [least(peer, task) for task in tasks] + [None] * len(trained))
    torch = [columns(peer) for peer in peers if peer in TORCH]
    if len(torch) > 1:
        best = [min((c for c in column if c), default=None) for column in zip(*torch)]
        row("best of PyTorch", best, [None] * len(best))
    return "\n".join(lines)


def words(names):
    def parse(text):
        chosen = text.split(",")
        unknown = [name for name in chosen if name not in names]
        if unknown:
            raise argparse.ArgumentTypeError(f"no {', '.join(unknown)}; there are {', '.join(names)}")
        return chosen

    return parse


def numbers(text):
    return [int(n) for n in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--npc", default="target/release/npc", help="a release build (default: %(default)s)")
    parser.add_argument("--models", type=words(MODELS), default=None, metavar="NAME,...", help="default: npnet,unet")
    parser.add_argument("--peers", type=words(PEERS), default=list(PEERS), metavar="NAME,...", help=", ".join(PEERS))
    parser.add_argument("--threads", type=numbers, default=None, metavar="N,...", help="default: 2,1")
    parser.add_argument("--rounds", type=int, default=None, help="default: 5")
    parser.add_argument("--seconds", type=float, default=None, help="duration of a measurement (default: 5)")
    parser.add_argument("--calls", type=int, default=1, help="minimum number of calls of a measurement (default: %(default)s)")
    parser.add_argument("--size", type=int, nargs=2, default=(224, 224), metavar=("H", "W"))
    parser.add_argument("--quick", action="store_true", help="defaults: NPNet, one round, one second, two threads")
    parser.add_argument("--json", metavar="FILE", help="write the results of every round to FILE")
    args = parser.parse_args()
    args.models = args.models or (["npnet"] if args.quick else list(MODELS))
    args.rounds = args.rounds or (1 if args.quick else 5)
    args.seconds = args.seconds or (1 if args.quick else 5)
    args.threads = args.threads or ([2] if args.quick else [2, 1])
    npc = shutil.which(args.npc) or shutil.which(str(ROOT / args.npc))
    if not npc:
        raise SystemExit(f"{args.npc} is not there; `cargo build --release` makes it, --npc names another")
    args.npc = str(Path(npc).resolve())
    with tempfile.TemporaryDirectory() as folder:
        run(Bench(args, folder), args)


def run(bench, args):
    gone, results = {}, {}
    for network in args.models:
        bench.compare(network)
        if RUNTIMES & set(args.peers) - set(gone):
            try:
                for batch in sorted({batch for phase, batch in TASKS if phase == "forward"}):
                    bench.worker("export", network, "--batch", batch, "--cache", bench.folder)
            except Failed as error:
                gone.update({peer: f"no ONNX file: {error}" for peer in RUNTIMES})
    for number in range(args.rounds):
        turn = args.peers[number % len(args.peers) :] + args.peers[: number % len(args.peers)]
        for network, threads, task in itertools.product(args.models, args.threads, TASKS):
            for peer in turn:
                key = (network, threads, peer, task)
                if peer in gone or key in gone or (task[0] == "train" and peer not in TRAINS):
                    continue
                where = f"{MODELS[network][0]}, {task[0]}, batch {task[1]}, threads {threads}"
                try:
                    result = bench.measure(peer, network, *task, threads)
                except Failed as error:
                    gone[peer if error.missing else key] = str(error) if error.missing else f"{where}: {error}"
                    say(f"{PEERS[peer]} is left out: {error}")
                    continue
                results.setdefault(key, []).append(result)
                memory = result["peak_rss_mb"] or 0
                say(f"round {number + 1}, {where}: {peer} {result['median_ms']:.1f} ms, {memory:.0f} MB")
    report(args, results, gone)


def report(args, results, gone):
    if args.json:
        rows = [
            {"network": n, "threads": t, "peer": p, "phase": phase, "batch": batch, "rounds": rounds}
            for (n, t, p, (phase, batch)), rounds in results.items()
        ]
        Path(args.json).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(f"Machine: {machine(args.npc)}")
    height, width = args.size
    print(f"Input 3x{height}x{width}, 32-bit floats; {args.rounds} rounds of {args.seconds:g} s per measurement.")
    peaks = [r["peak_gflops"] for rounds in results.values() for r in rounds if r.get("peak_gflops")]
    if peaks:
        print(f"Measured peak of all threads: {max(peaks):.0f} GFLOP/s.")
    if any(r.get("backend") == "burn" for (_, _, peer, _), rounds in results.items() for r in rounds if peer == "npc"):
        print("If npc's engine does not support a network, the rows of npc and of plain Burn measure the same program.")
    for network in args.models:
        for threads in args.threads:
            print(f"\n{table(results, network, threads, args.peers, TASKS)}")
    for key, why in gone.items():
        print(f"\nWithout {PEERS[key if isinstance(key, str) else key[2]]}: {why}.")


if __name__ == "__main__":
    main()
