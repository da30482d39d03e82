// The engine behind a model, for the program's own measurements.
#pragma once

#include <linnet/model.hpp>

namespace linnet {

namespace engine {
class Engine;
}

/// Lives as long as the model.
engine::Engine& engine_of(const TextModel& model);

}  // namespace linnet
