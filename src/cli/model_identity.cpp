#include "cli/model_identity.hpp"

#include "api/engine_of.hpp"
#include "api/state.hpp"
#include "base/checksum.hpp"
#include "engine/engine.hpp"

namespace linnet::cli {

nlohmann::ordered_json model_identity(const TextModel& model) {
  Checksum chat_template;
  try {
    chat_template.add(model.chat_template().source());
  } catch (const Error&) {  // there is none that could make a difference
  }
  return {{"logits", engine_of(model).fingerprint()},
          {"tokenizer", ModelLoader::state(model).tokenizer_checksum},
          {"chat_template", chat_template.hex()}};
}

}  // namespace linnet::cli
