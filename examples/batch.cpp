// Many requests together, some of which must be JSON: they share the model's forward passes.
//
//   batch [FOLDER]     FOLDER holds a Hugging Face checkpoint; without it, the built-in model
#include <linnet/linnet.hpp>

#include <iostream>
#include <vector>

int main(int argc, char** argv) {
  const linnet::TextModel model =
      argc > 1 ? linnet::load_model(argv[1]) : linnet::load_builtin_model();
  const linnet::Grammar person = linnet::Grammar::json_schema(
      R"({"type": "object", "properties": {"name": {"type": "string", "maxLength": 20},
          "age": {"type": "integer", "minimum": 0, "maximum": 120}}, "required": ["name", "age"]})");
  std::vector<linnet::BatchRequest> requests(6);
  for (size_t i = 0; i < requests.size(); ++i) {
    requests[i].prompt = i % 2 == 0 ? "Once upon a time" : "A person as JSON: ";
    requests[i].options = {.max_tokens = 60, .temperature = 0.8F, .seed = i};
    if (i % 2 == 1) requests[i].options.grammar = person;
  }
  static_cast<void>(
      model.generate_batch(requests, [](int64_t index, const linnet::Completion& completion) {
        std::cout << index << ": "
                  << (completion.error ? completion.error->what() : completion.text) << '\n';
      }));
}
