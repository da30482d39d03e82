#!/usr/bin/env python3
"""Trains linnet's built-in model: Gemma 3's architecture, under four million parameters, on the grammar's corpus.

    python3 train_tokenizer.py --out DIR
    python3 train.py --tokenizer DIR --documents 1000000 --steps 4000 --out DIR
    python3 evaluate.py --model DIR --out DIR

Needs PyTorch and transformers, and one GPU to be quick. Weights are float32 while training, arithmetic is bfloat16;
what is written is rounded to bfloat16.
"""

import argparse
import json
import math
import os
import time

import torch
from safetensors.torch import save_file
from transformers import Gemma3ForCausalLM, Gemma3TextConfig

import data

WINDOW = 128


def make_config():
    """The architecture. Layers 3 and 7 attend to everything, the others to the last 128 tokens."""
    kinds = ["full_attention" if (i + 1) % 4 == 0 else "sliding_attention" for i in range(8)]
    return Gemma3TextConfig(
        vocab_size=3072, hidden_size=192, num_hidden_layers=8, num_attention_heads=4, num_key_value_heads=1,
        head_dim=64, intermediate_size=512, sliding_window=WINDOW, layer_types=kinds, query_pre_attn_scalar=64,
        max_position_embeddings=2048, rms_norm_eps=1e-6, tie_word_embeddings=True, attention_bias=False,
        hidden_activation="gelu_pytorch_tanh", initializer_range=0.04, pad_token_id=data.PAD, bos_token_id=data.BOS,
        eos_token_id=data.EOS,
        rope_parameters={"full_attention": {"rope_type": "default", "rope_theta": 1000000.0},
                         "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}})


def make_masks(numbers):
    """Who may see whom: earlier tokens of the same document, and in sliding layers only the last WINDOW."""
    length = numbers.shape[1]
    position = torch.arange(length, device=numbers.device)
    distance = position[:, None] - position[None, :]
    full = (numbers[:, None, :, None] == numbers[:, None, None, :]) & (distance >= 0)
    return {"full_attention": full, "sliding_attention": full & (distance < WINDOW)}


def weighted_loss(hidden, embedding, targets, weights):
    """Mean cross entropy over the tokens that count."""
    logits = (hidden @ embedding.t()).float()
    losses = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    weights = weights.flatten()
    return (losses * weights).sum() / weights.sum()


def learning_rate(step, steps, peak, warmup=200):
    """Linear warm-up, then a cosine down to nothing."""
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def train(model, rows, options):
    """The loop. Returns the seconds that it took."""
    ids, weights, numbers = (torch.from_numpy(part) for part in rows)
    ids, weights, numbers = ids.cuda(), weights.cuda(), numbers.cuda()
    torch._dynamo.config.cache_size_limit = 64
    for layer in model.model.layers:
        layer.forward = torch.compile(layer.forward)
    loss_of = torch.compile(weighted_loss)
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}],
                                  lr=options.rate, betas=(0.9, 0.95), eps=1e-8, fused=True)
    generator = torch.Generator().manual_seed(options.seed)
    order, at, started = torch.randperm(len(ids), generator=generator), 0, time.time()
    steps, mark = options.steps, None
    model.train()
    step = 0
    while step < steps:
        if at + options.batch > len(order):
            order, at = torch.randperm(len(ids), generator=generator), 0
        chosen = order[at:at + options.batch].cuda()
        at += options.batch
        batch, number = ids[chosen].long(), numbers[chosen].long()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, options.rate)
        with torch.autocast("cuda", torch.bfloat16):
            hidden = model.model(input_ids=batch, attention_mask=make_masks(number), use_cache=False).last_hidden_state
            # A target counts only within its document.
            same = number[:, 1:] == number[:, :-1]
            loss = loss_of(hidden[:, :-1], model.lm_head.weight, batch[:, 1:], weights[chosen][:, 1:].float() * same)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        if step == 30:
            torch.cuda.synchronize()
            mark = time.time()
        if step == 60 and options.seconds:
            torch.cuda.synchronize()
            per_step = (time.time() - mark) / 30
            steps = min(steps, 60 + int(options.seconds / per_step))
            print("seconds per step %.4f, steps %d" % (per_step, steps), flush=True)
        if step % 250 == 0 or step == steps:
            print("step %d  loss %.4f  %.0f s" % (step, loss.item(), time.time() - started), flush=True)
    torch.cuda.synchronize()
    seconds = time.time() - started
    print("tokens per second %.0f" % (step * options.batch * data.CONTEXT / seconds))
    return step, seconds


def write(model, folder, extra):
    """model.safetensors in bfloat16, config.json with the old and the new names, generation_config.json."""
    tensors = {name: tensor.detach().to(torch.bfloat16).cpu().contiguous()
               for name, tensor in model.state_dict().items() if name != "lm_head.weight"}
    save_file(tensors, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
    config = model.config.to_dict()
    for name in ("_name_or_path", "id2label", "label2id", "_sliding_window_pattern", "problem_type", "output_attentions",
                 "output_hidden_states", "return_dict", "chunk_size_feed_forward", "is_encoder_decoder", "dtype"):
        config.pop(name, None)
    config.update(architectures=["Gemma3ForCausalLM"], model_type="gemma3_text", torch_dtype="bfloat16",
                  rope_theta=1000000.0, rope_local_base_freq=10000.0, sliding_window_pattern=4,
                  eos_token_id=[data.EOS, data.END])
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(config, file, indent=1, sort_keys=True)
        file.write("\n")
    with open(os.path.join(folder, "generation_config.json"), "w") as file:
        json.dump({"bos_token_id": data.BOS, "eos_token_id": [data.EOS, data.END], "pad_token_id": data.PAD,
                   "do_sample": True, "temperature": 0.8, "top_p": 0.95, "top_k": 64}, file, indent=1)
        file.write("\n")
    with open(os.path.join(folder, "training.json"), "w") as file:
        json.dump(extra, file, indent=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", default=".", help="the folder that holds tokenizer.json")
    parser.add_argument("--documents", type=int, default=1000000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--seconds", type=float, default=0, help="cut the steps so that training takes about this long")
    parser.add_argument("--batch", type=int, default=128, help="rows of %d tokens" % data.CONTEXT)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--workers", type=int, default=15)
    parser.add_argument("--out", default=".")
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    started = time.time()
    rows = data.make_rows(os.path.join(options.tokenizer, "tokenizer.json"), options.seed, options.documents,
                          workers=options.workers)
    tokens = int((rows[0] != 0).sum())
    print("rows %d, tokens %d (%.1f %% filled), %.0f s" % (
        len(rows[0]), tokens, 100.0 * tokens / rows[0].size, time.time() - started), flush=True)
    torch.manual_seed(options.seed)
    torch.backends.cuda.matmul.allow_tf32 = True
    model = Gemma3ForCausalLM(make_config())
    model.config._attn_implementation = "sdpa"
    parameters = sum(p.numel() for p in model.parameters())
    print("parameters", parameters)
    assert parameters <= 4000000
    steps, seconds = train(model.cuda(), rows, options)
    for layer in model.model.layers:
        del layer.forward
    write(model, options.out, {
        "parameters": parameters, "documents": options.documents, "rows": len(rows[0]), "tokens": tokens, "steps": steps,
        "batch_rows": options.batch, "context": data.CONTEXT, "peak_rate": options.rate, "seed": options.seed,
        "seconds": round(seconds), "passes": round(steps * options.batch / len(rows[0]), 2), "torch": torch.__version__,
        "device": torch.cuda.get_device_name()})


if __name__ == "__main__":
    main()
