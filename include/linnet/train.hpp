// Training: low-rank adapters beside a model's weights, all of the weights, or a new model.
//
//   linnet::Trainer trainer("path/to/gemma-3-1b-it", {.data = {.files = {"train.jsonl"}},
//                                                     .steps = 200, .out = "adapter"});
//   trainer.run({.step = [](const linnet::TrainStep& s) { std::cout << s.loss << "\n"; }});
#pragma once

#include <linnet/adapter.hpp>
#include <linnet/error.hpp>
#include <linnet/options.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace linnet {

/// Which of the assistant's turns in a conversation are learned.
enum class LearnedTurns {
  all,   ///< as the template shows them in the whole conversation
  last,  ///< the last alone
  /// Each as an example of its own, of the conversation up to it: for templates that show earlier
  /// turns in another way than they were written in (Qwen 3 without their thinking).
  apart,
};

/// Lines with a text and its label, learned as the question that TextModel::classify asks with the
/// same options, and the label with an end token as the answer.
struct LabelledLines {
  std::vector<std::string> labels = {};  ///< as ClassifyOptions has them; other labels are errors
  std::string prompt_template = {};
  std::string system = {};
  bool chat = false;
  std::string text_field = "text";  ///< the members of a line
  std::string label_field = "label";
};

/// Lines of JSON to learn from: {"messages": [...]} (the assistant's turns are learned),
/// {"prompt", "completion"} (the completion is), {"text"} (all of it is; with `labelled`, its label
/// is), or Alpaca's {"instruction", "input", "output"} (the output is).
struct TrainData {
  std::vector<std::filesystem::path> files = {};
  /// What the loss is measured on now and then; or a share of the lines of `files`.
  std::vector<std::filesystem::path> validation_files = {};
  double validation_fraction = 0;
  int64_t max_length = 1024;  ///< tokens of an example; longer ones are cut, texts into pieces
  bool skip_long = false;     ///< longer conversations and completions are left out instead
  LearnedTurns turns = LearnedTurns::all;
  bool prompts_as_chat = false;  ///< prompts and completions are turns of a conversation
  std::optional<LabelledLines> labelled = {};  ///< every line with a text has a label
  bool shuffle = true;
  int64_t max_bad_lines = 0;  ///< that are left out before it is an error
};

/// What the data come to.
struct TrainDataStatistics {
  int64_t lines = 0;
  int64_t bad_lines = 0;
  std::vector<std::string> first_bad_lines;  ///< "train.jsonl:17: ..."
  int64_t examples = 0;
  int64_t tokens = 0;
  int64_t target_tokens = 0;  ///< that are learned
  int64_t truncated = 0;      ///< lines that were cut
  int64_t skipped = 0;        ///< lines with nothing to learn, or left out as too long
  /// Texts with a member "label" that are learned as texts, since TrainData::labelled is not set.
  int64_t unlearned_labels = 0;
  /// Of the examples' lengths: least, 10th, 25th, 50th, 75th, 90th, 99th percentile, greatest.
  std::array<int64_t, 8> lengths{};
};

enum class TrainMode {
  lora,  ///< low-rank adapters; the model's own weights stay, and may be quantised
  full,  ///< all weights of a dense checkpoint
  init,  ///< all weights of a new model
};

/// Low-rank adapters (Hu et al. 2021).
struct LoraSettings {
  int64_t rank = 8;
  double alpha = 16;
  bool rslora = false;  ///< scale alpha / sqrt(rank) in place of alpha / rank
  double dropout = 0;
  /// Names of modules or their last parts, with * for any characters.
  std::vector<std::string> targets = {"q_proj", "v_proj"};
  std::vector<int64_t> layers = {};  ///< only these; empty: all
};

/// Values out of range are ErrorCode::invalid_argument when the Trainer is made.
struct TrainOptions {
  TrainMode mode = TrainMode::lora;
  LoraSettings lora = {};
  TrainData data = {};
  /// Of TrainMode::init: the new model's config.json.
  std::filesystem::path init_config = {};

  int64_t steps = 0;            ///< of the optimizer; 0: as many as `epochs` have
  double epochs = 1;            ///< passes over the data
  int64_t batch_tokens = 8192;  ///< of a step, about
  /// Of one forward and backward pass, at least data.max_length; a step adds the gradients of
  /// several. 0: what fits the memory, batch_tokens at most.
  int64_t pack_tokens = 0;
  std::string optimizer = "adamw";  ///< adamw, sgd, lion or adafactor
  double learning_rate = 2e-4;
  // Nothing: the optimizer's published default. One that it does not have is an error.
  std::optional<double> weight_decay = {};  ///< of matrices; adamw 0.01
  std::optional<double> beta1 = {};         ///< of adamw (0.9) and lion (0.9)
  std::optional<double> beta2 = {};         ///< of adamw (0.999) and lion (0.99)
  std::optional<double> epsilon = {};       ///< of adamw (1e-8)
  std::optional<double> momentum = {};      ///< of sgd (0)
  std::string schedule = "cosine";          ///< constant, linear or cosine
  int64_t warmup_steps = 0;
  double minimum_ratio = 0;  ///< of the learning rate, at the last step
  double clip_norm = 1;      ///< of all gradients together; 0: not clipped
  double label_smoothing = 0;
  double z_loss = 0;
  /// Layers are computed again in the backward pass, which saves their memory; nothing: where the
  /// memory asks for it. Changes no bit.
  std::optional<bool> checkpoint_layers = {};
  uint64_t seed = 0;  ///< of the order of the data, the first weights and dropout

