// Jinja's tests: what follows `is`.
#include <algorithm>
#include <array>

#include "text/jinja/arguments.hpp"
#include "text/jinja/filters.hpp"
#include "text/jinja/methods.hpp"
#include "text/jinja/operators.hpp"

namespace linnet::text::jinja {
namespace {

using Call = const Arguments&;
using Is = bool (*)(const Value&);

// A test without arguments that looks at the value alone.
template <Is is>
bool plain(Runtime& runtime, const Value& value, Call call) {
  const Bound bound(runtime, "the test", call, {});
  return is(value);
}

bool is_defined(const Value& v) { return !v.is_undefined(); }
bool is_undefined(const Value& v) { return v.is_undefined(); }
bool is_none(const Value& v) { return v.is_none(); }
bool is_boolean(const Value& v) { return v.is_bool(); }
bool is_true(const Value& v) { return v.is_bool() && v.boolean(); }
bool is_false(const Value& v) { return v.is_bool() && !v.boolean(); }
bool is_integer(const Value& v) { return v.is_int(); }
bool is_float(const Value& v) { return v.is_float(); }
bool is_number(const Value& v) { return v.is_number(); }
bool is_string(const Value& v) { return v.is_string(); }
bool is_mapping(const Value& v) { return v.dict() != nullptr; }
bool is_iterable(const Value& v) {
  return v.is_undefined() || v.is_string() || v.sequence() != nullptr || v.dict() != nullptr ||
         v.generator() != nullptr;
}
// Has a length and elements to subscribe, as Undefined seems to.
bool is_sequence(const Value& v) {
  if (const Sequence* sequence = v.sequence())
    return sequence->kind == SequenceKind::list || sequence->kind == SequenceKind::tuple ||
           sequence->kind == SequenceKind::range;
  return v.is_undefined() || v.is_string() || v.dict() != nullptr;
}
bool is_callable(const Value& v) {
  // Python's callable() asks the type, and Undefined has __call__.
  return v.is_undefined() || v.method() != nullptr ||
         (v.object() != nullptr && v.object()->callable());
}
bool is_escaped(const Value& v) { return v.is_string() && v.string()->safe; }

template <bool upper>
bool has_case(Runtime& runtime, const Value& value, Call call) {
  const Bound bound(runtime, upper ? "upper" : "lower", call, {});
  Arguments none;
  const Value text = runtime.string(runtime.str(value));
  return call_method(runtime, text, upper ? "isupper" : "islower", none).boolean();
}

bool divisible(Runtime& runtime, const Value& value, const Value& by, int64_t rest) {
  const Value left = binary(runtime, "%", value, by);
  return equal(left, Value(rest));
}
bool odd(Runtime& runtime, const Value& value, Call call) {
  const Bound bound(runtime, "odd", call, {});
  return divisible(runtime, value, int64_t{2}, 1);
}
bool even(Runtime& runtime, const Value& value, Call call) {
  const Bound bound(runtime, "even", call, {});
  return divisible(runtime, value, int64_t{2}, 0);
}
bool divisible_by(Runtime& runtime, const Value& value, Call call) {
  const Bound bound(runtime, "divisibleby", call, {"num"});
  return divisible(runtime, value, bound.at(0), 0);
}

bool same_as(Runtime& runtime, const Value& value, Call call) {
  const Bound bound(runtime, "sameas", call, {"other"});
  return value.same(bound.at(0));
}

bool is_in(Runtime& runtime, const Value& value, Call call) {
  const Bound bound(runtime, "in", call, {"seq"});
  return contains(runtime, value, bound.at(0));
}

enum class Order { eq, ne, lt, le, gt, ge };
constexpr std::array<std::string_view, 6> kSymbols{"==", "!=", "<", "<=", ">", ">="};

template <Order order>
bool compares(Runtime& runtime, const Value& value, Call call) {
  const std::string_view symbol = kSymbols[static_cast<size_t>(order)];
  const Bound bound(runtime, symbol, call, {"other"});
  return compare(runtime, symbol, value, bound.at(0));
}

bool is_filter(Runtime& runtime, const Value& value, Call call) {
  const Bound bound(runtime, "filter", call, {});
  return value.is_string() && find_filter(value.view()) != nullptr;
}
bool is_test(Runtime& runtime, const Value& value, Call call) {
  const Bound bound(runtime, "test", call, {});
  return value.is_string() && find_test(value.view()) != nullptr;
}

struct NamedTest {
  std::string_view name;
  Test test;
};

constexpr auto kTests = std::to_array<NamedTest>({
    {"defined", plain<is_defined>},
    {"undefined", plain<is_undefined>},
    {"none", plain<is_none>},
    {"boolean", plain<is_boolean>},
    {"true", plain<is_true>},
    {"false", plain<is_false>},
    {"integer", plain<is_integer>},
    {"float", plain<is_float>},
    {"number", plain<is_number>},
    {"string", plain<is_string>},
    {"mapping", plain<is_mapping>},
    {"iterable", plain<is_iterable>},
    {"sequence", plain<is_sequence>},
    {"callable", plain<is_callable>},
    {"escaped", plain<is_escaped>},
    {"lower", has_case<false>},
    {"upper", has_case<true>},
    {"odd", odd},
    {"even", even},
    {"divisibleby", divisible_by},
    {"sameas", same_as},
    {"in", is_in},
    {"filter", is_filter},
    {"test", is_test},
    {"==", compares<Order::eq>},
    {"eq", compares<Order::eq>},
    {"equalto", compares<Order::eq>},
    {"!=", compares<Order::ne>},
    {"ne", compares<Order::ne>},
    {"<", compares<Order::lt>},
    {"lt", compares<Order::lt>},
    {"lessthan", compares<Order::lt>},
    {"<=", compares<Order::le>},
    {"le", compares<Order::le>},
    {">", compares<Order::gt>},
    {"gt", compares<Order::gt>},
    {"greaterthan", compares<Order::gt>},
    {">=", compares<Order::ge>},
    {"ge", compares<Order::ge>},
});

}  // namespace

Test find_test(std::string_view name) {
  const auto* const found = std::find_if(kTests.begin(), kTests.end(),
                                         [&](const NamedTest& t) { return t.name == name; });
  return found != kTests.end() ? found->test : nullptr;
}

Test require_test(Runtime& runtime, std::string_view name) {
  const Test test = find_test(name);
  if (test == nullptr) runtime.fail("No test named '{}'.", name.substr(0, 60));
  return test;
}

}  // namespace linnet::text::jinja
