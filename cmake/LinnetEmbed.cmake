# linnet_embed(<target> <symbol prefix> <file>...): puts files into a target's objects as they are, by
# the assembler (a megabyte costs nothing to compile). Each file becomes <prefix>_<name with _> and
# <prefix>_<name with _>_end.
function(linnet_embed target prefix)
  set(text "# Written by linnet_embed.\n.section .rodata\n")
  foreach(file ${ARGN})
    get_filename_component(name ${file} NAME)
    string(MAKE_C_IDENTIFIER "${prefix}_${name}" symbol)
    string(APPEND text ".balign 64\n.globl ${symbol}\n${symbol}:\n.incbin \"${file}\"\n"
                       ".globl ${symbol}_end\n${symbol}_end:\n.byte 0\n")
  endforeach()
  string(APPEND text ".section .note.GNU-stack,\"\",%progbits\n")
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${prefix}.S)
  file(CONFIGURE OUTPUT ${source} CONTENT "${text}" @ONLY)
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS "${ARGN}")
  target_sources(${target} PRIVATE ${source})
endfunction()
