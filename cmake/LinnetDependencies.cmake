# Debian 12 packages; docs/design.md says why each is here.
find_package(Threads REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(simdjson 3 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(hwy 1.0 REQUIRED CONFIG)
find_package(PkgConfig REQUIRED)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(XXHASH REQUIRED libxxhash)  # its header alone

# Of the server: Asio and Beast are headers, TLS is OpenSSL's.
if(LINNET_CLI)
  find_package(Boost 1.81 REQUIRED)
  find_package(OpenSSL REQUIRED)
  add_library(linnet_http INTERFACE)
  target_link_libraries(linnet_http INTERFACE Boost::headers OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
  # One copy of what is not a template, compiled once (serve/asio.cpp).
  target_compile_definitions(linnet_http INTERFACE BOOST_ASIO_SEPARATE_COMPILATION
                             BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED)
  pkg_check_modules(SPDLOG REQUIRED IMPORTED_TARGET spdlog)
  pkg_check_modules(PROMETHEUS REQUIRED IMPORTED_TARGET prometheus-cpp-core)
endif()
