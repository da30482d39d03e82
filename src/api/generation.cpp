#include <algorithm>

#include "api/generation_state.hpp"
#include "base/error.hpp"
#include "text/tokenizer.hpp"

namespace linnet {
namespace {

/// Words as the tokens that may write them: alone, and after a space.
std::vector<std::vector<int32_t>> tokens_of(const TextModel::State& model,
                                            const std::vector<std::string>& words) {
  std::vector<std::vector<int32_t>> result;
  for (const std::string& word : words) {
    require(!word.empty(), "a bad word is empty");
    for (const std::string& form : {word, " " + word}) {
      std::vector<int32_t> ids = model.require_tokenizer().encode(form, false);
      if (!ids.empty() && std::ranges::find(result, ids) == result.end())
        result.push_back(std::move(ids));
    }
  }
  return result;
}

engine::RequestContext context_of(const TextModel::State& model, const GenerateOptions& options,
                                  std::shared_ptr<engine::HeldCache> session,
                                  engine::WhenBusy when_busy) {
  engine::RequestContext context{.session = std::move(session),
                                 .when_busy = when_busy,
                                 .adapter = model.adapter(options.adapter)};
  if (model.tokenizer) context.stream.emplace(model.tokenizer->stream());
  context.bad_ids = tokens_of(model, options.bad_words);
  if (options.grammar) {
    const auto ends = engine::end_ids(*model.engine, options);
    const std::vector<int32_t> ids(ends.begin(), ends.end());
    context.matcher.emplace(
        model.grammars.matcher(model.require_tokenizer(), options.grammar, ids));
  }
  return context;
}

}  // namespace

std::string_view to_string(FinishReason reason) noexcept {
  switch (reason) {
    case FinishReason::none: return "none";
    case FinishReason::stop: return "stop";
    case FinishReason::length: return "length";
    case FinishReason::cancelled: return "cancelled";
  }
  return "none";
}

Generation::State::State(std::shared_ptr<const TextModel::State> model_,
                         std::vector<int32_t> prompt, const GenerateOptions& options,
                         std::shared_ptr<Session::State> session_, engine::WhenBusy when_busy)
    : model(std::move(model_)),
      session(std::move(session_)),
      request(*model->engine, std::move(prompt), options,
              context_of(*model, options, session ? session->cache : nullptr, when_busy)) {
  if (session) session->generating.store(true, std::memory_order_release);
}

Generation::State::~State() {
  if (!session) return;
  // What it computed goes back to the session before anybody may use that again.
  request.cancel_and_wait();
  release_session();
}

void Generation::State::release_session() {
  if (session) session->generating.store(false, std::memory_order_release);
  session.reset();
}

Generation::Generation(std::unique_ptr<State> state) : state_(std::move(state)) {}
Generation::Generation(Generation&&) noexcept = default;
Generation& Generation::operator=(Generation&&) noexcept = default;
Generation::~Generation() = default;

const Token* Generation::next() {
  State& s = *state_;
  const bool running = s.request.finish_reason() == FinishReason::none;
  auto piece = s.request.next();
  if (!piece) {
    s.release_session();
    if (!running || !s.request.stop_id() || s.request.tail().empty()) return nullptr;
    s.token = {.id = *s.request.stop_id(), .text = s.request.tail()};
    return &s.token;
  }
  s.token = {.id = piece->id,
             .text = std::move(piece->text),
             .logprob = piece->logprob,
             .top = std::move(piece->top)};
  if (s.session) {
    const std::scoped_lock lock(s.session->mutex);
    s.session->ids.push_back(s.token.id);
  }
  return &s.token;
}

bool Generation::ready() const { return state_->request.ready(); }
void Generation::when_ready(std::function<void()> wake) {
  state_->request.when_ready(std::move(wake));
}

void Generation::cancel() noexcept { state_->request.cancel(); }

std::string Generation::text() {
  std::string result;
  while (const Token* token = next()) result += token->text;
  return result;
}

FinishReason Generation::finish_reason() const noexcept { return state_->request.finish_reason(); }
std::optional<size_t> Generation::stop_string() const noexcept {
  return state_->request.stop_string();
}
Metrics Generation::metrics() const { return state_->request.metrics(); }
std::span<const int32_t> Generation::prompt_ids() const noexcept {
  return state_->request.prompt();
}

Generation TextModel::generate(std::span<const int32_t> prompt_ids, GenerateOptions options) const {
  return Generation(std::make_unique<Generation::State>(
      state_, std::vector<int32_t>(prompt_ids.begin(), prompt_ids.end()), options));
}

Generation TextModel::generate(std::string_view prompt, GenerateOptions options) const {
  const bool special = options.add_special_tokens;
  return Generation(std::make_unique<Generation::State>(
      state_, state_->require_tokenizer().encode(prompt, special), options));
}

}  // namespace linnet
