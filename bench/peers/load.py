"""Loads a GPT-2 by safetensors and transformers and reads every value once: load.py FOLDER.

safetensors maps the file, so that its pages are the disk cache's own; captrain's are its own. Prints one JSON object:
seconds, and the bytes that the load added to the resident memory at its highest.
"""

import json
import sys
import time
from pathlib import Path

import torch
from transformers import GPT2LMHeadModel


def status(field):
    """A size of /proc/self/status in bytes: VmRSS, or VmHWM for its highest."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) * 1024


torch.ones(8).add(1)
Path("/proc/self/clear_refs").write_text("5")  # the highest so far is forgotten
before = status("VmRSS")
started = time.perf_counter()
model = GPT2LMHeadModel.from_pretrained(sys.argv[1])
with torch.no_grad():
    total = sum(parameter.sum().item() for parameter in model.parameters())
seconds = time.perf_counter() - started
peak = status("VmHWM")
print(json.dumps({"seconds": seconds, "raisedBytes": peak - before, "peakBytes": peak}))
