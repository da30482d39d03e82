// The sub-commands, one file each.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "cli/exit_code.hpp"

namespace linnet::cli {

/// What the command line asks for, once all of it was understood.
using Action = std::function<ExitCode()>;

/// Each adds its sub-command to `app`; parsing the command line then sets `action`, which must
/// outlive that.
void add_generate(CLI::App& app, Action& action);
void add_chat(CLI::App& app, Action& action);
void add_tokenize(CLI::App& app, Action& action);
void add_tokenizer(CLI::App& app, Action& action);
void add_render(CLI::App& app, Action& action);
void add_logits(CLI::App& app, Action& action);
void add_info(CLI::App& app, Action& action);
void add_plan(CLI::App& app, Action& action);
void add_models(CLI::App& app, Action& action);
void add_quantize(CLI::App& app, Action& action);
void add_kld(CLI::App& app, Action& action);
void add_synth(CLI::App& app, Action& action);
void add_bench(CLI::App& app, Action& action);
/// Adds `bench tokenizer` to the sub-command `bench`.
void add_bench_tokenizer(CLI::App& bench, Action& action);
void add_explain(CLI::App& app, Action& action);
void add_classify(CLI::App& app, Action& action);
void add_calibrate(CLI::App& app, Action& action);
void add_batch(CLI::App& app, Action& action);
void add_score(CLI::App& app, Action& action);
void add_perplexity(CLI::App& app, Action& action);
void add_embed(CLI::App& app, Action& action);
void add_serve(CLI::App& app, Action& action);
void add_train(CLI::App& app, Action& action);
void add_merge(CLI::App& app, Action& action);
void add_adapters(CLI::App& app, Action& action);

}  // namespace linnet::cli
