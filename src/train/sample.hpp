// What a subject says so far.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "train/subject.hpp"

namespace linnet::train {

/// The likeliest continuation of `ids`, token by token, until `ends(id)` or `most` tokens. Without
/// a cache: each token reads the whole text again, which is no matter for a few.
std::vector<int32_t> continue_greedily(const Subject& subject, std::span<const int32_t> ids,
                                       int64_t most, const std::function<bool(int32_t)>& ends);

}  // namespace linnet::train
