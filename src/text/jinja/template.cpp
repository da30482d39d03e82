#include "text/jinja/template.hpp"

#include "text/jinja/ast.hpp"
#include "text/jinja/evaluator.hpp"

namespace linnet::text::jinja {

Template Template::parse(std::string_view source) {
  return Template(std::make_shared<const Tree>(jinja::parse(source)));
}

std::string Template::render(const Dict& variables, const RenderOptions& options) const {
  return Evaluator(*tree_, variables, options.limits, options.now).run();
}

}  // namespace linnet::text::jinja
