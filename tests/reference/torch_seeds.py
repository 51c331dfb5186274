"""The same training in PyTorch with several seeds, for comparison with npc's runs.

    python tests/reference/torch_seeds.py DATA --size 128 128 --batch 2 --lr 1e-3 --epochs 20 --seeds 3 --out torch.json
    npc sweep models/npnet.model table2 --run npnet_lung --seeds 3 --train --set "data.size=[128,128]" --data-root ..
    python tests/reference/compare_seeds.py torch.json runs/table2-npnet_lung/attention=cam/seed=*

Equal to npc: the network (torch_npnet.py), the distribution of the first weights (PyTorch's own, uniform to
1/sqrt(fan in), which npc draws as well), the lists of images, windowing, resizing (triangle filter over the pixels that an
output pixel covers; masks by nearest neighbour), rounding to 16 bits, loss, Adam, and the score: the mean over the test
images of each image's foreground Dice. Not equal: the random numbers, and so first weights and order. Two sets of runs
that differ in nothing else should differ only by the effect of seeds.

DATA is a folder as for torch_train.py. The file is written anew after each epoch; seeds that it holds completely are not
trained again.
"""

import argparse
import json
import os
import pathlib
import time

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from torch_npnet import NPNet
from torch_train import HU_HIGH, HU_LOW, evaluate, find, read_mask, train_epoch


def read_image(path, size):
    with Image.open(path) as file:
        if path.suffix in (".tif", ".tiff"):
            hu = torch.from_numpy(np.asarray(file).astype(np.float32))
            pixels = ((hu - HU_LOW) / (HU_HIGH - HU_LOW)).clamp(0.0, 1.0).expand(3, -1, -1)
        else:
            pixels = torch.from_numpy(np.asarray(file.convert("RGB")).astype(np.float32)).permute(2, 0, 1) / 255.0
    resized = F.interpolate(pixels[None], size=size, mode="bilinear", align_corners=False, antialias=True)[0]
    return (resized.clamp(0.0, 1.0) * 65535.0).round() / 65535.0


def read_split(folder, name, size):
    stems = (folder / name).read_text(encoding="utf-8").split()
    images = [read_image(find(folder / "images", s, ["tif", "tiff", "jpg", "jpeg", "png"]), size) for s in stems]
    masks = [read_mask(find(folder / "masks", s, ["tif", "tiff", "png"]), size) for s in stems]
    return torch.stack(images), torch.stack(masks)


def write(path, document):
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    os.replace(beside, path)


def main():
    parser = argparse.ArgumentParser(description="Train NPNet in PyTorch with several seeds.")
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--train", default="train.txt", help="list of training stems, in the data folder")
    parser.add_argument("--test", default="test.txt", help="list of test stems, in the data folder")
    parser.add_argument("--size", type=int, nargs=2, default=[128, 128], metavar=("H", "W"))
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3, help="how many, counted from 0")
    parser.add_argument("--attention", choices=["none", "se", "cam"], default="cam")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    names = ["train", "test", "size", "batch", "lr", "epochs", "attention"]
    settings = {name: getattr(args, name) for name in names} | {"data": args.data.resolve().name}
    document = {"torch": torch.__version__, "settings": settings, "runs": []}
    if args.out.exists():
        before = json.loads(args.out.read_text(encoding="utf-8"))
        if before["settings"] != settings:
            raise SystemExit(f"{args.out}: holds runs with other settings: {before['settings']}")
        document["runs"] = [run for run in before["runs"] if len(run["epochs"]) == args.epochs]
    train = read_split(args.data, args.train, tuple(args.size))
    test = read_split(args.data, args.test, tuple(args.size))
    for seed in range(args.seeds):
        if any(run["seed"] == seed for run in document["runs"]):
            continue
        torch.manual_seed(seed)
        net = NPNet(2, args.attention, 2)
        optimizer = torch.optim.Adam(net.parameters(), lr=args.lr)
        generator = torch.Generator().manual_seed(seed)
        run = {"seed": seed, "epochs": []}
        document["runs"].append(run)
        for epoch in range(1, args.epochs + 1):
            start = time.perf_counter()
            loss = train_epoch(net, optimizer, *train, args.batch, generator)
            seconds = time.perf_counter() - start
            line = {"epoch": epoch, "loss": loss, "dice": evaluate(net, *test, args.batch), "seconds": seconds}
            run["epochs"].append(line)
            write(args.out, document)
            print(json.dumps({"seed": seed} | line), flush=True)


if __name__ == "__main__":
    main()
