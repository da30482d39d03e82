#include "nn/weights.hpp"

#include <algorithm>

#include "base/file.hpp"
#include "nn/quantize_rows.hpp"
#include "nn/stored_array.hpp"
#include "ops/cast.hpp"
#include "ops/elementwise.hpp"

namespace linnet::nn {
namespace {

constexpr std::string_view kWeight = ".weight";

std::string scales_of(std::string_view module) { return std::string(module) + ".scales"; }
std::string biases_of(std::string_view module) { return std::string(module) + ".biases"; }

}  // namespace

std::string_view TensorUse::module() const noexcept {
  const std::string_view whole = name;
  return whole.ends_with(kWeight) ? whole.substr(0, whole.size() - kWeight.size()) : whole;
}

int Weights::add_module(const std::string& name, int64_t outputs, int64_t inputs) {
  if (!name.starts_with(prefix_) || name == head_) return -1;  // the head has no adapters
  modules_.push_back({.name = name.substr(prefix_.size()), .outputs = outputs, .inputs = inputs});
  return static_cast<int>(modules_.size()) - 1;
}

ops::PackedMatrix ParameterWeights::matrix(const std::string& name, int64_t outputs,
                                           int64_t inputs) {
  return ops::pack(parameter({.name = name, .outputs = outputs, .inputs = inputs}, 0),
                   compute() == Compute::bf16 ? DType::bf16 : DType::f32);
}

Array ParameterWeights::vector(const std::string& name, int64_t size, float offset) {
  const Array array = parameter({.name = name, .outputs = size}, offset);
  return offset == 0 ? array : ops::add(array, offset);
}

void ParameterWeights::accept_tied_head(const std::string& /*embedding*/) {}  // there is none

Array ParameterWeights::parameter(const TensorUse& use, float offset) const {
  Array result = source_(use, offset);
  const Shape shape = use.is_matrix() ? Shape{use.outputs, use.inputs} : Shape{use.outputs};
  require(result.defined() && result.shape() == shape && result.dtype() == DType::f32,
          "the parameter {} is {}, expected f32 {}", use.name,
          result.defined() ? result.shape() : Shape(), shape);
  return result;
}

StoredWeights::StoredWeights(const io::Checkpoint& checkpoint, DevicePtr device, Options options)
    : Weights(std::move(device), options.compute),
      checkpoint_(checkpoint),
      options_(std::move(options)),
      quantization_(io::QuantizationConfig::read(checkpoint.config())) {
  if (!options_.quantize) return;
  check_supported(options_.quantize);
  const Quantization stored = quantization_.general();
  require(!stored, "{} is quantised already, to {} bits in groups of {}", checkpoint_.name(),
          stored.bits, stored.group_size);
}

io::StoredTensor StoredWeights::take(const std::string& name, const Shape& shape, Quantization q) {
  const io::StoredTensor tensor =
      find_tensor(checkpoint_, name, shape,
                  q ? fmt::format(" for {} bits in groups of {}", q.bits, q.group_size) : "");
  stored_bytes_ += tensor.bytes.size();
  taken_.insert(name);
  return tensor;
}

void StoredWeights::count(const TensorUse& use, DType dtype) {
  elements_[dtype] += use.is_matrix() ? use.outputs * use.inputs : use.outputs;
  uses_.push_back(use);
}

void StoredWeights::report_progress() const {
  if (options_.progress) options_.progress(stored_bytes_);
}

int64_t StoredWeights::elements() const noexcept {
  int64_t result = 0;
  for (const auto& [dtype, count] : elements_) result += count;
  return result;
}

DType StoredWeights::main_dtype() const noexcept {
  DType result = DType::bf16;
  int64_t most = 0;
  for (const auto& [dtype, count] : elements_) {
    if (count <= most) continue;
    most = count;
    result = dtype;
  }
  return result;
}

ops::PackedMatrix StoredWeights::matrix(const std::string& name, int64_t outputs, int64_t inputs) {
  TensorUse use{.name = name, .outputs = outputs, .inputs = inputs};
  const bool has_scales = checkpoint_.find(scales_of(use.module())).has_value();
  use.stored = quantization_.of(use.module(), has_scales);
  return use.stored ? quantized_matrix(use) : dense_matrix(use);
}

ops::PackedMatrix StoredWeights::quantized_matrix(const TensorUse& stored) {
  TensorUse use = stored;
  const Quantization q = use.loaded = use.stored;
  if (use.inputs % q.group_size != 0)
    fail(ErrorCode::malformed_file,
         "{} has {} inputs, no multiple of the group size {} that config.json gives it", use.name,
         use.inputs, q.group_size);
  const Shape words_shape{use.outputs, use.inputs / 32 * q.bits};
  const Shape groups{use.outputs, use.inputs / q.group_size};
  const io::StoredTensor words = take(use.name, words_shape, q);
  if (words.dtype != io::StoredDType::u32)
    fail(ErrorCode::malformed_file, "{} is stored as {}, but quantised weights are U32", use.name,
         io::to_string(words.dtype));
  const io::StoredTensor scales = take(scales_of(use.module()), groups, q);
  const io::StoredTensor biases = take(biases_of(use.module()), groups, q);
  const DType dtype = floating_dtype(scales);
  if (floating_dtype(biases) != dtype)
    fail(ErrorCode::malformed_file, "{} is stored as {}, but {} as {}", biases.name,
         io::to_string(biases.dtype), scales.name, io::to_string(scales.dtype));
  count(use, dtype);
  const DType packed = dtype == DType::bf16 ? DType::bf16 : DType::f32;
  packed_bytes_ +=
      MemoryPool::class_bytes(ops::PackedMatrix::packed_bytes(packed, use.outputs, use.inputs, q));
  if (options_.plan_only) return {};
  ops::PackedMatrix result = ops::pack_quantized(
      {as_array(words, device()), as_array(scales, device()), as_array(biases, device())}, q);
  for (const io::StoredTensor* tensor : {&words, &scales, &biases}) release_pages(tensor->bytes);
  report_progress();
  return result;
}

ops::PackedMatrix StoredWeights::dense_matrix(const TensorUse& stored) {
  TensorUse use = stored;
  const Shape shape{use.outputs, use.inputs};
  if (const auto tensor = checkpoint_.find(use.name);
      quantization_.defined() && tensor && tensor->dtype == io::StoredDType::u32)
    fail(ErrorCode::not_found, "{} is stored as U32, as quantised weights are, but there is no {}",
         use.name, scales_of(use.module()));
  const io::StoredTensor tensor = take(use.name, shape);
  const DType dtype = floating_dtype(tensor);
  if (options_.quantize && use.inputs % options_.quantize.group_size == 0)
    use.loaded = options_.quantize;
  count(use, dtype);
  const bool narrow = dtype == DType::bf16 || (!use.loaded && compute() == Compute::bf16);
  const DType packed = narrow ? DType::bf16 : DType::f32;
  packed_bytes_ += MemoryPool::class_bytes(
      ops::PackedMatrix::packed_bytes(packed, use.outputs, use.inputs, use.loaded));
  if (options_.plan_only) return {};
  ops::PackedMatrix result;
  if (use.loaded) {
    ops::QuantizedPacker packer(use.outputs, use.inputs, use.loaded, packed, device());
    quantize_rows(tensor, use.loaded, device(),
                  [&](const ops::QuantizedRows& rows) { packer.append(rows); });
    result = packer.finish();
  } else {
    result = ops::pack(as_array(tensor, device()), packed);
    release_pages(tensor.bytes);
  }
  report_progress();
  return result;
}

Array StoredWeights::vector(const std::string& name, int64_t size, float offset) {
  const Shape shape{size};
  const io::StoredTensor tensor = take(name, shape);
  count({.name = name, .outputs = size}, floating_dtype(tensor));
  packed_bytes_ += MemoryPool::class_bytes(size * size_of(DType::f32));
  if (options_.plan_only) return {};
  // A sum with zero makes a copy of its own: nothing keeps the file mapped.
  Array result = ops::add(ops::astype(as_array(tensor, device()), DType::f32), offset);
  report_progress();
  return result;
}

void StoredWeights::accept_tied_head(const std::string& embedding) {
  const std::string name = head() + std::string(kWeight);
  if (!checkpoint_.find(name)) return;
  const TensorUse original{.name = embedding};
  // A quantised embedding needs a head quantised alike, a dense one a dense head.
  const std::string_view module = original.module();
  for (const auto& [copy, table] :
       {std::pair(name, embedding), std::pair(scales_of(head()), scales_of(module)),
        std::pair(biases_of(head()), biases_of(module))}) {
    const auto a = checkpoint_.find(copy);
    const auto b = checkpoint_.find(table);
    const bool equal = a.has_value() == b.has_value() &&
                       (!a || (a->dtype == b->dtype && std::ranges::equal(a->shape, b->shape) &&
                               std::ranges::equal(a->bytes.view, b->bytes.view)));
    if (!equal)
      fail(ErrorCode::malformed_file,
           "{} differs from the embedding, although config.json says tie_word_embeddings", copy);
    if (!a) continue;
    release_pages(a->bytes);
    release_pages(b->bytes);
    taken_.insert(copy);
  }
}

bool StoredWeights::ignored(std::string_view name) const {
  return std::ranges::any_of(ignored_prefixes_,
                             [&](const std::string& prefix) { return name.starts_with(prefix); }) ||
         std::ranges::any_of(ignored_infixes_, [&](const std::string& infix) {
           return name.find(infix) != std::string_view::npos;
         });
}

void StoredWeights::finish() const {
  if (quantization_.defined() && std::ranges::none_of(uses_, [](const TensorUse& use) {
        return static_cast<bool>(use.stored);
      }))
    fail(ErrorCode::malformed_file,
         "config.json of {} says that it is quantised to {} bits, but no tensor has scales",
         checkpoint_.name(), quantization_.general().bits);
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
