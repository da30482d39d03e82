// Many requests together.
#include <deque>
#include <utility>

#include "api/conversation.hpp"
#include "api/generation_state.hpp"
#include "base/error.hpp"

namespace linnet {
namespace {

/// Requests that are asked for in advance, as a multiple of those that share passes. Answers come
/// in order, so while a long one is written this many shorter ones can be finished behind it.
constexpr size_t kAhead = 8;

std::vector<int32_t> ids_of(const TextModel::State& model, const BatchRequest& request,
                            GenerateOptions& options) {
  const int kinds = (request.prompt.empty() ? 0 : 1) + (request.ids.empty() ? 0 : 1) +
                    (request.messages.empty() ? 0 : 1);
  require(kinds == 1, "a request has a prompt, ids or messages; this one has {} of them", kinds);
  if (!request.ids.empty()) return request.ids;
  if (!request.messages.empty())
    return encode_conversation(model, request.messages, request.chat, options);
  return model.require_tokenizer().encode(request.prompt, options.add_special_tokens);
}

/// A request on its way.
struct Running {
  Completion result = {};
  std::optional<Generation> generation = {};  ///< nothing: it did not begin
};

/// Waits for the next token; false if there is none any more, and the result is complete.
bool take_token(Running& running) {
  if (!running.generation) return false;
  Generation& generation = *running.generation;
  Completion& result = running.result;
  try {
    if (const Token* token = generation.next()) {
      result.text += token->text;
      // The one after the end brings held-back text and no id of its own.
      if (generation.finish_reason() != FinishReason::none) return true;
      result.ids.push_back(token->id);
      result.logprobs.push_back(token->logprob);
      if (!token->top.empty()) result.top.push_back(token->top);
      return true;
    }
  } catch (const Error& error) {
    result.error = error;
  }
  result.finish_reason = generation.finish_reason();
  result.metrics = generation.metrics();
  return false;
}

}  // namespace

void TextModel::generate_batch(const BatchSource& source,
                               const std::function<void(int64_t index, Completion)>& done) const {
  const auto start = [&](const BatchRequest& request) {
    Running running;
    try {
      GenerateOptions options = request.options;
      std::vector<int32_t> ids = ids_of(*state_, request, options);
      running.generation = Generation(std::make_unique<Generation::State>(
          state_, std::move(ids), options, nullptr, engine::WhenBusy::wait));
    } catch (const Error& error) {
      running.result.error = error;
    }
    return running;
  };
  const auto most = static_cast<size_t>(state_->engine->scheduler().options().max_batch) * kAhead;
  std::deque<Running> running;
  bool ended = false;
  for (int64_t index = 0;;) {
    while (!ended && running.size() < most &&
           (running.empty() || !source.ready || source.ready())) {
      const std::optional<BatchRequest> request = source.next();
      ended = !request;
      if (request) running.push_back(start(*request));
    }
    if (running.empty()) return;
    if (take_token(running.front())) continue;
    Completion result = std::move(running.front().result);
    running.pop_front();
    if (done) done(index, std::move(result));
    ++index;
  }
}

std::vector<Completion> TextModel::generate_batch(
    std::span<const BatchRequest> requests,
    const std::function<void(int64_t index, const Completion&)>& done) const {
  std::vector<Completion> results;
  results.reserve(requests.size());
  size_t asked = 0;
  const auto next = [&]() -> std::optional<BatchRequest> {
    return asked < requests.size() ? std::optional(requests[asked++]) : std::nullopt;
  };
  generate_batch(BatchSource{.next = next}, [&](int64_t index, Completion result) {
    results.push_back(std::move(result));
    if (done) done(index, results.back());
  });
  return results;
}

std::vector<Completion> TextModel::generate_batch(std::span<const std::string> prompts,
                                                  const GenerateOptions& options) const {
  std::vector<BatchRequest> requests;
  requests.reserve(prompts.size());
  for (const std::string& prompt : prompts) {
    BatchRequest& request = requests.emplace_back();
    request.prompt = prompt;
    request.options = options;
  }
  return generate_batch(requests);
}

}  // namespace linnet
