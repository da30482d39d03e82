#include "train/state_file.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <fstream>
#include <limits>
#include <thread>

#include "base/file.hpp"
#include "support/expect_error.hpp"
#include "support/sanitized.hpp"
#include "support/temporary_folder.hpp"
#include "sweep.hpp"

namespace linnet::train {
namespace {

namespace fs = std::filesystem;
using test::device;

/// Values that tell which step they are of.
std::vector<Parameter> parameters_at(int64_t step) {
  const auto filled = [&](const Shape& shape, float base) {
    std::vector<float> values(static_cast<size_t>(element_count(shape)));
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = base + static_cast<float>(step) + static_cast<float>(i) / 64;
    return Array::from(values, shape, device());
  };
  return {{"layers.0.a", filled({3, 5}, 0)}, {"norm", filled({7}, 1000), false}};
}

RunState state_at(int64_t step) {
  RunState state{.step = step,
                 .fingerprint = "rank 8, \"quoted\", ümlaut",
                 .seeds = {{"data", ~uint64_t{0}}, {"dropout", 0}},
                 .data_checksum = "0123",
                 .data_position = R"({"epoch":3,"file":"a.jsonl","at":[1,2,0.1]})"};
  for (int64_t i = 1; i <= step; ++i)
    state.history.steps.push_back({.step = i,
                                   .loss = 1.0 / static_cast<double>(i),
                                   .learning_rate = 1e-4 / 3,
                                   .gradient_norm = 0.1,
                                   .tokens_per_second = 1234.5,
                                   .memory_bytes = int64_t{1} << 40});
  state.history.validation = {{.step = 0, .loss = 2.5}};
  return state;
}

/// An optimizer after one step.
Optimizer optimizer_of(const std::vector<Parameter>& parameters) {
  Optimizer optimizer({}, parameters);
  std::vector<Array> gradients;
  for (const Parameter& parameter : parameters) gradients.push_back(parameter.value);
  optimizer.step(gradients, 0.1);
  return optimizer;
}

fs::path save(const fs::path& run, int64_t step, const SaveOptions& options = {}) {
  const auto parameters = parameters_at(step);
  return save_checkpoint(run, state_at(step), parameters, Optimizer({}, parameters).state(),
                         options);
}

/// Expects a whole checkpoint of that step.
void expect_whole(const fs::path& folder, int64_t step) {
  const LoadedCheckpoint loaded = load_checkpoint(folder, device());
  EXPECT_EQ(loaded.state.step, step);
  for (const Parameter& parameter : parameters_at(step))
    EXPECT_EQ(loaded.parameters.at(parameter.name).to_floats(), parameter.value.to_floats());
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

TEST(StateFile, EverythingComesBack) {
  const test::TemporaryFolder temporary;
  const auto parameters = parameters_at(1);
  const Optimizer optimizer = optimizer_of(parameters);
  const RunState state = state_at(20);
  const fs::path run = temporary.path() / "a" / "run";  // is made
  const fs::path folder = save_checkpoint(run, state, parameters, optimizer.state());
  EXPECT_EQ(folder, run / "checkpoint-20");
  EXPECT_EQ(names_in(run), std::vector<std::string>{"checkpoint-20"});
  EXPECT_EQ(names_in(folder), (std::vector<std::string>{"checksums", "optimizer.safetensors",
                                                        "parameters.safetensors", "state.json"}));
  const LoadedCheckpoint loaded = load_checkpoint(folder, device());
  EXPECT_EQ(loaded.state.step, 20);
  EXPECT_EQ(loaded.state.fingerprint, state.fingerprint);
  EXPECT_EQ(loaded.state.seeds, state.seeds);
  EXPECT_EQ(loaded.state.data_checksum, state.data_checksum);
  EXPECT_EQ(loaded.state.data_position, state.data_position);
  ASSERT_EQ(loaded.state.history.steps.size(), 20U);
  for (size_t i = 0; i < 20; ++i) {
    const TrainPoint& found = loaded.state.history.steps[i];
    const TrainPoint& expected = state.history.steps[i];
    EXPECT_EQ(found.step, expected.step);
    EXPECT_EQ(found.loss, expected.loss);
    EXPECT_EQ(found.learning_rate, expected.learning_rate);
    EXPECT_EQ(found.gradient_norm, expected.gradient_norm);
    EXPECT_EQ(found.tokens_per_second, expected.tokens_per_second);
    EXPECT_EQ(found.memory_bytes, expected.memory_bytes);
  }
  ASSERT_EQ(loaded.state.history.validation.size(), 1U);
  EXPECT_EQ(loaded.state.history.validation[0].loss, 2.5);

  auto restored = parameters_at(0);
  restore_parameters(restored, loaded.parameters);
  for (size_t i = 0; i < 2; ++i)
    EXPECT_EQ(restored[i].value.to_floats(), parameters[i].value.to_floats());
  Optimizer other({}, restored);
  other.load_state(loaded.optimizer);
  EXPECT_EQ(other.steps(), 1);
  const NamedArrays expected = optimizer.state();
  for (const auto& [name, array] : other.state())
    EXPECT_EQ(test::to_bits(array), test::to_bits(expected.at(name))) << name;
}

TEST(StateFile, WhatIsNotFiniteComesBackAsNaN) {
  const test::TemporaryFolder temporary;
  RunState state = state_at(2);
  state.history.steps[0].loss = std::numeric_limits<double>::quiet_NaN();
  state.history.steps[1].gradient_norm = std::numeric_limits<double>::infinity();
  state.data_position = "null";
  const fs::path folder = save_checkpoint(temporary.path(), state, {}, {});
  const LoadedCheckpoint loaded = load_checkpoint(folder, device());
  EXPECT_TRUE(std::isnan(loaded.state.history.steps[0].loss));
  EXPECT_TRUE(std::isnan(loaded.state.history.steps[1].gradient_norm));
  EXPECT_EQ(loaded.state.data_position, "null");
  EXPECT_TRUE(loaded.parameters.empty());
}

TEST(StateFile, TheLatestIsFoundByNumberAndOldOnesGo) {
  const test::TemporaryFolder temporary;
  const fs::path& run = temporary.path();
  EXPECT_EQ(latest_checkpoint(run / "none"), std::nullopt);
  EXPECT_EQ(latest_checkpoint(run), std::nullopt);
  for (const int64_t step : {5, 9, 10, 100}) save(run, step);
  for (const char* name : {"checkpoint-007", "checkpoint--3", "checkpoint-", "checkpoint-12x",
                           "checkpoint-99999999999999999999", "final"})
    fs::create_directory(run / name);
  std::ofstream(run / "checkpoint-1000") << "a file";
  EXPECT_EQ(latest_checkpoint(run), run / "checkpoint-100");
  save(run, 11, {.keep = 2});  // an earlier one, gone back to: what is later stays
  std::vector<int64_t> steps;
  for (const auto& [step, folder] : list_checkpoints(run)) steps.push_back(step);
  EXPECT_EQ(steps, (std::vector<int64_t>{10, 11, 100}));
  expect_whole(run / "checkpoint-11", 11);
  EXPECT_TRUE(fs::exists(run / "checkpoint-007"));
  save(run, 12, {.keep = 1});
  EXPECT_EQ(list_checkpoints(run).size(), 2U);
}

TEST(StateFile, OneOfTheSameStepIsReplaced) {
  const test::TemporaryFolder temporary;
  RunState state = state_at(3);
  save(temporary.path(), 3);
  state.fingerprint = "another";
  const fs::path folder = save_checkpoint(temporary.path(), state, parameters_at(4), {});
  EXPECT_EQ(load_checkpoint(folder, device()).state.fingerprint, "another");
  EXPECT_EQ(names_in(temporary.path()), std::vector<std::string>{"checkpoint-3"});
}

/// Runs body in another process and gives how it ended. One thread only: fork copies no other.
template <class Body>
int in_child(const Body& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      body();
    } catch (...) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

TEST(StateFile, AProcessKilledAtAnyStageLeavesAValidCheckpoint) {
  for (int stage = 0; stage <= static_cast<int>(SaveStage::done); ++stage)
    for (const int64_t next : {1, 2}) {  // the same step again, and a later one
      SCOPED_TRACE(fmt::format("stage {}, step {}", stage, next));
      const test::TemporaryFolder temporary;
      const fs::path& run = temporary.path();
      save(run, 1);
      const int status = in_child([&] {
        save(run, next, {.keep = 1, .reached = [&](SaveStage now) {
                           if (static_cast<int>(now) == stage) ::raise(SIGKILL);
                         }});
      });
      const bool reached = next == 2 || static_cast<SaveStage>(stage) != SaveStage::retired;
      EXPECT_EQ(WIFSIGNALED(status), reached);
      const bool renamed = static_cast<SaveStage>(stage) >= SaveStage::renamed;
      const auto all = list_checkpoints(run);
      ASSERT_FALSE(all.empty());
      for (const auto& [step, folder] : all) expect_whole(folder, step);
      EXPECT_EQ(all.back().first, renamed ? next : 1);
      // What was left behind goes with the next one.
      save(run, 7, {.keep = 1});
      EXPECT_EQ(names_in(run), std::vector<std::string>{"checkpoint-7"});
    }
}

TEST(StateFile, AProcessKilledAtAnyMomentLeavesAValidCheckpoint) {
  const test::TemporaryFolder temporary;
  const fs::path& run = temporary.path();
  save(run, 1);
  test::Numbers numbers(3);
  int64_t before = 1;
  for (int round = 0; round < test::rounds(24, 8); ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      try {
        for (int64_t step = before + 1;; ++step) save(run, step, {.keep = 2});
      } catch (...) {
        ::_exit(1);
      }
    }
    // Every other time one is saved first, however slow the disk is.
    while (round % 2 == 1 && latest_checkpoint(run) == run / fmt::format("checkpoint-{}", before))
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::this_thread::sleep_for(
        std::chrono::microseconds(static_cast<int64_t>(numbers.uniform(0, 40'000))));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "it failed by itself";
    const auto all = list_checkpoints(run);
    ASSERT_FALSE(all.empty());
    // A process that is killed between putting one in place and deleting an old one leaves it.
    ASSERT_LE(all.size(), 3U + static_cast<size_t>(round));
    for (const auto& [step, folder] : all) expect_whole(folder, step);
    ASSERT_GE(all.back().first, before);
    before = all.back().first;
  }
  EXPECT_GT(before, 1);
  save(run, before + 1, {.keep = 2});
  EXPECT_EQ(list_checkpoints(run).size(), 2U);
}

TEST(StateFile, AFailedSaveLeavesNothing) {
  const test::TemporaryFolder temporary;
  const fs::path& run = temporary.path();
  save(run, 1);
  for (const auto stage : {SaveStage::created, SaveStage::parameters, SaveStage::checksums})
    EXPECT_THROW(save(run, 2,
                      {.reached =
                           [&](SaveStage now) {
                             if (now == stage) throw Error(ErrorCode::device, "the disk is full");
                           }}),
                 Error);
  EXPECT_EQ(names_in(run), std::vector<std::string>{"checkpoint-1"});
}

void overwrite(const fs::path& file, int64_t at, char value) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekp(at);
  stream.put(value);
}

TEST(StateFile, TornAndForeignFoldersAreRefusedByName) {
  const test::TemporaryFolder temporary;
  const fs::path& run = temporary.path();
  const auto malformed = ErrorCode::malformed_file;
  const auto refused = [&](const fs::path& folder, std::string_view part) {
    test::expect_error(malformed, part, [&] { (void)load_checkpoint(folder, device()); });
    test::expect_error(malformed, folder.string(),
                       [&] { (void)load_checkpoint(folder, device()); });
  };
  test::expect_error(ErrorCode::not_found, "none is no folder",
                     [&] { (void)load_checkpoint(run / "none", device()); });
  fs::create_directory(run / "model");
  std::ofstream(run / "model" / "config.json") << "{}";
  refused(run / "model", "is no whole checkpoint of a training run: it has no checksums");

  for (const char* name : {"parameters.safetensors", "optimizer.safetensors", "state.json"}) {
    const fs::path folder = save(run, 5);
    const auto size = static_cast<int64_t>(fs::file_size(folder / name));
    for (const int64_t at : {int64_t{9}, size / 2, size - 1}) {
      const std::string good = read_file(folder / name);
      overwrite(folder / name, at, good[static_cast<size_t>(at)] == 'x' ? 'y' : 'x');
      refused(folder, fmt::format("{} is damaged", name));
      overwrite(folder / name, at, good[static_cast<size_t>(at)]);
    }
    fs::resize_file(folder / name, static_cast<uintmax_t>(size - 1));
    refused(folder, fmt::format("{} is damaged", name));
    fs::remove(folder / name);
    refused(folder, fmt::format("it has no {}", name));
  }
  const fs::path folder = save(run, 5);
  expect_whole(folder, 5);
  fs::rename(folder, run / "checkpoint-6");
  refused(run / "checkpoint-6", "holds a checkpoint of step 5");
  fs::rename(run / "checkpoint-6", run / "kept");  // a name that says nothing is no contradiction
  expect_whole(run / "kept", 5);
  std::ofstream(run / "kept" / "checksums", std::ios::app) << "more\n";
  refused(run / "kept", "its checksums are of other files too");
}

TEST(StateFile, ErrorsNameWhatIsWrong) {
  const test::TemporaryFolder temporary;
  const auto bad = ErrorCode::invalid_argument;
  RunState state = state_at(1);
  state.data_position = "{";
  test::expect_error(bad, "the position in the data is no JSON: {",
                     [&] { (void)save_checkpoint(temporary.path(), state, {}, {}); });
  state = state_at(1);
  state.fingerprint = "\xff";
  test::expect_error(bad, "not UTF-8",
                     [&] { (void)save_checkpoint(temporary.path(), state, {}, {}); });
  state = state_at(1);
  state.step = -1;
  test::expect_error(bad, "a checkpoint of step -1",
                     [&] { (void)save_checkpoint(temporary.path(), state, {}, {}); });
  EXPECT_TRUE(names_in(temporary.path()).empty());

  const auto malformed = ErrorCode::malformed_file;
  auto parameters = parameters_at(1);
  NamedArrays saved = {{"layers.0.a", parameters[0].value}};
  test::expect_error(malformed, "the checkpoint has no parameter norm",
                     [&] { restore_parameters(parameters, saved); });
  saved["norm"] = parameters[0].value;
  test::expect_error(malformed, "norm is f32 [3, 5] in the checkpoint, expected f32 [7]",
                     [&] { restore_parameters(parameters, saved); });
  saved["norm"] = parameters[1].value;
  saved["more"] = parameters[1].value;
  test::expect_error(malformed, "the checkpoint has a parameter more, which is not trained",
                     [&] { restore_parameters(parameters, saved); });
}

}  // namespace
}  // namespace linnet::train
