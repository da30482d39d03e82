// The "decoder" of tokenizer.json: token strings back to text. Every decoder works as a stream, so
// that decoding a token at a time and decoding all at once are the same code.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.hpp"
#include "text/pattern.hpp"

namespace linnet::text {

/// A decoder's work on one list of tokens; what is certain comes out at once, what depends on later
/// tokens (half a character, a run of byte tokens) when it is. Each token is looked at once, and
/// all output is valid UTF-8 that ends at a character's end. Not thread-safe.
class DecoderStream {
 public:
  DecoderStream(DecoderStream&&) noexcept;
  DecoderStream& operator=(DecoderStream&&) noexcept;
  ~DecoderStream();

  /// Appends to `out` what is certain after one more token.
  void push(std::string_view token, std::string& out);
  /// Appends the rest. Nothing may be pushed after it.
  void finish(std::string& out);

 private:
  friend class Decoder;
  struct Impl;
  explicit DecoderStream(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// ByteLevel, Replace, ByteFallback, Fuse, Strip, Metaspace and Sequences of them; no entry joins
/// tokens with spaces. Immutable and thread-safe.
class Decoder {
 public:
  /// Errors: unsupported for another type, malformed_file.
  static Decoder parse(const std::optional<Json>& entry);

  /// A fresh stream. It uses this Decoder, which must outlive it.
  [[nodiscard]] DecoderStream stream() const;

  /// Appends the bytes that `token` adds in the middle of a text, before half characters are
  /// repaired. (At the start a decoder may leave out a space.)
  void append_bytes(std::string_view token, std::string& out) const;

 private:
  friend class DecoderStream;
  struct JoinSpaces {};
  struct ByteLevel {};
  struct ByteFallback {};
  struct Fuse {};
  struct Replace {
    Pattern pattern;
    std::string content;
  };
  struct Strip {
    std::string content;  // one character
    size_t start;
    size_t stop;
  };
  struct Metaspace {
    std::string replacement;  // one character
    bool prepended;
  };
  using Step = std::variant<JoinSpaces, ByteLevel, ByteFallback, Fuse, Replace, Strip, Metaspace>;

  void add(const Json& entry);

  std::vector<Step> steps_;
};

}  // namespace linnet::text
