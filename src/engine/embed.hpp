// Texts as vectors.
#pragma once

#include <linnet/score.hpp>

#include <span>
#include <vector>

#include "engine/job.hpp"

namespace linnet::engine {

class Engine;

/// The states after the model's last norm, pooled: [M] each. The mean is a sum in the order of the
/// tokens, in float64, so a text's vector does not depend on how it was cut into passes. A
/// normalised vector has length 1 (one of zeros stays). Errors: invalid_argument for bad ids; as
/// read_all.
std::vector<std::vector<float>> embed_all(Engine& engine,
                                          std::span<const std::vector<int32_t>> texts,
                                          Pooling pooling, bool normalize, const Job::Terms& terms);

}  // namespace linnet::engine
