#include "io/quantization.hpp"

#include <array>
#include <optional>

#include "base/error.hpp"
#include "base/printable.hpp"

namespace linnet::io {
namespace {

constexpr std::array<std::string_view, 2> kKeys{"quantization", "quantization_config"};

std::optional<Json> find_entry(const Json& config) {
  for (const std::string_view key : kKeys)
    if (auto entry = config.find(key)) return entry;
  const auto text = config.find("text_config");
  return text && text->is_object() ? find_entry(*text) : std::nullopt;
}

/// Group size and bits of an entry; a negative default means that the entry must have it.
Quantization read_numbers(const Json& entry, int64_t group_size, int64_t bits) {
  const auto read = [&](std::string_view key, int64_t fallback) {
    const int64_t value = fallback < 0 ? entry.at(key).as_integer() : entry.get(key, fallback);
    // Far outside of what is supported, and still an int.
    if (value < 0 || value > 1 << 20)
      fail(ErrorCode::malformed_file, "{}: {} is {}", entry.where(), key, value);
    return static_cast<int>(value);
  };
  const Quantization result{.bits = read("bits", bits),
                            .group_size = read("group_size", group_size)};
  if (!is_supported(result))
    fail(ErrorCode::unsupported,
         "{}: {} bits in groups of {}; linnet reads 2, 3, 4, 5, 6 or 8 bits in groups of 32, 64 or "
         "128",
         entry.where(), result.bits, result.group_size);
  return result;
}

void check_mode(const Json& entry) {
  // Other writers' configs say quant_method, MLX's say mode or nothing.
  for (const char* key : {"quant_method", "mode"}) {
    const std::string name = entry.get(key, "affine");
    if (name != "affine" && name != "mlx")
      fail(ErrorCode::unsupported,
           "{}: {} \"{}\" is not implemented; linnet reads MLX's affine quantisation",
           entry.where(), key, printable(name));
  }
}

bool is_known(std::string_view key) {
  return key == "group_size" || key == "bits" || key == "mode" || key == "quant_method";
}

}  // namespace

QuantizationConfig QuantizationConfig::read(const Json& config) {
  if (config.get("quantize_activations", false))
    fail(ErrorCode::unsupported, "{}: quantize_activations is not implemented", config.where());
  QuantizationConfig result;
  const auto entry = find_entry(config);
  if (!entry) return result;
  check_mode(*entry);
  for (auto& [key, value] : entry->members()) {
    if (is_known(key)) continue;
    if (!value.is_bool() && !value.is_object())
      fail(ErrorCode::unsupported,
           "{}: the field \"{}\" is not implemented; expected group_size, bits, mode and entries "
           "of modules",
           entry->where(), printable(key));
    if (!result.modules_.emplace(key, value).second)
      fail(ErrorCode::malformed_file, "{} has the module \"{}\" twice", entry->where(),
           printable(key));
  }
  result.general_ = read_numbers(*entry, -1, -1);
  result.where_ = entry->where();
  return result;
}

Quantization QuantizationConfig::of(std::string_view module, bool has_scales) const {
  const auto found = modules_.find(module);
  if (found == modules_.end()) {
    if (has_scales && !defined())
      fail(ErrorCode::malformed_file, "{}.scales is there, but {} says nothing of a quantization",
           printable(module), where_);
    return has_scales ? general_ : Quantization();
  }
  const Json& entry = found->second;
  if (entry.is_bool() && !entry.as_bool()) {
    if (has_scales)
      fail(ErrorCode::malformed_file, "{} is false, but {}.scales is there", entry.where(),
           printable(module));
    return {};
  }
  Quantization result = general_;
  if (entry.is_object()) {
    check_mode(entry);
    for (const auto& [key, value] : entry.members())
      // mlx-lm drops a quantize_input that is off.
      if (!is_known(key) && !(key == "quantize_input" && value.is_bool() && !value.as_bool()))
        fail(ErrorCode::unsupported, "{}: the field \"{}\" is not implemented", entry.where(),
             printable(key));
    result = read_numbers(entry, 64, 4);  // MLX's defaults, whatever holds for the others
  }
  if (!has_scales)
    fail(ErrorCode::not_found, "there is no tensor {}.scales, though {} says that it is quantised",
         printable(module), entry.where());
  return result;
}

}  // namespace linnet::io
