#include <time.h>

#include <array>
#include <chrono>

#include "text/jinja/format.hpp"

namespace linnet::text::jinja {
namespace {

constexpr std::array<std::string_view, 7> kDays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths{"January",   "February", "March",    "April",
                                                   "May",       "June",     "July",     "August",
                                                   "September", "October",  "November", "December"};

struct LocalTime {
  std::chrono::year_month_day date;
  std::chrono::hh_mm_ss<std::chrono::seconds> time;
  unsigned weekday;  // 0: Sunday
  int day_of_year;   // 0: 1 January
};

std::chrono::local_seconds local_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm fields{};
  localtime_r(&now, &fields);
  const auto date = std::chrono::year(fields.tm_year + 1900) / (fields.tm_mon + 1) / fields.tm_mday;
  return std::chrono::local_days(date) + std::chrono::hours(fields.tm_hour) +
         std::chrono::minutes(fields.tm_min) + std::chrono::seconds(fields.tm_sec);
}

LocalTime fields_of(std::chrono::local_seconds time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::local_days first(date.year() / std::chrono::January / 1);
  return {.date = date,
          .time = std::chrono::hh_mm_ss<std::chrono::seconds>(time - day),
          .weekday = std::chrono::weekday(day).c_encoding(),
          .day_of_year = static_cast<int>((day - first).count())};
}

}  // namespace

std::string strftime(Runtime& runtime, std::string_view format) {
  const LocalTime now = fields_of(runtime.now() ? *runtime.now() : local_now());
  const int year = static_cast<int>(now.date.year());
  const auto month = static_cast<unsigned>(now.date.month());
  const auto day = static_cast<unsigned>(now.date.day());
  const auto hour = now.time.hours().count();
  const auto hour12 = hour % 12 == 0 ? 12 : hour % 12;
  const auto minute = now.time.minutes().count();
  const auto second = now.time.seconds().count();
  const auto sunday = static_cast<int>(now.weekday);
  const int monday = (sunday + 6) % 7;
  Text out(runtime.budget());
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      out.append(format.substr(i, 1));
      continue;
    }
    char c = format[++i];
    const bool bare = c == '-' && i + 1 < format.size();  // glibc: without leading zeros
    if (bare) c = format[++i];
    const auto number = [&](auto value, int width) {
      out.append(bare ? fmt::format("{}", value) : fmt::format("{:0{}}", value, width));
    };
    switch (c) {
      case 'a': out.append(kDays[now.weekday].substr(0, 3)); break;
      case 'A': out.append(kDays[now.weekday]); break;
      case 'b':
      case 'h': out.append(kMonths[month - 1].substr(0, 3)); break;
      case 'B': out.append(kMonths[month - 1]); break;
      case 'd': number(day, 2); break;
      case 'e': out.append(bare ? fmt::format("{}", day) : fmt::format("{:2}", day)); break;
      case 'm': number(month, 2); break;
      case 'y': number(year % 100, 2); break;
      case 'Y': number(year, 1); break;
      case 'C': number(year / 100, 2); break;
      case 'H': number(hour, 2); break;
      case 'I': number(hour12, 2); break;
      case 'M': number(minute, 2); break;
      case 'S': number(second, 2); break;
      case 'f': out.append("000000"); break;
      case 'p': out.append(hour < 12 ? "AM" : "PM"); break;
      case 'j': number(now.day_of_year + 1, 3); break;
      case 'u': number(monday + 1, 1); break;
      case 'w': number(sunday, 1); break;
      case 'U': number((now.day_of_year + 7 - sunday) / 7, 2); break;
      case 'W': number((now.day_of_year + 7 - monday) / 7, 2); break;
      case 'F': out.append(fmt::format("{}-{:02}-{:02}", year, month, day)); break;
      case 'D':
      case 'x': out.append(fmt::format("{:02}/{:02}/{:02}", month, day, year % 100)); break;
      case 'T':
      case 'X': out.append(fmt::format("{:02}:{:02}:{:02}", hour, minute, second)); break;
      case 'R': out.append(fmt::format("{:02}:{:02}", hour, minute)); break;
      case 'c':
        out.append(fmt::format("{} {} {:2} {:02}:{:02}:{:02} {}", kDays[now.weekday].substr(0, 3),
                               kMonths[month - 1].substr(0, 3), day, hour, minute, second, year));
        break;
      case 'z':
      case 'Z': break;  // a time without a zone, as transformers' is
      case 'n': out.append("\n"); break;
      case 't': out.append("\t"); break;
      case '%': out.append("%"); break;
      default: runtime.fail("strftime_now does not know the directive %{}", c);
    }
  }
  return std::move(out).take();
}

}  // namespace linnet::text::jinja
