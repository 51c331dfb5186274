"""The image pixels that each pixel of a small network depends on, by PyTorch's gradients.

Every weight is 1 and max pools are average pools over the same windows, so that no dependence cancels or hides. For each
column of the result (in its middle row) the first and the last column of the image with a gradient are kept, or null.

    python tests/reference/torch_field.py > tests/reference/fields.json
"""

import json

import torch
import torch.nn.functional as F


def conv(x, out=1, k=3, stride=1, dilation=1, pad=None, groups=1):
    pad = dilation * (k - 1) // 2 if pad is None else pad
    weight = torch.ones(out, x.shape[1] // groups, k, k, dtype=x.dtype)
    return F.conv2d(x, weight, stride=stride, dilation=dilation, padding=pad, groups=groups)


def turned(x, k, stride, pad=0, out_pad=0, dilation=1):
    weight = torch.ones(x.shape[1], 1, k, k, dtype=x.dtype)
    return F.conv_transpose2d(x, weight, stride=stride, padding=pad, output_padding=out_pad, dilation=dilation)


def bilinear(x, size, aligned=False):
    return F.interpolate(x, size=size, mode="bilinear", align_corners=aligned)


def unet(x):
    a = conv(conv(x))
    b = conv(conv(F.avg_pool2d(a, 2)))
    c = conv(F.avg_pool2d(b, 2))
    b = conv(torch.cat([b, F.interpolate(c, scale_factor=2)], 1))
    return conv(torch.cat([a, F.interpolate(b, scale_factor=2)], 1))


# Width of the image, the body in the language, the same in PyTorch.
CASES = [
    (17, "x |> conv(1, stride = 2, dilation = 2)", lambda x: conv(x, stride=2, dilation=2)),
    (17, "x |> conv(1, k = 4, stride = 3, pad = 1) |> conv(1)", lambda x: conv(conv(x, k=4, stride=3, pad=1))),
    (9, "x |> conv_transpose(1, k = 3, stride = 2, pad = 1, out_pad = 1)", lambda x: turned(x, 3, 2, 1, 1)),
    (9, "x |> conv_transpose(1, k = 2, stride = 3)", lambda x: turned(x, 2, 3)),
    (9, "x |> conv_transpose(1, k = 4, stride = 2, pad = 1, dilation = 3) |> conv(1)",
     lambda x: conv(turned(x, 4, 2, 1, 0, 3))),
    (14, "x |> avgpool(3, stride = 2, pad = 1, ceil = true)",
     lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True)),
    (13, "x |> avgpool_to(5) |> conv(1)", lambda x: conv(F.adaptive_avg_pool2d(x, 5))),
    (13, "x |> resize(to = [20, 20], mode = nearest)", lambda x: F.interpolate(x, size=(20, 20))),
    (13, "x |> conv(1) |> resize(to = [20, 20], mode = bilinear)", lambda x: bilinear(conv(x), (20, 20))),
    (13, "x |> conv(1) |> resize(to = [25, 25], mode = bilinear, align_corners = true)",
     lambda x: bilinear(conv(x), (25, 25), True)),
    (13, "x |> conv(1) |> resize(to = [8, 8], mode = bilinear, align_corners = true) |> conv(1)",
     lambda x: conv(bilinear(conv(x), (8, 8), True))),
    (12, "x |> up(3) |> conv(1, k = 5) |> avgpool(2)", lambda x: F.avg_pool2d(conv(F.interpolate(x, scale_factor=3), k=5), 2)),
    (10, "x |> conv(4) |> pixel_shuffle(2) |> conv(1)", lambda x: conv(F.pixel_shuffle(conv(x, out=4), 2))),
    (12, "x |> pad([1, 2, 3, 1]) |> conv(1, k = 2, pad = 0) |> crop(to = [9, 9], at = [2, 4])",
     lambda x: conv(F.pad(x, (3, 1, 1, 2)), k=2, pad=0)[:, :, 2:11, 4:13]),
    (48, None, unet),
]

UNET = """{
  let a = x |> conv(1) |> conv(1)
  let b = a |> maxpool(2) |> conv(1) |> conv(1)
  let c = b |> maxpool(2) |> conv(1)
  let d = (b ++ (c |> up(2))) |> conv(1)
  return (a ++ (d |> up(2))) |> conv(1)
}"""


def columns(net, width):
    x = torch.rand(1, 1, width, width, dtype=torch.float64, requires_grad=True)
    y = net(x)
    row, found = y.shape[2] // 2, []
    for i in range(y.shape[3]):
        (grad,) = torch.autograd.grad(y[0, :, row, i].sum(), x, retain_graph=True, allow_unused=True)
        read = grad[0, 0].abs().sum(0).nonzero().flatten().tolist()
        found.append([read[0], read[-1]] if read else None)
    return list(y.shape[1:]), found


if __name__ == "__main__":
    cases = []
    for width, body, net in CASES:
        (c, h, w), read = columns(net, width)
        body = UNET if body is None else f"= {body}"
        text = f"npc 1\nmodel M(x: [1, {width}, {width}]) -> [{c}, {h}, {w}] {body}\n"
        cases.append({"model": text, "columns": read})
    print(json.dumps({"torch": torch.__version__.split("+")[0], "cases": cases}, separators=(",", ":")))
