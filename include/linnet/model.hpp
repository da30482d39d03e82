// Models: load one, ask what it is, generate text with it.
#pragma once

#include <linnet/adapter.hpp>
#include <linnet/chat.hpp>
#include <linnet/classify.hpp>
#include <linnet/error.hpp>
#include <linnet/options.hpp>
#include <linnet/score.hpp>
#include <linnet/session.hpp>
#include <linnet/tokenizer.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace linnet {

/// One generated token.
struct Token {
  int32_t id = 0;
  /// The whole UTF-8 characters that became certain with this token; may be empty. The texts of all
  /// tokens of a generation together are its text. Where a stop id ends a text that was held back
  /// (half a character, which becomes U+FFFD, or the beginning of a stop string), that id comes as
  /// a last token with it; otherwise stop ids are not among the tokens. The tokens of a stop string
  /// are, without its text.
  std::string text;
  /// Natural logarithm of the token's probability under the model alone: log softmax of its logits
  /// before penalties, bias, temperature and filters.
  float logprob = 0;
  std::vector<TokenLogprob> top = {};  ///< GenerateOptions::top_logprobs, likeliest first
};

enum class FinishReason {
  none,       ///< not finished yet, or ended by an error
  stop,       ///< an end-of-sequence id, one of stop_ids or of stop_strings
  length,     ///< max_tokens reached, or the context is full
  cancelled,  ///< cancel() or the stop token
};

/// "none", "stop", "length", "cancelled".
std::string_view to_string(FinishReason reason) noexcept;

/// What one request took. Belongs to the request; times are wall-clock seconds.
struct Metrics {
  int64_t prompt_tokens = 0;
  int64_t cached_prompt_tokens = 0;  ///< of these, those that an earlier request had computed
  int64_t generated_tokens = 0;
  int64_t preemptions = 0;      ///< how often it gave its memory to others and was computed again
  int64_t drafted_tokens = 0;   ///< guessed by speculation and checked
  int64_t accepted_tokens = 0;  ///< of these, those that were right
  double queue_seconds = 0;     ///< from the call to its admission
  double time_to_first_token_seconds = 0;  ///< from the call
  double prefill_seconds = 0;              ///< from its admission until the prompt was read
  double decode_seconds = 0;               ///< from the first token to the last
  double longest_gap_seconds = 0;          ///< between two tokens
  double prefill_tokens_per_second = 0;    ///< tokens of the prompt that were computed, a second
  double decode_tokens_per_second = 0;     ///< (generated_tokens - 1) / decode_seconds
  int64_t active_bytes = 0;                ///< of the model's memory, when the request ended
  int64_t peak_bytes = 0;                  ///< of the model's memory, since it was loaded
};

/// A running generation: an input range of Token. Its tokens are computed by the model's own
/// thread, together with those of other requests, whether they are asked for or not; destroying it
/// stops that before the next step. The bits of an answer do not depend on the other requests.
///
///   for (const linnet::Token& token : model.generate("Once upon a time")) std::cout << token.text;
///
/// Threads: one thread iterates; cancel() may be called from any thread. Different generations of
/// one model may be iterated by different threads at once. Errors while it runs are thrown from
/// begin() and operator++ (out_of_memory, busy, device, internal) and end it.
class Generation {
 public:
  class Iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = Token;
    using difference_type = std::ptrdiff_t;

    Iterator() = default;
    const Token& operator*() const { return *token_; }
    const Token* operator->() const { return token_; }
    Iterator& operator++() {
      token_ = generation_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& iterator, std::default_sentinel_t) {
      return iterator.token_ == nullptr;
    }

