// What stands behind the handles of the public interface.
#pragma once

#include <linnet/chat.hpp>
#include <linnet/error.hpp>
#include <linnet/model.hpp>
#include <linnet/tokenizer.hpp>

#include <memory>
#include <optional>
#include <string_view>
#include <variant>

#include "api/adapter_set.hpp"
#include "api/grammar_cache.hpp"
#include "base/quantization.hpp"
#include "engine/engine.hpp"
#include "engine/request.hpp"
#include "io/checkpoint.hpp"
#include "text/chat_template.hpp"
#include "text/tokenizer.hpp"

namespace linnet {

/// What LoadOptions::device is by default, and the only one that load_model knows.
inline constexpr std::string_view kCpuBackend = "cpu";

/// How a checkpoint writes conversations.
struct ChatForm {
  /// The templates, or what is wrong with them.
  std::variant<text::ChatTemplate, Error> chat_template;
  /// The special token that follows an assistant's text.
  std::optional<int32_t> turn_end_id = {};

  /// Errors: what is wrong with the templates.
  [[nodiscard]] const text::ChatTemplate& require_template() const;
};

struct TextModel::State {
  std::unique_ptr<engine::Engine> engine;
  std::optional<text::Tokenizer> tokenizer;
  std::optional<ChatForm> chat_form;  // always there, once loaded
  std::string tokenizer_checksum;     // of tokenizer.json; empty without one
  mutable GrammarCache grammars;
  AdapterBase adapter_base;
  mutable AdapterSet adapters;
  ModelInfo info;
  MemoryPlan plan;

  /// Errors: invalid_argument if the checkpoint has no tokenizer.
  [[nodiscard]] const text::Tokenizer& require_tokenizer() const;
  /// As GenerateOptions::adapter; null: none. Errors: not_found.
  [[nodiscard]] std::shared_ptr<const nn::Adapter> adapter(const std::string& name) const;
};

struct Tokenizer::State {
  text::Tokenizer tokenizer;
};

struct ChatTemplate::State {
  text::ChatTemplate chat_template;
};

/// The only maker of ChatTemplate.
class ChatTemplateLoader {
 public:
  static ChatTemplate wrap(text::ChatTemplate chat_template);
};

/// The chat templates of a checkpoint, as load_chat_template. A template that does not parse is no
/// error here.
ChatForm read_chat_form(const io::Checkpoint& checkpoint,
                        const std::optional<text::Tokenizer>& tokenizer);

/// The only maker of Tokenizer.
class TokenizerLoader {
 public:
  static Tokenizer wrap(text::Tokenizer tokenizer);
  /// What stands behind a handle.
  static const text::Tokenizer& unwrap(const Tokenizer& tokenizer) {
    return tokenizer.state_->tokenizer;
  }
};

/// The tokenizer of a checkpoint that has one.
std::optional<text::Tokenizer> read_tokenizer(const io::Checkpoint& checkpoint);

/// Turns checkpoints into models; the only maker of TextModel.
class ModelLoader {
 public:
  static TextModel load(const io::Checkpoint& checkpoint, const LoadOptions& options);
  /// What stands behind a handle.
  static const TextModel::State& state(const TextModel& model) { return *model.state_; }
  static std::shared_ptr<const TextModel::State> share(const TextModel& model) {
    return model.state_;
  }
  static TextModel wrap(std::shared_ptr<const TextModel::State> state) {
    return TextModel(std::move(state));
  }
};

/// Errors: invalid_argument for bits or groups that do not exist.
Quantization quantization_of(const QuantizeOptions& options);

/// "none" or "4 bits in groups of 64".
std::string to_string(const MatrixFormat& format);

/// The built-in model's files.
io::Checkpoint builtin_checkpoint();

/// What a checkpoint is; every tensor is checked, none is read.
ModelInfo describe(const io::Checkpoint& checkpoint);

/// Bytes of passes for the products of adapters, and for those of gate and up, which are not joined
/// beside one.
int64_t adapter_workspace_bytes(const models::DecoderConfig& config, const LoadOptions& options,
                                int64_t context_length);

/// Errors: invalid_argument if options.context_length is out of range; otherwise as models::load.
MemoryPlan make_plan(const io::Checkpoint& checkpoint, const LoadOptions& options);

}  // namespace linnet
