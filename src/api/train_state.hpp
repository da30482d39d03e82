// What stands behind a Trainer.
#pragma once

#include <linnet/train.hpp>

#include <memory>
#include <optional>

#include "io/checkpoint.hpp"
#include "text/tokenizer.hpp"
#include "train/dataset.hpp"
#include "train/run.hpp"
#include "train/subject.hpp"

namespace linnet {

struct Trainer::State {
  State(io::Checkpoint checkpoint, TrainOptions options);
  /// TrainMode::init: `folder` has the tokenizer.
  State(const std::filesystem::path& folder, TrainOptions options);

  TrainResult run(const TrainEvents& events);
  train::StepReport traced_step(kernels::Trace& trace);

  TrainOptions options;
  std::optional<io::Checkpoint> checkpoint;  ///< of the model that is trained, if there is one
  std::optional<Json> config;                ///< of a new one
  std::filesystem::path tokenizer_folder;    ///< of a new one
  std::optional<text::Tokenizer> tokenizer;
  DevicePtr device;
  std::unique_ptr<train::Subject> subject;
  std::unique_ptr<train::Dataset> data;
  std::unique_ptr<train::Run> trainer;
  TrainHistory history;
  std::string base_identity;  ///< nn::base_identity of a frozen model
  TrainPlan plan;
  TrainDataStatistics statistics;
  std::string data_checksum;  ///< train::DatasetStatistics::checksum
  int64_t first_step = 0;

 private:
  void open_data(text::ChatTemplate chat_template);
  void make_subject();
  void make_plan();
  void make_run();
  void report_step(const train::StepReport& step, const TrainEvents& events);
  double validate(const TrainEvents& events);
  void sample(const TrainEvents& events) const;
  void save(const TrainEvents& events);
  [[nodiscard]] std::filesystem::path checkpoints() const { return options.out / "checkpoints"; }
};

/// Writes what was trained, whole or not at all: an adapter in PEFT's form to OUT/adapter, or a
/// checkpoint (bf16) with config.json and the files of its tokenizer to OUT/model. Returns that
/// folder. Errors: device.
std::filesystem::path write_trained(const Trainer::State& state);

}  // namespace linnet
