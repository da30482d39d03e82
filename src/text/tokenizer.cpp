#include "text/tokenizer.hpp"

#include <mutex>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "base/printable.hpp"
#include "text/added_tokens.hpp"
#include "text/bpe.hpp"
#include "text/decoder.hpp"
#include "text/normalizer.hpp"
#include "text/post_processor.hpp"
#include "text/pre_tokenizer.hpp"
#include "text/unicode.hpp"

namespace linnet::text {
namespace {

struct Scratch {
  MatchScratch match;
  BpeScratch bpe;
};

// Buffers for encoding, one set per call in flight; a few are kept for the next calls.
class ScratchPool {
 public:
  std::unique_ptr<Scratch> take() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) return std::make_unique<Scratch>();
    auto scratch = std::move(free_.back());
    free_.pop_back();
    return scratch;
  }
  void give_back(std::unique_ptr<Scratch> scratch) {
    scratch->bpe.trim();
    const std::lock_guard lock(mutex_);
    if (free_.size() < kKept) free_.push_back(std::move(scratch));
  }

 private:
  static constexpr size_t kKept = 8;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Scratch>> free_;
};

// A token of tokenizer_config.json: its text, or an object with "content".
std::optional<std::string> token_text(const Json& config, std::string_view key) {
  const auto entry = config.find(key);
  if (!entry) return std::nullopt;
  const Json text = entry->is_object() ? entry->at("content") : *entry;
  return std::string(text.as_string());
}

}  // namespace

struct Tokenizer::Impl {
  AddedTokens added;
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  Bpe bpe;
  PostProcessor post_processor;
  Decoder decoder;
  std::optional<int32_t> bos;
  std::optional<int32_t> eos;
  std::optional<bool> add_bos;
  std::optional<bool> add_eos;
  int64_t vocab_size = 0;
  mutable ScratchPool pool;

  [[nodiscard]] bool known(int64_t id) const {
    return bpe.vocabulary().contains(id) ||
           (id >= 0 && id <= INT32_MAX && added.find(static_cast<int32_t>(id)) != nullptr);
  }
  [[nodiscard]] std::optional<int32_t> id_of(std::string_view token) const {
    if (const AddedToken* found = added.find(token)) return found->id;
    const int32_t id = bpe.vocabulary().find(token);
    return id >= 0 ? std::optional(id) : std::nullopt;
  }
  [[nodiscard]] std::optional<std::string_view> string_of(int32_t id) const {
    if (bpe.vocabulary().contains(id)) return bpe.vocabulary().token(id);
    if (const AddedToken* found = added.find(id)) return found->content;
    return std::nullopt;
  }

  void read(const Json& file);
  void check_ids();
  void read_config(const Json& config);
  void encode_text(std::string_view text, Scratch& scratch, std::vector<int32_t>& ids) const;
  void push(int32_t id, bool skip_special_tokens, DecoderStream& stream, std::string& out) const;
};

void Tokenizer::Impl::read(const Json& file) {
  added = AddedTokens::parse(file.find("added_tokens"));
  normalizer = Normalizer::parse(file.find("normalizer"));
  pre_tokenizer = PreTokenizer::parse(file.find("pre_tokenizer"));
  post_processor = PostProcessor::parse(file.find("post_processor"));
  decoder = Decoder::parse(file.find("decoder"));
  const Json model = file.at("model");
  bpe = Bpe::parse(model, added.size(), pre_tokenizer.emits_bytes());
  added.check(bpe.vocabulary());
  added.prepare(normalizer);
  check_ids();
}

void Tokenizer::Impl::check_ids() {
  vocab_size = static_cast<int64_t>(bpe.vocabulary().size());
  for (const AddedToken& token : added.tokens())
    if (!bpe.vocabulary().contains(token.id)) ++vocab_size;
  // As many ids as tokens, all different: a gap exactly if one lies outside.
  for (int64_t id = 0; id < vocab_size; ++id)
    if (!known(id))
      fail(ErrorCode::malformed_file, "tokenizer.json has {} tokens, but none with the id {}",
           vocab_size, id);
  for (const auto* ids : {&post_processor.before(), &post_processor.after()})
    for (const int32_t id : *ids)
      if (!known(id))
        fail(ErrorCode::malformed_file,
             "tokenizer.json: post_processor adds the id {}, which no token has", id);
}

void Tokenizer::Impl::read_config(const Json& config) {
  const auto id_named = [&](std::string_view key) -> std::optional<int32_t> {
    const auto token = token_text(config, key);
    if (!token) return std::nullopt;
    const auto id = id_of(*token);
    if (!id)
      fail(ErrorCode::malformed_file, "{}: the {} \"{}\" is not in tokenizer.json", config.where(),
           key, printable(*token));
    return id;
  };
  if (!bos) bos = id_named("bos_token");
  if (!eos) eos = id_named("eos_token");
  if (config.find("add_bos_token")) add_bos = config.get("add_bos_token", false);
  if (config.find("add_eos_token")) add_eos = config.get("add_eos_token", false);
}

