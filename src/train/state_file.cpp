#include "train/state_file.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "base/checksum.hpp"
#include "base/file.hpp"
#include "base/printable.hpp"
#include "io/safetensors_writer.hpp"
#include "train/run_state_json.hpp"

namespace linnet::train {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "checkpoint-";
constexpr std::string_view kTemporary = ".tmp-";
constexpr const char* kParameters = "parameters.safetensors";
constexpr const char* kOptimizer = "optimizer.safetensors";
constexpr const char* kState = "state.json";
constexpr const char* kChecksums = "checksums";
constexpr std::array<const char*, 3> kSummed = {kParameters, kOptimizer, kState};
constexpr int64_t kMaxState = int64_t{1} << 28;
constexpr int64_t kMaxChecksums = 4096;

/// So that the names in it last as well as the files' bytes.
void sync_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

/// The step of "checkpoint-<digits>", without leading zeros; nothing for other names.
std::optional<int64_t> step_of(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  int64_t step = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), step);
  if (error != std::errc() || end != name.data() + name.size() || name.front() == '-' ||
      (name.size() > 1 && name.front() == '0'))
    return std::nullopt;
  return step;
}

/// checkpoint-<digits>.tmp-...
bool is_temporary(std::string_view name) {
  const size_t at = name.find(kTemporary);
  return at != std::string_view::npos && step_of(name.substr(0, at)).has_value();
}

void remove_temporaries(const fs::path& run) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(run))
    if (is_temporary(entry.path().filename().string())) found.push_back(entry.path());
  std::error_code ignored;
  for (const fs::path& path : found) fs::remove_all(path, ignored);
}

std::string checksum_of(const fs::path& file) {
  Checksum checksum;
  checksum.add(map_file(file).view);
  return checksum.hex();
}

void write_tensors(const fs::path& file, const NamedArrays& arrays) {
  std::vector<io::TensorSpec> specs;
  for (const auto& [name, array] : arrays) {
    const auto extents = array.shape().span();
    specs.push_back({.name = name,
                     .dtype = io::to_stored(array.dtype()),
                     .shape = {extents.begin(), extents.end()}});
  }
  io::SafetensorsWriter writer(file, std::move(specs));
  for (const auto& [name, array] : arrays) {
    require(array.is_contiguous(), "{}: {} is not dense", file.string(), name);
    writer.write(name, array.bytes());
  }
  writer.commit();
}

NamedArrays read_tensors(const fs::path& path, const DevicePtr& device) {
  const auto file = io::SafetensorsFile::open(path);
  NamedArrays result;
  for (const io::TensorEntry& entry : file.tensors()) {
    const auto dtype = io::to_dtype(entry.dtype);
    if (!dtype || entry.shape.size() > Shape::kMaxRank)
      fail(ErrorCode::malformed_file, "{}: {} is {} with {} axes, which no checkpoint has",
           path.string(), printable(entry.name), io::to_string(entry.dtype), entry.shape.size());
    result.emplace(entry.name, Array::over(io::aligned_bytes(file.bytes(entry), entry.dtype),
                                           Shape(std::span(entry.shape)), *dtype, device));
  }
  return result;
}

/// Renames the new folder `from` to `to`; what is there already goes.
void put_in_place(const fs::path& from, const fs::path& to) {
  std::error_code error;
  std::error_code ignored;
  if (!fs::exists(to, error)) {
    fs::rename(from, to, error);
  } else if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_EXCHANGE) == 0) {
    sync_folder(to.parent_path());
    fs::remove_all(from, ignored);  // the old one, by now
  } else {
    // A file system that cannot exchange: for a moment there is neither.
    const fs::path aside = from.string() + "-old";
    fs::rename(to, aside, error);
    if (!error) fs::rename(from, to, error);
    if (error)
      fs::rename(aside, to, ignored);
    else
      fs::remove_all(aside, ignored);
  }
  if (error)
    fail(ErrorCode::device, "renaming {} to {}: {}", from.string(), to.string(), error.message());
  sync_folder(to.parent_path());
}

/// Where `step`'s checkpoint waits until it is whole, or until it is deleted.
fs::path temporary_of(const fs::path& run, int64_t step, std::string_view what) {
  return run / fmt::format("{}{}{}{}-{}", kPrefix, step, kTemporary, what, ::getpid());
}

void delete_older(const fs::path& run, int64_t step, const SaveOptions& options) {
  if (options.keep == 0) return;
  auto all = list_checkpoints(run);
  std::erase_if(all, [&](const auto& one) { return one.first > step; });
  const auto excess = static_cast<int64_t>(all.size()) - options.keep;
  for (int64_t i = 0; i < excess; ++i) {
    const auto& [old, folder] = all[static_cast<size_t>(i)];
    const fs::path retired = temporary_of(run, old, "old");
    std::error_code error;
    fs::rename(folder, retired, error);
    if (error) fail(ErrorCode::device, "deleting {}: {}", folder.string(), error.message());
    if (options.reached) options.reached(SaveStage::retired);
    fs::remove_all(retired, error);
  }
}

