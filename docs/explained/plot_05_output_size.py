r"""
How large is the output?
========================

Along each axis, with :math:`n` samples, a kernel of :math:`k` taps, stride :math:`s`, dilation :math:`d` and :math:`p`
samples of padding on each side:

.. math:: \text{output} = \left\lfloor \frac{n + 2p - d (k - 1) - 1}{s} \right\rfloor + 1

In words: the padded input has :math:`n + 2p` samples; the window spans :math:`d (k - 1) + 1` of them at its first
place; it can then move on by :math:`s` as often as it fits.

Try it
------

.. raw:: html

    <style>
    .cconv-size { border-collapse: collapse; margin: 0 0 1em 0; }
    .cconv-size td, .cconv-size th { padding: 0.35em 0.7em; border-bottom: 1px solid #c9d1d9; text-align: left; }
    .cconv-size input { width: 5.5em; font: inherit; padding: 0.2em; }
    .cconv-size output { font-weight: bold; color: #00795a; }
    </style>
    <table class="cconv-size" id="cconv-size">
    <tr><td>input <i>n</i></td><td><input type="number" name="n" value="224" min="1" aria-label="input n"></td></tr>
    <tr><td>kernel <i>k</i></td><td><input type="number" name="k" value="7" min="1" aria-label="kernel k"></td></tr>
    <tr><td>stride <i>s</i></td><td><input type="number" name="s" value="2" min="1" aria-label="stride s"></td></tr>
    <tr><td>dilation <i>d</i></td><td><input type="number" name="d" value="1" min="1" aria-label="dilation d"></td></tr>
    <tr><td>padding <i>p</i></td><td><input type="number" name="p" value="3" min="0" aria-label="padding p"></td></tr>
    <tr><td>output</td><td><output>112</output></td></tr>
    <tr><td>in cconv</td><td><code></code></td></tr>
    </table>
    <script>
    (function () {
      const table = document.getElementById("cconv-size");
      const say = function () {
        const v = {};
        let whole = true;
        table.querySelectorAll("input").forEach(function (field) {
          v[field.name] = Number(field.value);
          whole = whole && Number.isInteger(v[field.name]) && field.value !== "" && v[field.name] >= Number(field.min);
        });
        const room = v.n + 2 * v.p - v.d * (v.k - 1) - 1;
        let words = String(Math.floor(room / v.s) + 1);
        if (!whole) { words = "whole numbers, please: n, k, s, d from 1, p from 0"; }
        else if (room < 0) {
          const span = v.d * (v.k - 1) + 1;
          words = "none: the kernel spans " + span + " samples, the padded input has " + (v.n + 2 * v.p);
        }
        table.querySelector("output").textContent = words;
        table.querySelector("code").textContent = "cconv.conv_output_shape(" + v.n + ", " + v.k + ", stride=" + v.s +
          ", padding=" + v.p + ", dilation=" + v.d + ")";
      };
      table.addEventListener("input", say);
      say();
    })();
    </script>

Some that are often needed
--------------------------
"""

# sphinx_gallery_thumbnail_number = 1
# sphinx_gallery_start_ignore
import _pictures as pic

# sphinx_gallery_end_ignore
import numpy as np

import cconv

LAYERS = [
    ("keeps the size", 224, 3, 1, 1, 1),
    ("halves it", 224, 3, 2, 1, 1),
    ("first layer of a ResNet", 224, 7, 2, 1, 3),
    ("first layer of AlexNet", 227, 11, 4, 1, 0),
    ("patches of a ViT", 224, 16, 16, 1, 0),
    ("LeNet-5, first layer", 32, 5, 1, 1, 0),
    ("dilated, keeps the size", 65, 3, 1, 6, 6),
    ("the last sample is left over", 8, 3, 2, 1, 0),
    ("1 x 1, any stride", 57, 1, 2, 1, 0),
]

rows = []
for name, n, k, s, d, p in LAYERS:
    (size,) = cconv.conv_output_shape(n, k, stride=s, dilation=d, padding=p)
    assert size == (n + 2 * p - d * (k - 1) - 1) // s + 1
    rows.append((name, n, k, s, d, p, size))
# sphinx_gallery_start_ignore
pic.Table(("layer", "n", "k", "s", "d", "p", "output"), rows)
# sphinx_gallery_end_ignore

# %%
# Why rounded down
# ----------------
# Eight samples, a window of three, a stride of two: after three places one sample is left over and no window is
# centred past it. The samples that no window sees are white.

n, k, s = 8, 3, 2
(size,) = cconv.conv_output_shape(n, k, stride=s)
seen = cconv.conv1d_input_grad(np.ones((1, size)), np.ones((1, 1, k)), (1, n), stride=s)
print(f"{size} outputs; sample {int(np.flatnonzero(seen[0] == 0)[0])} is seen by none")
assert size == 3

# sphinx_gallery_start_ignore
fig, ax = pic.boards(1.9)
pic.cells(ax, [np.arange(n)], strength=np.where(seen > 0, 0.3, 0))
for place in range(size):
    pic.frame(ax, (0.12 * place - 0.12, place * s + 0.04), (1, k - 0.08), width=1.5)
    pic.arrow(ax, (1.25, place * s + 1.5), (1.7, place * s + 1.5))
    pic.cells(ax, [[place]], at=(1.75, place * s + 1), colour=pic.OUTPUT, strength=0.3)
# sphinx_gallery_end_ignore

# %%
# Names instead of numbers
# ------------------------
# ``padding="same"`` gives :math:`\lceil n / s \rceil`; "full" pads :math:`d (k - 1)` on both sides; "causal" pads the
# same amount, all of it in front.

names = ("valid", "same", "full", "causal")
rows = []
for n, k, s, d in ((10, 3, 1, 1), (10, 3, 2, 1), (10, 4, 1, 1), (10, 3, 1, 2)):
    sizes = [
        cconv.conv_output_shape(n, k, stride=s, dilation=d, padding=name)[0]
        for name in names
    ]
    assert sizes[1] == -(-n // s)
    rows.append((n, k, s, d, *sizes))
# sphinx_gallery_start_ignore
pic.Table(("n", "k", "s", "d", *(f'"{name}"' for name in names)), rows)
# sphinx_gallery_end_ignore
