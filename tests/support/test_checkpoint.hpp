// Checkpoints that tests take apart, change and write down again.
#pragma once

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/half.hpp"
#include "io/checkpoint.hpp"
#include "support/reference.hpp"
#include "support/temporary_folder.hpp"

namespace linnet::test {

struct TestTensor {
  std::string name;
  std::string dtype;  // as the header writes it: "BF16"
  std::vector<int64_t> shape;
  std::string bytes;

  [[nodiscard]] std::vector<float> floats() const {  // of BF16 alone
    std::vector<BF16> stored(bytes.size() / sizeof(BF16));
    std::memcpy(stored.data(), bytes.data(), bytes.size());
    std::vector<float> result;
    for (const BF16 value : stored) result.push_back(to_float(value));
    return result;
  }
  template <class T>
  void set(const char* name_of_type, const std::vector<T>& values) {
    dtype = name_of_type;
    bytes.assign(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  }
};

/// A safetensors file of the tensors in their order.
inline std::string safetensors_image(const std::vector<TestTensor>& tensors) {
  nlohmann::json header = nlohmann::json::object();
  std::string data;
  for (const TestTensor& tensor : tensors) {
    const size_t begin = data.size();
    data += tensor.bytes;
    header[tensor.name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {begin, data.size()}}};
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  const uint64_t length = text.size();
  std::string image(sizeof(length), '\0');
  std::memcpy(image.data(), &length, sizeof(length));
  return image + text + data;
}

struct TestCheckpoint {
  nlohmann::json config;
  std::vector<TestTensor> tensors;
  std::map<std::string, std::string> files;  // beside config.json and the tensors

  /// A copy of one of the checkpoints in tests/data/reference, in one file.
  static TestCheckpoint reference(const std::string& family) {
    TestCheckpoint result;
    const io::Checkpoint source = io::Checkpoint::open(reference_folder(family));
    result.config = nlohmann::json::parse(source.file("config.json")->text());
    for (const std::string_view name : source.tensor_names()) {
      const io::StoredTensor tensor = *source.find(name);
      result.tensors.push_back({std::string(name),
                                std::string(io::to_string(tensor.dtype)),
                                {tensor.shape.begin(), tensor.shape.end()},
                                std::string(tensor.bytes.text())});
    }
    return result;
  }

  TestTensor& tensor(const std::string& name) {
    const auto found = std::ranges::find(tensors, name, &TestTensor::name);
    if (found == tensors.end()) throw std::runtime_error("no tensor " + name);
    return *found;
  }
  void erase_tensor(const std::string& name) {
    std::erase_if(tensors, [&](const TestTensor& tensor) { return tensor.name == name; });
  }

  /// All files by name; `files` win.
  [[nodiscard]] std::map<std::string, std::string> contents() const {
    std::map<std::string, std::string> result = files;
    result.emplace("config.json", config.dump());
    if (!tensors.empty()) result.emplace("model.safetensors", safetensors_image(tensors));
    return result;
  }

  void write(const std::filesystem::path& folder) const {
    for (const auto& [name, content] : contents()) {
      std::filesystem::create_directories((folder / name).parent_path());
      std::ofstream(folder / name, std::ios::binary) << content;
    }
  }

  [[nodiscard]] io::Checkpoint in_memory() const {
    std::vector<std::pair<std::string, Bytes>> list;
    for (auto& [name, content] : contents()) {
      auto owner = std::make_shared<const std::string>(content);
      list.emplace_back(name, Bytes{std::as_bytes(std::span(*owner)), owner});
    }
    return io::Checkpoint::from_files(list, "test checkpoint");
  }
};

/// A folder that holds a checkpoint until the end of the test.
class WrittenCheckpoint {
 public:
  explicit WrittenCheckpoint(const TestCheckpoint& checkpoint) { checkpoint.write(folder_.path()); }
  [[nodiscard]] const std::filesystem::path& path() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
};

/// A tokenizer.json of 512 tokens, as many as the reference checkpoints have: <pad>, <eos>, <bos>,
/// <unk>, the 256 byte tokens, the space mark, small letters and words "w286", "w287" ... that no
/// text reaches but a model may well say. A text gets a <bos>.
inline nlohmann::json small_tokenizer() {
  using nlohmann::json;
  json vocabulary = json::object();
  json added = json::array();
  const auto add = [&](const std::string& token) { vocabulary[token] = vocabulary.size(); };
  for (const char* token : {"<pad>", "<eos>", "<bos>", "<unk>"}) {
    added.push_back({{"id", vocabulary.size()},
                     {"content", token},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
    add(token);
  }
  for (int byte = 0; byte < 256; ++byte) add(fmt::format("<0x{:02X}>", byte));
  add("\u2581");
  for (char letter = 'a'; letter <= 'z'; ++letter) add(std::string(1, letter));
  while (vocabulary.size() < 512) add("w" + std::to_string(vocabulary.size()));
  const json mark = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "\u2581"}};
  const json unmark = {{"type", "Replace"}, {"pattern", {{"String", "\u2581"}}}, {"content", " "}};
  return {
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", added},
      {"normalizer", mark},
      {"pre_tokenizer", nullptr},
      {"post_processor",
       {{"type", "TemplateProcessing"},
        {"single",
         {{{"SpecialToken", {{"id", "<bos>"}, {"type_id", 0}}}},
          {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}},
        {"pair",
         {{{"Sequence", {{"id", "A"}, {"type_id", 0}}}},
          {{"Sequence", {{"id", "B"}, {"type_id", 1}}}}}},
        {"special_tokens", {{"<bos>", {{"id", "<bos>"}, {"ids", {2}}, {"tokens", {"<bos>"}}}}}}}},
      {"decoder",
       {{"type", "Sequence"},
        {"decoders", {unmark, {{"type", "ByteFallback"}}, {{"type", "Fuse"}}}}}},
      {"model",
       {{"type", "BPE"},
        {"dropout", nullptr},
        {"unk_token", "<unk>"},
        {"continuing_subword_prefix", nullptr},
        {"end_of_word_suffix", nullptr},
        {"fuse_unk", true},
        {"byte_fallback", true},
        {"ignore_merges", false},
        {"vocab", vocabulary},
        {"merges", json::array()}}}};
}

/// Token ids below 512, the same for the same seed.
inline std::vector<int32_t> random_ids(size_t count, uint32_t seed) {
  std::vector<int32_t> ids(count);
  for (int32_t& id : ids) {
    seed = seed * 1664525U + 1013904223U;
    id = static_cast<int32_t>((seed >> 16) % 512);
  }
  return ids;
}

}  // namespace linnet::test
