#include "text/tokenizer_trainer.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "text/bpe_trainer.hpp"
#include "text/byte_level.hpp"
#include "text/chat_template.hpp"
#include "text/pattern.hpp"
#include "text/unicode.hpp"

namespace linnet::text {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr std::string_view kSpace = "\u2581";

// Words of the text with its spaces replaced. A stricter cut than the file's pre-tokenizer, which
// cuts at spaces, of which none are left: so no token crosses a word, although encoding works on
// whole texts.
constexpr const char* kGemmaWords =
    "\u2581?[\\p{L}\\p{M}']+|\u2581?\\p{N}|\\n|\u2581+|[^\\p{L}\\p{M}'\\p{N}\\n\u2581]";
constexpr const char* kByteLevelWords =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

/// The special tokens, and which of them play a part.
struct SpecialTokens {
  std::vector<std::string> all;  // by id
  std::string bos, eos, pad, unk;
  std::vector<std::string> additional;

  void turns(std::initializer_list<const char*> tokens) {
    for (const char* token : tokens) {
      if (std::ranges::find(all, token) != all.end()) continue;
      all.emplace_back(token);
      additional.emplace_back(token);
    }
  }
};

SpecialTokens special_tokens(const TokenizerTrainOptions& options) {
  SpecialTokens tokens;
  std::string form = options.chat_template;
  if (options.style == TokenizerStyle::gemma) {
    tokens = {.all = {"<pad>", "<eos>", "<bos>", "<unk>"},
              .bos = "<bos>",
              .eos = "<eos>",
              .pad = "<pad>",
              .unk = "<unk>",
              .additional = {}};
    if (built_in_chat_template(form) == nullptr) form = "gemma3";
  } else if (form == "llama3") {
    tokens = {.all = {"<|begin_of_text|>", "<|end_of_text|>"},
              .bos = "<|begin_of_text|>",
              .eos = "<|end_of_text|>",
              .pad = "<|end_of_text|>",
              .unk = "",
              .additional = {}};
  } else {
    tokens = {.all = {"<|endoftext|>"},
              .bos = "",
              .eos = "<|endoftext|>",
              .pad = "<|endoftext|>",
              .unk = "",
              .additional = {}};
    if (built_in_chat_template(form) == nullptr) form = "chatml";
  }
  if (form == "gemma3") tokens.turns({"<start_of_turn>", "<end_of_turn>"});
  if (form == "chatml") tokens.turns({"<|im_start|>", "<|im_end|>"});
  if (form == "llama3") tokens.turns({"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"});
  for (const std::string& token : options.special_tokens) {
    require(!token.empty() && is_valid_utf8(token), "a special token is empty or no UTF-8");
    require(std::ranges::find(tokens.all, token) == tokens.all.end(),
            "the special token {} is there already", printable(token));
    tokens.all.push_back(token);
    tokens.additional.push_back(token);
  }
  return tokens;
}

std::vector<std::string> byte_tokens() {
  std::vector<std::string> tokens;
  tokens.reserve(256);
  for (int byte = 0; byte < 256; ++byte) tokens.push_back(fmt::format("<0x{:02X}>", byte));
  return tokens;
}

std::vector<std::string> initial_alphabet(TokenizerStyle style) {
  std::vector<std::string> alphabet;
  if (style == TokenizerStyle::gemma) {
    for (char c = 33; c < 127; ++c) alphabet.emplace_back(1, c);
    alphabet.emplace_back("\n");
    alphabet.emplace_back(kSpace);
  } else {
    for (const char32_t c : kByteChars) append_utf8(c, alphabet.emplace_back());
  }
  return alphabet;
}

OrderedJson added_tokens(const std::vector<std::string>& tokens) {
  OrderedJson result = OrderedJson::array();
  for (size_t id = 0; id < tokens.size(); ++id)
    result.push_back({{"id", id},
                      {"content", tokens[id]},
                      {"single_word", false},
                      {"lstrip", false},
                      {"rstrip", false},
                      {"normalized", false},
                      {"special", true}});
  return result;
}

// BOS before a text, and before each of two.
OrderedJson bos_processor(const std::string& bos, size_t id) {
  const auto special = [&](int type) {
    return OrderedJson{{"SpecialToken", {{"id", bos}, {"type_id", type}}}};
  };
  const auto sequence = [](const char* name, int type) {
    return OrderedJson{{"Sequence", {{"id", name}, {"type_id", type}}}};
  };
  OrderedJson result{{"type", "TemplateProcessing"}};
  result["single"] = OrderedJson::array({special(0), sequence("A", 0)});
  result["pair"] = OrderedJson::array({special(0), sequence("A", 0), special(1), sequence("B", 1)});
  result["special_tokens"][bos] = {
      {"id", bos}, {"ids", OrderedJson::array({id})}, {"tokens", OrderedJson::array({bos})}};
  return result;
}

OrderedJson byte_level_step() {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", false},
          {"use_regex", false}};
}

