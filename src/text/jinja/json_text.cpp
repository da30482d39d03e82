#include <algorithm>
#include <cmath>

#include "text/jinja/format.hpp"
#include "text/jinja/operators.hpp"
#include "text/jinja/python_text.hpp"
#include "text/unicode.hpp"

namespace linnet::text::jinja {
namespace {

class JsonWriter {
 public:
  JsonWriter(Runtime& runtime, const JsonStyle& style)
      : runtime_(runtime), style_(style), out_(runtime.budget()) {
    item_separator_ = style.item_separator.value_or(style.indent ? "," : ", ");
    key_separator_ = style.key_separator.value_or(": ");
  }

  Value run(const Value& value) {
    write(value, 0);
    return std::move(out_).finish();
  }

 private:
  void write(const Value& value, int depth) {
    runtime_.budget().step();
    if (value.is_none()) return out_.append("null");
    if (value.is_bool()) return out_.append(value.boolean() ? "true" : "false");
    if (value.is_int()) return out_.append(std::to_string(value.integral()));
    if (value.is_float()) return out_.append(number(value.number()));
    if (value.is_string()) return string(value.view());
    const Sequence* sequence = value.sequence();
    if (sequence != nullptr &&
        (sequence->kind == SequenceKind::list || sequence->kind == SequenceKind::tuple))
      return list(sequence->items, depth);
    if (value.dict() != nullptr) return dict(*value.dict(), depth);
    runtime_.fail("Object of type {} is not JSON serializable", value.type_name());
  }

  static std::string number(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
    return float_text(value);
  }

  void newline(int depth) {
    if (!style_.indent) return;
    out_.append("\n");
    for (int i = 0; i < depth; ++i) out_.append(*style_.indent);
  }

  void list(const std::vector<Value>& items, int depth) {
    if (items.empty()) return out_.append("[]");
    out_.append("[");
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_.append(item_separator_);
      newline(depth + 1);
      write(items[i], depth + 1);
    }
    newline(depth);
    out_.append("]");
  }

  void dict(const Dict& dict, int depth) {
    if (dict.members.empty()) return out_.append("{}");
    std::vector<const std::pair<Value, Value>*> members;
    for (const auto& member : dict.members) members.push_back(&member);
    if (style_.sort_keys)
      std::stable_sort(members.begin(), members.end(), [&](const auto* a, const auto* b) {
        return less(runtime_, a->first, b->first);
      });
    out_.append("{");
    for (size_t i = 0; i < members.size(); ++i) {
      if (i > 0) out_.append(item_separator_);
      newline(depth + 1);
      key(members[i]->first);
      out_.append(key_separator_);
      write(members[i]->second, depth + 1);
    }
    newline(depth);
    out_.append("}");
  }

  void key(const Value& key) {
    if (key.is_string()) return string(key.view());
    if (!key.is_number() && !key.is_none())
      runtime_.fail("keys must be str, int, float, bool or None, not {}", key.type_name());
    out_.append("\"");
    write(key, 0);
    out_.append("\"");
  }

  void string(std::string_view text) {
    out_.append("\"");
    size_t start = 0;
    for (size_t i = 0; i < text.size();) {
      const size_t size = sequence_length(static_cast<unsigned char>(text[i]));
      const std::string escape = escaped(code_point_at(text, i));
      if (!escape.empty()) {
        out_.append(text.substr(start, i - start));
        out_.append(escape);
        start = i + size;
      }
      i += size;
    }
    out_.append(text.substr(start));
    out_.append("\"");
  }

  // Empty for what stands for itself.
  [[nodiscard]] std::string escaped(char32_t c) const {
    switch (c) {
      case U'"': return "\\\"";
      case U'\\': return "\\\\";
      case U'\n': return "\\n";
      case U'\r': return "\\r";
      case U'\t': return "\\t";
      case U'\b': return "\\b";
      case U'\f': return "\\f";
      default: break;
    }
    if (c >= 0x20 && (c < 0x7F || !style_.ensure_ascii)) return "";
    if (c == 0x7F) return "";
    const auto unit = [](uint32_t code) { return fmt::format("\\u{:04x}", code); };
    if (c < 0x10000) return unit(static_cast<uint32_t>(c));
    const auto rest = static_cast<uint32_t>(c) - 0x10000;
    return unit(0xD800 + (rest >> 10)) + unit(0xDC00 + (rest & 0x3FF));
  }

  Runtime& runtime_;
  const JsonStyle& style_;
  Text out_;
  std::string item_separator_;
  std::string key_separator_;
};

}  // namespace

Value to_json(Runtime& runtime, const Value& value, const JsonStyle& style) {
  return JsonWriter(runtime, style).run(value);
}

}  // namespace linnet::text::jinja
