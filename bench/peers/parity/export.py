"""Loads a captioner folder as its own captioner.py does, and takes the way back to the reference.

export.py FOLDER CAPTIONER: writes to FOLDER prefix.safetensors and captions.json of FOLDER/embeddings.safetensors, and
reference.pt: the state dict of the reference's ClipCaptionModel, which is also loaded into that.
"""

import sys

import torch

from clipcap import ClipCaption
from common import read_json, read_tensors, write_json, write_tensors


def main(folder, place):
    sys.path.insert(0, place)
    from captioner import load_captioner, reference_state_dict

    embeddings = read_tensors(f"{folder}/embeddings.safetensors")["embeddings"][:4]
    model, tokenizer = load_captioner()
    write_tensors(f"{folder}/prefix.safetensors", {"prefix": model.prefix(embeddings)})
    captions = [model.caption(tokenizer, row, max_new_tokens=12) for row in embeddings]
    write_json(f"{folder}/captions.json", captions)
    state = reference_state_dict(model)
    torch.save(state, f"{folder}/reference.pt")
    task = read_json(f"{folder}/task.json")
    reference = ClipCaption(task["options"], task["dim"], f"{place}/language_model")
    reference.load_state_dict(state)


main(*sys.argv[1:])
