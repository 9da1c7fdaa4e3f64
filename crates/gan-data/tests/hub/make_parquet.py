"""The Parquet files beside this script, laid out as the Hugging Face hub's of MNIST and CIFAR-10.

Byte (channel, row, column) of image k is (40 k + 50 channel + 5 row + column) mod 256, which is not its own
transpose; the label is k. There are two training images, and one test image with k = 1.

usage: make_parquet.py FOLDER      (pyarrow 26.0.1, numpy 2.4, pillow 13.0)
"""
import io, sys
from pathlib import Path
import numpy as np, pyarrow as pa, pyarrow.parquet as pq
from PIL import Image

def png(k, channels, side):
    row, column, channel = np.indices((side, side, channels))
    pixels = ((40 * k + 50 * channel + 5 * row + column) % 256).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels.squeeze()).save(out, "PNG", optimize=True)
    return out.getvalue()

struct = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
for name, column, channels, side in [("mnist", "image", 1, 28), ("cifar10", "img", 3, 32)]:
    for part, numbers in [("train", [0, 1]), ("test", [1])]:
        images = [{"bytes": png(k, channels, side), "path": None} for k in numbers]
        table = pa.table({column: pa.array(images, struct), "label": pa.array(numbers, pa.int64())})
        pq.write_table(table, Path(sys.argv[1]) / f"{name}-{part}.parquet", store_schema=False)
