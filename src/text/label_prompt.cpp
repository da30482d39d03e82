#include "text/label_prompt.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "text/case_fold.hpp"

namespace linnet::text {
namespace {

constexpr std::string_view kForm =
    "Classify this text into exactly one category: {labels}.\n\nText: {text}\n\nCategory:";
constexpr size_t kMaxLabels = 4096;

void check(const std::vector<std::string>& labels) {
  require(!labels.empty(), "there are no labels");
  require(labels.size() <= kMaxLabels, "{} labels are more than {}", labels.size(), kMaxLabels);
  for (const std::string& label : labels) {
    require(!trim(label).empty(), "a label is empty");
    require(std::ranges::count(labels, label) == 1, "label \"{}\" is there twice", label);
  }
}

std::string join(const std::vector<std::string>& labels) {
  std::string result;
  for (const std::string& label : labels) result += (result.empty() ? "" : ", ") + label;
  return result;
}

}  // namespace

LabelBorder label_border(std::string_view prompt) {
  const size_t last = prompt.find_last_not_of(' ');
  const std::string_view cut = prompt.substr(0, last == std::string_view::npos ? 0 : last + 1);
  const bool breaks =
      !cut.empty() && std::string_view("\n\r\t").find(cut.back()) != std::string_view::npos;
  return {.prompt = cut, .space = cut.size() < prompt.size() || !breaks};
}

std::string label_text(std::string_view label, bool space) {
  return (space ? " " : "") + std::string(trim(label));
}

LabelPrompt::LabelPrompt(std::vector<std::string> labels, std::string_view form)
    : labels_(std::move(labels)) {
  check(labels_);
  if (form.empty()) form = kForm;
  const std::string_view place = form.find("{text}") != std::string_view::npos ? "{text}" : "%s";
  const std::string list = join(labels_);
  std::string part;
  while (!form.empty()) {
    if (form.starts_with(place)) {
      parts_.push_back(std::exchange(part, {}));
      form.remove_prefix(place.size());
    } else if (form.starts_with("{labels}")) {
      part += list;
      form.remove_prefix(std::string_view("{labels}").size());
    } else {
      part += form.front();
      form.remove_prefix(1);
    }
  }
  parts_.push_back(part);
  require(parts_.size() > 1, "prompt_template has no {{text}} (or %s) where the text is to be");
  require(place != "%s" || parts_.size() == 2, "prompt_template has %s {} times, not once",
          parts_.size() - 1);
}

std::string LabelPrompt::fill(std::string_view text) const {
  std::string result = parts_.front();
  for (size_t i = 1; i < parts_.size(); ++i) {
    result += text;
    result += parts_[i];
  }
  return result;
}

}  // namespace linnet::text
