"""Time and memory of `npc check` on generated graphs of 1,000, 10,000 and 100,000 nodes, as whole processes.

    python benches/large_graphs.py target/release/npc            # the table of docs/performance.md
    python benches/large_graphs.py --print dense 1000            # one of the files

Each row is the fastest of several runs: wall time, processor time (user and system) and peak resident memory. The
standard output of npc, one line per node, is written to a file.
"""

import argparse
import os
import subprocess
import tempfile
import time

HEAD = "npc 1\n"
MODEL = "model M(x: [3, H, W]) -> [{c}, H, W] "


def chain(n):
    """One repeated stage."""
    return HEAD + MODEL.format(c=4) + f"= x |> conv(4) |> repeat({n - 2}, relu)\n"


def loop(n):
    """Nodes that a `for` loop binds by index."""
    body = f"let s[0] = x |> conv(4)\n for i in 0..{n - 2} {{ let s[i + 1] = s[i] |> relu }}\n return s[{n - 2}]\n"
    return HEAD + MODEL.format(c=4) + "{\n " + body + "}\n"


def blocks(n):
    """Instances of a block of three nodes."""
    block = "block cbr(x: [c, h, w], out: int) -> [out, h, w] = x |> conv(out, bias = false) |> bn |> relu\n"
    return HEAD + block + MODEL.format(c=4) + f"= x |> repeat({n // 3}, cbr(4))\n"


def nested(n):
    """Blocks of ten blocks of ten blocks."""
    text, size, k = HEAD + "block b0(x: [c, h, w]) -> [c, h, w] = x |> conv(4, k = 1) |> bn |> relu\n", 3, 0
    while size * 10 <= n:
        text += f"block b{k + 1}(x: [c, h, w]) -> [c, h, w] = x |> repeat(10, b{k})\n"
        size, k = size * 10, k + 1
    return text + MODEL.format(c=4) + f"= x |> conv(4) |> repeat({n // size}, b{k})\n"


def wide(n):
    """One concatenation of all nodes."""
    return HEAD + MODEL.format(c=n) + f"= concat([x |> conv(1, k = 1) for i in 0..{n}])\n"


def dense(n):
    """Dense blocks: every node reads all nodes before it, 24 deep."""
    block = (
        "block dense(x: [c, h, w]) -> [c, h, w] {\n let s[0] = x\n"
        " for i in 0..24 { let s[i + 1] = concat(s[0..i + 1]) |> bn |> relu |> conv(4, k = 1) }\n"
        " return concat(s[0..25]) |> conv(c, k = 1)\n}\n"
    )
    return HEAD + block + MODEL.format(c=3) + f"= x |> repeat({max(1, n // 98)}, dense)\n"


def flat(n):
    """One statement per node, as generated code has it."""
    lets = "".join(f" let n{i} = n{i - 1} |> relu\n" for i in range(1, n - 1))
    return HEAD + MODEL.format(c=4) + f"{{\n let n0 = x |> conv(4)\n{lets} return n{n - 2}\n}}\n"


def declared(n):
    """One block declaration per three nodes."""
    m = n // 3
    text = HEAD + "".join(
        f"block b{i}(x: [c, h, w]) -> [c, h, w] = x |> conv(c, k = 1) |> bn |> relu\n" for i in range(m)
    )
    lets = "".join(f" let s[{i + 1}] = s[{i}] |> b{i}\n" for i in range(m))
    return text + MODEL.format(c=3) + f"{{\n let s[0] = x\n{lets} return s[{m}]\n}}\n"


FORMS = [chain, loop, blocks, nested, wide, dense, flat, declared]


def run(command, out):
    """Returns wall seconds, processor seconds and peak MB of one process."""
    start = time.perf_counter()
    with open(out, "w") as file:
        child = subprocess.Popen(command, stdout=file, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    assert child.returncode == 0, f"{command} ends with {child.returncode}"
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("npc", nargs="?", default="target/release/npc")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--print", nargs=2, metavar=("FORM", "NODES"))
    args = parser.parse_args()
    if args.print:
        print({f.__name__: f for f in FORMS}[args.print[0]](int(args.print[1])), end="")
        return
    print("| form | nodes | wall, s | processor, s | memory, MB |\n|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        file, out = os.path.join(folder, "large.model"), os.path.join(folder, "out")
        for form in FORMS:
            for nodes in [1_000, 10_000, 100_000]:
                with open(file, "w") as text:
                    text.write(form(nodes))
                runs = [run([args.npc, "check", file, "--size", "32x32"], out) for _ in range(args.runs)]
                wall, cpu, memory = (min(r[i] for r in runs) for i in range(3))
                print(f"| {form.__name__} | {nodes:,} | {wall:.3f} | {cpu:.3f} | {memory:.0f} |", flush=True)


if __name__ == "__main__":
    main()
