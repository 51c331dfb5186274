#!/usr/bin/env bash
# Makes docs/figures: a small network, trained on generated slices for a minute, and the figures of its scores.
#
#   scripts/figures.sh [NPC]     NPC: a full build (default: target/release/npc)
set -euo pipefail
cd "$(dirname "$0")/.."
npc=$(readlink -f "${1:-target/release/npc}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/net.model" <<'MODEL'
npc 1

import std

data phantoms {
  source = phantoms(count = 60, seed = 0)
  size = [128, 128]
  classes = ["background", "lung"]
  labels = [0, 255]
  empty = one
  window = [-1000, 400]
  split = random(train = 0.8, test = 0.2, seed = 0)
}

model Small(x: [1, H, W], classes: int = 2, width: int = 8) -> [classes, H, W] {
  let fine = x |> double(width)
  let coarse = fine |> maxpool(2) |> double(2 * width)
  return concat(fine, coarse |> up(2)) |> double(width) |> conv(classes, k = 1)
}

train small = Small on phantoms { epochs = 5  loss = cross_entropy + dice }
MODEL
"$npc" train "$work/net.model" small --out "$work/run"
"$npc" eval "$work/run" --confusion --figures "$work/figures"
mkdir -p docs/figures
cp "$work"/figures/*.svg docs/figures/