void Tokenizer::Impl::encode_text(std::string_view text, Scratch& scratch,
                                  std::vector<int32_t>& ids) const {
  struct Sink final : PieceSink {
    Sink(const Bpe& model, BpeScratch& buffers, std::vector<int32_t>& out)
        : bpe(model), bpe_scratch(buffers), ids(out) {}
    void piece(std::string_view piece) override { bpe.encode(piece, bpe_scratch, ids); }
    const Bpe& bpe;
    BpeScratch& bpe_scratch;
    std::vector<int32_t>& ids;
  };
  Sink sink(bpe, scratch.bpe, ids);
  const auto on_token = [&](int32_t id) { ids.push_back(id); };
  added.cut(text, false, on_token, [&](std::string_view part, bool begins_text) {
    bool at_start = begins_text;
    std::string normalized;
    if (!normalizer.empty()) {
      normalized = normalizer.apply(part, at_start, scratch.match);
      part = normalized;
    }
    added.cut(part, true, on_token, [&](std::string_view piece, bool begins_part) {
      pre_tokenizer.run(piece, at_start && begins_part, scratch.match, sink);
    });
  });
}

void Tokenizer::Impl::push(int32_t id, bool skip_special_tokens, DecoderStream& stream,
                           std::string& out) const {
  require(id >= 0, "the token id {} is negative", id);
  const AddedToken* token = added.find(id);
  if (token != nullptr && token->special && skip_special_tokens) return;
  if (token != nullptr) {
    stream.push(token->content, out);
  } else if (bpe.vocabulary().contains(id)) {
    stream.push(bpe.vocabulary().token(id), out);
  }
}

Tokenizer Tokenizer::load(const std::filesystem::path& model_dir) {
  const auto optional_file = [&](const char* name) -> std::optional<Bytes> {
    const auto path = model_dir / name;
    if (!std::filesystem::exists(path)) return std::nullopt;
    return map_file(path);
  };
  const auto text_of = [](const std::optional<Bytes>& file) {
    return file ? std::optional(file->text()) : std::nullopt;
  };
  const auto config = optional_file("tokenizer_config.json");
  const auto map = optional_file("special_tokens_map.json");
  return parse(map_file(model_dir / "tokenizer.json").text(), text_of(config), text_of(map));
}

Tokenizer Tokenizer::parse(std::string_view tokenizer_json,
                           std::optional<std::string_view> tokenizer_config_json,
                           std::optional<std::string_view> special_tokens_map_json) {
  auto impl = std::make_shared<Impl>();
  impl->read(Json::parse(tokenizer_json, "tokenizer.json"));
  if (tokenizer_config_json)
    impl->read_config(Json::parse(*tokenizer_config_json, "tokenizer_config.json"));
  if (special_tokens_map_json && !(impl->bos && impl->eos))
    impl->read_config(Json::parse(*special_tokens_map_json, "special_tokens_map.json"));
  return Tokenizer(std::move(impl));
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, bool add_special_tokens) const {
  std::string repaired;
  if (!is_valid_utf8(text)) {
    repaired = repair_utf8(text);
    text = repaired;
  }
  std::vector<int32_t> ids;
  ids.reserve(text.size() / 4 + 8);
  const auto append = [&](const std::vector<int32_t>& more) {
    ids.insert(ids.end(), more.begin(), more.end());
  };
  if (add_special_tokens) append(impl_->post_processor.before());
  auto scratch = impl_->pool.take();
  scratch->match.begin(text.size());
  impl_->encode_text(text, *scratch, ids);
  impl_->pool.give_back(std::move(scratch));
  if (add_special_tokens) append(impl_->post_processor.after());
  return ids;
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special_tokens) const {
  std::string out;
  DecoderStream stream = impl_->decoder.stream();
  for (const int32_t id : ids) impl_->push(id, skip_special_tokens, stream, out);
  stream.finish(out);
  return out;
}

TokenStream Tokenizer::stream(bool skip_special_tokens) const {
  return TokenStream(*this, skip_special_tokens);
}

int64_t Tokenizer::vocab_size() const { return impl_->vocab_size; }
std::optional<int32_t> Tokenizer::token_to_id(std::string_view token) const {
  return impl_->id_of(token);
}
std::optional<std::string_view> Tokenizer::id_to_token(int32_t id) const {
  return impl_->string_of(id);
}
std::string Tokenizer::token_bytes(int32_t id) const {
  std::string bytes;
  if (const auto token = impl_->string_of(id)) impl_->decoder.append_bytes(*token, bytes);
  return bytes;
}
bool Tokenizer::is_special(int32_t id) const {
  const AddedToken* token = impl_->added.find(id);
  return token != nullptr && token->special;
}
std::optional<int32_t> Tokenizer::bos_id() const { return impl_->bos; }
std::optional<int32_t> Tokenizer::eos_id() const { return impl_->eos; }
std::optional<bool> Tokenizer::add_bos_token() const { return impl_->add_bos; }
std::optional<bool> Tokenizer::add_eos_token() const { return impl_->add_eos; }

struct TokenStream::State {
  std::shared_ptr<const Tokenizer::Impl> tokenizer;
  bool skip_special_tokens;
  DecoderStream stream;
  bool finished = false;
};

TokenStream::TokenStream(const Tokenizer& tokenizer, bool skip_special_tokens)
    : state_(std::make_unique<State>(
          State{tokenizer.impl_, skip_special_tokens, tokenizer.impl_->decoder.stream()})) {}
TokenStream::~TokenStream() = default;
TokenStream::TokenStream(TokenStream&&) noexcept = default;
TokenStream& TokenStream::operator=(TokenStream&&) noexcept = default;

std::string TokenStream::push(int32_t id) {
  require(!state_->finished, "a token ({}) was pushed into a stream that is finished", id);
  std::string out;
  state_->tokenizer->push(id, state_->skip_special_tokens, state_->stream, out);
  return out;
}

std::string TokenStream::finish() {
  std::string out;
  if (!std::exchange(state_->finished, true)) state_->stream.finish(out);
  return out;
}

}  // namespace linnet::text
