#include <linnet/tokenizer.hpp>

#include <utility>

#include "api/state.hpp"

namespace linnet {

struct DecodeStream::State {
  text::TokenStream stream;
};

DecodeStream::DecodeStream(std::unique_ptr<State> state) : state_(std::move(state)) {}
DecodeStream::DecodeStream(DecodeStream&&) noexcept = default;
DecodeStream& DecodeStream::operator=(DecodeStream&&) noexcept = default;
DecodeStream::~DecodeStream() = default;
std::string DecodeStream::push(int32_t id) { return state_->stream.push(id); }
std::string DecodeStream::finish() { return state_->stream.finish(); }

Tokenizer TokenizerLoader::wrap(text::Tokenizer tokenizer) {
  return Tokenizer(std::make_shared<Tokenizer::State>(Tokenizer::State{std::move(tokenizer)}));
}

Tokenizer::Tokenizer(std::shared_ptr<const State> state) : state_(std::move(state)) {}

std::vector<int32_t> Tokenizer::encode(std::string_view text, bool add_special_tokens) const {
  return state_->tokenizer.encode(text, add_special_tokens);
}

int64_t Tokenizer::count(std::string_view text, bool add_special_tokens) const {
  return std::ssize(state_->tokenizer.encode(text, add_special_tokens));
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special_tokens) const {
  return state_->tokenizer.decode(ids, skip_special_tokens);
}

DecodeStream Tokenizer::stream(bool skip_special_tokens) const {
  return DecodeStream(std::make_unique<DecodeStream::State>(
      DecodeStream::State{state_->tokenizer.stream(skip_special_tokens)}));
}

int64_t Tokenizer::vocab_size() const noexcept { return state_->tokenizer.vocab_size(); }

std::optional<int32_t> Tokenizer::token_to_id(std::string_view token) const {
  return state_->tokenizer.token_to_id(token);
}

std::optional<std::string_view> Tokenizer::id_to_token(int32_t id) const {
  return state_->tokenizer.id_to_token(id);
}

bool Tokenizer::is_special(int32_t id) const { return state_->tokenizer.is_special(id); }

std::optional<int32_t> Tokenizer::bos_id() const { return state_->tokenizer.bos_id(); }
std::optional<int32_t> Tokenizer::eos_id() const { return state_->tokenizer.eos_id(); }
std::optional<bool> Tokenizer::add_bos_token() const { return state_->tokenizer.add_bos_token(); }
std::optional<bool> Tokenizer::add_eos_token() const { return state_->tokenizer.add_eos_token(); }

Tokenizer load_tokenizer(const std::filesystem::path& folder) {
  return TokenizerLoader::wrap(text::Tokenizer::load(folder));
}

Tokenizer load_builtin_tokenizer() {
  return TokenizerLoader::wrap(*read_tokenizer(builtin_checkpoint()));
}

}  // namespace linnet
