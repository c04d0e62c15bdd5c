"""PyTorch's all-reduce over gloo between processes of this machine: gloo.py VALUES [PROCESSES].

Says one line of JSON when it is ready, then answers each line on standard input with one: to `step` with the seconds
that an all-reduce of VALUES float32 in every process took, the slowest's; to `quit` with the highest resident memory
of the first process.
"""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import torch
import torch.distributed as dist

PERIOD = 13


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def peak_bytes():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024


def answer(**values):
    print(json.dumps(values), flush=True)


def fill(gradient, rank):
    """Small whole numbers, so that their sum is exact."""
    pattern = torch.arange(PERIOD, dtype=torch.float32) + rank
    whole = len(gradient) // PERIOD * PERIOD
    gradient[:whole].view(-1, PERIOD).copy_(pattern)
    gradient[whole:] = pattern[: len(gradient) - whole]


def verify(gradient, processes):
    at = torch.arange(0, len(gradient), 997)
    expected = (at % PERIOD) * processes + processes * (processes - 1) // 2
    if not torch.equal(gradient[at], expected.float()):
        raise RuntimeError("gloo's sum is wrong")


def all_reduce(gradient, rank, processes):
    """One all-reduce that starts in every process at once: the slowest's seconds."""
    fill(gradient, rank)
    dist.barrier()
    started = time.perf_counter()
    dist.all_reduce(gradient)
    seconds = torch.tensor(time.perf_counter() - started, dtype=torch.float64)
    dist.all_reduce(seconds, op=dist.ReduceOp.MAX)
    verify(gradient, processes)
    return seconds.item()


def next_command(command=None):
    """What the first process was told; the others hear it from it."""
    told = torch.tensor(1 if command == "step" else 0)
    dist.broadcast(told, src=0)
    return "step" if told.item() == 1 else "quit"


def main(values, processes="2", rank="0", port=None):
    values, processes, rank = int(values), int(processes), int(rank)
    port = port or str(free_port())
    if rank == 0:
        for other in range(1, processes):
            subprocess.Popen(
                [sys.executable, __file__, str(values), str(processes), str(other), port],
                stdin=subprocess.DEVNULL,
            )
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=processes)
    gradient = torch.zeros(values)
    if rank > 0:
        while next_command() == "step":
            all_reduce(gradient, rank, processes)
        return
    answer(torch=torch.__version__)
    # The end of the input is a `quit`, too.
    while next_command(sys.stdin.readline().strip()) == "step":
        answer(seconds=all_reduce(gradient, rank, processes))
    answer(peakBytes=peak_bytes())


if __name__ == "__main__":
    main(*sys.argv[1:])
