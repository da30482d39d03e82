// What a model is asked about a text that is to get a label, and how a label follows it. What is
// learned (train) is what is asked (classify), to the byte.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace linnet::text {

/// Where a label begins: the prompt without spaces at its end, and the space that is the label's,
/// because tokenizers join spaces with the words behind them. There is one unless the prompt ends
/// with a line break or the like.
struct LabelBorder {
  std::string_view prompt;
  bool space = false;
};
LabelBorder label_border(std::string_view prompt);
/// A label as it follows a border: trimmed, and with the space.
std::string label_text(std::string_view label, bool space);

/// Labels and the form of a question about a text. Immutable.
class LabelPrompt {
 public:
  /// form: {text} (or else %s, once) stands for the text, {labels} for all labels with commas;
  /// empty: the question of ClassifyOptions::prompt_template. Errors: invalid_argument for no
  /// labels, more than 4096, empty or equal ones, and a form without a place for the text.
  LabelPrompt(std::vector<std::string> labels, std::string_view form);

  [[nodiscard]] const std::vector<std::string>& labels() const { return labels_; }
  /// The question about a text.
  [[nodiscard]] std::string fill(std::string_view text) const;

 private:
  std::vector<std::string> labels_;
  std::vector<std::string> parts_;  // what stands before, between and after the texts
};

}  // namespace linnet::text
