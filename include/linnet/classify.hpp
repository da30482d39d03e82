// Sorting texts into labels: prompts are read, nothing is written, and each label is as good as the
// model finds it likely to come next.
#pragma once

#include <linnet/error.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace linnet {

enum class ClassifyMode {
  /// Labels are scored: the log-probability of each as what comes after the prompt, exactly,
  /// however many tokens it has.
  score,
  /// The likeliest token is taken and compared with the labels, trimmed and case-folded: it must be
  /// a label or, as tokens are often pieces of words, the beginning of exactly one.
  greedy,
};

/// Values out of range are ErrorCode::invalid_argument at the call.
struct ClassifyOptions {
  /// At least one, all different.
  std::vector<std::string> labels = {};
  /// What the model is asked: {text} (or else %s, once) stands for the text, {labels} for all
  /// labels with commas. Empty:
  ///   Classify this text into exactly one category: {labels}.\n\nText: {text}\n\nCategory:
  /// Labels follow it after a space, unless it ends with a line break or the like; spaces at its
  /// end are taken to belong to the label.
  std::string prompt_template = {};
  /// A system message. With one, or with `chat`, the filled template is a user's message in the
  /// model's chat template, and labels begin the assistant's answer.
  std::string system = {};
  bool chat = false;
  ClassifyMode mode = ClassifyMode::score;
  /// Log-probabilities are divided by the label's tokens before labels are compared, so that long
  /// labels are not at a disadvantage.
  bool length_normalize = false;
  /// The log-probability of each label after a prompt without content is subtracted, which takes
  /// away what the model prefers whatever it is asked (Zhao et al. 2021, "Calibrate Before Use").
  bool calibrate = false;
  std::string content_free = "N/A";  ///< the text of that prompt
  bool return_logits = false;
  std::string adapter = {};   ///< as GenerateOptions::adapter
  int priority = 0;           ///< as GenerateOptions::priority
  std::stop_token stop = {};  ///< ErrorCode::cancelled
};

/// What a text was found to be.
struct Classification {
  int64_t index = -1;  ///< of the label; -1: greedy found none
  std::string label = {};
  /// Log-probability of each label's tokens after the prompt, under the model alone; empty in
  /// greedy mode. Labels are not closed by an end token: "art" is never less likely than "artist"
  /// if it begins the latter's tokens.
  std::vector<double> logprobs = {};
  /// softmax over labels of what they were compared by; empty in greedy mode.
  std::vector<double> probabilities = {};
  /// If asked for, the logit of each label's first token.
  std::vector<float> logits = {};
  /// In greedy mode, the token's text.
  std::string text = {};
  int64_t prompt_tokens = 0;
  int64_t cached_prompt_tokens = 0;  ///< of these, those that others had computed
  /// Of texts from a TextSource: why this one has no label.
  std::optional<Error> error = {};
};

/// Where texts come from that are not all there at once. Both are called on the thread that handed
/// it over.
struct TextSource {
  /// The next text; nothing at the end. It may wait.
  std::function<std::optional<std::string>()> next = {};
  /// Whether next() would answer at once. While it would not, the texts before are classified.
  /// Without it next() is called whenever there is room for a text.
  std::function<bool()> ready = {};
};

/// Receives results in the order of the texts, on the calling thread; an exception from it ends the
/// work.
using ClassifyResult = std::function<void(int64_t index, Classification result)>;

}  // namespace linnet
