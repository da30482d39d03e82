// A text that grows turn by turn, with what the model computed for it kept.
#pragma once

#include <linnet/chat.hpp>
#include <linnet/options.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace linnet {

class Generation;
class TextModel;

/// A transcript of tokens, and the keys and values of those that were fed. What was computed is not
/// computed again; answers have the same bits as those to the whole transcript from scratch.
///
///   linnet::Session session = model.new_session();
///   session.append("Once upon a time");
///   for (const linnet::Token& token : session.generate({.max_tokens = 64}))
///     std::cout << token.text;
///   linnet::Session other = session.fork();  // both go on, and share what they have in common
///
/// It keeps the model alive. When others need the memory of a session that rests, its keys and
/// values are let go and computed again by its next turn. Several threads may use different
/// sessions; one session is used by one thread at a time, and while its generation runs every
/// function but ids() and size() is an error (invalid_argument).
class Session {
 public:
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  /// Adds to the transcript; nothing is computed yet. A text's special tokens are recognised. The
  /// tokens that the tokenizer adds by default come before a text that is the first, and only
  /// there. Errors: invalid_argument for ids outside the vocabulary, or a transcript longer than
  /// the context.
  void append(std::string_view text);
  void append(std::span<const int32_t> ids);

  /// Continues the transcript; each token is added to it as it is taken. An end-of-sequence id is
  /// not. options.add_special_tokens has no part in it. Dropping or cancelling the generation
  /// leaves what was taken. Errors: as TextModel::generate.
  [[nodiscard]] Generation generate(const GenerateOptions& options = {});

  /// The assistant's answer to a conversation, as TextModel::chat. The transcript becomes the
  /// conversation's: as far as it begins like the present one, that is kept. Errors: as
  /// TextModel::chat.
  [[nodiscard]] Generation chat(const std::vector<Message>& messages, GenerateOptions options = {},
                                const ChatOptions& chat = {});

  /// A second session with this transcript. Blocks are shared until one of the two writes to them.
  [[nodiscard]] Session fork() const;
  /// Shortens the transcript to `size` tokens. Errors: invalid_argument if it has fewer.
  void rewind(int64_t size);

  [[nodiscard]] std::vector<int32_t> ids() const;
  [[nodiscard]] int64_t size() const;
  /// Tokens of the transcript whose keys and values are here.
  [[nodiscard]] int64_t cached() const;

  /// Writes transcript, keys and values to a file, whole or not at all. TextModel::load_session
  /// reads it on any machine, with the same model, to go on with the same bits. Errors: device if
  /// it cannot be written.
  void save(const std::filesystem::path& file) const;

 private:
  friend class Generation;
  friend class TextModel;
  struct State;
  explicit Session(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace linnet
