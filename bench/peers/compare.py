#!/usr/bin/env python3
"""Runs llama.cpp and linnet by turns and prints medians and ratios; called by run.sh.

A round is one process of each, the order swapped from round to round, so that a change of the machine's
speed meets both. In a process each measurement is repeated three times and its median taken; a line's figure
is the median over the rounds. The results are also in WORK/results.json.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

INNER = 3  # repetitions inside a process
NEW_TOKENS = 32  # decoded in each repetition, after a prompt of three


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def llama_cpp(a, shape):
    result = run([a.node, os.path.join(a.work, "llama_cpp_bench.mjs"),
                  os.path.abspath(os.path.join(a.work, f"{shape}-{a.type}.gguf")),
                  str(a.threads), str(a.prompt), str(NEW_TOKENS), str(INNER)])
    return {"prefill": result["prefill_tok_s"], "decode": result["decode_tok_s"]}


def linnet(a, shape):
    result = run([a.linnet, "bench", os.path.join(a.work, f"{shape}-{a.bits}"), "--json",
                  "--prefill", str(a.prompt), "--decode", "3", "--repeat", str(INNER),
                  "--threads", str(a.threads)])
    prefill, decode = result["prefill"][0], result["decode"][0]
    return {"prefill": prefill["tokens_per_second"], "decode": decode["tokens_per_second"],
            "prefill_share_of_matmul": prefill["share_of_matmul"],
            "decode_share_of_read": decode["share_of_read"], "machine": result["machine"]}


def spread(rounds, key):
    values = [r[key] for r in rounds]
    return statistics.median(values), min(values), max(values)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--node", "--linnet", "--work", "--shapes", "--type", "--bits"):
        parser.add_argument(name, required=True)
    for name in ("--threads", "--rounds", "--prompt"):
        parser.add_argument(name, type=int, required=True)
    a = parser.parse_args()
    engines = {"llama.cpp": llama_cpp, "linnet": linnet}
    report = {"bits": int(a.bits), "threads": a.threads, "rounds": a.rounds, "prompt": a.prompt,
              "isa": os.environ.get("LINNET_ISA", ""), "shapes": {}}
    print(f"{a.bits}-bit weights, {a.threads} threads, {a.rounds} rounds; tokens per second: median (least .. most)")
    print(f"{'shape':<12}{'':<14}{'llama.cpp':>28}{'linnet':>28}{'ratio':>8}  share of limit", flush=True)
    for shape in a.shapes.split(","):
        rounds = {name: [] for name in engines}
        for i in range(a.rounds):
            order = list(engines) if i % 2 == 0 else list(reversed(engines))
            for name in order:
                rounds[name].append(engines[name](a, shape))
        entry = report["shapes"][shape] = {"rounds": rounds}
        for key, title, share, limit in (
                ("prefill", f"prefill {a.prompt}", "prefill_share_of_matmul", "multiplying"),
                ("decode", "decode", "decode_share_of_read", "reading")):
            columns = {name: spread(rounds[name], key) for name in engines}
            ratio = columns["linnet"][0] / columns["llama.cpp"][0]
            of_limit = statistics.median(r[share] for r in rounds["linnet"])
            entry[key] = {"llama_cpp": columns["llama.cpp"][0], "linnet": columns["linnet"][0],
                          "ratio": ratio, share: of_limit}
            cells = "".join(f"{f'{m:.2f} ({lo:.2f} .. {hi:.2f})':>28}" for m, lo, hi in columns.values())
            print(f"{shape:<12}{title:<14}{cells}{ratio:>7.2f}x  {100 * of_limit:.1f} % of {limit}", flush=True)
    machines = [r["machine"] for s in report["shapes"].values() for r in s["rounds"]["linnet"]]
    best = {k: max(m[k] for m in machines) for k in ("read_gbps", "matmul_tflops")}
    print(f"{machines[0]['processor']}, linnet on {machines[0]['isa']}: reads {best['read_gbps']:.1f} GB/s, "
          f"multiplies {best['matmul_tflops']:.3f} TFLOP/s")
    with open(os.path.join(a.work, "results.json"), "w") as out:
        json.dump(report, out, indent=1)


if __name__ == "__main__":
    main()
