// state.json of a training checkpoint.
//
//   {"format": "linnet training checkpoint", "version": 1, "step": 100, "fingerprint": "...",
//    "seeds": {"data": "42"}, "data_checksum": "...", "data": {...},
//    "history": {"step": [1, 2], "loss": [...], "learning_rate": [...], "gradient_norm": [...],
//                "tokens_per_second": [...], "memory_bytes": [...]},
//    "validation": {"step": [...], "loss": [...]}}
//
// Seeds are strings, because a JSON number need not hold 64 bits; a loss that is not finite is
// null. Checkpoints of earlier programs have no data_checksum.
#pragma once

#include <string>

#include "train/state_file.hpp"

namespace linnet::train {

/// Errors: invalid_argument if data_position is no JSON or a text is not UTF-8.
std::string to_json(const RunState& state);

/// `origin` starts every message. Errors: malformed_file for what is missing, unknown, of another
/// type or contradictory.
RunState run_state_from_json(const std::string& text, const std::string& origin);

}  // namespace linnet::train