/// Errors: malformed_file if a file is missing or differs from its checksum.
void check_files(const fs::path& folder) {
  const auto bad = [&](std::string_view what) {
    fail(ErrorCode::malformed_file, "{} is no whole checkpoint of a training run: {}",
         folder.string(), what);
  };
  std::error_code ignored;
  for (const char* name : {kChecksums, kParameters, kOptimizer, kState})
    if (!fs::is_regular_file(folder / name, ignored)) bad(fmt::format("it has no {}", name));
  std::string expected;
  for (const char* name : kSummed)
    expected += fmt::format("{}  {}\n", checksum_of(folder / name), name);
  const std::string found = read_file(folder / kChecksums, kMaxChecksums);
  if (found == expected) return;
  for (const char* name : kSummed) {
    const std::string line = fmt::format("{}  {}\n", checksum_of(folder / name), name);
    if (found.find(line) == std::string::npos) bad(fmt::format("{} is damaged", name));
  }
  bad("its checksums are of other files too");
}

}  // namespace

fs::path save_checkpoint(const fs::path& run, const RunState& state,
                         const std::vector<Parameter>& parameters, const NamedArrays& optimizer,
                         const SaveOptions& options) {
  require(state.step >= 0, "a checkpoint of step {}", state.step);
  require(options.keep >= 0, "{} checkpoints are to be kept", options.keep);
  const std::string text = to_json(state);
  (void)run_state_from_json(text, "the training run's state");  // what is written can be read
  NamedArrays values;
  for (const Parameter& parameter : parameters) {
    require(parameter.value.defined() && parameter.value.is_contiguous(),
            "parameter {} is not dense", parameter.name);
    require(values.emplace(parameter.name, parameter.value).second, "two parameters are called {}",
            parameter.name);
  }
  const auto reached = [&](SaveStage stage) {
    if (options.reached) options.reached(stage);
  };
  std::error_code error;
  fs::create_directories(run, error);
  if (error) fail(ErrorCode::not_found, "cannot make {}: {}", run.string(), error.message());
  remove_temporaries(run);
  const fs::path folder = run / fmt::format("{}{}", kPrefix, state.step);
  const fs::path temporary = temporary_of(run, state.step, "new");
  fs::create_directory(temporary, error);
  if (error) fail(ErrorCode::not_found, "cannot make {}: {}", temporary.string(), error.message());
  try {
    reached(SaveStage::created);
    write_tensors(temporary / kParameters, values);
    reached(SaveStage::parameters);
    write_tensors(temporary / kOptimizer, optimizer);
    reached(SaveStage::optimizer);
    AtomicFile json(temporary / kState);
    json.write(text);
    json.commit();
    reached(SaveStage::state);
    AtomicFile checksums(temporary / kChecksums);
    for (const char* name : kSummed)
      checksums.write(fmt::format("{}  {}\n", checksum_of(temporary / name), name));
    checksums.commit();
    sync_folder(temporary);
    reached(SaveStage::checksums);
    put_in_place(temporary, folder);
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    throw;
  }
  reached(SaveStage::renamed);
  delete_older(run, state.step, options);
  reached(SaveStage::done);
  return folder;
}

LoadedCheckpoint load_checkpoint(const fs::path& folder, const DevicePtr& device) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored))
    fail(ErrorCode::not_found, "{} is no folder", folder.string());
  check_files(folder);
  LoadedCheckpoint result;
  const fs::path state = folder / kState;
  result.state = run_state_from_json(read_file(state, kMaxState), state.string());
  const auto step = step_of(fs::absolute(folder).lexically_normal().filename().string());
  if (step && *step != result.state.step)
    fail(ErrorCode::malformed_file, "{} holds a checkpoint of step {}", folder.string(),
         result.state.step);
  result.parameters = read_tensors(folder / kParameters, device);
  result.optimizer = read_tensors(folder / kOptimizer, device);
  return result;
}

std::vector<std::pair<int64_t, fs::path>> list_checkpoints(const fs::path& run) {
  std::vector<std::pair<int64_t, fs::path>> result;
  std::error_code error;
  for (fs::directory_iterator entry(run, error), end; !error && entry != end;
       entry.increment(error)) {
    const auto step = step_of(entry->path().filename().string());
    std::error_code ignored;
    if (step && entry->is_directory(ignored)) result.emplace_back(*step, entry->path());
  }
  std::sort(result.begin(), result.end());
  return result;
}

std::optional<fs::path> latest_checkpoint(const fs::path& run) {
  const auto all = list_checkpoints(run);
  if (all.empty()) return std::nullopt;
  return all.back().second;
}

void restore_parameters(std::vector<Parameter>& parameters, const NamedArrays& saved) {
  for (const Parameter& parameter : parameters) {
    const auto found = saved.find(parameter.name);
    if (found == saved.end())
      fail(ErrorCode::malformed_file, "the checkpoint has no parameter {}", parameter.name);
    const Array& value = found->second;
    if (value.dtype() != DType::f32 || value.shape() != parameter.value.shape())
      fail(ErrorCode::malformed_file, "{} is {} {} in the checkpoint, expected f32 {}",
           parameter.name, linnet::to_string(value.dtype()), value.shape(),
           parameter.value.shape());
  }
  if (saved.size() > parameters.size())
    for (const auto& [name, value] : saved)
      if (std::none_of(parameters.begin(), parameters.end(),
                       [&wanted = name](const Parameter& p) { return p.name == wanted; }))
        fail(ErrorCode::malformed_file, "the checkpoint has a parameter {}, which is not trained",
             printable(name));
  for (Parameter& parameter : parameters) {
    const Array& from = saved.find(parameter.name)->second;
    const auto values = from.is_contiguous() ? std::vector<float>() : from.to_vector<float>();
    std::copy_n(from.is_contiguous() ? from.data<float>() : values.data(), from.size(),
                parameter.value.mutable_data<float>());
  }
}

}  // namespace linnet::train
