#include "io/adapter_file.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include "base/error.hpp"
#include "base/half.hpp"
#include "base/json.hpp"
#include "io/safetensors.hpp"
#include "io/transposed.hpp"

namespace linnet::io {
namespace {

constexpr int64_t kMaxRank = 65536;

/// Of a text model inside a multimodal one, longest first.
constexpr std::array<std::string_view, 3> kPrefixes{"language_model.model.",
                                                    "model.language_model.", "model."};

std::string module_name(std::string_view name) {
  for (const std::string_view prefix : kPrefixes)
    if (name.starts_with(prefix)) return std::string(name.substr(prefix.size()));
  return std::string(name);
}

AdapterFormat format_of(const Json& config) {
  return config.find("peft_type") ? AdapterFormat::peft : AdapterFormat::mlx;
}

/// Nothing if only shapes are wanted.
std::vector<float> read_floats(const SafetensorsFile& file, const TensorEntry& tensor,
                               AdapterParts parts) {
  const auto dtype = to_dtype(tensor.dtype);
  if (!dtype || !is_floating(*dtype))
    fail(ErrorCode::unsupported, "{} of {} is stored as {}; adapters are BF16, F16 or F32",
         tensor.name, file.name(), to_string(tensor.dtype));
  if (parts == AdapterParts::shapes) return {};
  const Bytes bytes = aligned_bytes(file.bytes(tensor), tensor.dtype);
  const auto count = static_cast<size_t>(bytes.size() / size_of(*dtype));
  std::vector<float> result(count);
  const void* data = bytes.view.data();
  for (size_t i = 0; i < count; ++i) switch (*dtype) {
      case DType::bf16: result[i] = to_float(static_cast<const BF16*>(data)[i]); break;
      case DType::f16: result[i] = to_float(static_cast<const F16*>(data)[i]); break;
      default: result[i] = static_cast<const float*>(data)[i];
    }
  return result;
}

/// The two tensors of each module, by the module's name in the file.
struct TensorPair {
  const TensorEntry* a = nullptr;
  const TensorEntry* b = nullptr;
};

std::map<std::string, TensorPair> pairs_of(const SafetensorsFile& file, AdapterFormat format) {
  const bool peft = format == AdapterFormat::peft;
  const std::string_view begin = peft ? "base_model.model." : "";
  const std::string_view a_end = peft ? ".lora_A.weight" : ".lora_a";
  const std::string_view b_end = peft ? ".lora_B.weight" : ".lora_b";
  std::map<std::string, TensorPair> pairs;
  for (const TensorEntry& tensor : file.tensors()) {
    std::string_view name = tensor.name;
    const bool is_a = name.ends_with(a_end);
    if (!name.starts_with(begin) || (!is_a && !name.ends_with(b_end)))
      fail(ErrorCode::unsupported, "{} holds {}, which is no part of a low-rank adapter",
           file.name(), tensor.name);
    name.remove_suffix(is_a ? a_end.size() : b_end.size());
    name.remove_prefix(begin.size());
    TensorPair& pair = pairs[std::string(name)];
    (is_a ? pair.a : pair.b) = &tensor;
  }
  return pairs;
}

AdapterModule read_module(const SafetensorsFile& file, const std::string& name,
                          const TensorPair& pair, AdapterFormat format, AdapterParts parts) {
  if (pair.a == nullptr || pair.b == nullptr)
    fail(ErrorCode::malformed_file, "{} has no {} for {}", file.name(),
         pair.a == nullptr ? "A" : "B", name);
  const bool peft = format == AdapterFormat::peft;
  const auto& a = pair.a->shape;
  const auto& b = pair.b->shape;
  const bool matrices = a.size() == 2 && b.size() == 2;
  const int64_t rank = !matrices ? 0 : peft ? a[0] : a[1];
  if (!matrices || rank < 1 || rank > kMaxRank || rank != (peft ? b[1] : b[0]))
    fail(ErrorCode::malformed_file, "{}: {} has A [{}] and B [{}]", file.name(), name,
         fmt::join(a, ", "), fmt::join(b, ", "));
  AdapterModule result{.name = module_name(name),
                       .rank = rank,
                       .inputs = peft ? a[1] : a[0],
                       .outputs = peft ? b[0] : b[1],
                       .a = read_floats(file, *pair.a, parts),
                       .b = read_floats(file, *pair.b, parts)};
  if (peft || parts == AdapterParts::shapes) return result;
  result.a = transposed(result.a, result.inputs, rank);
  result.b = transposed(result.b, rank, result.outputs);
  return result;
}

/// Whether a field has one of the values that mean "nothing".
bool is_off(const Json& value) {
  if (value.is_null()) return true;
  if (value.is_bool()) return !value.as_bool();
  if (value.is_object()) return value.members().empty();
  if (value.is_array()) return value.elements().empty();
  return value.is_string() && value.as_string().empty();
}

/// Fields that decide nothing about what an adapter computes, or are read elsewhere.
constexpr std::array<std::string_view, 22> kKnown{"alpha_pattern",
                                                  "auto_mapping",
                                                  "base_model_name_or_path",
                                                  "bias",
                                                  "exclude_modules",
                                                  "inference_mode",
                                                  "init_lora_weights",
                                                  "layers_pattern",
                                                  "layers_to_transform",
                                                  "lora_alpha",
                                                  "lora_dropout",
                                                  "megatron_core",
                                                  "peft_type",
                                                  "peft_version",
                                                  "qalora_group_size",
                                                  "r",
                                                  "rank_pattern",
                                                  "revision",
                                                  "target_modules",
                                                  "task_type",
                                                  "use_rslora",
                                                  "loftq_config"};

void check_peft_fields(const Json& config) {
  for (const auto& [key, value] : config.members())
    if (std::ranges::find(kKnown, std::string_view(key)) == kKnown.end() && !is_off(value))
      fail(ErrorCode::unsupported, "{} is not implemented", value.where());
  if (const std::string bias = config.get("bias", "none"); bias != "none")
    fail(ErrorCode::unsupported, "{}: bias \"{}\" is not implemented", config.where(), bias);
  const auto initial = config.find("init_lora_weights");
  // Some ways to begin change the base as well.
  if (initial && initial->is_string() && initial->as_string() != "gaussian")
    fail(ErrorCode::unsupported, "{} is \"{}\", which changes the base model too", initial->where(),
         initial->as_string());
}

double positive(const Json& value) {
  const double number = value.as_number();
  if (!std::isfinite(number) || number <= 0)
    fail(ErrorCode::malformed_file, "{} is {}, not a positive number", value.where(), number);
  return number;
}

/// The value of a pattern (rank_pattern, alpha_pattern) for a module; patterns are ends of names.
std::optional<double> pattern_value(const Json& config, std::string_view field,
                                    std::string_view module) {
  const auto pattern = config.find(field);
  if (!pattern) return std::nullopt;
  for (const auto& [key, value] : pattern->members()) {
    const std::string_view end = key;
    if (end.find_first_of("*+?[]()|\\^$") != std::string_view::npos)
      fail(ErrorCode::unsupported, "{}: regular expressions are not implemented", value.where());
    const bool fits = module.ends_with(end) && (module.size() == end.size() ||
                                                module[module.size() - end.size() - 1] == '.');
    if (fits) return positive(value);
  }
  return std::nullopt;
}

double scale_of(double alpha, int64_t rank, bool rslora) {
  const auto r = static_cast<double>(rank);
  return alpha / (rslora ? std::sqrt(r) : r);
}

float narrow_scale(double scale, const Json& config) {
  if (scale > static_cast<double>(std::numeric_limits<float>::max()))
    fail(ErrorCode::malformed_file, "{} gives a scale of {}", config.where(), scale);
  return static_cast<float>(scale);
}

/// nn::base_identity() of the model that an adapter is for, if linnet wrote it.
std::string base_of(const SafetensorsFile& file) {
  const auto found = file.metadata().find("linnet_base");
  return found == file.metadata().end() ? std::string() : found->second;
}

AdapterFile read_peft(const Json& config, const SafetensorsFile& file, AdapterParts parts) {
  AdapterFile result{.format = AdapterFormat::peft};
  if (config.at("peft_type").as_string() != "LORA")
    fail(ErrorCode::unsupported, "{}: peft_type \"{}\" is not LORA", config.where(),
         config.at("peft_type").as_string());
  check_peft_fields(config);
  result.rank = config.at("r").as_integer();
  result.alpha = positive(config.at("lora_alpha"));
  result.rslora = config.get("use_rslora", false);
  result.dropout = config.get("lora_dropout", 0.0);
  result.base_model = config.get("base_model_name_or_path", "");
  result.base_checksum = base_of(file);
  for (const auto& [name, pair] : pairs_of(file, AdapterFormat::peft)) {
    AdapterModule module = read_module(file, name, pair, AdapterFormat::peft, parts);
    const double rank =
        pattern_value(config, "rank_pattern", name).value_or(static_cast<double>(result.rank));
    if (static_cast<double>(module.rank) != rank)
      fail(ErrorCode::malformed_file, "{}: {} has rank {}, the configuration says {}", file.name(),
           name, module.rank, rank);
    const double alpha = pattern_value(config, "alpha_pattern", name).value_or(result.alpha);
    module.scale = narrow_scale(scale_of(alpha, module.rank, result.rslora), config);
    result.modules.push_back(std::move(module));
  }
  return result;
}

AdapterFile read_mlx(const Json& config, const SafetensorsFile& file, AdapterParts parts) {
  AdapterFile result{.format = AdapterFormat::mlx};
  const std::string type = config.get("fine_tune_type", "lora");
  if (type != "lora")
    fail(ErrorCode::unsupported, "{}: fine_tune_type \"{}\" is not implemented", config.where(),
         type);
  const Json parameters = config.at("lora_parameters");
  result.rank = parameters.at("rank").as_integer();
  const double scale = positive(parameters.at("scale"));
  result.dropout = parameters.get("dropout", 0.0);
  result.base_model = config.get("model", "");
  result.base_checksum = base_of(file);
  for (const auto& [name, pair] : pairs_of(file, AdapterFormat::mlx)) {
    AdapterModule module = read_module(file, name, pair, AdapterFormat::mlx, parts);
    if (module.rank != result.rank)
      fail(ErrorCode::malformed_file, "{}: {} has rank {}, the configuration says {}", file.name(),
           name, module.rank, result.rank);
    module.scale = narrow_scale(scale, config);
    result.modules.push_back(std::move(module));
  }
  result.alpha = scale * static_cast<double>(result.rank);
  return result;
}

}  // namespace

std::string_view to_string(AdapterFormat format) noexcept {
  return format == AdapterFormat::peft ? "peft" : "mlx";
}

std::string_view tensors_name(AdapterFormat format) noexcept {
  return format == AdapterFormat::peft ? "adapter_model.safetensors" : "adapters.safetensors";
}

std::vector<std::string> AdapterFile::targets() const {
  std::vector<std::string> result;
  for (const AdapterModule& module : modules) {
    const std::string last = module.name.substr(module.name.rfind('.') + 1);
    if (std::ranges::find(result, last) == result.end()) result.push_back(last);
  }
  return result;
}

AdapterFile AdapterFile::open(const std::filesystem::path& folder, AdapterParts parts) {
  const Json config = Json::parse_file(folder / "adapter_config.json");
  return parse(config, SafetensorsFile::open(folder / tensors_name(format_of(config))), parts);
}

AdapterFile AdapterFile::parse(const Json& config, const SafetensorsFile& tensors,
                               AdapterParts parts) {
  AdapterFile result = format_of(config) == AdapterFormat::peft ? read_peft(config, tensors, parts)
                                                                : read_mlx(config, tensors, parts);
  if (result.modules.empty())
    fail(ErrorCode::malformed_file, "{} holds no low-rank tensors", tensors.name());
  // Two names in the file can be one module: the prefix of the text model is not always there.
  std::set<std::string_view> names;
  for (const AdapterModule& module : result.modules)
    if (!names.insert(module.name).second)
      fail(ErrorCode::malformed_file, "{} holds {} twice", tensors.name(), module.name);
  return result;
}

}  // namespace linnet::io
