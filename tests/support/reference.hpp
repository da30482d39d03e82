// Hugging Face's values for the four tiny checkpoints in tests/data/reference (made by
// transformers 5.17 in float32 with eager attention), and for six that MLX 0.32 quantised (from
// MLX's own dequantised weights).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "array/array.hpp"
#include "base/json.hpp"
#include "io/checkpoint.hpp"
#include "io/safetensors.hpp"
#include "models/registry.hpp"

namespace linnet::test {

inline const std::vector<std::string>& reference_families() {
  static const std::vector<std::string> names{"gemma3", "qwen3", "qwen2", "llama3"};
  return names;
}

/// FAMILY-BITS-GROUP: MLX's files of the same weights.
inline const std::vector<std::string>& quantized_references() {
  static const std::vector<std::string> names{"gemma3-4-64", "gemma3-8-32", "qwen3-4-64",
                                              "qwen2-8-64",  "llama3-4-32", "llama3-6-64"};
  return names;
}

/// The name of a parametrised test.
inline std::string test_name(std::string name) {
  for (char& c : name)
    if (c == '-') c = '_';
  return name;
}

inline std::filesystem::path reference_folder(const std::string& family) {
  return std::filesystem::path(LINNET_TEST_DATA) / "reference" / family;
}

/// A tensor's elements, which must be of type T.
template <class T>
std::vector<T> read_tensor(const io::SafetensorsFile& file, const std::string& name) {
  const io::TensorEntry* const entry = file.find(name);
  const Bytes bytes =
      io::aligned_bytes(file.bytes(name), entry == nullptr ? io::StoredDType::u8 : entry->dtype);
  const auto* first = reinterpret_cast<const T*>(bytes.view.data());
  return {first, first + bytes.view.size() / sizeof(T)};
}

/// golden.safetensors: pL.ids, pL.logits, pL.hidden.i.
class Golden {
 public:
  explicit Golden(const std::string& family)
      : file_(io::SafetensorsFile::open(reference_folder(family) / "golden.safetensors")),
        margins_(Json::parse_file(reference_folder(family) / "golden.json")) {}

  /// Of the prompts that were recorded: 1, 24, 70, and 5 for those that are not quantised.
  [[nodiscard]] std::vector<int64_t> lengths() const {
    std::vector<int64_t> result;
    for (const int64_t length : {1, 5, 24, 70})
      if (file_.find("p" + std::to_string(length) + ".ids") != nullptr) result.push_back(length);
    return result;
  }

  [[nodiscard]] std::vector<int32_t> ids(int64_t length) const {
    return read_tensor<int32_t>(file_, "p" + std::to_string(length) + ".ids");
  }
  [[nodiscard]] std::vector<float> logits(int64_t length) const {
    return read_tensor<float>(file_, "p" + std::to_string(length) + ".logits");
  }
  /// Empty if that length was not recorded.
  [[nodiscard]] std::vector<float> hidden(int64_t length, size_t layer) const {
    const std::string name = "p" + std::to_string(length) + ".hidden." + std::to_string(layer);
    return file_.find(name) == nullptr ? std::vector<float>{} : read_tensor<float>(file_, name);
  }

  struct Greedy {
    std::vector<int32_t> ids;
    std::vector<double> margins;  // best minus second logit, at each step
  };
  [[nodiscard]] Greedy greedy(int64_t length) const {
    for (const Json& prompt : margins_.at("prompts").elements()) {
      if (prompt.at("len").as_integer() != length) continue;
      Greedy result;
      for (const Json& id : prompt.at("greedy").elements())
        result.ids.push_back(static_cast<int32_t>(id.as_integer()));
      for (const Json& margin : prompt.at("margin").elements())
        result.margins.push_back(margin.as_number());
      return result;
    }
    return {};
  }

 private:
  io::SafetensorsFile file_;
  Json margins_;
};

inline std::unique_ptr<models::Model> load_reference(const std::string& family, Compute compute,
                                                     const DevicePtr& device) {
  return models::load(io::Checkpoint::open(reference_folder(family)), device, {.compute = compute})
      .model;
}

}  // namespace linnet::test
