"""PyTorch's results of the small models that captrain makes from seeds.

golden.py FOLDER KIND: reads the model and input.json, writes results.json: lists of numbers or texts by name.
"""

import sys

import torch
from transformers import GPT2LMHeadModel, get_linear_schedule_with_warmup

from clipcap import ClipCaption, ReferenceAdamW, load_start, loss_of
from common import read_json, read_tensors, write_json


def gpt2(folder, task):
    model = GPT2LMHeadModel.from_pretrained(folder).eval()
    return {"logits": model(torch.tensor(task["ids"])).logits.flatten().tolist()}


def captioner(folder, task):
    model = ClipCaption(task["options"], task["dim"], f"{folder}/gpt2").eval()
    load_start(model, read_tensors(f"{folder}/start.safetensors"))
    embeddings, captions = torch.tensor(task["embeddings"]), task["captions"]
    texts = greedy(model, embeddings, folder)
    torch.set_grad_enabled(True)
    trained = [model.get_parameter(name) for name in task["trained"]]
    loss_of(model, embeddings, captions).backward()
    norms = [parameter.grad.norm().item() for parameter in trained]
    optimizer = ReferenceAdamW(trained, lr=task["learningRate"])
    schedule = get_linear_schedule_with_warmup(optimizer, task["warmup"], task["steps"])
    losses = []
    for _ in range(task["steps"]):
        model.zero_grad()
        loss = loss_of(model, embeddings, captions)
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return {"losses": losses, "gradientNorms": norms, "greedy": texts}


def greedy(model, embeddings, folder):
    letters = {id: token for token, id in read_json(f"{folder}/gpt2/vocab.json").items()}
    end = len(letters) - 1
    texts = []
    for prefix in model.prefix(embeddings):
        ids = model.gpt.generate(
            inputs_embeds=prefix[None], max_new_tokens=12, do_sample=False, eos_token_id=end, pad_token_id=end
        )  # fmt: skip
        kept = [id for id in ids[0].tolist() if id != end]
        texts.append(decode_bytes(letters[id] for id in kept))
    return texts


def decode_bytes(letters):
    """Text of GPT-2's letters for single bytes."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    byte_of = {chr(byte): byte for byte in printable} | {chr(256 + i): byte for i, byte in enumerate(others)}
    return bytes(byte_of[letter] for letter in letters).decode("utf-8", errors="replace")


def main(folder, kind):
    results = {"gpt2": gpt2, "captioner": captioner}[kind](folder, read_json(f"{folder}/input.json"))
    write_json(f"{folder}/results.json", results)


main(*sys.argv[1:])
