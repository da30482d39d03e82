// Functions of single elements. Every view has the shape of the result; a broadcast operand has
// strides of zero. Floating results are computed in f32 and rounded once to the dtype of y, integer
// results in 64 bits (two's complement, the low bits are kept).
#pragma once

#include <cstdint>
#include <string_view>

#include "kernels/cpu/context.hpp"
#include "kernels/view.hpp"

namespace linnet::kernels {

enum class UnaryOp : uint8_t {
  neg,
  abs,
  square,
  sqrt,
  rsqrt,
  exp,
  log,
  tanh,
  erf,
  sigmoid,
  silu,
  gelu,
  gelu_tanh,
};

enum class BinaryOp : uint8_t { add, sub, mul, div, power, maximum, minimum };

enum class CompareOp : uint8_t { equal, not_equal, less, less_equal, greater, greater_equal };

enum class LogicalOp : uint8_t { logical_and, logical_or, logical_xor };

/// The op's name as above.
std::string_view to_string(UnaryOp op) noexcept;
std::string_view to_string(BinaryOp op) noexcept;
std::string_view to_string(CompareOp op) noexcept;
std::string_view to_string(LogicalOp op) noexcept;

/// Whether the op is defined for integers (exactly, in integers).
constexpr bool has_integer_form(UnaryOp op) { return op <= UnaryOp::square; }
constexpr bool has_integer_form(BinaryOp op) { return op != BinaryOp::div; }

struct UnaryArgs {
  UnaryOp op{};
  ConstView x;
  View y;  // floating, or any dtype if the op has an integer form
};

struct BinaryArgs {
  BinaryOp op{};
  ConstView a;
  ConstView b;
  View y;  // floating, or any dtype if the op has an integer form
};

struct CompareArgs {
  CompareOp op{};
  ConstView a;
  ConstView b;
  View y;  // boolean; compared in f32 if a or b is floating, else in 64-bit integers
};

struct LogicalArgs {
  LogicalOp op{};
  ConstView a;
  ConstView b;
  View y;  // boolean; each operand stands for operand != 0
};

struct WhereArgs {
  ConstView condition;  // any dtype; chosen where != 0
  ConstView a;
  ConstView b;
  View y;  // any dtype; a and b are converted to it
};

namespace cpu {
void unary(const UnaryArgs& args, const Context& context);
/// Errors: invalid_argument for an integer power with a negative exponent.
void binary(const BinaryArgs& args, const Context& context);
void compare(const CompareArgs& args, const Context& context);
void logical(const LogicalArgs& args, const Context& context);
void where(const WhereArgs& args, const Context& context);
}  // namespace cpu

}  // namespace linnet::kernels
