#include "text/grammar/json_schema.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "text/grammar/integer_range.hpp"
#include "text/grammar/json_rules.hpp"
#include "text/grammar/regex_parser.hpp"
#include "text/grammar/schema_keywords.hpp"

namespace linnet::text::grammar {
namespace {

constexpr size_t kMaxSchemas = 20'000;

const char* const kDate =
    "\\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|"
    "02-(0[1-9]|1\\d|2[0-8]))|"
    "(\\d\\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29";
const char* const kTime =
    "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)";
const char* const kUuid =
    "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}";

class Compiler {
 public:
  Compiler(const Json& root, JsonWhitespace whitespace)
      : root_(root), references_(root), rules_(syntax_, whitespace) {}

  Syntax run() {
    syntax_.root = rule_for("#", root_);
    while (!todo_.empty()) {  // not by recursion: a schema may name thousands in a row
      const auto [rule, schema] = std::move(todo_.back());
      todo_.pop_back();
      syntax_.define(rule, compile(schema));
    }
    return std::move(syntax_);
  }

 private:
  RuleId rule_for(const std::string& reference, const Json& schema) {
    const auto found = rule_of_.find(reference);
    if (found != rule_of_.end()) return found->second;
    const RuleId rule = syntax_.rule(reference);
    rule_of_.emplace(reference, rule);
    todo_.emplace_back(rule, schema);
    return rule;
  }

  NodeId compile(const Json& schema) {
    if (schema.is_object()) {
      // A schema that is a reference and nothing else may be recursive.
      const auto members = schema_members(schema);
      const auto reference =
          std::ranges::find(members, "$ref", &std::pair<std::string, Json>::first);
      static const std::vector<std::string> kBeside{
          "title", "description", "default", "examples", "$comment", "$defs", "definitions"};
      const bool alone = std::ranges::all_of(members, [&](const auto& member) {
        return member.first == "$ref" || std::ranges::find(kBeside, member.first) != kBeside.end();
      });
      if (reference != members.end() && alone) {
        const Json target = references_.find(reference->second);
        return syntax_.call(rule_for(std::string(reference->second.as_string()), target));
      }
    }
    return compile(read(schema), 0);
  }

  // Reading counts as work: branches may all refer to one large schema.
  SchemaKeywords read(const Json& schema) {
    SchemaKeywords result = SchemaKeywords::read(schema, references_);
    schemas_ += 1 + result.properties.size() / 16;
    if (schemas_ > kMaxSchemas)
      fail(ErrorCode::unsupported, "JSON schema: more than {} schemas in it, branches included",
           kMaxSchemas);
    return result;
  }

  NodeId compile(SchemaKeywords keywords, int depth) {
    if (keywords.impossible) return syntax_.nothing();
    if (!keywords.alternatives.empty()) {
      if (depth > 64)
        fail(ErrorCode::unsupported, "{}: anyOf and oneOf nested deeper than 64", keywords.where);
      const std::vector<Json> branches = std::move(keywords.alternatives.back());
      keywords.alternatives.pop_back();
      const bool bare = keywords.alternatives.empty() && !keywords.types &&
                        keywords.plain.empty() && keywords.properties.empty() &&
                        keywords.required.empty();
      std::vector<NodeId> choices;
      for (const Json& branch : branches) {
        if (bare) {
          choices.push_back(compile(branch));
          continue;
        }
        SchemaKeywords both = keywords;
        both.merge(read(branch));
        choices.push_back(compile(std::move(both), depth + 1));
      }
      return syntax_.choice(choices);
    }
    if (keywords.find("const") != nullptr || keywords.find("enum") != nullptr)
      return constants(keywords);
    const SchemaTypes types = keywords.possible_types();
    if (types.size() == 7 && keywords.plain.empty() && keywords.properties.empty() &&
        keywords.required.empty())
      return rules_.value();
    std::vector<NodeId> choices;
    for (const SchemaType type : types) choices.push_back(of_type(type, keywords, types));
    return syntax_.choice(choices);
  }

