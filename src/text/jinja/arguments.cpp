#include "text/jinja/arguments.hpp"

namespace linnet::text::jinja {

Bound::Bound(Runtime& runtime, std::string_view callee, const Arguments& arguments,
             std::initializer_list<std::string_view> names)
    : runtime_(runtime),
      callee_(callee),
      names_(names),
      values_(names.size()),
      given_(names.size()) {
  if (arguments.positional.size() > names.size())
    runtime.fail("{}() takes at most {} arguments, {} are given", callee, names.size(),
                 arguments.positional.size());
  for (size_t i = 0; i < arguments.positional.size(); ++i) {
    values_[i] = arguments.positional[i];
    given_[i] = true;
  }
  for (const auto& [name, value] : arguments.named) {
    size_t i = 0;
    while (i < names_.size() && names_[i] != name) ++i;
    if (i == names_.size())
      runtime.fail("{}() got an unexpected keyword argument '{}'", callee, name);
    if (given_[i]) runtime.fail("{}() got multiple values for argument '{}'", callee, name);
    values_[i] = value;
    given_[i] = true;
  }
}

const Value& Bound::at(size_t i) const {
  if (!given_[i]) runtime_.fail("{}() misses its argument '{}'", callee_, names_[i]);
  return values_[i];
}

int64_t Bound::integer(size_t i) const {
  const Value& value = at(i);
  if (value.is_undefined()) runtime_.raise(value.undefined_message());
  if (!value.is_integral())
    runtime_.fail("{}(): '{}' is a {}, expected an int", callee_, names_[i], value.type_name());
  return value.integral();
}

std::string_view Bound::string(size_t i) const {
  const Value& value = at(i);
  if (value.is_undefined()) runtime_.raise(value.undefined_message());
  if (!value.is_string())
    runtime_.fail("{}(): '{}' is a {}, expected a str", callee_, names_[i], value.type_name());
  return value.view();
}

}  // namespace linnet::text::jinja
