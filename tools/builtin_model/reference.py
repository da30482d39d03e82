"""The built-in model's forward pass a second time, in NumPy and float64: what golden values come from. No code of linnet's."""

import json
import os

import numpy


def read_tensors(path):
    """The tensors of a safetensors file, as float64."""
    with open(path, "rb") as file:
        data = file.read()
    size = int.from_bytes(data[:8], "little")
    tensors = {}
    for name, entry in json.loads(data[8:8 + size]).items():
        if name == "__metadata__":
            continue
        assert entry["dtype"] == "BF16", name
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        bits = numpy.frombuffer(data[begin:end], numpy.uint16).astype(numpy.uint32) << 16
        tensors[name] = bits.view(numpy.float32).astype(numpy.float64).reshape(entry["shape"])
    return tensors


def gelu_tanh(x):
    return 0.5 * x * (1 + numpy.tanh(numpy.sqrt(2 / numpy.pi) * (x + 0.044715 * x ** 3)))


class Gemma3:
    """transformers' Gemma3ForCausalLM (text), for one sequence and without a cache."""

    def __init__(self, folder):
        with open(os.path.join(folder, "config.json")) as file:
            self.config = json.load(file)
        self.weights = read_tensors(os.path.join(folder, "model.safetensors"))

    def norm(self, x, name):
        scale = 1 + self.weights[name + ".weight"]
        return x / numpy.sqrt((x * x).mean(-1, keepdims=True) + self.config["rms_norm_eps"]) * scale

    def heads(self, x, name, count):
        """A projection as [head, token, dim]."""
        return (x @ self.weights[name + ".weight"].T).reshape(len(x), count, -1).transpose(1, 0, 2)

    def rotate(self, x, kind):
        half = x.shape[-1] // 2
        theta = self.config["rope_parameters"][kind]["rope_theta"]
        angles = numpy.arange(x.shape[1])[:, None] * theta ** (-numpy.arange(half) / half)
        cos, sin = numpy.cos(angles), numpy.sin(angles)
        a, b = x[..., :half], x[..., half:]
        return numpy.concatenate([a * cos - b * sin, b * cos + a * sin], -1)

    def attention(self, x, name, kind):
        c = self.config
        q = self.rotate(self.norm(self.heads(x, name + ".q_proj", c["num_attention_heads"]), name + ".q_norm"), kind)
        k = self.rotate(self.norm(self.heads(x, name + ".k_proj", c["num_key_value_heads"]), name + ".k_norm"), kind)
        v = self.heads(x, name + ".v_proj", c["num_key_value_heads"])
        group = c["num_attention_heads"] // c["num_key_value_heads"]
        k, v = k.repeat(group, 0), v.repeat(group, 0)
        scores = q @ k.transpose(0, 2, 1) * c["query_pre_attn_scalar"] ** -0.5
        place = numpy.arange(len(x))
        distance = place[:, None] - place[None, :]
        seen = distance >= 0
        if kind == "sliding_attention":
            seen &= distance < c["sliding_window"]
        scores = numpy.where(seen, scores, -numpy.inf)
        weights = numpy.exp(scores - scores.max(-1, keepdims=True))
        y = (weights / weights.sum(-1, keepdims=True)) @ v
        return y.transpose(1, 0, 2).reshape(len(x), -1) @ self.weights[name + ".o_proj.weight"].T

    def mlp(self, x, name):
        gate = gelu_tanh(x @ self.weights[name + ".gate_proj.weight"].T)
        return (gate * (x @ self.weights[name + ".up_proj.weight"].T)) @ self.weights[name + ".down_proj.weight"].T

    def last_logits(self, ids):
        """Logits of the token after the last."""
        embedding = self.weights["model.embed_tokens.weight"]
        x = embedding[ids] * numpy.float32(numpy.sqrt(self.config["hidden_size"]))
        for index, kind in enumerate(self.config["layer_types"]):
            name = "model.layers.%d" % index
            y = self.attention(self.norm(x, name + ".input_layernorm"), name + ".self_attn", kind)
            x = x + self.norm(y, name + ".post_attention_layernorm")
            y = self.mlp(self.norm(x, name + ".pre_feedforward_layernorm"), name + ".mlp")
            x = x + self.norm(y, name + ".post_feedforward_layernorm")
        return self.norm(x[-1], "model.norm") @ embedding.T

    def greedy(self, ids, steps, ends):
        """The continuation, how far each token is ahead of the second, and the eight largest logits of the first."""
        row, margins, first = list(ids), [], None
        for _ in range(steps):
            logits = self.last_logits(row)
            order = numpy.argsort(-logits, kind="stable")
            if first is None:
                first = [[int(i), round(float(logits[i]), 5)] for i in order[:8]]
            margins.append(round(float(logits[order[0]] - logits[order[1]]), 5))
            row.append(int(order[0]))
            if row[-1] in ends:
                break
        return row[len(ids):], margins, first