  NodeId of_type(SchemaType type, const SchemaKeywords& keywords, const SchemaTypes& types) {
    switch (type) {
      case SchemaType::null: return rules_.null();
      case SchemaType::boolean: return rules_.boolean();
      case SchemaType::integer:
        return types.contains(SchemaType::number) ? syntax_.nothing() : integer(keywords);
      case SchemaType::number:
        for (const char* bound : {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
          if (const Json* value = keywords.find(bound))
            fail(ErrorCode::unsupported,
                 "{}: of a \"number\" this is not supported, only of an \"integer\"",
                 value->where());
        return rules_.number();
      case SchemaType::string: return string(keywords);
      case SchemaType::array: return array(keywords);
      case SchemaType::object: return object(keywords);
    }
    fail(ErrorCode::internal, "a schema of no type");
  }

  NodeId constants(const SchemaKeywords& keywords) {
    for (const auto& [keyword, value] : keywords.plain)
      if (keyword != "const" && keyword != "enum")
        fail(ErrorCode::unsupported, "{}: beside \"const\" or \"enum\" this is not supported",
             value.where());
    if (keywords.plain.size() > 1 || !keywords.properties.empty() || !keywords.required.empty())
      fail(ErrorCode::unsupported,
           "{}: \"const\" or \"enum\" with other keywords than \"type\" is not supported",
           keywords.where);
    const Json* one = keywords.find("const");
    const std::vector<Json> values =
        one != nullptr ? std::vector{*one} : schema_elements(*keywords.find("enum"));
    std::vector<NodeId> choices;
    for (const Json& value : values) {
      if (keywords.types && std::ranges::none_of(*keywords.types, [&](SchemaType type) {
            return is_of(value, type);
          }))
        continue;
      choices.push_back(syntax_.literal(schema_text(value)));
    }
    return syntax_.choice(choices);
  }

  // A count keyword, or `otherwise`.
  uint32_t count(const SchemaKeywords& keywords, const char* name, uint32_t otherwise) {
    const Json* value = keywords.find(name);
    if (value == nullptr) return otherwise;
    const int64_t number = value->as_integer();
    if (number < 0)
      fail(ErrorCode::invalid_argument, "{} is {}, expected no less than 0", value->where(),
           number);
    if (number > kLargestCount)
      fail(ErrorCode::unsupported, "{} is {}, at most {} is supported", value->where(), number,
           kLargestCount);
    return static_cast<uint32_t>(number);
  }

  // One rule for all that are alike, so that they share their masks.
  template <class Body>
  NodeId shared(const std::string& name, const Body& body) {
    const auto found = shared_.find(name);
    if (found != shared_.end()) return syntax_.call(found->second);
    const NodeId node = body();
    const RuleId rule = syntax_.rule(name);
    syntax_.define(rule, node);
    shared_.emplace(name, rule);
    return syntax_.call(rule);
  }

  NodeId quoted(NodeId inside) {
    return syntax_.sequence({syntax_.literal("\""), inside, syntax_.literal("\"")});
  }

  NodeId string(const SchemaKeywords& keywords) {
    const Json* pattern = keywords.find("pattern");
    const Json* format = keywords.find("format");
    const bool counted =
        keywords.find("minLength") != nullptr || keywords.find("maxLength") != nullptr;
    if ((pattern != nullptr) + (format != nullptr) + counted > 1)
      fail(ErrorCode::unsupported,
           "{}: more than one of \"pattern\", \"format\" and \"minLength\" or \"maxLength\" is not "
           "supported",
           keywords.where);
    const auto matching = [&](const std::string& regex, const std::string& what, bool search) {
      return shared("pattern " + regex, [&] {
        return quoted(parse_regex(syntax_, regex, what, JsonAlphabet(), search));
      });
    };
    if (pattern != nullptr)
      return matching(std::string(pattern->as_string()), pattern->where(), true);
    if (format != nullptr) {
      const std::string_view name = format->as_string();
      const std::string date = std::string("(") + kDate + ")";
      const auto whole = [&](const std::string& regex) {
        return matching("^(" + regex + ")$", format->where(), true);
      };
      if (name == "date") return whole(date);
      if (name == "time") return whole(kTime);
      if (name == "date-time") return whole(date + "T" + kTime);
      if (name == "uuid") return whole(kUuid);
      fail(ErrorCode::unsupported, "{}: the format \"{}\" is not supported", format->where(),
           printable(name));
    }
    if (!counted) return rules_.string();
    const uint32_t least = count(keywords, "minLength", 0);
    const uint32_t most = count(keywords, "maxLength", kUnbounded);
    if (least > most) return syntax_.nothing();
    return shared(fmt::format("string {} {}", least, most),
                  [&] { return quoted(syntax_.repeat(rules_.character(), least, most)); });
  }

  NodeId integer(const SchemaKeywords& keywords) {
    std::optional<int64_t> low;
    std::optional<int64_t> high;
    const auto bound = [&](const char* name, bool is_low, bool is_open) {
      const Json* value = keywords.find(name);
      if (value == nullptr) return;
      int64_t limit = 0;
      if (value->is_integer()) {
        limit = value->as_integer();
        constexpr int64_t kEdge = int64_t{1} << 62;
        if (limit > kEdge || limit < -kEdge)
          fail(ErrorCode::unsupported, "{} is {}, which is past 2^62", value->where(), limit);
        if (is_open) limit += is_low ? 1 : -1;
      } else {
        const double number = value->as_number();
        if (!(std::fabs(number) < 9e15))
          fail(ErrorCode::unsupported, "{} is {}, which is not supported", value->where(), number);
        const double inside = is_low ? std::ceil(number) : std::floor(number);
        limit = static_cast<int64_t>(inside);
        if (is_open && inside == number) limit += is_low ? 1 : -1;
      }
      if (is_low)
        low = std::max(low.value_or(limit), limit);
      else
        high = std::min(high.value_or(limit), limit);
    };
    bound("minimum", true, false);
    bound("exclusiveMinimum", true, true);
    bound("maximum", false, false);
    bound("exclusiveMaximum", false, true);
    if (!low && !high) return rules_.integer();
    return shared(fmt::format("integer {} {}", low ? std::to_string(*low) : "",
                              high ? std::to_string(*high) : ""),
                  [&] { return integer_range(syntax_, low, high); });
  }

  NodeId array(const SchemaKeywords& keywords) {
    const uint32_t least = count(keywords, "minItems", 0);
    const uint32_t most = count(keywords, "maxItems", kUnbounded);
    if (least > most) return syntax_.nothing();
    const Json* items = keywords.find("items");
    const Json* prefix = keywords.find("prefixItems");
    if (items != nullptr && items->is_array())
      fail(ErrorCode::unsupported, "{} is an array, which is not supported (\"prefixItems\" is)",
           items->where());
    const std::vector<Json> first =
        prefix == nullptr ? std::vector<Json>() : schema_elements(*prefix);
    const auto known = static_cast<uint32_t>(std::min<size_t>(first.size(), kLargestCount));
    if (first.empty())
      return rules_.array_of(items == nullptr ? rules_.value() : compile(*items), least, most);
    // After `i` items: the end, or one more. Without "items" there are no more than the schema
    // wants.
    const NodeId more = items != nullptr ? compile(*items) : rules_.value();
    const uint32_t longest = items != nullptr ? most : std::min(most, std::max(known, least));
    const NodeId end = syntax_.sequence({rules_.space(), syntax_.literal("]")});
    NodeId rest = end;
    if (longest > known)
      rest = syntax_.sequence({syntax_.repeat(syntax_.sequence({rules_.comma(), more}),
                                              least > known ? least - known : 0,
                                              longest == kUnbounded ? longest : longest - known),
                               end});
    for (uint32_t i = known; i > 0; --i) {
      const NodeId item = compile(first[i - 1]);
      NodeId one = syntax_.sequence({i == 1 ? syntax_.empty() : rules_.comma(), item, rest});
      if (i > longest) one = syntax_.nothing();
      const NodeId node = least > i - 1 ? one
                          : i == 1      ? syntax_.choice({one, syntax_.literal("]")})
                                        : syntax_.choice({one, end});
      rest = in_rule("items", node);
    }
    return syntax_.sequence({syntax_.literal("["), rules_.space(), rest});
  }

  NodeId in_rule(const char* name, NodeId body) {
    const RuleId rule = syntax_.rule(name);
    syntax_.define(rule, body);
    return syntax_.call(rule);
  }

  NodeId object(const SchemaKeywords& keywords) {
    const Json* extra = keywords.find("additionalProperties");
    struct Property {
      std::string name;
      NodeId value;
      bool required;
    };
    std::vector<std::string> required = keywords.required;
    std::ranges::sort(required);
    required.erase(std::unique(required.begin(), required.end()), required.end());
    const auto is_required = [&](const std::string& name) {
      return std::ranges::binary_search(required, name);
    };
    std::vector<Property> properties;
    std::vector<std::string> names;
    for (const auto& [name, schema] : keywords.properties) {
      properties.push_back({name, compile(schema), is_required(name)});
      names.push_back(name);
    }
    std::ranges::sort(names);
    for (const std::string& name : required)
      if (!std::ranges::binary_search(names, name))
        properties.push_back({name, extra == nullptr ? rules_.value() : compile(*extra), true});
    if (properties.empty() && extra == nullptr) return rules_.object();

    // Properties in their order; behind them others, if the schema says of what kind they are.
    const NodeId end = syntax_.sequence({rules_.space(), syntax_.literal("}")});
    NodeId begun = end;                   // what follows once a property is written
    NodeId fresh = syntax_.literal("}");  // before any
    if (extra != nullptr && !(extra->is_bool() && !extra->as_bool())) {
      for (const Property& property : properties) names.push_back(property.name);
      const NodeId one = rules_.member(other_key(names), compile(*extra));
      const NodeId others = syntax_.star(syntax_.sequence({rules_.comma(), one}));
      begun = in_rule("properties", syntax_.sequence({others, end}));
      fresh = in_rule("properties", syntax_.choice({syntax_.sequence({one, begun}), fresh}));
    }
    for (size_t i = properties.size(); i > 0; --i) {
      const Property& property = properties[i - 1];
      const NodeId one = rules_.member(syntax_.literal(json_quoted(property.name)), property.value);
      const NodeId first = syntax_.sequence({one, begun});
      const NodeId later = syntax_.sequence({rules_.comma(), one, begun});
      fresh = in_rule("properties", property.required ? first : syntax_.choice({first, fresh}));
      begun = in_rule("properties", property.required ? later : syntax_.choice({later, begun}));
    }
    return in_rule("object", syntax_.sequence({syntax_.literal("{"), rules_.space(), fresh}));
  }

  // A key that is none of these. As long as it may still become one of them it is written without
  // escapes, which could spell the same name in another way.
  NodeId other_key(const std::vector<std::string>& names) {
    struct Place {
      std::map<char32_t, size_t> children;
      bool is_name = false;
    };
    std::vector<Place> places(1);
    for (const std::string& name : names) {
      size_t at = 0;
      bool reachable = true;
      for (size_t i = 0; i < name.size() && reachable;) {
        char32_t c = 0;
        reachable = read_utf8(name, i, c) && JsonAlphabet::plain().contains(c);
        if (!reachable) break;
        const auto [found, is_new] = places[at].children.emplace(c, places.size());
        at = found->second;
        if (is_new) places.emplace_back();
      }
      if (reachable) places[at].is_name = true;
    }
    const NodeId rest = syntax_.sequence({syntax_.star(rules_.character()), syntax_.literal("\"")});
    std::vector<NodeId> nodes(places.size());
    for (size_t i = places.size(); i > 0; --i) {
      const Place& place = places[i - 1];
      std::vector<NodeId> choices;
      CodePoints others = JsonAlphabet::plain();
      CodePoints taken;
      for (const auto& [c, child] : place.children) {
        taken.add(c);
        std::string text;
        JsonAlphabet().append(c, text);
        choices.push_back(in_rule("key", syntax_.sequence({syntax_.literal(text), nodes[child]})));
      }
      choices.push_back(syntax_.sequence({syntax_.characters(others.without(taken)), rest}));
      if (!place.is_name) choices.push_back(syntax_.literal("\""));
      nodes[i - 1] = syntax_.choice(choices);
    }
    return syntax_.sequence({syntax_.literal("\""), nodes.front()});
  }

  const Json root_;
  const SchemaReferences references_;
  Syntax syntax_;
  JsonRules rules_;
  std::map<std::string, RuleId> rule_of_;
  std::map<std::string, RuleId> shared_;
  std::vector<std::pair<RuleId, Json>> todo_;
  size_t schemas_ = 0;
};

}  // namespace

Syntax parse_json_schema(std::string_view schema, JsonWhitespace whitespace) {
  try {
    return Compiler(Json::parse_exactly(schema, "JSON schema"), whitespace).run();
  } catch (const Error& error) {  // no file's fault, but the caller's
    if (error.code() != ErrorCode::malformed_file) throw;
    throw Error(ErrorCode::invalid_argument, error.what());
  }
}

}  // namespace linnet::text::grammar
