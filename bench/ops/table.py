#!/usr/bin/env python3
"""Prints Google Benchmark's JSON (build/bench/ops-*.json) as the Markdown tables of docs/performance.md."""
import json
import sys


def rate(value):
    return f"{value / 1e9:,.0f}" if value >= 10e9 else f"{value / 1e9:.1f}"


def microseconds(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: bench/ops/table.py build/bench/ops-best.json")
    with open(sys.argv[1]) as file:
        report = json.load(file)
    context = report["context"]
    print(f"{context['linnet_isa']}, {context['linnet_threads']} threads, {context['date'][:10]}\n")
    print("| op | µs | GFLOP/s | GB/s |\n| --- | --- | --- | --- |")
    scale = {"ns": 1e-3, "us": 1, "ms": 1e3, "s": 1e6}
    for run in report["benchmarks"]:
        if run.get("run_type") == "aggregate" and run.get("aggregate_name") != "median":
            continue
        if run.get("error_occurred"):
            print(f"| {run['name']} | {run['error_message']} | | |")
            continue
        name = run.get("run_name", run["name"]).replace("/real_time", "")
        flops = rate(run["FLOP/s"]) if "FLOP/s" in run else ""
        moved = rate(run["B/s"]) if "B/s" in run else ""
        print(f"| {name} | {microseconds(run['real_time'] * scale[run['time_unit']])} | {flops} | {moved} |")


if __name__ == "__main__":
    main()
