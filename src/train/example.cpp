#include "train/example.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "train/chat_spans.hpp"

namespace linnet::train {
namespace {

using text::jinja::Value;

void append(Example& example, const std::vector<int32_t>& ids, bool target) {
  example.ids.insert(example.ids.end(), ids.begin(), ids.end());
  example.weights.insert(example.weights.end(), ids.size(), target ? 1.0F : 0.0F);
}

// The spans and what lies between them, each encoded for itself.
Example encode_pieces(const text::Tokenizer& tokenizer, const RenderedChat& chat) {
  Example example;
  size_t at = 0;
  for (const ChatSpan& span : chat.spans) {
    append(example, tokenizer.encode(chat.text.substr(at, span.begin - at), false), false);
    append(example, tokenizer.encode(chat.text.substr(span.begin, span.end - span.begin), false),
           true);
    at = span.end;
  }
  append(example, tokenizer.encode(chat.text.substr(at), false), false);
  return example;
}

// The text encoded as one, each token with its place. Nothing if the tokens' bytes are not the
// text's (it was normalised), or if one of them lies on both sides of a turn's beginning.
std::optional<Example> align(const text::Tokenizer& tokenizer, const RenderedChat& chat,
                             const std::vector<int32_t>& ids) {
  Example example;
  example.ids = ids;
  size_t at = 0;
  size_t next = 0;  // the first span that ends behind `at`
  for (const int32_t id : ids) {
    const std::string bytes = tokenizer.token_bytes(id);
    std::string_view shown = bytes;
    // SentencePiece's space before a text's first word.
    if (!chat.text.substr(at, shown.size()).starts_with(shown) && shown.starts_with(' '))
      shown.remove_prefix(1);
    if (chat.text.compare(at, shown.size(), shown) != 0) return std::nullopt;
    while (next < chat.spans.size() && chat.spans[next].end <= at) ++next;
    const bool within = next < chat.spans.size() && chat.spans[next].begin <= at;
    if (!within && next < chat.spans.size() && at + shown.size() > chat.spans[next].begin)
      return std::nullopt;
    example.weights.push_back(within ? 1.0F : 0.0F);
    at += shown.size();
  }
  if (at != chat.text.size()) return std::nullopt;
  return example;
}

Value make_message(const char* role, const std::string& content) {
  text::jinja::Dict message;
  message.set(Value::text("role"), Value::text(role));
  message.set(Value::text("content"), Value::text(content));
  return Value::dict(std::move(message));
}

// A prompt and its completion as two turns.
void make_chat(Record& record) {
  record.messages = {make_message("user", record.user_turn),
                     make_message("assistant", record.completion)};
  record.learned = {false, true};
  record.kind = Record::Kind::chat;
}

}  // namespace

int64_t count_targets(const Example& example) {
  return std::ranges::count_if(example.weights, [](float weight) { return weight != 0; });
}

Encoder::Encoder(text::Tokenizer tokenizer, std::optional<text::ChatTemplate> chat_template,
                 EncodeOptions options)
    : tokenizer_(std::move(tokenizer)),
      chat_template_(std::move(chat_template)),
      options_(std::move(options)) {
  require(options_.max_length >= 2, "max_length is {}, it must be 2 at least", options_.max_length);
  const std::vector<int32_t> round_nothing = tokenizer_.encode("", true);
  if (!round_nothing.empty() && round_nothing.front() == tokenizer_.bos_id())
    begin_ = {round_nothing.front()};
}

Example Encoder::encode_chat(const Record& record) const {
  const RenderedChat chat =
      render_with_spans(record, *chat_template_, tokenizer_, {.now = options_.now});
  Example pieces = encode_pieces(tokenizer_, chat);
  const std::vector<int32_t> whole = tokenizer_.encode(chat.text, false);
  if (pieces.ids == whole) return pieces;
  return align(tokenizer_, chat, whole).value_or(std::move(pieces));
}

Example Encoder::encode_completion(const Record& record) const {
  require(!record.completion.empty(), "the completion is empty");
  Example example;
  append(example, begin_, false);
  append(example, tokenizer_.encode(record.prompt, false), false);
  append(example, tokenizer_.encode(record.completion, false), true);
  if (options_.append_eos && tokenizer_.eos_id()) append(example, {*tokenizer_.eos_id()}, true);
  return example;
}

// The turns before an answer. Variables of the template are not among them: classify has none.
std::string Encoder::render_question(std::string question) const {
  require(chat_template_.has_value(), "a question to a model that has no chat template");
  std::vector<Value> messages;
  if (!options_.labelling->system.empty())
    messages.push_back(make_message("system", options_.labelling->system));
  messages.push_back(make_message("user", question));
  return chat_template_->render({.messages = Value::list(std::move(messages)),
                                 .add_generation_prompt = true,
                                 .options = {.now = options_.now}});
}

Example Encoder::encode_label(const Record& record) const {
  require(options_.labelling.has_value(), "a label, but nothing is asked");
  const Labelling& labelling = *options_.labelling;
  const std::vector<std::string>& labels = labelling.prompt.labels();
  require(std::ranges::find(labels, record.label) != labels.end(),
          "the label \"{}\" is none of those that are given", printable(record.label, 60));
  const bool chat = labelling.chat || !labelling.system.empty();
  std::string prompt = labelling.prompt.fill(record.text);
  if (chat) prompt = render_question(std::move(prompt));
  const text::LabelBorder border = text::label_border(prompt);
  Example example;
  append(example, tokenizer_.encode(border.prompt, !chat), false);
  append(example, tokenizer_.encode(text::label_text(record.label, border.space), false), true);
  if (options_.append_eos && tokenizer_.eos_id()) append(example, {*tokenizer_.eos_id()}, true);
  return example;
}

Encoded Encoder::encode_text(const Record& record) const {
  require(!record.text.empty(), "the text is empty");
  std::vector<int32_t> ids = begin_;
  const std::vector<int32_t> text = tokenizer_.encode(record.text, false);
  ids.insert(ids.end(), text.begin(), text.end());
  if (options_.append_eos && tokenizer_.eos_id()) ids.push_back(*tokenizer_.eos_id());
  Encoded result{.tokens = std::ssize(ids), .unlearned_label = record.unlearned_label};
  const auto length = static_cast<size_t>(options_.max_length);
  for (size_t begin = 0; begin + 1 < ids.size(); begin += length - 1) {
    const size_t end = std::min(ids.size(), begin + length);
    Example& piece = result.examples.emplace_back();
    piece.ids.assign(ids.begin() + static_cast<ptrdiff_t>(begin),
                     ids.begin() + static_cast<ptrdiff_t>(end));
    piece.weights.assign(end - begin, 1.0F);
    piece.weights.front() = 0;
  }
  result.without_targets = result.examples.empty();
  return result;
}

void Encoder::add(Example example, Encoded& result) const {
  const auto tokens = std::ssize(example.ids);
  result.tokens += tokens;
  if (!example.weights.empty()) example.weights.front() = 0;
  if (tokens > options_.max_length) {
    (options_.skip_long ? result.skipped_long : result.truncated) = true;
    if (options_.skip_long) return;
    example.ids.resize(static_cast<size_t>(options_.max_length));
    example.weights.resize(static_cast<size_t>(options_.max_length));
  }
  if (count_targets(example) == 0)
    result.without_targets = true;
  else
    result.examples.push_back(std::move(example));
}

Encoded Encoder::encode_turns(Record record) const {
  require(chat_template_.has_value(), "a conversation, but the model has no chat template");
  // Later values of a name go before earlier ones.
  record.variables.insert(record.variables.begin(), options_.variables.begin(),
                          options_.variables.end());
  Encoded result;
  if (options_.turns == Turns::all) {
    add(encode_chat(record), result);
    return result;
  }
  // From the last turn back, each time without what follows it.
  std::vector<Example> turns;
  std::vector<bool> learned = std::exchange(record.learned, {});
  for (size_t i = learned.size(); i-- > 0;) {
    if (!learned[i]) continue;
    if (options_.turns == Turns::apart) record.messages.resize(i + 1);
    record.learned.assign(record.messages.size(), false);
    record.learned[i] = true;
    turns.push_back(encode_chat(record));
    if (options_.turns == Turns::last) break;
  }
  for (size_t i = turns.size(); i-- > 0;) add(std::move(turns[i]), result);
  return result;
}

Encoded Encoder::encode(Record record) const {
  if (record.kind == Record::Kind::completion && options_.prompts_as_chat) make_chat(record);
  std::map<std::string, int64_t> role_bytes = std::move(record.role_bytes);
  Encoded encoded;
  if (record.kind == Record::Kind::text)
    encoded = encode_text(record);
  else if (record.kind == Record::Kind::completion)
    add(encode_completion(record), encoded);
  else if (record.kind == Record::Kind::label)
    add(encode_label(record), encoded);
  else
    encoded = encode_turns(std::move(record));
  encoded.role_bytes = std::move(role_bytes);
  return encoded;
}

}  // namespace linnet::train
