// Jinja templates as transformers runs them: Jinja2's immutable sandbox with trim_blocks,
// lstrip_blocks, break and continue, `generation` blocks, raise_exception, strftime_now and
// transformers' tojson.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "text/jinja/budget.hpp"
#include "text/jinja/value.hpp"

namespace linnet::text::jinja {

struct RenderOptions {
  Limits limits = {};
  /// What strftime_now shows, as local time; nothing: the clock.
  std::optional<std::chrono::local_seconds> now = std::nullopt;
};

struct Tree;

/// A parsed template. Cheap to copy; immutable, so it may be used by several threads at once.
class Template {
 public:
  /// Errors: malformed_file, naming the line, for what Jinja would refuse to compile; unsupported
  /// for tags that need other templates.
  static Template parse(std::string_view source);

  /// The text, with `variables` (names to values) as its variables.
  /// Errors: invalid_argument, naming the line, for what Jinja would raise (raise_exception's
  /// message among it); unsupported when a limit is passed.
  [[nodiscard]] std::string render(const Dict& variables, const RenderOptions& options = {}) const;

 private:
  explicit Template(std::shared_ptr<const Tree> tree) : tree_(std::move(tree)) {}
  std::shared_ptr<const Tree> tree_;
};

}  // namespace linnet::text::jinja
