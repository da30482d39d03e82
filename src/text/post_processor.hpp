// The "post_processor" of tokenizer.json: the special tokens put round an encoded text.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/json.hpp"

namespace linnet::text {

/// TemplateProcessing for one sequence, ByteLevel (which changes no ids) and Sequences of them.
/// Immutable and thread-safe.
class PostProcessor {
 public:
  /// Errors: unsupported for another type and for templates that use the text more than once;
  /// malformed_file for a template token that "special_tokens" does not define, or without the
  /// text.
  static PostProcessor parse(const std::optional<Json>& entry);

  /// The ids that go before and after the text.
  [[nodiscard]] const std::vector<int32_t>& before() const { return before_; }
  [[nodiscard]] const std::vector<int32_t>& after() const { return after_; }

 private:
  void add(const Json& entry);
  void add_template(const Json& entry);

  int steps_ = 0;
  std::vector<int32_t> before_;
  std::vector<int32_t> after_;
};

}  // namespace linnet::text
