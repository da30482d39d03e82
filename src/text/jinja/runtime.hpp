// What filters, methods and operators need of a rendering: its budget, its way to fail, and makers
// of values that the budget counts. One for each rendering, used by one thread.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja/budget.hpp"
#include "text/jinja/value.hpp"

namespace linnet::text::jinja {

/// A text that grows within the budget.
class Text {
 public:
  explicit Text(Budget& budget) : budget_(&budget), charge_(&budget, 0) {}
  void append(std::string_view text) {
    budget_->work(text.size());
    charge_.grow(text.size());
    text_ += text;
  }
  void append(size_t count, char c) {
    budget_->work(count);
    charge_.grow(count);
    text_.append(count, c);
  }
  [[nodiscard]] const std::string& view() const { return text_; }
  [[nodiscard]] size_t size() const { return text_.size(); }
  /// The text as a value; nothing is left here.
  Value finish(bool safe = false) &&;
  std::string take() && { return std::move(text_); }

 private:
  Budget* budget_;
  Charge charge_;
  std::string text_;
};

class Runtime {
 public:
  /// `now` is what strftime_now shows; nothing: the clock, in the local time zone.
  Runtime(const Limits& limits, std::optional<std::chrono::local_seconds> now)
      : budget_(limits), now_(now) {}
  virtual ~Runtime() = default;
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  Budget& budget() { return budget_; }
  [[nodiscard]] const std::optional<std::chrono::local_seconds>& now() const { return now_; }

  /// Throws Error{invalid_argument} with the template's current line before the message.
  template <class... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    raise(fmt::format(format, std::forward<Args>(args)...));
  }
  [[noreturn]] void raise(const std::string& message) const;

  Value string(std::string text, bool safe = false);
  Value string(std::string_view text) { return string(std::string(text)); }
  Value string(const char* text) { return string(std::string(text)); }
  /// Errors: unsupported for containers nested deeper than kMaxValueDepth.
  Value list(std::vector<Value> items, SequenceKind kind = SequenceKind::list);
  Value tuple(std::vector<Value> items) { return list(std::move(items), SequenceKind::tuple); }
  Value generator(std::vector<Value> items);
  Value dict(Dict members);
  Value sequence(Sequence sequence);
  /// The object lives as long as this.
  Value own(std::unique_ptr<Object> object);

  /// Python's str() and repr().
  void append_str(Text& out, const Value& value);
  void append_repr(Text& out, const Value& value, int depth = 0);
  std::string str(const Value& value);
  std::string repr(const Value& value);

  /// Calls a function, macro or method.
  /// Errors: invalid_argument if it cannot be called so.
  Value call(const Value& callee, Arguments& arguments);

  /// The elements, as a for loop would see them; a generator is empty afterwards.
  std::vector<Value> iterate(const Value& value);
  /// Errors: as Python, for what has no length.
  int64_t length(const Value& value) const;
  [[nodiscard]] static bool truth(const Value& value);

 private:
  void check_depth(int depth) const;

  Budget budget_;  // before everything that is charged to it
  std::optional<std::chrono::local_seconds> now_;
  std::vector<std::unique_ptr<Object>> objects_;
};

/// The message of an attribute or element that is not there.
Value missing(const Value& of, const Value& key, Runtime& runtime);

}  // namespace linnet::text::jinja
