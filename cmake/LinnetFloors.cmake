# One target per folder of src/: linnet_<floor>, built from every .cpp below the folder, linked
# to the floors below it. Sources are globbed (CONFIGURE_DEPENDS), so that a new file is one file.

add_library(linnet_flags INTERFACE)
target_compile_options(linnet_flags INTERFACE
  -Wall -Wextra -Wconversion -Wno-sign-conversion
  # Options are designated initialisers with defaults for the rest.
  -Wno-missing-field-initializers
  # GCC 12 reports overlaps inside std::string that cannot happen (its bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  # The numerics contract: an FMA happens where one is written and nowhere else.
  -ffp-contract=off -fno-math-errno)
if(LINNET_WERROR)
  target_compile_options(linnet_flags INTERFACE -Werror)
endif()

# Sanitizers. With GCC, UBSan's checks of every pointer are left out: they double the time of compiling,
# and what they find in practice AddressSanitizer finds too (the fuzz targets, by Clang, have them).
# -O1: three instruction sets of every kernel compile in minutes, and the traces stay readable. ASan
# checks by calls, not inline, which is half the code.
add_library(linnet_sanitizers INTERFACE)
# For inlined vector code, tests and the command line: temporaries are not poisoned when they end.
add_library(linnet_sanitizers_light INTERFACE)
if(LINNET_SANITIZE)
  set(sanitize -fsanitize=${LINNET_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -O1 -g1)
  if(LINNET_SANITIZE MATCHES address AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # GCC 12 takes members of an empty optional for used ones when it looks through ASan's calls.
    list(APPEND sanitize -Wno-maybe-uninitialized
         -fno-sanitize=null,alignment,vptr,object-size,pointer-overflow
         "SHELL:--param asan-instrumentation-with-call-threshold=0")
  endif()
  target_compile_options(linnet_sanitizers INTERFACE ${sanitize})
  target_compile_options(linnet_sanitizers_light INTERFACE ${sanitize}
    -fno-sanitize-address-use-after-scope)
  target_link_options(linnet_sanitizers INTERFACE -fsanitize=${LINNET_SANITIZE})
  target_link_options(linnet_sanitizers_light INTERFACE -fsanitize=${LINNET_SANITIZE})
endif()

# For tests, and sanitised code, that only passes work on: compiling it takes longer than running it.
add_library(linnet_unoptimised INTERFACE)
target_compile_options(linnet_unoptimised INTERFACE -O0)

if(LINNET_FUZZ)
  target_compile_options(linnet_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

function(linnet_floor name)
  cmake_parse_arguments(FLOOR "PROGRAM" "SANITIZERS" "FLOORS;LIBRARIES" ${ARGN})
  if(NOT FLOOR_SANITIZERS)
    set(FLOOR_SANITIZERS linnet_sanitizers)
  endif()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp
       ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.hpp)
  add_library(linnet_${name} STATIC ${sources})
  target_include_directories(linnet_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>
    PRIVATE ${PROJECT_SOURCE_DIR}/src)
  list(TRANSFORM FLOOR_FLOORS PREPEND linnet_)
  target_link_libraries(linnet_${name} PUBLIC ${FLOOR_FLOORS} PRIVATE
    $<BUILD_INTERFACE:linnet_flags> $<BUILD_INTERFACE:${FLOOR_SANITIZERS}> ${FLOOR_LIBRARIES})
  set_target_properties(linnet_${name} PROPERTIES EXPORT_NAME ${name})
  # What belongs to the program is not installed with the library.
  if(NOT FLOOR_PROGRAM)
    set_property(GLOBAL APPEND PROPERTY LINNET_FLOORS linnet_${name})
  endif()
endfunction()
