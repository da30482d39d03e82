#include "cli/model_pair.hpp"

#include <fmt/format.h>

#include <string>

#include "base/printable.hpp"
#include "cli/arguments.hpp"

namespace linnet::cli {
namespace {

/// What belongs to one of the two models: its folder, --adapter-X, --compute-X and --quantize-X.
void add_one(CLI::App& sub, const std::string& name, ModelOptions& options) {
  sub.add_option_function<std::string>(
         name, [&options](const std::string& folder) { options.folder = folder; },
         name == "a" ? "the reference: folder of a checkpoint, or builtin"
                     : "what is measured against it; both may name the same")
      ->type_name(name == "a" ? "A" : "B")
      ->required();
  add_adapter_flag(sub, options, "-" + name);
  const std::string quantize = "--quantize-" + name;
  sub.add_option_function<std::string>(
         quantize,
         [&options, quantize](const std::string& text) {
           options.load.quantize = parse_quantize(quantize, text);
         },
         "quantise its weights while loading")
      ->type_name("BITS[:GROUP]");
  sub.add_option_function<std::string>(
         "--compute-" + name,
         [&options](const std::string& type) {
           options.load.compute = type == "f32" ? Compute::f32 : Compute::bf16;
         },
         "its arithmetic: bf16 (the default), or f32, the reference")
      ->check(CLI::IsMember({"bf16", "f32"}))
      ->type_name("TYPE");
}

}  // namespace

void add_model_pair(CLI::App& command, ModelOptions& a, ModelOptions& b) {
  add_one(command, "a", a);
  add_one(command, "b", b);
  command
      .add_option_function<std::string>(
          "--threads",
          [&a, &b](const std::string& text) {
            if (!parse_number(text, a.load.threads))
              throw CLI::ValidationError("--threads", "\"" + text + "\" is not a whole number");
            b.load.threads = a.load.threads;
          },
          "threads that compute; 0: one per physical core")
      ->type_name("N")
      ->default_str("0");
}

std::string describe(const TextModel& model, const ModelOptions& options) {
  std::string text =
      fmt::format("{}, quantization: {}", model.info().name, model.info().quantization);
  if (!options.load.adapter.empty())
    text += fmt::format(", adapter: {}", printable(options.load.adapter.string()));
  return text;
}

nlohmann::ordered_json to_json(const TextModel& model, const ModelOptions& options) {
  nlohmann::ordered_json result{{"model", model.info().name},
                                {"quantization", model.info().quantization}};
  if (!options.load.adapter.empty()) result["adapter"] = options.load.adapter.string();
  return result;
}

}  // namespace linnet::cli
