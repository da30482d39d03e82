#include "api/state.hpp"
#include "base/error.hpp"
#include "text/tokenizer.hpp"

namespace linnet {

std::string_view to_string(FinishReason reason) noexcept {
  switch (reason) {
    case FinishReason::none: return "none";
    case FinishReason::stop: return "stop";
    case FinishReason::length: return "length";
    case FinishReason::cancelled: return "cancelled";
  }
  return "none";
}

struct Generation::State {
  State(std::shared_ptr<const TextModel::State> model_, std::vector<int32_t> prompt,
        GenerateOptions options)
      : model(std::move(model_)), request(*model->engine, std::move(prompt), std::move(options)) {
    if (model->tokenizer) stream.emplace(model->tokenizer->stream());
  }

  std::shared_ptr<const TextModel::State> model;  // outlives the request
  engine::Request request;
  std::optional<text::TokenStream> stream;
  Token token;
};

Generation::Generation(std::unique_ptr<State> state) : state_(std::move(state)) {}
Generation::Generation(Generation&&) noexcept = default;
Generation& Generation::operator=(Generation&&) noexcept = default;
Generation::~Generation() = default;

const Token* Generation::next() {
  State& s = *state_;
  const bool running = s.request.finish_reason() == FinishReason::none;
  const auto sample = s.request.next();
  if (!sample) {
    if (!running || !s.stream || !s.request.stop_id()) return nullptr;
    // The text may end inside a character: what was held back still belongs to it.
    s.token = {.id = *s.request.stop_id(), .text = s.stream->finish()};
    return s.token.text.empty() ? nullptr : &s.token;
  }
  s.token = {.id = sample->id, .logprob = sample->logprob};
  if (s.stream) {
    s.token.text = s.stream->push(sample->id);
    if (s.request.at_limit()) s.token.text += s.stream->finish();
  }
  return &s.token;
}

void Generation::cancel() noexcept { state_->request.cancel(); }

std::string Generation::text() {
  std::string result;
  while (const Token* token = next()) result += token->text;
  return result;
}

FinishReason Generation::finish_reason() const noexcept { return state_->request.finish_reason(); }
Metrics Generation::metrics() const { return state_->request.metrics(); }
std::span<const int32_t> Generation::prompt_ids() const noexcept {
  return state_->request.prompt();
}

Generation TextModel::generate(std::span<const int32_t> prompt_ids, GenerateOptions options) const {
  return Generation(std::make_unique<Generation::State>(
      state_, std::vector<int32_t>(prompt_ids.begin(), prompt_ids.end()), std::move(options)));
}

Generation TextModel::generate(std::string_view prompt, GenerateOptions options) const {
  const bool special = options.add_special_tokens;
  return Generation(std::make_unique<Generation::State>(
      state_, state_->require_tokenizer().encode(prompt, special), std::move(options)));
}

}  // namespace linnet
