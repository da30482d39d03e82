// linnet info: what a checkpoint is, from its headers alone.
#include <linnet/linnet.hpp>

#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/commands.hpp"
#include "cli/formats.hpp"
#include "cli/json_line.hpp"
#include "cli/model_options.hpp"
#include "cli/output.hpp"
#include "cli/units.hpp"

namespace linnet::cli {
namespace {

struct InfoCommand {
  ModelOptions model;
  bool json = false;
};

std::string to_json(const ModelInfo& info) {
  nlohmann::ordered_json result{{"name", info.name},
                                {"architecture", info.architecture},
                                {"model_type", info.model_type},
                                {"parameters", info.parameters},
                                {"stored_bytes", info.stored_bytes},
                                {"dtype", info.dtype},
                                {"quantization", info.quantization},
                                {"formats", formats_to_json(info.formats)},
                                {"vocab_size", info.vocab_size},
                                {"hidden_size", info.hidden_size},
                                {"intermediate_size", info.intermediate_size},
                                {"num_layers", info.num_layers},
                                {"num_attention_heads", info.num_attention_heads},
                                {"num_key_value_heads", info.num_key_value_heads},
                                {"head_dim", info.head_dim},
                                {"sliding_window", info.sliding_window},
                                {"sliding_layers", info.sliding_layers},
                                {"max_context_length", info.max_context_length},
                                {"tied_embeddings", info.tied_embeddings},
                                {"has_tokenizer", info.has_tokenizer},
                                {"files", nlohmann::ordered_json::array()}};
  for (const ModelFile& file : info.files)
    result["files"].push_back({{"name", file.name}, {"bytes", file.bytes}});
  return json_line(result) + "\n";
}

std::string to_text(const ModelInfo& info) {
  std::string text;
  const auto line = [&text](std::string_view name, const std::string& value) {
    fmt::format_to(std::back_inserter(text), "{:<16}{}\n", name, value);
  };
  line("model", info.name);
  line("architecture", fmt::format("{} ({})", info.architecture, info.model_type));
  line("parameters", fmt::format("{}, {}, quantization: {}, {} in files", grouped(info.parameters),
                                 info.dtype, info.quantization, format_bytes(info.stored_bytes)));
  line("matrices", formats_to_text(info.formats, 16));
  line("layers", fmt::format("{} of width {}, feed-forward {}", info.num_layers, info.hidden_size,
                             info.intermediate_size));
  line("attention", fmt::format("{} heads of {}, {} for keys and values", info.num_attention_heads,
                                info.head_dim, info.num_key_value_heads));
  line("sliding window", info.sliding_window == 0
                             ? "none"
                             : fmt::format("{} tokens in {} of {} layers", info.sliding_window,
                                           info.sliding_layers, info.num_layers));
  line("vocabulary", fmt::format("{} tokens, {} head, {}", grouped(info.vocab_size),
                                 info.tied_embeddings ? "tied" : "separate",
                                 info.has_tokenizer ? "with tokenizer" : "no tokenizer"));
  line("context", fmt::format("{} tokens", grouped(info.max_context_length)));
  for (size_t i = 0; i < info.files.size(); ++i)
    line(i == 0 ? "files" : "", fmt::format("{:<32}{:>12}", printable(info.files[i].name),
                                            format_bytes(info.files[i].bytes)));
  return text;
}

ExitCode info(const InfoCommand& command) {
  const auto folder = find_folder(command.model.folder);
  const ModelInfo info = folder ? inspect_model(*folder) : inspect_builtin_model();
  write_out(command.json ? to_json(info) : to_text(info));
  return ExitCode::success;
}

}  // namespace

void add_info(CLI::App& app, Action& action) {
  const auto command = std::make_shared<InfoCommand>();
  CLI::App& sub = *app.add_subcommand("info", "Says what a checkpoint is; loads nothing.");
  add_model_flag(sub, command->model);
  sub.add_flag("--json", command->json, "one JSON object instead of text");
  sub.callback([command, &action] { action = [command] { return info(*command); }; });
}

}  // namespace linnet::cli
