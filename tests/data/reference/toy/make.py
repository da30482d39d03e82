"""Full training of tests/data/reference/qwen3 by PyTorch on the task of tests/train/toy_test.cpp, 200 steps:

    python3 make.py ../qwen3 qwen3.json

The model is written down here (transformers' Qwen3ForCausalLM); its first logits are compared with the golden ones.
"""

import json
import os
import sys

import torch


def read_tensors(folder):
    tensors = {}
    for name in sorted(os.listdir(folder)):
        if not name.startswith("model") or not name.endswith(".safetensors"):
            continue
        tensors.update(read_file(os.path.join(folder, name)))
    return tensors


def read_file(path):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    size = int.from_bytes(data[:8], "little")
    types = {"BF16": torch.bfloat16, "F32": torch.float32, "I32": torch.int32, "I64": torch.int64, "F16": torch.float16}
    tensors = {}
    for name, entry in json.loads(bytes(data[8:8 + size])).items():
        if name == "__metadata__":
            continue
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        tensors[name] = torch.frombuffer(data[begin:end], dtype=types[entry["dtype"]]).reshape(entry["shape"])
    return tensors


class Qwen3:
    def __init__(self, folder):
        with open(os.path.join(folder, "config.json")) as file:
            self.config = json.load(file)
        stored = read_tensors(folder)
        self.weights = {name: value.float().clone().requires_grad_() for name, value in stored.items()}

    def norm(self, x, name):
        return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + self.config["rms_norm_eps"]) * self.weights[name + ".weight"]

    def rotate(self, x):
        half = x.shape[-1] // 2
        theta = self.config.get("rope_theta") or self.config["rope_parameters"]["rope_theta"]
        angles = torch.arange(x.shape[-2]).double()[:, None] * theta ** (-torch.arange(half).double() / half)
        cos, sin = torch.cos(angles).float(), torch.sin(angles).float()
        a, b = x[..., :half], x[..., half:]
        return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)

    def heads(self, x, name, count):
        y = x @ self.weights[name + ".weight"].t()
        return y.reshape(*x.shape[:2], count, -1).transpose(1, 2)

    def logits(self, ids):
        c, w = self.config, self.weights
        x = w["model.embed_tokens.weight"][ids]
        seen = torch.ones(ids.shape[1], ids.shape[1]).tril().bool()
        for index in range(c["num_hidden_layers"]):
            name = "model.layers.%d" % index
            y = self.norm(x, name + ".input_layernorm")
            q = self.rotate(self.norm(self.heads(y, name + ".self_attn.q_proj", c["num_attention_heads"]), name + ".self_attn.q_norm"))
            k = self.rotate(self.norm(self.heads(y, name + ".self_attn.k_proj", c["num_key_value_heads"]), name + ".self_attn.k_norm"))
            v = self.heads(y, name + ".self_attn.v_proj", c["num_key_value_heads"])
            group = c["num_attention_heads"] // c["num_key_value_heads"]
            k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
            scores = (q @ k.transpose(-1, -2) * c["head_dim"] ** -0.5).masked_fill(~seen, float("-inf"))
            y = (torch.softmax(scores, -1) @ v).transpose(1, 2).reshape(*x.shape[:2], -1)
            x = x + y @ w[name + ".self_attn.o_proj.weight"].t()
            y = self.norm(x, name + ".post_attention_layernorm")
            gate = torch.nn.functional.silu(y @ w[name + ".mlp.gate_proj.weight"].t())
            x = x + (gate * (y @ w[name + ".mlp.up_proj.weight"].t())) @ w[name + ".mlp.down_proj.weight"].t()
        head = w.get("lm_head.weight", w["model.embed_tokens.weight"])
        return self.norm(x, "model.norm") @ head.t()


def check(model, folder):
    golden = read_file(os.path.join(folder, "golden.safetensors"))
    ids, expected = golden["p70.ids"], golden["p70.logits"]
    found = model.logits(ids.reshape(1, -1).long())[0]
    error = (found - expected).abs().max() / expected.abs().max()
    print("golden logits: largest difference %.2e of the largest" % error.item())
    assert error < 1e-4


class Draw:
    state = 12345

    def __call__(self, n):
        self.state = (self.state * 1664525 + 1013904223) % 2 ** 32
        return (self.state >> 8) % n


def main():
    torch.set_num_threads(1)
    model = Qwen3(sys.argv[1])
    check(model, sys.argv[1])
    optimizer = torch.optim.AdamW(list(model.weights.values()), lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0)
    draw, losses = Draw(), []
    for _ in range(200):
        rows = []
        for _ in range(4):
            start, stride = draw(64), 1 + draw(5)
            rows.append([10 + (start + t * stride) % 64 for t in range(24)])
        ids = torch.tensor(rows)
        logits = model.logits(ids)[:, :-1]
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with open(sys.argv[2], "w") as file:
        json.dump({"losses": losses}, file)
    print("first", losses[:3], "mean of the last 20", sum(losses[-20:]) / 20)


if __name__ == "__main__":
    main()
