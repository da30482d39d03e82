// The models of a server, by the names that requests use, loaded when they are asked for.
#pragma once

#include <linnet/adapter.hpp>
#include <linnet/model_store.hpp>

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "serve/options.hpp"
#include "serve/telemetry.hpp"
#include "serve/workers.hpp"

namespace linnet::serve {

/// What a checkpoint's generation_config.json says of sampling, where it says that texts are
/// sampled at all.
struct SamplingDefaults {
  std::optional<float> temperature;
  std::optional<float> top_p;
  std::optional<int64_t> top_k;
  std::optional<float> min_p;
  std::optional<float> repetition_penalty;
};

/// What is known of a model without loading it.
struct ModelCard {
  std::string name;
  std::filesystem::path folder;  ///< empty: the built-in model
  ModelInfo info;
  int64_t context_length = 0;
  SamplingDefaults sampling;
  bool has_chat_template = false;
  bool thinks = false;        ///< its template knows enable_thinking
  std::string chat_template;  ///< its source
  LoadOptions load;           ///< with its memory_budget

  /// Of a model with an adapter, whose name is "MODEL:ADAPTER": the model alone; null: it is one.
  std::shared_ptr<const ModelCard> base = nullptr;
  ServedAdapter adapter = {};
  AdapterInfo adapter_info = {};
};

/// What a request has of a card outlives its place in the pool.
using CardPtr = std::shared_ptr<const ModelCard>;

/// Used on the network thread; loading happens on the workers'.
class ModelPool {
 public:
  /// Reads the headers of all models and adapters. Errors: as inspect_model and inspect_adapter;
  /// invalid_argument for a name that is there twice.
  ModelPool(const ServeOptions& options, Workers& workers);

  /// All models, and after them all models with adapters.
  [[nodiscard]] const std::vector<CardPtr>& cards() const noexcept { return cards_; }
  /// The model of a name; of none, the first; null if there is none.
  [[nodiscard]] CardPtr find(const std::string& name) const;
  /// The same. Errors: ApiError 404.
  [[nodiscard]] CardPtr card(const std::string& name) const;

  /// The model, ready to be used, and its adapter in it. Errors: ApiError 503 if the model takes
  /// longer than ServeOptions::load_wait to load, 404 if the adapter has been taken away meanwhile;
  /// as ModelStore::acquire and TextModel::load_adapter.
  asio::awaitable<TextModel> acquire(CardPtr card);

  /// Loads an adapter into its model, and in place of the one that has its name. Errors: as
  /// acquire; invalid_argument; ApiError 400 for the name of a model.
  asio::awaitable<CardPtr> add_adapter(ServedAdapter adapter);
  /// Takes an adapter away; answers that are being written go on. Errors: ApiError 404.
  void remove_adapter(const std::string& name);

  /// Frees the model if nobody uses it; the built-in one stays. From any thread.
  void release(const ModelCard& card);

  /// The model if it is loaded now; looking is no use of it.
  [[nodiscard]] std::optional<TextModel> peek(const ModelCard& card) const;

  /// Whether the first model has been loaded.
  [[nodiscard]] bool ready() const noexcept { return ready_; }
  /// Why it could not be; empty if it could.
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }
  void set_problem(std::string problem) { problem_ = std::move(problem); }

  /// The models' part of the gauges.
  void measure(ServerGauges& gauges) const;

 private:
  TextModel load(const ModelCard& card);
  asio::awaitable<TextModel> acquire_base(CardPtr card);
  /// The model of a name, for an adapter beside it. Errors: ApiError 404; 400 if it has one.
  [[nodiscard]] CardPtr base_of(const std::string& name) const;

  std::chrono::milliseconds load_wait_;
  Workers& workers_;
  std::mutex adapters_mutex_;  // adapters are loaded one at a time
  std::vector<CardPtr> cards_;
  std::unique_ptr<ModelStore> store_;
  std::shared_ptr<struct BuiltinModel> builtin_;
  bool ready_ = false;
  std::string problem_;
};

}  // namespace linnet::serve
