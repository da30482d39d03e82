#include "text/decoder.hpp"

#include <utility>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "text/byte_level.hpp"
#include "text/growth.hpp"
#include "text/unicode.hpp"

namespace linnet::text {
namespace {

constexpr size_t kMaxSteps = 64;  // a token goes down the steps by nested calls

std::string one_character(const Json& entry) {
  const std::string text(entry.as_string());
  if (text.empty() || sequence_length(static_cast<unsigned char>(text[0])) != text.size())
    fail(ErrorCode::malformed_file, "{} is \"{}\", expected one character", entry.where(),
         printable(text));
  return text;
}

size_t char_count(const Json& entry) {
  const int64_t value = entry.as_integer();
  if (value < 0) fail(ErrorCode::malformed_file, "{} is {}", entry.where(), value);
  return static_cast<size_t>(value);
}

// One step of the decoder at work. A token arrives as text() in one or more parts, each of whole
// characters, and end_token(); after the last token comes finish(). Parts, rather than whole
// tokens, because Fuse makes one token of everything and still must not hold text back.
class Stage {
 public:
  explicit Stage(Stage* next) : next_(next) {}
  virtual ~Stage() = default;
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  virtual void text(std::string_view part) = 0;
  virtual void end_token() { next_->end_token(); }
  virtual void finish() { next_->finish(); }

 protected:
  Stage* next_;
};

class Output final : public Stage {
 public:
  Output() : Stage(nullptr) {}
  void text(std::string_view part) override { out_ += part; }
  void end_token() override {}
  void finish() override {}
  void take(std::string& out) {
    out += out_;
    out_.clear();
  }

 private:
  std::string out_;
};

class JoinSpacesStage final : public Stage {
 public:
  using Stage::Stage;
  void text(std::string_view part) override {
    separate();
    next_->text(part);
  }
  void end_token() override {
    separate();
    in_token_ = false;
    next_->end_token();
  }

 private:
  void separate() {
    if (in_token_) return;
    if (!first_) next_->text(" ");
    in_token_ = true;
    first_ = false;
  }
  bool in_token_ = false;
  bool first_ = true;
};

/// What went into a decoder and what its replacements made of it.
struct Growth {
  size_t in = 0;

  void check(size_t out) const { check_growth(out, growth_limit(in), "the decoder"); }
};

// All tokens spell one string of bytes, which is one token for the next step.
class ByteLevelStage final : public Stage {
 public:
  using Stage::Stage;
  void text(std::string_view part) override { token_ += part; }
  void end_token() override {
    bytes_.clear();
    text_.clear();
    append_byte_level_decoded(token_, bytes_);
    token_.clear();
    repair_.push(bytes_, text_);
    if (!text_.empty()) next_->text(text_);
  }
  void finish() override {
    text_.clear();
    repair_.finish(text_);
    if (!text_.empty()) next_->text(text_);
    next_->end_token();
    next_->finish();
  }