  /// Arithmetic of matrix products. Gradients, sums, parameters and adapters are float32 in both.
  Compute compute = Compute::f32;
  QuantizeOptions quantize = {};  ///< of the frozen weights, as LoadOptions::quantize
  int threads = 0;                ///< 0: one per physical core
  int64_t memory_budget = 0;      ///< bytes; 0: the machine's physical memory

  /// A folder: checkpoints of the run go to OUT/checkpoints, and in the end the adapter (in PEFT's
  /// form) to OUT/adapter or the model to OUT/model.
  std::filesystem::path out = {};
  bool resume = false;           ///< goes on from the last checkpoint there, if there is one
  int64_t checkpoint_every = 0;  ///< steps; 0: only at the end and when stopped
  int64_t keep_checkpoints = 2;
  int64_t validate_every = 0;    ///< steps; 0: only at the end
  int64_t validation_packs = 0;  ///< at most; 0: all
  /// Validations in a row without a better loss that end the run; 0: it is not ended so.
  int64_t patience = 0;
  int64_t sample_every = 0;  ///< steps; 0: never
  std::vector<std::string> sample_prompts = {};
  int64_t sample_tokens = 48;
};

/// Bytes that a run will take, and what was chosen so that they fit.
struct TrainPlan {
  int64_t weight_bytes = 0;     ///< of the frozen model
  int64_t parameter_bytes = 0;  ///< that are trained
  int64_t gradient_bytes = 0;
  int64_t optimizer_bytes = 0;
  int64_t activation_bytes = 0;  ///< of a pass forward and back, logits among them
  int64_t total_bytes = 0;
  int64_t budget_bytes = 0;
  int64_t parameters = 0;  ///< that are trained
  int64_t pack_tokens = 0;
  int64_t packs_per_step = 0;
  bool checkpoint_layers = false;
  int64_t steps = 0;
  /// Floating point operations of one token: 2 for each weight forward, 2 for the gradient of its
  /// input, 2 for its own where it is trained, and 2 again where layers are computed twice.
  double flops_per_token = 0;
};

/// After a step.
struct TrainStep {
  int64_t step = 0;  ///< from 1
  int64_t steps = 0;
  double loss = 0;  ///< mean cross-entropy of the step's targets, in nats
  double learning_rate = 0;
  double gradient_norm = 0;  ///< before clipping
  int64_t tokens = 0;
  int64_t target_tokens = 0;
  double seconds = 0;
  int64_t peak_bytes = 0;  ///< of the pool, so far
};

/// A step of a run's past, as its checkpoints keep it. What was not measured is 0.
struct TrainPoint {
  int64_t step = 0;  ///< from 1, rising
  double loss = 0;   ///< mean per token; NaN if it was none
  double learning_rate = 0;
  double gradient_norm = 0;  ///< before clipping
  double tokens_per_second = 0;
  int64_t memory_bytes = 0;  ///< the pool's, at most during the step
};

struct ValidationPoint {
  int64_t step = 0;  ///< after which it was measured
  double loss = 0;
};

/// A run from its first step on, whatever process ran it.
struct TrainHistory {
  std::vector<TrainPoint> steps = {};
  std::vector<ValidationPoint> validation = {};
};

struct TrainSample {
  int64_t step = 0;
  std::string prompt;
  std::string text;  ///< greedy continuation
};

/// What is called while it runs, on the calling thread; an exception ends the run.
struct TrainEvents {
  std::function<void(const TrainStep&)> step = {};
  std::function<void(int64_t step, double loss)> validation = {};
  std::function<void(const TrainSample&)> sample = {};
  std::function<void(int64_t step, const std::filesystem::path&)> checkpoint = {};
  /// Ends the run after the step that runs, with a checkpoint.
  std::stop_token stop = {};
};

enum class TrainEnd {
  finished,
  stopped,        ///< by the stop token; resume goes on
  early_stopped,  ///< the validation loss got no better
};

struct TrainResult {
  TrainEnd end = TrainEnd::finished;
  int64_t steps = 0;
  double loss = 0;  ///< of the last step
  std::optional<double> validation_loss = {};
  std::filesystem::path out = {};  ///< what was written: the adapter or the checkpoint
};

/// One training run. The same options, data and seed give the same bits for any number of threads
/// and instruction set, and where a run was interrupted (by a stop or by a kill) and resumed. Not
/// thread-safe.
class Trainer {
 public:
  struct State;  ///< opaque

  /// Opens the model (for TrainMode::init: the folder with the new model's tokenizer) and the data.
  /// Errors: invalid_argument naming the option; out_of_memory if the plan does not fit the budget,
  /// with the numbers; as load_model; malformed_file for bad lines.
  Trainer(const std::filesystem::path& model, TrainOptions options);
  /// The same with the built-in model.
  explicit Trainer(TrainOptions options);
  ~Trainer();
  Trainer(Trainer&&) noexcept;
  Trainer& operator=(Trainer&&) noexcept;

  [[nodiscard]] const TrainPlan& plan() const noexcept;
  /// Of the training data, counted when the Trainer was made.
  [[nodiscard]] const TrainDataStatistics& statistics() const noexcept;
  /// The step that a resumed run goes on from; 0 for a new one.
  [[nodiscard]] int64_t first_step() const noexcept;
  /// The whole run's so far: what a resumed one went on from, and during run() what it added before
  /// the event that is called.
  [[nodiscard]] const TrainHistory& history() const noexcept;

  /// Trains to the end, a stop or a failure. Errors: those of the data; out_of_memory; device if
  /// files cannot be written; invalid_argument if the loss is no number any more.
  TrainResult run(const TrainEvents& events = {});

 private:
  friend class TrainProbe;
  std::unique_ptr<State> state_;
};

}  // namespace linnet
