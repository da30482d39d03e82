// Tokens to learn from, and which of them are learned.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "text/chat_template.hpp"
#include "text/label_prompt.hpp"
#include "text/tokenizer.hpp"
#include "train/record.hpp"

namespace linnet::train {

/// One sequence. weights[t] says how much token t counts as a target (it is predicted from the
/// tokens before it): 0 or 1, and 0 for the first, which nothing predicts.
struct Example {
  std::vector<int32_t> ids;    // [T]
  std::vector<float> weights;  // [T]

  friend bool operator==(const Example&, const Example&) = default;
};

/// How much of an example counts: its tokens with weight.
int64_t count_targets(const Example& example);

/// Which of the assistant's turns a conversation teaches.
///   all    all, in one example. A template that shows earlier turns in another way than they were
///          written in (Qwen 3 without their thinking) teaches these as it shows them.
///   last   the last one
///   apart  all, each in an example of its own that ends with it: what the model sees when it
///   writes
///          that turn, and all of what it writes. More tokens: a conversation is there once for
///          each turn.
enum class Turns { all, last, apart };

/// How lines with a text and a label are learned: as classify asks.
struct Labelling {
  LabelFields fields;
  text::LabelPrompt prompt;
  std::string system;
  bool chat = false;  ///< or a system message: the question is a user's turn
};

struct EncodeOptions {
  int64_t max_length = 2048;  ///< tokens of an example, at least 2
  /// Conversations and completions that are longer: their first max_length tokens, or nothing.
  bool skip_long = false;
  /// EOS behind completions and texts.
  bool append_eos = true;
  /// {"prompt", "completion"} of strings as a conversation of two turns.
  bool prompts_as_chat = false;
  /// Texts have labels. None: they are texts, whatever else is in their lines.
  std::optional<Labelling> labelling;
  Turns turns = Turns::all;
  /// Variables of the chat template ("enable_thinking"); those of a record go before them.
  std::vector<std::pair<std::string, text::jinja::Value>> variables;
  /// What templates with a date in them take for today: the clock would make other data of each
  /// run. The date that Llama 3's own templates fall back to.
  std::chrono::local_seconds now =
      std::chrono::local_days(std::chrono::year(2024) / std::chrono::July / 26);
};

/// What became of a record.
struct Encoded {
  std::vector<Example> examples;  ///< of a text its pieces, of turns apart each; else one at most
  int64_t tokens = 0;             ///< of the examples, before anything was cut
  bool truncated = false;         ///< cut to max_length
  bool skipped_long = false;
  std::map<std::string, int64_t> role_bytes;  ///< the record's
  bool unlearned_label = false;               ///< the record's
  bool without_targets = false;               ///< nothing to learn is left in max_length tokens
};

/// Makes examples of records. Immutable, so it may be used from several threads.
///   chat        the template's text; the spans of the assistant's turns (chat_spans.hpp) are
///               targets
///   completion  BOS where the tokenizer puts one, prompt, completion, EOS; the last two are
///               targets
///   label       the question and the label, with the tokens that classify reads, EOS; the last two
///               are targets
///   text        BOS, text, EOS, all targets, cut into pieces of max_length tokens. A piece begins
///               with the last token of the one before, so that each token is predicted once.
/// Turns are encoded apart from their headers, as a prompt and what is generated after it are,
/// except where the tokenizer joins what stands on both sides (a SentencePiece that begins words
/// with a space).
class Encoder {
 public:
  /// Without a template, conversations are errors. Errors: invalid_argument for a max_length
  /// below 2.
  Encoder(text::Tokenizer tokenizer, std::optional<text::ChatTemplate> chat_template,
          EncodeOptions options);

  /// Errors: as render_with_spans; invalid_argument for an empty text or completion, and for a
  /// conversation without a template, and a label that is not among those of the question.
  [[nodiscard]] Encoded encode(Record record) const;
  [[nodiscard]] const EncodeOptions& options() const { return options_; }

 private:
  [[nodiscard]] Example encode_chat(const Record& record) const;
  [[nodiscard]] Example encode_completion(const Record& record) const;
  [[nodiscard]] Example encode_label(const Record& record) const;
  [[nodiscard]] std::string render_question(std::string question) const;
  void add(Example example, Encoded& result) const;
  [[nodiscard]] Encoded encode_turns(Record record) const;
  [[nodiscard]] Encoded encode_text(const Record& record) const;

  text::Tokenizer tokenizer_;
  std::optional<text::ChatTemplate> chat_template_;
  EncodeOptions options_;
  std::vector<int32_t> begin_;  ///< what the post-processor puts before a text
};

}  // namespace linnet::train
