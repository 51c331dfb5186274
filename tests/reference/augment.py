"""Transforms of a small image by scipy, torchvision and scikit-image: the reference for `data::augment`.

The image is the formula of `picture` below in double precision, which the Rust test repeats; `classes` is a mask of four
classes. Needs numpy, scipy, torch, torchvision and scikit-image.

    python tests/reference/augment.py > tests/reference/augment.json

- `gaussian`: `scipy.ndimage.gaussian_filter`, modes `reflect` and `wrap`, cut at 4 sigma.
- `warp`: `scipy.ndimage.map_coordinates`, order 1 for the image and 0 for the mask, at `matrix @ (y, x) + offset`, where
  there is a `field` (`bend`) at `matrix @ (y + rows, x + columns) + offset`. Modes `reflect` and `grid-constant`.
- `turned`: `torchvision.transforms.functional.affine` about the centre. Its angle is clockwise and its translation is
  columns, rows; both are written here in npc's convention.
- `crop`: torchvision's `resized_crop` of a rectangle of whole pixels, bilinear without antialias.
- `tones`: gamma by `skimage.exposure.adjust_gamma`, contrast by `torchvision.transforms.functional.adjust_contrast`.
"""

import json

import numpy as np
import torch
import torchvision.transforms.functional as F
from scipy import ndimage
from skimage import exposure
from torchvision.transforms import InterpolationMode

HEIGHT, WIDTH = 18, 14


def picture():
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    return ((7 * y * y + 13 * x * y + 29 * x + 3 * y) % 97) / 96


def classes():
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return ((y // 5 + x // 4) % 4).astype(np.uint8)


def bend():
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    return 1.7 * np.sin(0.4 * y + 0.3 * x), 2.1 * np.cos(0.5 * x - 0.2 * y)


def flat(values):
    return [round(float(v), 7) for v in np.asarray(values).ravel()]


def gaussian():
    image = picture()
    cases = [(mode, sigma) for mode in ("reflect", "wrap") for sigma in (0.1, 0.5, 1.3, 6.0)]
    return [{"mode": m, "sigma": s, "values": flat(ndimage.gaussian_filter(image, s, mode=m))} for m, s in cases]


def warp():
    made = []
    maps = [
        ([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]),
        ([[0.9, 0.3], [-0.25, 1.1]], [-1.37, 2.61]),
        ([[0.4, -0.1], [0.2, 0.5]], [4.2, 3.3]),
        ([[-1.9, 0.6], [0.7, 2.2]], [30.1, -11.7]),
        ([[0.0, 1.0], [-1.0, 0.0]], [0.0, 13.0]),
    ]
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    for matrix, offset in maps:
        for bent in (False, True):
            dy, dx = bend() if bent else (0.0, 0.0)
            m = np.array(matrix)
            at = [m[i, 0] * (y + dy) + m[i, 1] * (x + dx) + offset[i] for i in (0, 1)]
            for mode, value in (("reflect", 0.0), ("grid-constant", 0.25)):
                image = ndimage.map_coordinates(picture(), at, order=1, mode=mode, cval=value)
                # At the edge of a pixel either neighbour is right; the Rust test skips places within 1e-4 of one.
                mask = ndimage.map_coordinates(classes(), at, order=0, mode=mode, cval=0)
                near = np.min([np.abs(np.mod(c, 1) - 0.5) for c in at], axis=0) < 1e-4
                made.append({
                    "matrix": matrix, "offset": offset, "bent": bent, "mode": mode, "value": value,
                    "image": flat(image), "mask": np.where(near, -1, mask.astype(int)).ravel().tolist(),
                })
    return made


def turned():
    image = torch.from_numpy(picture())[None]
    made = []
    for degrees, scale, down, right in [(20, 1, 0, 0), (0, 1.3, 0, 0), (0, 1, 3, -2), (-35, 0.8, 2, 4), (90, 1, 0, 0)]:
        out = F.affine(image, angle=-degrees, translate=[right, down], scale=scale, shear=[0.0, 0.0],
                       interpolation=InterpolationMode.BILINEAR)
        made.append({"degrees": degrees, "scale": scale, "shift": [down, right], "image": flat(out)})
    return made


def crop():
    # npc crops with the image's proportions: half of both sides.
    image = torch.from_numpy(picture())[None]
    out = F.resized_crop(image, 5, 3, HEIGHT // 2, WIDTH // 2, [HEIGHT, WIDTH], antialias=False)
    # Inside the rectangle: at its edge torchvision repeats the last pixel, npc reads the next one.
    return {"top": 5, "left": 3, "image": flat(out)}


def tones():
    image = picture()
    tensor = torch.from_numpy(image)[None]
    made = [{"gamma": g, "values": flat(exposure.adjust_gamma(image, g))} for g in (0.5, 1.0, 2.2)]
    made += [{"contrast": c, "values": flat(F.adjust_contrast(tensor, c))} for c in (0.6, 1.8)]
    return made


def main():
    parts = {"size": [HEIGHT, WIDTH], "gaussian": gaussian(), "warp": warp(), "turned": turned(), "crop": crop(),
             "tones": tones()}
    print(json.dumps(parts))


main()
