// What a template can call by name: range, dict, namespace, cycler, joiner, and transformers'
// raise_exception and strftime_now.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja/runtime.hpp"

namespace linnet::text::jinja {

/// The global function of that name; nothing if there is none.
std::optional<Value> global_function(Runtime& runtime, std::string_view name);

/// namespace(): the one thing that a template can change.
class Namespace final : public Object {
 public:
  [[nodiscard]] std::string_view type_name() const override { return "jinja2.utils.Namespace"; }
  std::optional<Value> attribute(Runtime& runtime, std::string_view name) override;
  void show(Runtime& runtime, Text& out) const override;
  void set(Runtime& runtime, std::string_view name, Value value);

 private:
  Dict members_;
};

}  // namespace linnet::text::jinja