   private:
    friend Generation;
    explicit Iterator(Generation* generation)
        : generation_(generation), token_(generation->next()) {}
    Generation* generation_ = nullptr;
    const Token* token_ = nullptr;
  };

  Generation(Generation&&) noexcept;
  Generation& operator=(Generation&&) noexcept;
  ~Generation();

  /// Waits for the next token. A second begin() goes on where the first stopped.
  Iterator begin() { return Iterator(this); }
  static std::default_sentinel_t end() { return {}; }

  /// The next token, valid until the following call; null when the generation has ended.
  const Token* next();

  /// Whether next() would return at once: a token is there, or the generation has ended.
  [[nodiscard]] bool ready() const;
  /// Calls `wake` once, as soon as next() would return at once: here if it does already, otherwise
  /// on the model's own thread, which waits for it. For programs that wait for many things at a
  /// time: `wake` tells their event loop, and must neither block nor throw nor use the generation,
  /// which it may outlive. A second call replaces the first.
  void when_ready(std::function<void()> wake);

  /// Ends the generation: no token comes any more, and its memory is free after the step that runs.
  void cancel() noexcept;

  /// Runs to the end and returns the text of all tokens that were not taken before.
  std::string text();

  [[nodiscard]] FinishReason finish_reason() const noexcept;
  /// Which of GenerateOptions::stop_strings ended it, of those that did at the same byte the
  /// longest; nothing while it runs and if none did.
  [[nodiscard]] std::optional<size_t> stop_string() const noexcept;
  [[nodiscard]] Metrics metrics() const;
  /// The ids of the prompt, special tokens included.
  [[nodiscard]] std::span<const int32_t> prompt_ids() const noexcept;

 private:
  friend class Session;
  friend class TextModel;
  struct State;
  explicit Generation(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// A request of many.
struct BatchRequest {
  std::string prompt = {};
  std::vector<int32_t> ids = {};       ///< instead of a prompt; taken as they are
  std::vector<Message> messages = {};  ///< instead of both: as TextModel::chat
  ChatOptions chat = {};               ///< of messages
  GenerateOptions options = {};
};

/// Where requests come from that are not all there at once. Both are called on the thread that
/// handed it over.
struct BatchSource {
  /// The next request; nothing at the end. It may wait.
  std::function<std::optional<BatchRequest>()> next = {};
  /// Whether next() would answer at once. While it would not, what was asked before is answered.
  /// Without it next() is called whenever there is room for a request.
  std::function<bool()> ready = {};
};

/// What became of it.
struct Completion {
  std::string text = {};
  std::vector<int32_t> ids = {};
  std::vector<float> logprobs = {};  ///< [ids], as Token::logprob
  /// [ids], as Token::top; empty without GenerateOptions::top_logprobs.
  std::vector<std::vector<TokenLogprob>> top = {};
  FinishReason finish_reason = FinishReason::none;
  Metrics metrics = {};
  std::optional<Error> error = {};  ///< why there is no answer, or only a part of one
};

/// One file of a checkpoint.
struct ModelFile {
  std::string name;
  int64_t bytes = 0;
};

/// How matrices of a model are stored.
struct MatrixFormat {
  int bits = 0;            ///< 0: dense
  int group_size = 0;      ///< weights that share a scale; 0 where dense
  int64_t matrices = 0;    ///< of this format
  int64_t parameters = 0;  ///< in them
  std::string first;       ///< the name of one of them
};

/// What a checkpoint is, read from its headers alone.
struct ModelInfo {
  std::string name;          ///< the folder's path, or "built-in"
  std::string architecture;  ///< transformers' class name, such as "Gemma3ForCausalLM"
  std::string model_type;    ///< config.json's model_type
  int64_t parameters = 0;    ///< elements of all text-model tensors; a quantised weight is one
  int64_t stored_bytes = 0;  ///< of those tensors in the files
  std::string dtype;         ///< of most parameters, or their scales: "bf16", "f16" or "f32"
  /// Of most parameters: "none", or as "4 bits in groups of 64". Of a loaded model it and `formats`
  /// say what is in memory.
  std::string quantization;
  std::vector<MatrixFormat> formats;  ///< of all matrices, that of most parameters first
  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int64_t intermediate_size = 0;
  int64_t num_layers = 0;
  int64_t num_attention_heads = 0;
  int64_t num_key_value_heads = 0;
  int64_t head_dim = 0;
  int64_t sliding_window = 0;  ///< 0: none
  int64_t sliding_layers = 0;  ///< layers with that window
  int64_t max_context_length = 0;
  bool tied_embeddings = false;
  bool has_tokenizer = false;
  std::vector<ModelFile> files;
};

/// Bytes that a model will take, and in which form, known before anything is loaded.
struct MemoryPlan {
  int64_t weight_bytes = 0;     ///< as they lie in memory
  int64_t adapter_bytes = 0;    ///< of LoadOptions::adapter, beside weight_bytes
  int64_t kv_cache_bytes = 0;   ///< of one sequence of context_length tokens
  int64_t workspace_bytes = 0;  ///< the most that forward passes hold beside them
  /// Of LoadOptions::draft: its weights, and its cache of one such sequence.
  int64_t draft_weight_bytes = 0;
  int64_t draft_cache_bytes = 0;
  int64_t total_bytes = 0;  ///< of all these
  /// Kept of earlier prompts at most, out of what the budget leaves.
  int64_t prefix_cache_bytes = 0;
  int64_t context_length = 0;  ///< what kv_cache_bytes is for
  /// Of the matrices in memory, that of most parameters first.
  std::vector<MatrixFormat> formats;
};

/// Bytes of a model's own memory.
struct MemoryUsage {
  int64_t active_bytes = 0;  ///< in use
  int64_t cached_bytes = 0;  ///< freed and kept for reuse
  int64_t peak_bytes = 0;    ///< most in use so far
  int64_t limit_bytes = 0;   ///< the budget
  int64_t system_allocations =
      0;  ///< blocks taken from the system so far; constant in a steady state
};

/// A loaded language model. Copies share it; it is freed with its last copy, once its generations
/// are gone too. All functions may be called from any thread.
class TextModel {
 public:
  struct State;  ///< opaque

  /// Starts a continuation of `prompt`.
  /// Errors: invalid_argument for options out of range, an empty prompt, one that does not leave
  /// room for a token in the context, or a model without tokenizer files; out_of_memory if its
  /// cache would not fit even alone; busy if too many requests wait.
  [[nodiscard]] Generation generate(std::string_view prompt, GenerateOptions options = {}) const;
  /// The same for token ids, taken as they are.
  /// Errors: as above; invalid_argument for an id outside the vocabulary.
  [[nodiscard]] Generation generate(std::span<const int32_t> prompt_ids,
                                    GenerateOptions options = {}) const;

  /// Starts the assistant's answer to a conversation, written as the checkpoint's chat template has
  /// it; the template puts all special tokens, so options.add_special_tokens has no part in it. The
  /// token that ends the assistant's turns in that form ends the answer, as the model's own
  /// end-of-sequence ids do.
  ///
  ///   model.chat({{linnet::Role::user, "Hello"}}, {.temperature = 0.7, .seed = 1}).text()
  ///
  /// Errors: as generate and ChatTemplate::render.
  [[nodiscard]] Generation chat(const std::vector<Message>& messages, GenerateOptions options = {},
                                const ChatOptions& chat = {}) const;
  /// Answers many prompts together: as many at a time as LoadOptions::max_batch, and never fails
  /// for a full queue. A request that fails has its error in its own completion and disturbs no
  /// other. `done`, if given, is called on the calling thread with each completion, in order, as
  /// soon as it and all before it are there; an exception from it ends the rest.
  [[nodiscard]] std::vector<Completion> generate_batch(std::span<const std::string> prompts,
                                                       const GenerateOptions& options = {}) const;
  [[nodiscard]] std::vector<Completion> generate_batch(
      std::span<const BatchRequest> requests,
      const std::function<void(int64_t index, const Completion&)>& done = {}) const;
  /// The same for any number of requests, in bounded memory: they are asked for as others end, some
  /// of them in advance, and each completion is handed on and forgotten. Errors: what the source
  /// and `done` throw, which ends the rest.
  void generate_batch(const BatchSource& source,
                      const std::function<void(int64_t index, Completion)>& done) const;

  /// Sorts texts into labels; nothing is generated. What the prompts begin with in common is
  /// computed once. Errors: invalid_argument naming the option; otherwise as generate.
  [[nodiscard]] std::vector<Classification> classify(std::span<const std::string> texts,
                                                     const ClassifyOptions& options) const;
  /// The same, with each result as soon as it and all before it are there.
  void classify(std::span<const std::string> texts, const ClassifyOptions& options,
                const ClassifyResult& result) const;
  /// The same for any number of texts, in bounded memory: they are asked for as others end, some of
  /// them in advance. A text that does not fit the context, or the memory, has its error in its
  /// result and disturbs no other. Errors: what the source and `result` throw, which ends the rest.
  void classify(const TextSource& texts, const ClassifyOptions& options,
                const ClassifyResult& result) const;

  /// How likely a continuation is after a prompt. The two are made into tokens each on its own, the
  /// continuation without special tokens. Errors: invalid_argument if a prompt or continuation has
  /// no tokens, or both do not fit the context; otherwise as generate.
  [[nodiscard]] Score score(std::string_view prompt, std::string_view continuation,
                            const ScoreOptions& options = {}) const;
  [[nodiscard]] Score score(std::span<const int32_t> prompt_ids,
                            std::span<const int32_t> continuation_ids,
                            const ScoreOptions& options = {}) const;
  /// Many of them together, in order.
  [[nodiscard]] std::vector<Score> score(std::span<const ScorePair> pairs,
                                         const ScoreOptions& options = {}) const;

  /// How well the model foresees a text. Errors: invalid_argument for fewer than two tokens.
  [[nodiscard]] Perplexity perplexity(std::string_view text,
                                      const PerplexityOptions& options = {}) const;
  [[nodiscard]] Perplexity perplexity(std::span<const int32_t> ids,
                                      const PerplexityOptions& options = {}) const;

  /// Texts as vectors [hidden_size], one each, read together: the states after the last norm,
  /// pooled. Errors: as generate.
  [[nodiscard]] std::vector<std::vector<float>> embed(std::span<const std::string> texts,
                                                      const EmbedOptions& options = {}) const;

  /// A text that grows turn by turn, beginning empty.
  [[nodiscard]] Session new_session() const;
  /// One that Session::save wrote. Errors: malformed_file if the file is no session, another
  /// version of one, or damaged; invalid_argument if it was written with another model, tokenizer
  /// or arithmetic, or does not fit the context; out_of_memory.
  [[nodiscard]] Session load_session(const std::filesystem::path& file) const;

  /// The checkpoint's chat templates. They may outlive the model. Errors: those of
  /// load_chat_template, which do not keep a model from being loaded.
  [[nodiscard]] ChatTemplate chat_template() const;

  /// Logits [ids.size(), vocab_size], row-major: those of row i are for the token after ids[i].
  /// `adapter`: as GenerateOptions::adapter. Errors: as generate.
  [[nodiscard]] std::vector<float> logits(std::span<const int32_t> ids,
                                          const std::string& adapter = {}) const;

  /// Text to ids and back, as the checkpoint's tokenizer does. Errors: invalid_argument if it has
  /// none, or for an id outside the vocabulary.
  [[nodiscard]] std::vector<int32_t> encode(std::string_view text,
                                            bool add_special_tokens = true) const;
  [[nodiscard]] std::string decode(std::span<const int32_t> ids) const;
  /// The checkpoint's tokenizer. It may outlive the model. Errors: invalid_argument if there is
  /// none.
  [[nodiscard]] Tokenizer tokenizer() const;

  /// Loads a low-rank adapter (PEFT's or mlx-lm's folder), which requests choose by this name
  /// (GenerateOptions::adapter and the like). It takes the place of the one that has the name;
  /// requests that run end with the one that they began with. Its memory is taken from what the
  /// budget has for caches. Errors: as inspect_adapter; invalid_argument for a name that is not 1
  /// to 128 letters, digits and "._-", or naming a module that the model does not have, or both
  /// shapes; out_of_memory. What was there stays then.
  LoadedAdapter load_adapter(const std::string& name, const std::filesystem::path& folder) const;
  /// Takes an adapter away. Requests that run with it go on; its memory is free after the last of
  /// them. Errors: not_found.
  void unload_adapter(const std::string& name) const;
  /// The adapters that requests can name, by name.
  [[nodiscard]] std::vector<LoadedAdapter> adapters() const;

  [[nodiscard]] const ModelInfo& info() const noexcept;
  [[nodiscard]] MemoryPlan plan() const;
  [[nodiscard]] MemoryUsage memory() const;

 private:
  friend class ModelLoader;
  friend class Session;
  explicit TextModel(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

/// Loads a Hugging Face checkpoint: a folder with config.json, *.safetensors and tokenizer.json.
/// Errors: not_found, malformed_file, unsupported (each naming the file, tensor or field),
/// out_of_memory if the plan does not fit the budget.
TextModel load_model(const std::filesystem::path& folder, const LoadOptions& options = {});

/// The small model that comes with linnet, inside the library. Errors: out_of_memory.
TextModel load_builtin_model(const LoadOptions& options = {});

/// Writes a quantised copy of a dense checkpoint to the folder `to`, which linnet and MLX (mlx-lm)
/// read: the tensors of the text model, quantised as LoadOptions::quantize says, config.json with
/// MLX's `quantization`, and the tokenizer's and other small files. What the text model does not
/// need (a vision tower) is left out. The folder appears whole or not at all; memory is bounded by
/// some megabytes of the largest matrix.
/// Errors: as load_model; invalid_argument if `to` holds something, or if no matrix can be
/// quantised; device if it cannot be written.
void quantize_model(const std::filesystem::path& from, const std::filesystem::path& to,
                    const QuantizeModelOptions& options = {});

/// What a checkpoint is, without loading it. Errors: as load_model.
ModelInfo inspect_model(const std::filesystem::path& folder);
ModelInfo inspect_builtin_model();

/// What a checkpoint will take, without loading it. Errors: as load_model.
MemoryPlan plan_model(const std::filesystem::path& folder, const LoadOptions& options = {});
MemoryPlan plan_builtin_model(const LoadOptions& options = {});

}  // namespace linnet
