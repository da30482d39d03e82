// The built-in model's files, put into the library by cmake/LinnetEmbed.cmake from assets/builtin.
#include "api/state.hpp"

extern "C" {
extern const std::byte linnet_builtin_config_json[];
extern const std::byte linnet_builtin_config_json_end[];
extern const std::byte linnet_builtin_generation_config_json[];
extern const std::byte linnet_builtin_generation_config_json_end[];
extern const std::byte linnet_builtin_model_safetensors[];
extern const std::byte linnet_builtin_model_safetensors_end[];
extern const std::byte linnet_builtin_tokenizer_json[];
extern const std::byte linnet_builtin_tokenizer_json_end[];
extern const std::byte linnet_builtin_tokenizer_config_json[];
extern const std::byte linnet_builtin_tokenizer_config_json_end[];
}

namespace linnet {

io::Checkpoint builtin_checkpoint() {
  const auto bytes = [](const std::byte* begin, const std::byte* end) {
    return Bytes{.view = {begin, end}, .owner = nullptr};
  };
  return io::Checkpoint::from_files(
      {{"config.json", bytes(linnet_builtin_config_json, linnet_builtin_config_json_end)},
       {"generation_config.json",
        bytes(linnet_builtin_generation_config_json, linnet_builtin_generation_config_json_end)},
       {"model.safetensors",
        bytes(linnet_builtin_model_safetensors, linnet_builtin_model_safetensors_end)},
       {"tokenizer.json", bytes(linnet_builtin_tokenizer_json, linnet_builtin_tokenizer_json_end)},
       {"tokenizer_config.json",
        bytes(linnet_builtin_tokenizer_config_json, linnet_builtin_tokenizer_config_json_end)}},
      "built-in");
}

}  // namespace linnet
