"""One PyTorch side of the train benchmark: side.py FOLDER reference|tuned float32|bfloat16 [COMPILE_SECONDS].

Says one line of JSON when it is ready, then answers each line on standard input with one: to `step` with the seconds
and the loss of a training step on the next batch, to `matmuls` with PyTorch's operations a second, to `quit` with the
highest resident memory of the process.
"""

import json
import os
import sys
import time
from pathlib import Path

import torch

# The captioner and its optimizer are the parity suite's.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "parity"))

from matmuls import matmul_speed  # noqa: E402
from reference import ReferenceSide  # noqa: E402
from task import Task  # noqa: E402
from tuned import TunedSide  # noqa: E402


def peak_bytes():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024


def answer(**values):
    print(json.dumps(values), flush=True)


def main(folder, kind, precision, compile_seconds="0"):
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    task = Task(folder)
    if kind == "reference":
        side = ReferenceSide(task)
    else:
        side = TunedSide(task, precision == "bfloat16", int(compile_seconds))
    answer(**side.about)
    steps = 0
    for line in sys.stdin:
        if line.strip() == "quit":
            break
        if line.strip() == "matmuls":
            answer(**matmul_speed(precision))
            continue
        batch = task.batch(steps)
        started = time.perf_counter()
        loss = side.step(*batch)
        answer(seconds=time.perf_counter() - started, loss=loss)
        steps += 1
    answer(peakBytes=peak_bytes())


main(*sys.argv[1:])
