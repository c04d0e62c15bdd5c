"""How fast PyTorch multiplies matrices: the shapes are those of bench/src/train/matmul-shapes.ts."""

import statistics
import time

import torch

SHAPES = [(1024, 1024, 1024), (2048, 2048, 2048), (576, 768, 3072), (576, 3072, 768), (512, 768, 50257)]
REPETITIONS = 3


def matmul_speed(precision):
    """Operations a second at each shape [M, K] by [K, N], the median of a few products after one that warms up."""
    speeds = {}
    for rows, inner, columns in SHAPES:
        dtype = getattr(torch, precision)
        a, b = torch.randn(rows, inner).to(dtype), torch.randn(inner, columns).to(dtype)
        product = torch.mm(a, b)
        seconds = []
        for _ in range(REPETITIONS):
            started = time.perf_counter()
            torch.mm(a, b, out=product)
            seconds.append(time.perf_counter() - started)
        speeds[f"{rows}x{inner}x{columns}"] = 2 * rows * inner * columns / statistics.median(seconds)
    return speeds
