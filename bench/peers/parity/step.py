"""The reference's training step on weights and batches that captrain wrote.

step.py FOLDER mapper|gradients|train: reads FOLDER/task.json (options, dim, languageModel, frozen, learningRate, warmup,
batches) and start.safetensors, embeddings.safetensors; writes prefix.safetensors, gradients.safetensors, losses.json.
"""

import sys

import torch
from transformers import get_linear_schedule_with_warmup

from clipcap import ClipCaption, ReferenceAdamW, load_start, loss_of
from common import read_json, read_tensors, write_json, write_tensors


def main(folder, what):
    task = read_json(f"{folder}/task.json")
    embeddings = read_tensors(f"{folder}/embeddings.safetensors")["embeddings"]
    model = ClipCaption(task["options"], task["dim"], task["languageModel"])
    load_start(model, read_tensors(f"{folder}/start.safetensors"))
    if what == "mapper":
        prefix = model.prefix(embeddings) if task.get("counts") is None else model.prefix(embeddings, counts=task["counts"])
        write_tensors(f"{folder}/prefix.safetensors", {"prefix": prefix})
        return
    torch.set_grad_enabled(True)
    model.train()
    if task["frozen"]:
        model.gpt.eval()
    trained = model.clip_project.parameters() if task["frozen"] else model.parameters()
    batches = [(embeddings[batch["images"]], batch["captions"]) for batch in task["batches"]]
    if what == "gradients":
        loss = loss_of(model, *batches[0])
        loss.backward()
        names = [name for name, _ in model.named_parameters() if not task["frozen"] or name.startswith("clip_")]
        gradients = {name: model.get_parameter(name).grad for name in names}
        write_tensors(f"{folder}/gradients.safetensors", {**gradients, "loss": loss.reshape(1)})
        return
    optimizer = ReferenceAdamW(trained, lr=task["learningRate"])
    schedule = get_linear_schedule_with_warmup(optimizer, task["warmup"], len(batches))
    losses = []
    for batch in batches:
        model.zero_grad()
        loss = loss_of(model, *batch)
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        print(f"step {len(losses)} of {len(batches)}: loss {losses[-1]:.4f}", flush=True)
    write_json(f"{folder}/losses.json", losses)


main(*sys.argv[1:])
