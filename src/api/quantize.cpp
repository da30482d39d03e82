// Writing a quantised copy of a checkpoint.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "api/companion_files.hpp"
#include "api/state.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "io/checkpoint_writer.hpp"
#include "models/registry.hpp"
#include "nn/quantize_rows.hpp"

namespace linnet {
namespace {

constexpr int64_t kCopyBytes = int64_t{8} << 20;

/// What is written of one tensor of the source.
struct Part {
  io::StoredTensor source;
  Quantization quantization;  // of a dense one not set
  std::string module;

  [[nodiscard]] std::vector<io::TensorSpec> specs() const {
    const std::vector<int64_t> shape(source.shape.begin(), source.shape.end());
    if (!quantization) return {{std::string(source.name), source.dtype, shape}};
    const int64_t words = shape[1] / 32 * quantization.bits;
    const int64_t groups = shape[1] / quantization.group_size;
    return {{module + ".weight", io::StoredDType::u32, {shape[0], words}},
            {module + ".scales", source.dtype, {shape[0], groups}},
            {module + ".biases", source.dtype, {shape[0], groups}}};
  }
};

/// The tensors that the text model reads, in the order of the files.
std::vector<Part> parts_of(const io::Checkpoint& checkpoint,
                           std::span<const nn::TensorUse> tensors) {
  std::unordered_map<std::string_view, const nn::TensorUse*> uses;
  for (const nn::TensorUse& tensor : tensors) uses.emplace(tensor.name, &tensor);
  std::vector<Part> parts;
  for (const std::string_view name : checkpoint.tensor_names()) {
    const auto use = uses.find(name);
    if (use == uses.end()) continue;  // a tower, a second copy of a tied head
    parts.push_back({.source = *checkpoint.find(name),
                     .quantization = use->second->loaded,
                     .module = std::string(use->second->module())});
  }
  return parts;
}

/// config.json as mlx-lm writes it.
std::string quantized_config(const io::Checkpoint& checkpoint, Quantization quantization) {
  try {
    auto config = nlohmann::ordered_json::parse(checkpoint.file("config.json")->text());
    config.erase("vision_config");  // there is no tower any more
    for (const char* key : {"quantization", "quantization_config"})
      config[key] = {
          {"group_size", quantization.group_size}, {"bits", quantization.bits}, {"mode", "affine"}};
    return config.dump(2) + "\n";
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCode::malformed_file, "config.json of {}: {}", checkpoint.name(), error.what());
  }
}

class Quantizer {
 public:
  Quantizer(const io::Checkpoint& checkpoint, std::vector<Part> parts, io::CheckpointWriter& writer,
            const QuantizeModelOptions& options)
      : parts_(std::move(parts)),
        checkpoint_(checkpoint),
        writer_(writer),
        options_(options),
        device_(Device::cpu({.threads = options.threads})) {
    for (const Part& part : parts_) progress_.total_bytes += part.source.bytes.size();
  }

  void run() {
    for (const Part& part : parts_) part.quantization ? quantize(part) : copy(part);
    copy_companions(checkpoint_, writer_);
    writer_.add_file("config.json",
                     quantized_config(checkpoint_, quantization_of(options_.quantize)));
  }

 private:
  void quantize(const Part& part) {
    const auto specs = part.specs();
    const int64_t row_bytes = part.source.bytes.size() / std::max<int64_t>(specs[0].shape[0], 1);
    nn::quantize_rows(part.source, part.quantization, device_, [&](const ops::QuantizedRows& rows) {
      writer_.write(specs[0].name, rows.words.bytes());
      writer_.write(specs[1].name, rows.scales.bytes());
      writer_.write(specs[2].name, rows.biases.bytes());
      report(rows.words.dim(0) * row_bytes);
    });
  }

  void copy(const Part& part) {
    for (int64_t begin = 0; begin < part.source.bytes.size(); begin += kCopyBytes) {
      Bytes bytes = part.source.bytes;
      const int64_t count = std::min(kCopyBytes, bytes.size() - begin);
      bytes.view = bytes.view.subspan(static_cast<size_t>(begin), static_cast<size_t>(count));
      writer_.write(part.source.name, bytes.view);
      release_pages(bytes);
      report(count);
    }
  }

  void report(int64_t bytes) {
    progress_.done_bytes += bytes;
    if (options_.progress) options_.progress(progress_);
  }

  std::vector<Part> parts_;
  const io::Checkpoint& checkpoint_;
  io::CheckpointWriter& writer_;
  const QuantizeModelOptions& options_;
  DevicePtr device_;
  LoadProgress progress_;
};

}  // namespace

void quantize_model(const std::filesystem::path& from, const std::filesystem::path& to,
                    const QuantizeModelOptions& options) {
  const Quantization quantization = quantization_of(options.quantize);
  require(static_cast<bool>(quantization), "quantising to 0 bits");
  require(options.threads >= 0 && options.threads <= 4096, "threads {} is outside 0..4096",
          options.threads);
  require(options.shard_bytes > 0, "shard_bytes {} is not positive", options.shard_bytes);
  const io::Checkpoint checkpoint = io::Checkpoint::open(from);
  std::error_code ignored;
  require(!std::filesystem::equivalent(from, to, ignored), "{} cannot take the place of its source",
          to.string());
  const models::LoadedModel planned = models::load(checkpoint, Device::cpu({.threads = 1}),
                                                   {.plan_only = true, .quantize = quantization});
  require(std::ranges::any_of(
              planned.tensors,
              [](const nn::TensorUse& tensor) { return static_cast<bool>(tensor.loaded); }),
          "no matrix of {} has inputs that are a multiple of the group size {}", checkpoint.name(),
          quantization.group_size);
  std::vector<Part> parts = parts_of(checkpoint, planned.tensors);
  std::vector<io::TensorSpec> specs;
  for (const Part& part : parts)
    for (io::TensorSpec& spec : part.specs()) specs.push_back(std::move(spec));
  io::CheckpointWriter writer(to, std::move(specs),
                              {.shard_bytes = options.shard_bytes,
                               .metadata = {{"format", "mlx"}},
                               .replace = options.replace});
  Quantizer(checkpoint, std::move(parts), writer, options).run();
  writer.commit();
}

}  // namespace linnet
