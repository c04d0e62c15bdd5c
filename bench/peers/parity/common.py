"""What the scripts of this folder share: random weights that leave nothing at 0 or 1, and files of tensors."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

torch.set_grad_enabled(False)


def scatter(model, seed):
    """Moves biases and gains away from the 0s and 1s of new models, which would hide a forgotten bias."""
    torch.manual_seed(seed)
    for parameter in model.parameters():
        if parameter.ndim <= 1:
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model.eval()


def write_tensors(path, tensors):
    save_file({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, path)


def read_tensors(path):
    return load_file(path)


def read_json(path):
    return json.loads(Path(path).read_text())


def write_json(path, value):
    Path(path).write_text(json.dumps(value))
