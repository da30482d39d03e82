#include "api/session_state.hpp"

#include "api/conversation.hpp"
#include "api/generation_state.hpp"
#include "base/checksum.hpp"
#include "base/error.hpp"
#include "engine/session_file.hpp"

namespace linnet {
namespace {

engine::SessionIdentity identity_of(const TextModel::State& model) {
  return {.model = model.engine->fingerprint(), .tokenizer = model.tokenizer_checksum};
}

}  // namespace

void Session::State::require_rest() const {
  require(!generating.load(std::memory_order_acquire),
          "the session's generation has not ended: take its tokens, cancel or drop it first");
}

Session::Session(std::shared_ptr<State> state) : state_(std::move(state)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

void Session::append(std::string_view text) {
  const text::Tokenizer& tokenizer = state_->model->require_tokenizer();
  append(tokenizer.encode(text, size() == 0));
}

void Session::append(std::span<const int32_t> ids) {
  state_->require_rest();
  const engine::Engine& engine = *state_->model->engine;
  engine.check_vocabulary(ids);
  const std::scoped_lock lock(state_->mutex);
  const size_t size = state_->ids.size() + ids.size();
  require(static_cast<int64_t>(size) <= engine.context_length(),
          "a session of {} tokens does not fit the context of {}", size, engine.context_length());
  state_->ids.insert(state_->ids.end(), ids.begin(), ids.end());
}

Generation Session::generate(const GenerateOptions& options) {
  state_->require_rest();
  return Generation(std::make_unique<Generation::State>(state_->model, ids(), options, state_));
}

Generation Session::chat(const std::vector<Message>& messages, GenerateOptions options,
                         const ChatOptions& chat) {
  state_->require_rest();
  std::vector<int32_t> conversation = encode_conversation(*state_->model, messages, chat, options);
  {
    const std::scoped_lock lock(state_->mutex);
    state_->ids = std::move(conversation);
  }
  return generate(options);
}

Session Session::fork() const {
  state_->require_rest();
  auto copy = std::make_shared<State>(state_->model);
  copy->ids = ids();
  copy->cache = state_->cache->copy(copy->ids);
  state_->model->engine->scheduler().watch(copy->cache);
  return Session(std::move(copy));
}

void Session::rewind(int64_t size) {
  state_->require_rest();
  const std::scoped_lock lock(state_->mutex);
  require(size >= 0 && size <= static_cast<int64_t>(state_->ids.size()),
          "{} is outside 0..{}, the tokens of the session", size, state_->ids.size());
  state_->ids.resize(static_cast<size_t>(size));
}

std::vector<int32_t> Session::ids() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->ids;
}

int64_t Session::size() const {
  const std::scoped_lock lock(state_->mutex);
  return static_cast<int64_t>(state_->ids.size());
}

int64_t Session::cached() const { return state_->cache->matching(ids()); }

void Session::save(const std::filesystem::path& file) const {
  state_->require_rest();
  engine::write_session(file, identity_of(*state_->model), ids(), *state_->cache);
}

Session TextModel::new_session() const { return Session(std::make_shared<Session::State>(state_)); }

Session TextModel::load_session(const std::filesystem::path& file) const {
  auto saved = engine::read_session(file, identity_of(*state_), *state_->engine);
  auto session = std::make_shared<Session::State>(state_);
  session->ids = std::move(saved.ids);
  session->cache = std::move(saved.cache);
  return Session(std::move(session));
}

}  // namespace linnet