// Everything but the vocabulary and the merges, which are put in as text: an ordered object of as
// many members looks for each among those before it.
OrderedJson frame(TokenizerStyle style, const SpecialTokens& tokens) {
  OrderedJson json{{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}};
  json["added_tokens"] = added_tokens(tokens.all);
  const auto bos = std::ranges::find(tokens.all, tokens.bos);
  const bool gemma = style == TokenizerStyle::gemma;
  if (gemma) {
    json["normalizer"] = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", kSpace}};
    json["pre_tokenizer"] = {{"type", "Split"},
                             {"pattern", {{"String", " "}}},
                             {"behavior", "MergedWithPrevious"},
                             {"invert", false}};
  } else {
    json["normalizer"] = nullptr;
    json["pre_tokenizer"] = {{"type", "Sequence"}};
    json["pre_tokenizer"]["pretokenizers"] =
        OrderedJson::array({OrderedJson{{"type", "Split"},
                                        {"pattern", {{"Regex", kByteLevelWords}}},
                                        {"behavior", "Isolated"},
                                        {"invert", false}},
                            byte_level_step()});
  }
  if (bos != tokens.all.end())
    json["post_processor"] =
        bos_processor(tokens.bos, static_cast<size_t>(bos - tokens.all.begin()));
  else
    json["post_processor"] = byte_level_step();
  if (gemma) {
    json["decoder"] = {{"type", "Sequence"}};
    json["decoder"]["decoders"] = OrderedJson::array(
        {OrderedJson{{"type", "Replace"}, {"pattern", {{"String", kSpace}}}, {"content", " "}},
         OrderedJson{{"type", "ByteFallback"}}, OrderedJson{{"type", "Fuse"}}});
  } else {
    json["decoder"] = byte_level_step();
  }
  json["model"] = {{"type", "BPE"},
                   {"dropout", nullptr},
                   {"unk_token", gemma ? OrderedJson(tokens.unk) : OrderedJson(nullptr)},
                   {"continuing_subword_prefix", nullptr},
                   {"end_of_word_suffix", nullptr},
                   {"fuse_unk", gemma},
                   {"byte_fallback", gemma},
                   {"ignore_merges", false},
                   {"vocab", OrderedJson::object()},
                   {"merges", OrderedJson::array()}};
  return json;
}

std::string quoted(const std::string& text) { return OrderedJson(text).dump(); }

void put_in(std::string& text, const std::string& place, const std::string& value) {
  const size_t at = text.rfind(place);
  if (at == std::string::npos) fail(ErrorCode::internal, "no {} in the tokenizer's frame", place);
  text.replace(at, place.size(), value);
}

std::string tokenizer_json(TokenizerStyle style, const SpecialTokens& tokens,
                           const std::vector<std::string>& pieces, const BpeVocabulary& learned) {
  std::string vocabulary = "\"vocab\": {";
  for (size_t id = 0; id < pieces.size(); ++id)
    vocabulary += fmt::format("{}\n   {}: {}", id == 0 ? "" : ",", quoted(pieces[id]), id);
  vocabulary += "\n  }";
  std::string merges = "\"merges\": [";
  for (size_t i = 0; i < learned.merges.size(); ++i)
    merges += fmt::format("{}\n   [\n    {},\n    {}\n   ]", i == 0 ? "" : ",",
                          quoted(learned.merges[i].first), quoted(learned.merges[i].second));
  merges += learned.merges.empty() ? "]" : "\n  ]";
  std::string text = frame(style, tokens).dump(1);
  put_in(text, "\"merges\": []", merges);
  put_in(text, "\"vocab\": {}", vocabulary);
  return text;
}

