"""Trains NPNet in PyTorch on a folder data set: a run independent of npc's own.

The folder holds images/STEM.{tif,tiff,jpg,jpeg,png}, masks/STEM.{tif,tiff,png} and the lists train.txt and test.txt, one
stem a line. TIFF images are CT in Hounsfield units, windowed from -1000..400 to 0..1 and repeated to three channels;
others are RGB divided by 255. Images are resized bilinearly (half-pixel centres, no antialiasing), masks by nearest
neighbour; a mask pixel is foreground where it is not 0. Loss: cross-entropy over two classes. Optimiser: Adam.

After each epoch one line of JSON: the mean training loss, and the mean over the test images of each image's foreground
Dice, 2|A and B| / (|A| + |B|), which is 1 where both are empty.
"""

import argparse
import json
import pathlib
import time

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from torch_npnet import NPNet, load

HU_LOW, HU_HIGH = -1000.0, 400.0


def find(folder, stem, extensions):
    for extension in extensions:
        path = folder / f"{stem}.{extension}"
        if path.exists():
            return path
    raise SystemExit(f"{folder}: no file for {stem}")


def read_image(path, size):
    with Image.open(path) as file:
        if path.suffix in (".tif", ".tiff"):
            hu = torch.from_numpy(np.asarray(file).astype(np.float32))
            pixels = ((hu - HU_LOW) / (HU_HIGH - HU_LOW)).clamp(0.0, 1.0).expand(3, -1, -1)
        else:
            pixels = torch.from_numpy(np.asarray(file.convert("RGB")).astype(np.float32)).permute(2, 0, 1) / 255.0
    return F.interpolate(pixels[None], size=size, mode="bilinear", align_corners=False)[0]


def read_mask(path, size):
    with Image.open(path) as file:
        mask = torch.from_numpy((np.asarray(file) != 0).astype(np.float32))
    return F.interpolate(mask[None, None], size=size, mode="nearest-exact")[0, 0].long()


def read_split(folder, name, size):
    stems = (folder / name).read_text(encoding="utf-8").split()
    images = [read_image(find(folder / "images", s, ["tif", "tiff", "jpg", "jpeg", "png"]), size) for s in stems]
    masks = [read_mask(find(folder / "masks", s, ["tif", "tiff", "png"]), size) for s in stems]
    return torch.stack(images), torch.stack(masks)


def dice(predicted, truth):
    both = (predicted & truth).sum().item()
    total = predicted.sum().item() + truth.sum().item()
    return 2.0 * both / total if total else 1.0


def evaluate(net, images, masks, batch):
    net.eval()
    scores = []
    with torch.no_grad():
        for x, y in zip(images.split(batch), masks.split(batch)):
            predicted = net(x).argmax(dim=1) == 1
            scores += [dice(p, t == 1) for p, t in zip(predicted, y)]
    return sum(scores) / len(scores)


def train_epoch(net, optimizer, images, masks, batch, generator):
    net.train()
    total = 0.0
    for chosen in torch.randperm(len(images), generator=generator).split(batch):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(images[chosen]), masks[chosen])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(chosen)
    return total / len(images)


def main():
    parser = argparse.ArgumentParser(description="Train NPNet in PyTorch on a folder data set.")
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--train", default="train.txt", help="list of training stems, in the data folder")
    parser.add_argument("--test", default="test.txt", help="list of test stems, in the data folder")
    parser.add_argument("--size", type=int, nargs=2, default=[256, 256], metavar=("H", "W"))
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--attention", choices=["none", "se", "cam"], default="cam")
    parser.add_argument("--weights", help="start from this safetensors file of npc's; otherwise PyTorch's own draw")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    args.classes, args.reduction = 2, 2

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    net = load(args) if args.weights else NPNet(args.classes, args.attention, args.reduction)
    optimizer = torch.optim.Adam(net.parameters(), lr=args.lr)
    generator = torch.Generator().manual_seed(args.seed)
    train = read_split(args.data, args.train, tuple(args.size))
    test = read_split(args.data, args.test, tuple(args.size))
    for epoch in range(1, args.epochs + 1):
        start = time.perf_counter()
        loss = train_epoch(net, optimizer, *train, args.batch, generator)
        seconds = time.perf_counter() - start
        line = {"epoch": epoch, "loss": loss, "dice": evaluate(net, *test, args.batch), "train_seconds": seconds}
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
