// Where a JSON value ends, while its text is still coming.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace linnet::text {

/// Reads an object or an array piece by piece, whatever the pieces, and stops where it is complete
/// or where no JSON goes on so. It knows structure, literals and escapes; the grammar of numbers
/// and surrogate pairs is left to whoever parses the complete text. Work is linear in the text,
/// memory in the number of members noted.
class JsonScanner {
 public:
  static constexpr size_t kMaxDepth = 64;

  enum class Status : uint8_t { open, complete, invalid };

  /// A member of the outermost object, or of an object in the outermost array. Positions count from
  /// the first byte that was read; the key is without quotes, its escapes as written.
  struct Member {
    size_t object = 0;  ///< its place in the array
    size_t key_begin = 0;
    size_t key_end = 0;
    size_t value_begin = 0;
    size_t value_end = 0;  ///< 0 until the value is complete
  };

  /// Reads on; returns how many bytes belong to the value (or to white space before it). Fewer than
  /// all once it is complete or invalid: the rest is not the value's.
  size_t read(std::string_view text);

  [[nodiscard]] Status status() const noexcept { return status_; }
  /// Whether the outermost value is an array.
  [[nodiscard]] bool is_array() const noexcept { return is_array_; }
  /// Whether nothing but objects stands in it, if the outermost value is an array.
  [[nodiscard]] bool holds_only_objects() const noexcept { return only_objects_; }
  /// Those whose key is complete, in order.
  [[nodiscard]] const std::vector<Member>& members() const noexcept { return members_; }

 private:
  enum class State : uint8_t {
    top,
    value,
    first_element,  // a value or ]
    first_key,      // a key or }
    key,
    colon,
    after_value,  // a comma or the end of the container
    string,
    escape,
    unicode,  // digits of \uXXXX
    literal,
    number,
  };

  bool step(char c);
  bool begin_value(char c);
  bool open(bool array);
  bool close(bool array);
  void end_value(size_t end);
  [[nodiscard]] bool notes_members() const noexcept { return depth_ == (is_array_ ? 2 : 1); }

  Status status_ = Status::open;
  State state_ = State::top;
  bool in_key_ = false;
  bool is_array_ = false;
  bool only_objects_ = true;
  uint8_t digits_ = 0;             // of \uXXXX still to come
  std::string_view literal_;       // what must still come
  std::bitset<kMaxDepth> arrays_;  // by depth: whether the container is an array
  size_t depth_ = 0;
  size_t position_ = 0;
  size_t elements_ = 0;
  std::vector<Member> members_;
};

}  // namespace linnet::text
