// Texts and labels as tokens, and scores as labels; what is computed is engine/classify.
#include "engine/classify.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "api/state.hpp"
#include "base/error.hpp"
#include "base/math.hpp"
#include "text/case_fold.hpp"
#include "text/label_prompt.hpp"

namespace linnet {
namespace {

/// Everything about a classification that does not depend on the texts.
class Classifier {
 public:
  Classifier(const TextModel& model, const ClassifyOptions& options)
      : model_(model),
        state_(ModelLoader::state(model)),
        tokenizer_(state_.require_tokenizer()),
        options_(options),
        form_(options.labels, options.prompt_template) {
    for (const std::string& label : options.labels)
      folded_.push_back(text::case_fold(text::trim(label)));
  }

  /// A text as what the model reads, and the labels as they follow it. Its own errors are in it.
  [[nodiscard]] engine::LabelledPrompt prompt(std::string_view text) {
    try {
      return require_prompt(text);
    } catch (const Error& error) {
      return {.ids = {}, .error = error};
    }
  }

  /// The same. Errors: invalid_argument if it has no tokens; as ChatTemplate::render.
  [[nodiscard]] engine::LabelledPrompt require_prompt(std::string_view text) {
    std::string prompt = form_.fill(text);
    const bool chat = options_.chat || !options_.system.empty();
    if (chat) {
      std::vector<Message> messages;
      if (!options_.system.empty()) messages.push_back({Role::system, options_.system});
      messages.push_back({Role::user, std::move(prompt)});
      prompt = model_.chat_template().render(messages);
    }
    const text::LabelBorder border = text::label_border(prompt);
    engine::LabelledPrompt result{.ids = tokenizer_.encode(border.prompt, !chat),
                                  .labels = &labels(border.space)};
    require(!result.ids.empty(), "the prompt has no tokens");
    return result;
  }

  /// What labels are compared by.
  [[nodiscard]] std::vector<double> compared(const engine::LabelScores& scores) const {
    std::vector<double> result = scores.logprobs;
    if (options_.length_normalize)
      for (size_t i = 0; i < result.size(); ++i)
        result[i] /= static_cast<double>(scores.labels->label(i).size());
    return result;
  }

  [[nodiscard]] Classification decide(engine::LabelScores scores,
                                      const std::vector<double>& baseline) const {
    Classification result{.prompt_tokens = scores.metrics.prompt_tokens,
                          .cached_prompt_tokens = scores.metrics.cached_prompt_tokens,
                          .error = std::move(scores.error)};
    if (result.error) return result;
    if (options_.return_logits) result.logits = std::move(scores.logits);
    if (options_.mode == ClassifyMode::greedy) {
      const int32_t id = scores.likeliest;
      result.text = tokenizer_.decode({&id, 1});
      result.index = match(result.text);
    } else {
      std::vector<double> values = compared(scores);
      for (size_t i = 0; i < baseline.size(); ++i) values[i] -= baseline[i];
      const auto best = std::ranges::max_element(values);
      result.index = best - values.begin();
      result.logprobs = std::move(scores.logprobs);
      const double largest = *best;
      double sum = 0;
      for (double& value : values) sum += value = portable::exp(value - largest);
      for (double& value : values) value /= sum;
      result.probabilities = std::move(values);
    }
    if (result.index >= 0) result.label = options_.labels[static_cast<size_t>(result.index)];
    return result;
  }

 private:
  /// The labels' tokens with a space before each, or without.
  const engine::LabelTrie& labels(bool space) {
    std::unique_ptr<const engine::LabelTrie>& trie = tries_[space ? 1 : 0];
    if (!trie) {
      std::vector<std::vector<int32_t>> ids;
      for (const std::string& label : options_.labels)
        ids.push_back(tokenizer_.encode(text::label_text(label, space), false));
      trie = std::make_unique<const engine::LabelTrie>(std::move(ids));
    }
    return *trie;
  }

  /// The label that a token's text is, or is the beginning of; -1: none, or of several.
  [[nodiscard]] int64_t match(std::string_view text) const {
    const std::string folded = text::case_fold(text::trim(text));
    if (folded.empty()) return -1;
    const auto same = std::ranges::find(folded_, folded);
    if (same != folded_.end()) return same - folded_.begin();
    const auto begins = [&](const std::string& label) { return label.starts_with(folded); };
    const auto first = std::ranges::find_if(folded_, begins);
    return std::ranges::count_if(folded_, begins) == 1 ? first - folded_.begin() : -1;
  }

  const TextModel& model_;
  const TextModel::State& state_;
  const text::Tokenizer& tokenizer_;
  const ClassifyOptions& options_;
  text::LabelPrompt form_;
  std::vector<std::string> folded_;
  std::array<std::unique_ptr<const engine::LabelTrie>, 2> tries_;
};

}  // namespace

void TextModel::classify(const TextSource& texts, const ClassifyOptions& options,
                         const ClassifyResult& result) const {
  Classifier classifier(*this, options);
  // What is wrong with every text is no error of one.
  const engine::LabelledPrompt content_free = classifier.require_prompt(options.content_free);
  const engine::ClassifyTerms terms{.job = {.priority = options.priority,
                                            .stop = options.stop,
                                            .adapter = state_->adapter(options.adapter)},
                                    .first_token_only = options.mode == ClassifyMode::greedy};
  std::vector<double> baseline;
  if (options.calibrate) {
    require(options.mode == ClassifyMode::score, "calibrate has no part in greedy mode");
    bool asked = false;
    const auto once = [&]() -> std::optional<engine::LabelledPrompt> {
      return std::exchange(asked, true) ? std::nullopt : std::optional(content_free);
    };
    engine::classify_all(*state_->engine, {.next = once}, terms,
                         [&](int64_t /*index*/, const engine::LabelScores& scores) {
                           if (scores.error) throw Error(*scores.error);
                           baseline = classifier.compared(scores);
                         });
  }
  const auto next = [&]() -> std::optional<engine::LabelledPrompt> {
    const std::optional<std::string> text = texts.next();
    return text ? std::optional(classifier.prompt(*text)) : std::nullopt;
  };
  engine::classify_all(*state_->engine, {.next = next, .ready = texts.ready}, terms,
                       [&](int64_t index, engine::LabelScores scores) {
                         result(index, classifier.decide(std::move(scores), baseline));
                       });
}

void TextModel::classify(std::span<const std::string> texts, const ClassifyOptions& options,
                         const ClassifyResult& result) const {
  size_t asked = 0;
  const auto next = [&]() -> std::optional<std::string> {
    return asked < texts.size() ? std::optional(texts[asked++]) : std::nullopt;
  };
  classify(TextSource{.next = next}, options, [&](int64_t index, Classification found) {
    if (found.error) throw Error(*found.error);
    result(index, std::move(found));
  });
}

std::vector<Classification> TextModel::classify(std::span<const std::string> texts,
                                                const ClassifyOptions& options) const {
  std::vector<Classification> results;
  results.reserve(texts.size());
  classify(texts, options,
           [&](int64_t /*index*/, Classification result) { results.push_back(std::move(result)); });
  return results;
}

}  // namespace linnet
