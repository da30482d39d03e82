#include "cli/model_options.hpp"

#include <string>

#include "base/error.hpp"
#include "cli/arguments.hpp"
#include "cli/progress.hpp"
#include "cli/units.hpp"

namespace linnet::cli {

namespace {

void add_model(CLI::App& command, const std::string& names, ModelOptions& options) {
  command
      .add_option_function<std::string>(
          names, [&options](const std::string& folder) { options.folder = folder; },
          "folder of a Hugging Face checkpoint, or its name in the Hugging Face cache (org/name); "
          "without it, or for builtin, the built-in model")
      ->type_name("DIR");
}

}  // namespace

void add_model_flag(CLI::App& command, ModelOptions& options) {
  add_model(command, "-m,--model", options);
}

void add_model_argument(CLI::App& command, ModelOptions& options) {
  add_model(command, "-m,--model,model", options);
}

void add_arithmetic_flags(CLI::App& command, ModelOptions& options) {
  const bool narrow = options.load.compute == Compute::bf16;
  command
      .add_option_function<std::string>(
          "--compute",
          [&options](const std::string& name) {
            options.load.compute = name == "f32" ? Compute::f32 : Compute::bf16;
          },
          narrow ? "arithmetic: bf16 (the default), or f32, the reference"
                 : "arithmetic: f32 (the default), the reference, or bf16")
      ->check(CLI::IsMember({"bf16", "f32"}))
      ->type_name("TYPE");
  command
      .add_option_function<std::string>(
          "--quantize",
          [&options](const std::string& text) {
            options.load.quantize = parse_quantize("--quantize", text);
          },
          "quantise the weights while loading: 2, 3, 4, 5, 6 or 8 bits in groups of 32, 64 (the "
          "default) or 128")
      ->type_name("BITS[:GROUP]");
}

void add_plan_flags(CLI::App& command, ModelOptions& options) {
  add_arithmetic_flags(command, options);
  add_number(command, "--context", options.load.context_length,
             "longest sequence, prompt and answer, in tokens; 0: what the model was trained for",
             "N");
}

void add_draft_flag(CLI::App& command, ModelOptions& options) {
  command
      .add_option_function<std::string>(
          "--draft", [&options](const std::string& folder) { options.load.draft = folder; },
          "a smaller model of the same vocabulary, which guesses for --speculate")
      ->type_name("DIR");
}

void add_adapter_flag(CLI::App& command, ModelOptions& options, const std::string& suffix) {
  command
      .add_option_function<std::string>(
          "--adapter" + suffix,
          [&options](const std::string& folder) { options.load.adapter = folder; },
          "folder of a low-rank adapter, PEFT's or mlx-lm's, that the model is used with")
      ->type_name("DIR");
}

void add_load_flags(CLI::App& command, ModelOptions& options) {
  add_plan_flags(command, options);
  add_adapter_flag(command, options);
  add_machine_flags(command, options);
}

void add_machine_flags(CLI::App& command, ModelOptions& options) {
  add_number(command, "--threads", options.load.threads,
             "threads that compute; 0: one per physical core", "N");
  command
      .add_option_function<std::string>(
          "--memory-budget",
          [&options](const std::string& text) {
            const auto bytes = parse_bytes(text);
            if (!bytes || *bytes == 0)
              throw CLI::ValidationError(
                  "--memory-budget",
                  fmt::format("\"{}\" is no size; expected one as in 4GiB, 512MiB or 8GB", text));
            options.load.memory_budget = *bytes;
          },
          "most that weights, cache and workspace may take, such as 4GiB; by default the machine's "
          "memory")
      ->type_name("SIZE");
}

std::optional<std::filesystem::path> find_folder(
    const std::optional<std::filesystem::path>& named) {
  // As serve takes it: a folder of that name comes first.
  if (!named || (*named == "builtin" && !std::filesystem::exists(*named))) return std::nullopt;
  return find_model(named->native());
}

ModelOptions found(ModelOptions options) {
  options.folder = find_folder(options.folder);
  if (!options.load.draft.empty()) options.load.draft = find_model(options.load.draft.native());
  return options;
}

TextModel load(const ModelOptions& named, const std::stop_token& stop) {
  const ModelOptions options = found(named);
  ProgressLine line;
  LoadOptions load = options.load;
  load.progress = [&](const LoadProgress& progress) {
    if (stop.stop_requested()) fail(ErrorCode::cancelled, "interrupted while loading");
    line.show(progress);
  };
  return options.folder ? load_model(*options.folder, load) : load_builtin_model(load);
}

}  // namespace linnet::cli
