#include "train/chat_spans.hpp"

#include <optional>
#include <string_view>
#include <utility>

#include "base/error.hpp"

namespace linnet::train {
namespace {

using text::jinja::Value;

class SpanFinder {
 public:
  SpanFinder(const Record& record, const text::ChatTemplate& chat_template,
             const text::Tokenizer& tokenizer, const text::jinja::RenderOptions& options)
      : record_(record),
        template_(chat_template),
        tokenizer_(tokenizer),
        options_(options),
        whole_(render(record.messages, false)) {
    for (int i = 0; mark_.empty() || whole_.find(mark_) != std::string::npos; ++i)
      mark_ = fmt::format("linnetmark{}x", i);
  }

  RenderedChat find() && {
    std::vector<ChatSpan> spans;
    for (size_t i = 0; i < record_.messages.size(); ++i) {
      if (!record_.learned[i]) continue;
      const std::optional<size_t> begin = find_begin(i);
      const std::optional<size_t> end = begin ? find_end(i, *begin) : std::nullopt;
      const size_t before = spans.empty() ? 0 : spans.back().end;
      if (!end || *begin < before || *end < *begin)
        fail(ErrorCode::unsupported,
             "the chat template does not show where message {} {} in the conversation", i,
             begin ? "ends" : "begins");
      if (*end > *begin) spans.push_back({.message = i, .begin = *begin, .end = *end});
    }
    return {.text = std::move(whole_), .spans = std::move(spans)};
  }

 private:
  using Messages = std::vector<Value>;

  [[nodiscard]] std::string render(Messages messages, bool prompt) const {
    text::ChatRequest request{.messages = Value::list(std::move(messages)),
                              .tools = record_.tools,
                              .add_generation_prompt = prompt};
    request.options = options_;
    for (const auto& [key, value] : record_.variables)
      request.variables.set(Value::text(key), value);
    return template_.render(request);
  }

  /// Nothing for a conversation that the template refuses.
  [[nodiscard]] std::optional<std::string> try_render(Messages messages, bool prompt) const {
    try {
      return render(std::move(messages), prompt);
    } catch (const Error&) {
      return std::nullopt;
    }
  }

  [[nodiscard]] Messages first(size_t count) const {
    return {record_.messages.begin(), record_.messages.begin() + static_cast<ptrdiff_t>(count)};
  }

  /// What stands behind the only mark.
  [[nodiscard]] std::optional<std::string> behind_mark(
      const std::optional<std::string>& text) const {
    const size_t at = text ? text->find(mark_) : std::string::npos;
    if (at == std::string::npos || text->find(mark_, at + 1) != std::string::npos)
      return std::nullopt;
    return text->substr(at + mark_.size());
  }

  /// An assistant's message that is the mark.
  [[nodiscard]] Value plain() const {
    text::jinja::Dict message;
    message.set(Value::text("role"), Value::text("assistant"));
    message.set(Value::text("content"), Value::text(mark_));
    return Value::dict(std::move(message));
  }

  [[nodiscard]] std::optional<size_t> find_begin(size_t i) const {
    if (const auto prompt = try_render(first(i), true); prompt && whole_.starts_with(*prompt))
      return prompt->size();
    if (const auto begin = begin_behind_previous(i)) return begin;
    // A prompt that earlier turns do not show (DeepSeek R1's "<think>"): the header of the turn
    // alone.
    Messages all = record_.messages;
    all[i] = plain();
    const auto marked = try_render(std::move(all), false);
    const size_t at = marked ? marked->find(mark_) : std::string::npos;
    if (at == std::string::npos || !whole_.starts_with(std::string_view(*marked).substr(0, at)))
      return std::nullopt;
    return at;
  }

  /// The conversation's first messages with a mark at the end of message i - 1, or nothing without
  /// such a text.
  [[nodiscard]] std::optional<Messages> mark_previous(size_t i, size_t count) const {
    if (i == 0) return std::nullopt;
    const Value& previous = record_.messages[i - 1];
    const Value* content = previous.dict()->find(std::string_view("content"));
    if (content == nullptr || !content->is_string()) return std::nullopt;
    Messages messages = first(count);
    messages[i - 1] =
        with_member(previous, "content", Value::text(std::string(content->view()) + mark_));
    return messages;
  }

  [[nodiscard]] std::optional<size_t> begin_behind_previous(size_t i) const {
    const auto shorter = mark_previous(i, i);
    if (!shorter) return std::nullopt;
    const auto prompt = behind_mark(try_render(*shorter, true));
    const auto rest = behind_mark(try_render(*mark_previous(i, record_.messages.size()), false));
    if (!prompt || !rest || !rest->starts_with(*prompt) || !whole_.ends_with(*rest))
      return std::nullopt;
    return whole_.size() - rest->size() + prompt->size();
  }

  /// The turn as the conversation that ends with it shows it, if the whole shows it so too.
  [[nodiscard]] std::optional<size_t> end_as_if_last(size_t i, size_t begin) const {
    const auto shorter = mark_previous(i, i);
    if (!shorter) return std::nullopt;
    const auto prompt = behind_mark(try_render(*shorter, true));
    const auto rest = behind_mark(try_render(*mark_previous(i, i + 1), false));
    if (!prompt || !rest || !rest->starts_with(*prompt)) return std::nullopt;
    const std::string turn = rest->substr(prompt->size());
    if (turn.empty() || whole_.compare(begin, turn.size(), turn) != 0) return std::nullopt;
    return begin + own_part(turn);
  }

  [[nodiscard]] std::optional<size_t> find_end(size_t i, size_t begin) const {
    if (i + 1 == record_.messages.size()) return begin + own_part(whole_.substr(begin));
    if (const auto upto = try_render(first(i + 1), false);
        upto && upto->size() >= begin && whole_.starts_with(*upto))
      return begin + own_part(upto->substr(begin));
    // A plain message in its place: what follows the mark is the turn's end and the rest.
    Messages all = record_.messages;
    all[i] = plain();
    Messages shorter = first(i);
    shorter.push_back(plain());
    const auto rest = behind_mark(try_render(std::move(all), false));
    const auto turn_end = behind_mark(try_render(std::move(shorter), false));
    if (!rest || !turn_end || !whole_.ends_with(*rest) || !rest->starts_with(*turn_end))
      return end_as_if_last(i, begin);
    return whole_.size() - rest->size() + own_part(*turn_end);
  }

  /// Bytes up to the end of the last special token of a turn; all where it has none.
  [[nodiscard]] size_t own_part(const std::string& turn) const {
    const std::vector<int32_t> ids = tokenizer_.encode(turn, false);
    for (size_t i = ids.size(); i-- > 0;) {
      if (!tokenizer_.is_special(ids[i])) continue;
      const std::string_view token = *tokenizer_.id_to_token(ids[i]);
      const size_t at = turn.rfind(token);
      return at == std::string::npos ? turn.size() : at + token.size();
    }
    return turn.size();
  }

  const Record& record_;
  const text::ChatTemplate& template_;
  const text::Tokenizer& tokenizer_;
  const text::jinja::RenderOptions& options_;
  std::string whole_;
  std::string mark_;
};

}  // namespace

RenderedChat render_with_spans(const Record& record, const text::ChatTemplate& chat_template,
                               const text::Tokenizer& tokenizer,
                               const text::jinja::RenderOptions& options) {
  return SpanFinder(record, chat_template, tokenizer, options).find();
}

}  // namespace linnet::train
