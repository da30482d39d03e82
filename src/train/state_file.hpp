// Checkpoints of a training run: all that is needed to go on as if nothing had happened.
//
// A run's folder holds one folder per checkpoint, checkpoint-<step>, with
//   parameters.safetensors  the trained parameters
//   optimizer.safetensors   the optimizer's state, as Optimizer::state() names it
//   state.json              step, fingerprint of the options, seeds, position in the data, history
//   checksums               XXH3 (128 bits) of the others, a line each: "<32 digits>  <name>",
//   which
//                           xxh128sum -c reads
//
// Invariant: a folder named checkpoint-<digits> is whole. It is written under another name
// (checkpoint-<step>.tmp-...), flushed to the disk and renamed; an old one is renamed before it is
// deleted. So a process that is killed at any moment, or a machine without power, leaves the
// earlier checkpoints valid and at most a folder .tmp-..., which the next save removes. One process
// at a time may save into a run's folder; any number may load.
#pragma once

#include <linnet/train.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "train/optimizer.hpp"

namespace linnet::train {

/// What a checkpoint has beside its tensors.
struct RunState {
  int64_t step = 0;
  std::string fingerprint = {};           ///< of the options that a resumed run must share
  std::map<std::string, uint64_t> seeds;  ///< by what they are for
  std::string data_checksum = {};         ///< as RunOptions::data_checksum; empty in old ones
  std::string data_position = "{}";       ///< JSON of the caller's; comes back without white space
  TrainHistory history = {};
};

/// Steps of saving, in order; for tests that kill the process there.
enum class SaveStage : uint8_t {
  created,     ///< the temporary folder is there
  parameters,  ///< written
  optimizer,   ///< written
  state,       ///< written
  checksums,   ///< written; all is on the disk
  renamed,     ///< in place
  retired,     ///< an old checkpoint is renamed, and not deleted
  done,
};

struct SaveOptions {
  /// How many checkpoints stay: the new one and those of the steps before it. 0: all.
  int64_t keep = 0;
  std::function<void(SaveStage)> reached = {};  ///< called after each stage
};

/// Writes checkpoint-<state.step> into `run`, which is made if it is missing; one of that step is
/// replaced (where the file system cannot exchange two names, there is a moment without it).
/// Then deletes those of earlier steps beyond `keep`; later ones are left. Returns the new folder.
/// Errors: invalid_argument for a negative step or keep, data_position that is no JSON, or
/// parameters that are not dense; not_found, device if the folder cannot be written (nothing is
/// changed then).
std::filesystem::path save_checkpoint(const std::filesystem::path& run, const RunState& state,
                                      const std::vector<Parameter>& parameters,
                                      const NamedArrays& optimizer,
                                      const SaveOptions& options = {});

struct LoadedCheckpoint {
  RunState state;
  NamedArrays parameters;  ///< read-only, over the mapped files
  NamedArrays optimizer;
};

/// Reads a checkpoint's folder. Everything is compared with its checksum first. Errors: not_found
/// if there is no such folder; malformed_file naming the folder and what is missing, damaged,
/// unknown or contradictory.
LoadedCheckpoint load_checkpoint(const std::filesystem::path& folder, const DevicePtr& device);

/// The checkpoints of a run by rising step; what has another name is passed over. Empty if the
/// folder is missing.
std::vector<std::pair<int64_t, std::filesystem::path>> list_checkpoints(
    const std::filesystem::path& run);

/// The one of the largest step. Whether it is valid shows when it is loaded: one that is damaged is
/// an error then, not passed over in silence.
std::optional<std::filesystem::path> latest_checkpoint(const std::filesystem::path& run);

/// Copies saved values into the parameters. Errors: malformed_file naming a parameter that is
/// missing, unknown or of another shape (nothing is changed then).
void restore_parameters(std::vector<Parameter>& parameters, const NamedArrays& saved);

}  // namespace linnet::train
