// Low-rank adapters (Hu et al. 2021, "LoRA"): what their folders say, other forms of them, weights
// with an adapter added. TextModel::load_adapter uses them beside a model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace linnet {

/// What an adapter's folder says.
struct AdapterInfo {
  std::string format;  ///< "peft" or "mlx"
  std::string base_model;
  int64_t rank = 0;
  double alpha = 0;
  bool rslora = false;
  std::vector<std::string> targets;  ///< last parts of its modules' names
  int64_t modules = 0;
  int64_t parameters = 0;
};

/// An adapter beside a loaded model.
struct LoadedAdapter {
  std::string name;
  std::filesystem::path folder;  ///< that it was read from
  AdapterInfo info;
  int64_t bytes = 0;  ///< of the model's memory
};

/// Reads an adapter in PEFT's or mlx-lm's form. Errors: not_found, malformed_file, unsupported.
AdapterInfo inspect_adapter(const std::filesystem::path& folder);

/// Writes an adapter in another form ("peft" or "mlx"). Errors: as inspect_adapter;
/// invalid_argument for another form, or if modules differ in what the form has once; device.
void convert_adapter(const std::filesystem::path& from, const std::filesystem::path& to,
                     const std::string& format);

/// How merge_adapter() writes.
struct MergeOptions {
  bool replace = false;  ///< a checkpoint that stands at the place; it stays whole until then
  int threads = 0;       ///< 0: one per physical core
};

/// Writes a checkpoint with an adapter added to its weights: W + scale B A in float32 (dot products
/// by the contract), rounded once to the type that W is stored in. Quantised weights are taken as
/// what they stand for, rounded to the type of their scales and quantised again with their own bits
/// and groups. Memory is bounded by some copies of the largest matrix. The base is not touched, so
/// to go back is to use it again. Errors: as inspect_adapter; invalid_argument naming a module that
/// the base does not have or both shapes, or for an adapter that linnet trained beside another
/// model; device. Nothing is written then.
void merge_adapter(const std::filesystem::path& base, const std::filesystem::path& adapter,
                   const std::filesystem::path& to, const MergeOptions& options = {});

}  // namespace linnet
