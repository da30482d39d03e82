// The files of a checkpoint beside its tensors.
#pragma once

#include <string_view>

#include "io/checkpoint.hpp"
#include "io/checkpoint_writer.hpp"

namespace linnet {

/// Whether a file belongs to a checkpoint beside its tensors and config.json: the tokenizer,
/// settings, code of the model and licenses. Not weights of any format, nor their index.
bool is_companion(std::string_view name);

/// Writes those of a checkpoint beside the tensors of another.
void copy_companions(const io::Checkpoint& from, io::CheckpointWriter& to);

}  // namespace linnet
