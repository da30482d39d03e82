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
if(LINNET_SANITIZE)
  # -O1: three instruction sets of every kernel compile in minutes, and the traces stay readable.
  target_compile_options(linnet_flags INTERFACE
    -fsanitize=${LINNET_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -O1 -g1)
  target_link_options(linnet_flags INTERFACE -fsanitize=${LINNET_SANITIZE})
endif()

if(LINNET_FUZZ)
  target_compile_options(linnet_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

function(linnet_floor name)
  cmake_parse_arguments(FLOOR "" "" "FLOORS;LIBRARIES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp
       ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.hpp)
  add_library(linnet_${name} STATIC ${sources})
  target_include_directories(linnet_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>
    PRIVATE ${PROJECT_SOURCE_DIR}/src)
  list(TRANSFORM FLOOR_FLOORS PREPEND linnet_)
  target_link_libraries(linnet_${name} PUBLIC ${FLOOR_FLOORS} PRIVATE
    $<BUILD_INTERFACE:linnet_flags> ${FLOOR_LIBRARIES})
  set_target_properties(linnet_${name} PROPERTIES EXPORT_NAME ${name})
  set_property(GLOBAL APPEND PROPERTY LINNET_FLOORS linnet_${name})
endfunction()
