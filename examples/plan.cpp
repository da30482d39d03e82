// Memory: known before a model is loaded, and held to a budget.
//
//   plan [FOLDER]     FOLDER holds a Hugging Face checkpoint; without it, the built-in model
#include <linnet/linnet.hpp>

#include <iostream>

int main(int argc, char** argv) {
  linnet::LoadOptions options{.context_length = 256};
  const linnet::MemoryPlan plan =
      argc > 1 ? linnet::plan_model(argv[1], options) : linnet::plan_builtin_model(options);
  std::cout << "will take " << plan.total_bytes << " bytes, " << plan.weight_bytes
            << " of them weights\n";

  options.memory_budget = plan.total_bytes;
  const linnet::TextModel model =
      argc > 1 ? linnet::load_model(argv[1], options) : linnet::load_builtin_model(options);
  const std::vector<int32_t> ids{1, 2, 3};
  linnet::Generation generation = model.generate(ids, {.max_tokens = 100});
  while (generation.next() != nullptr) {
  }
  std::cout << "took " << model.memory().peak_bytes << " bytes at most\n";
}