std::string config_json(const TokenizerTrainOptions& options, const SpecialTokens& tokens) {
  OrderedJson json{{"add_bos_token", !tokens.bos.empty()}, {"add_eos_token", false}};
  const auto put = [&](const char* key, const std::string& token) {
    if (!token.empty()) json[key] = token;
  };
  put("bos_token", tokens.bos);
  put("eos_token", tokens.eos);
  put("pad_token", tokens.pad);
  put("unk_token", tokens.unk);
  json["additional_special_tokens"] = tokens.additional;
  json["clean_up_tokenization_spaces"] = false;
  json["tokenizer_class"] = "PreTrainedTokenizerFast";
  if (!options.chat_template.empty()) {
    const char* built_in = built_in_chat_template(options.chat_template);
    json["chat_template"] = built_in != nullptr ? built_in : options.chat_template.c_str();
  }
  return json.dump(1) + "\n";
}

}  // namespace

struct TokenizerTrainer::Impl {
  TokenizerTrainOptions options;
  SpecialTokens tokens;
  std::vector<std::string> bytes;  // tokens of bytes (gemma)
  Pattern words;
  WordCounts counts;
  MatchScratch scratch;

  void add_word(std::string_view word) {
    if (word.empty()) return;
    if (options.style == TokenizerStyle::gemma) return counts.add(word);
    std::string spelled;
    append_byte_level(word, spelled);
    counts.add(spelled);
  }
};

TokenizerTrainer::TokenizerTrainer(TokenizerTrainOptions options) {
  const bool gemma = options.style == TokenizerStyle::gemma;
  SpecialTokens tokens = special_tokens(options);
  impl_.reset(new Impl{
      .options = std::move(options),
      .tokens = std::move(tokens),
      .bytes = gemma ? byte_tokens() : std::vector<std::string>(),
      .words = Pattern::regex(gemma ? kGemmaWords : kByteLevelWords, "the words of a tokenizer"),
      .counts = {},
      .scratch = {}});
  for (const std::string& token : impl_->tokens.all)
    require(std::ranges::find(impl_->bytes, token) == impl_->bytes.end(),
            "the special token {} is that of a byte", token);
  const int64_t least = std::ssize(impl_->tokens.all) + 256;
  require(impl_->options.vocab_size > least,
          "a vocabulary of {} has no room beside {} special tokens and 256 bytes",
          impl_->options.vocab_size, impl_->tokens.all.size());
  require(impl_->options.limit_alphabet >= 1, "an alphabet of {}", impl_->options.limit_alphabet);
}

TokenizerTrainer::~TokenizerTrainer() = default;

void TokenizerTrainer::add(std::string_view given) {
  std::string text = is_valid_utf8(given) ? std::string(given) : repair_utf8(given);
  impl_->scratch.begin(text.size());
  if (impl_->options.style == TokenizerStyle::gemma) {
    std::string spaced;
    for (const char c : text)
      if (c == ' ')
        spaced += kSpace;
      else
        spaced += c;
    text = std::move(spaced);
  }
  Pattern::Finder finder(impl_->words, text, impl_->scratch);
  const std::string_view view = text;
  size_t at = 0;
  while (const auto match = finder.next()) {
    impl_->add_word(view.substr(at, match->begin - at));
    impl_->add_word(view.substr(match->begin, match->end - match->begin));
    at = match->end;
  }
  impl_->add_word(view.substr(at));
}

TrainedTokenizer TokenizerTrainer::train() const {
  require(impl_->counts.distinct() > 0, "no text to learn a tokenizer from");
  const TokenizerTrainOptions& options = impl_->options;
  std::vector<std::string> pieces = impl_->tokens.all;
  pieces.insert(pieces.end(), impl_->bytes.begin(), impl_->bytes.end());
  const bool gemma = options.style == TokenizerStyle::gemma;
  const BpeVocabulary learned =
      train_bpe(impl_->counts,
                {.vocab_size = options.vocab_size - std::ssize(pieces),
                 .initial_alphabet = initial_alphabet(options.style),
                 .limit_alphabet = gemma ? std::optional(options.limit_alphabet) : std::nullopt,
                 .min_frequency = options.min_frequency,
                 .max_token_length = options.max_token_length,
                 .reserved = pieces});
  pieces.insert(pieces.end(), learned.symbols.begin(), learned.symbols.end());
  return {.tokenizer_json = tokenizer_json(options.style, impl_->tokens, pieces, learned),
          .tokenizer_config_json = config_json(options, impl_->tokens),
          .vocab_size = std::ssize(pieces),
          .merges = std::ssize(learned.merges),
          .words = impl_->counts.distinct()};
}

}  // namespace linnet::text