 private:
  Utf8Repair repair_;
  std::string token_;
  std::string bytes_;
  std::string text_;
};

// The byte that a token <0xNN> stands for, or -1.
constexpr size_t kByteTokenSize = 6;

int byte_of(std::string_view token) {
  if (token.size() != kByteTokenSize || !token.starts_with("<0x") || token.back() != '>') return -1;
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  const int high = digit(token[3]);
  const int low = digit(token[4]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// A run of tokens <0xNN> is one token if its bytes are valid UTF-8, else a U+FFFD per byte; so
// nothing of a run is certain before it ends.
class ByteFallbackStage final : public Stage {
 public:
  using Stage::Stage;
  void text(std::string_view part) override {
    if (passing_) return next_->text(part);
    token_ += part;
    if (token_.size() <= kByteTokenSize) return;
    end_run();
    passing_ = true;
    next_->text(token_);
  }
  void end_token() override {
    if (!std::exchange(passing_, false)) {
      const int byte = byte_of(token_);
      if (byte >= 0) {
        run_.push_back(static_cast<char>(byte));
        token_.clear();
        return;
      }
      end_run();
      if (!token_.empty()) next_->text(token_);
    }
    token_.clear();
    next_->end_token();
  }
  void finish() override {
    end_run();
    next_->finish();
  }

 private:
  void end_run() {
    if (run_.empty()) return;
    if (is_valid_utf8(run_)) {
      next_->text(run_);
      next_->end_token();
    } else {
      for (size_t i = 0; i < run_.size(); ++i) {
        next_->text(kReplacement);
        next_->end_token();
      }
    }
    run_.clear();
  }

  std::string token_;
  std::string run_;
  bool passing_ = false;  // the token is too long for a byte token
};

class FuseStage final : public Stage {
 public:
  using Stage::Stage;
  void text(std::string_view part) override { next_->text(part); }
  void end_token() override {}
  void finish() override {
    next_->end_token();
    next_->finish();
  }
};

// Knuth, Morris and Pratt: what is held back is always the longest end of the text so far that
// begins the pattern.
class ReplaceLiteralStage final : public Stage {
 public:
  ReplaceLiteralStage(Stage* next, const std::string& pattern, const std::string& content,
                      const Growth& growth)
      : Stage(next),
        pattern_(pattern),
        content_(content),
        growth_(growth),
        border_(pattern.size()) {
    for (size_t i = 1, k = 0; i < pattern.size(); ++i) {
      while (k > 0 && pattern[i] != pattern[k]) k = border_[k - 1];
      if (pattern[i] == pattern[k]) ++k;
      border_[i] = k;
    }
  }
  void text(std::string_view part) override {
    out_.clear();
    for (const char c : part) {
      while (matched_ > 0 && pattern_[matched_] != c) {
        const size_t shorter = border_[matched_ - 1];
        out_.append(pattern_, 0, matched_ - shorter);
        matched_ = shorter;
      }
      if (pattern_[matched_] == c) {
        if (++matched_ == pattern_.size()) {
          out_ += content_;
          growth_.check(made_ += content_.size());
          matched_ = 0;
        }
      } else {
        out_ += c;
      }
    }
    if (!out_.empty()) next_->text(out_);
  }
  void end_token() override {
    if (matched_ > 0) next_->text(std::string_view(pattern_).substr(0, matched_));
    matched_ = 0;
    next_->end_token();
  }

 private:
  const std::string& pattern_;
  const std::string& content_;
  const Growth& growth_;
  size_t made_ = 0;  // bytes that replacements made
  std::vector<size_t> border_;
  size_t matched_ = 0;
  std::string out_;
};

// A regex sees whole tokens; after Fuse that is the whole text, at the end.
class ReplaceRegexStage final : public Stage {
 public:
  ReplaceRegexStage(Stage* next, const Pattern& pattern, const std::string& content,
                    const Growth& growth)
      : Stage(next), pattern_(pattern), content_(content), growth_(growth) {}
  void text(std::string_view part) override { token_ += part; }
  void end_token() override {
    std::string out;
    scratch_.begin(token_.size());
    pattern_.replace_all(token_, content_, scratch_, out, growth_limit(growth_.in));
    growth_.check(made_ += out.size());
    token_.clear();
    if (!out.empty()) next_->text(out);
    next_->end_token();
  }

 private:
  const Pattern& pattern_;
  const std::string& content_;
  const Growth& growth_;
  size_t made_ = 0;  // bytes
  MatchScratch scratch_;
  std::string token_;
};

class StripStage final : public Stage {
 public:
  StripStage(Stage* next, const std::string& content, size_t start, size_t stop)
      : Stage(next), content_(content), start_(start), stop_(stop) {}
  void text(std::string_view part) override {
    out_.clear();
    for (size_t at = 0; at < part.size();) {
      const size_t size = sequence_length(static_cast<unsigned char>(part[at]));
      const std::string_view c = part.substr(at, size);
      at += size;
      if (c != content_) {
        leading_ = false;
        for (; held_ > 0; --held_) out_ += content_;
        out_ += c;
      } else if (leading_ && stripped_ < start_) {
        ++stripped_;
      } else if (held_ < stop_) {
        ++held_;
      } else {
        out_ += content_;
      }
    }
    if (!out_.empty()) next_->text(out_);
  }
  void end_token() override {
    held_ = 0;
    stripped_ = 0;
    leading_ = true;
    next_->end_token();
  }

 private:
  const std::string& content_;
  size_t start_;
  size_t stop_;
  bool leading_ = true;
  size_t stripped_ = 0;
  size_t held_ = 0;  // characters that may be the last ones of the token
  std::string out_;
};

class MetaspaceStage final : public Stage {
 public:
  MetaspaceStage(Stage* next, const std::string& replacement, bool prepended)
      : Stage(next), replacement_(replacement), first_(prepended) {}
  void text(std::string_view part) override {
    out_.clear();
    for (size_t at = 0; at < part.size();) {
      const size_t size = sequence_length(static_cast<unsigned char>(part[at]));
      const std::string_view c = part.substr(at, size);
      at += size;
      if (c != replacement_) {
        out_ += c;
      } else if (!first_) {  // in the first token the mark is what encoding prepended
        out_ += ' ';
      }
    }
    if (!out_.empty()) next_->text(out_);
  }
  void end_token() override {
    first_ = false;
    next_->end_token();
  }

 private:
  const std::string& replacement_;
  bool first_;
  std::string out_;
};

}  // namespace

struct DecoderStream::Impl {
  Growth growth;
  Output output;
  std::vector<std::unique_ptr<Stage>> stages;  // last to first
  Stage* first = &output;

  template <class S, class... Args>
  void prepend(Args&&... args) {
    stages.push_back(std::make_unique<S>(first, std::forward<Args>(args)...));
    first = stages.back().get();
  }
};

DecoderStream::DecoderStream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DecoderStream::DecoderStream(DecoderStream&&) noexcept = default;
DecoderStream& DecoderStream::operator=(DecoderStream&&) noexcept = default;
DecoderStream::~DecoderStream() = default;

void DecoderStream::push(std::string_view token, std::string& out) {
  impl_->growth.in += token.size();
  if (!token.empty()) impl_->first->text(token);
  impl_->first->end_token();
  impl_->output.take(out);
}

void DecoderStream::finish(std::string& out) {
  impl_->first->finish();
  impl_->output.take(out);
}

Decoder Decoder::parse(const std::optional<Json>& entry) {
  Decoder result;
  if (entry) {
    result.add(*entry);
  } else {
    result.steps_.emplace_back(JoinSpaces{});
  }
  if (result.steps_.size() > kMaxSteps)
    fail(ErrorCode::unsupported, "{} has {} steps, more than {}", entry->where(),
         result.steps_.size(), kMaxSteps);
  return result;
}

void Decoder::add(const Json& entry) {
  const Json type_entry = entry.at("type");
  const std::string_view type = type_entry.as_string();
  if (type == "Sequence") {
    for (const Json& child : entry.at("decoders").elements()) add(child);
  } else if (type == "ByteLevel") {
    steps_.emplace_back(ByteLevel{});
  } else if (type == "ByteFallback") {
    steps_.emplace_back(ByteFallback{});
  } else if (type == "Fuse") {
    steps_.emplace_back(Fuse{});
  } else if (type == "Replace") {
    steps_.emplace_back(
        Replace{Pattern::parse(entry.at("pattern")), std::string(entry.at("content").as_string())});
  } else if (type == "Strip") {
    steps_.emplace_back(Strip{one_character(entry.at("content")), char_count(entry.at("start")),
                              char_count(entry.at("stop"))});
  } else if (type == "Metaspace") {
    const bool add_prefix_space = entry.get("add_prefix_space", true);
    const std::string scheme = entry.get("prepend_scheme", add_prefix_space ? "always" : "never");
    steps_.emplace_back(Metaspace{one_character(entry.at("replacement")), scheme != "never"});
  } else {
    fail(ErrorCode::unsupported, "{}: the decoder type \"{}\" is not implemented", entry.where(),
         printable(type));
  }
}

DecoderStream Decoder::stream() const {
  auto impl = std::make_unique<DecoderStream::Impl>();
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    if (std::holds_alternative<JoinSpaces>(*step)) {
      impl->prepend<JoinSpacesStage>();
    } else if (std::holds_alternative<ByteLevel>(*step)) {
      impl->prepend<ByteLevelStage>();
    } else if (std::holds_alternative<ByteFallback>(*step)) {
      impl->prepend<ByteFallbackStage>();
    } else if (std::holds_alternative<Fuse>(*step)) {
      impl->prepend<FuseStage>();
    } else if (const auto* replace = std::get_if<Replace>(&*step)) {
      if (const std::string* literal = replace->pattern.as_literal()) {
        impl->prepend<ReplaceLiteralStage>(*literal, replace->content, impl->growth);
      } else {
        impl->prepend<ReplaceRegexStage>(replace->pattern, replace->content, impl->growth);
      }
    } else if (const auto* strip = std::get_if<Strip>(&*step)) {
      impl->prepend<StripStage>(strip->content, strip->start, strip->stop);
    } else if (const auto* metaspace = std::get_if<Metaspace>(&*step)) {
      impl->prepend<MetaspaceStage>(metaspace->replacement, metaspace->prepended);
    }
  }
  return DecoderStream(std::move(impl));
}

void Decoder::append_bytes(std::string_view token, std::string& out) const {
  std::string text(token);
  bool fused = false;
  for (const Step& step : steps_) {
    if (std::holds_alternative<JoinSpaces>(step)) {
      text.insert(0, 1, ' ');
    } else if (std::holds_alternative<ByteLevel>(step)) {
      return append_byte_level_decoded(text, out);
    } else if (std::holds_alternative<ByteFallback>(step)) {
      const int byte = byte_of(text);
      if (byte >= 0) return out.push_back(static_cast<char>(byte));
    } else if (std::holds_alternative<Fuse>(step)) {
      fused = true;
    } else if (const auto* replace = std::get_if<Replace>(&step)) {
      MatchScratch scratch;
      scratch.begin(text.size());
      std::string replaced;
      replace->pattern.replace_all(text, replace->content, scratch, replaced,
                                   growth_limit(text.size()));
      text = std::move(replaced);
    } else if (const auto* strip = std::get_if<Strip>(&step)) {
      if (fused) continue;  // of the whole text's ends
      for (size_t i = 0; i < strip->start && text.starts_with(strip->content); ++i)
        text.erase(0, strip->content.size());
      for (size_t i = 0; i < strip->stop && text.ends_with(strip->content); ++i)
        text.erase(text.size() - strip->content.size());
    } else if (const auto* metaspace = std::get_if<Metaspace>(&step)) {
      for (size_t at = 0; (at = text.find(metaspace->replacement, at)) != std::string::npos; ++at)
        text.replace(at, metaspace->replacement.size(), " ");
    }
  }
  out += text;
}

}  // namespace linnet::text
