#include "nn/weights.hpp"

#include <algorithm>

#include "ops/cast.hpp"
#include "ops/elementwise.hpp"

namespace linnet::nn {
namespace {

DType floating_dtype(const io::StoredTensor& tensor) {
  const auto dtype = io::to_dtype(tensor.dtype);
  if (!dtype || !is_floating(*dtype))
    fail(ErrorCode::unsupported, "{} is stored as {}; linnet reads BF16, F16 and F32 weights",
         tensor.name, io::to_string(tensor.dtype));
  return *dtype;
}

Array as_array(const io::StoredTensor& tensor, const Shape& shape, const DevicePtr& device) {
  return Array::over(io::aligned_bytes(tensor.bytes, tensor.dtype), shape, floating_dtype(tensor),
                     device);
}

}  // namespace

Weights::Weights(const io::Checkpoint& checkpoint, DevicePtr device, Options options)
    : checkpoint_(checkpoint), device_(std::move(device)), options_(std::move(options)) {}

io::StoredTensor Weights::take(const std::string& name, const Shape& shape) {
  const auto tensor = checkpoint_.find(name);
  if (!tensor) fail(ErrorCode::not_found, "{} has no tensor {}", checkpoint_.name(), name);
  if (!std::equal(shape.begin(), shape.end(), tensor->shape.begin(), tensor->shape.end()))
    fail(ErrorCode::malformed_file, "{} is [{}], expected {}", name, fmt::join(tensor->shape, ", "),
         shape);
  elements_[floating_dtype(*tensor)] += element_count(shape);
  stored_bytes_ += tensor->bytes.size();
  taken_.insert(name);
  return *tensor;
}

void Weights::report_progress() const {
  if (options_.progress) options_.progress(stored_bytes_);
}

int64_t Weights::elements() const noexcept {
  int64_t result = 0;
  for (const auto& [dtype, count] : elements_) result += count;
  return result;
}

DType Weights::main_dtype() const noexcept {
  DType result = DType::bf16;
  int64_t most = 0;
  for (const auto& [dtype, count] : elements_) {
    if (count <= most) continue;
    most = count;
    result = dtype;
  }
  return result;
}

ops::PackedMatrix Weights::matrix(const std::string& name, int64_t outputs, int64_t inputs) {
  const Shape shape{outputs, inputs};
  const io::StoredTensor tensor = take(name, shape);
  const bool narrow = options_.compute == Compute::bf16 || floating_dtype(tensor) == DType::bf16;
  const DType packed = narrow ? DType::bf16 : DType::f32;
  packed_bytes_ +=
      MemoryPool::class_bytes(ops::PackedMatrix::packed_bytes(packed, outputs, inputs));
  if (options_.plan_only) return {};
  ops::PackedMatrix result = ops::pack(as_array(tensor, shape, device_), packed);
  report_progress();
  return result;
}

Array Weights::vector(const std::string& name, int64_t size, float offset) {
  const Shape shape{size};
  const io::StoredTensor tensor = take(name, shape);
  packed_bytes_ += MemoryPool::class_bytes(size * size_of(DType::f32));
  if (options_.plan_only) return {};
  // A sum with zero makes a copy of its own: nothing keeps the file mapped.
  Array result = ops::add(ops::astype(as_array(tensor, shape, device_), DType::f32), offset);
  report_progress();
  return result;
}

void Weights::accept_tied_head(const std::string& embedding) {
  const std::string name = head_ + ".weight";
  const auto stored = checkpoint_.find(name);
  if (!stored) return;
  const auto original = checkpoint_.find(embedding);
  const bool equal = original && original->dtype == stored->dtype &&
                     std::ranges::equal(original->shape, stored->shape) &&
                     std::ranges::equal(original->bytes.view, stored->bytes.view);
  if (!equal)
    fail(ErrorCode::malformed_file,
         "{} differs from the embedding, although config.json says tie_word_embeddings", name);
  taken_.insert(name);
}

bool Weights::ignored(std::string_view name) const {
  return std::ranges::any_of(ignored_prefixes_,
                             [&](const std::string& prefix) { return name.starts_with(prefix); }) ||
         std::ranges::any_of(ignored_infixes_, [&](const std::string& infix) {
           return name.find(infix) != std::string_view::npos;
         });
}

void Weights::finish() const {
  std::vector<std::string_view> unread;
  for (const std::string_view name : checkpoint_.tensor_names())
    if (!taken_.contains(std::string(name)) && !ignored(name)) unread.push_back(name);
  if (unread.empty()) return;
  const size_t count = unread.size();
  if (unread.size() > 3) unread.resize(3);
  fail(ErrorCode::unsupported, "{} holds {} tensors that this model type has no use for: {}{}",
       checkpoint_.name(), count, fmt::join(unread, ", "), count > 3 ? ", ..." : "");
}

}  // namespace linnet::nn
