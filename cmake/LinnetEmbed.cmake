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

# linnet_embed_table(<target> <symbol> <file>...): the same, with a table of all that are embedded: an
# array <symbol> of {name, begin, end}, pointers each, whose last name is null.
function(linnet_embed_table target symbol)
  set(text "# Written by linnet_embed_table.\n.section .rodata\n")
  set(table ".section .data.rel.ro, \"aw\"\n.balign 8\n.globl ${symbol}\n${symbol}:\n")
  set(number 0)
  foreach(file ${ARGN})
    get_filename_component(name ${file} NAME)
    string(APPEND text ".Lname${number}:\n.asciz \"${name}\"\n.balign 64\n.Lbegin${number}:\n"
                       ".incbin \"${file}\"\n.Lend${number}:\n.byte 0\n")
    string(APPEND table ".quad .Lname${number}, .Lbegin${number}, .Lend${number}\n")
    math(EXPR number "${number} + 1")
  endforeach()
  string(APPEND text "${table}.quad 0, 0, 0\n.section .note.GNU-stack,\"\",%progbits\n")
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.S)
  file(CONFIGURE OUTPUT ${source} CONTENT "${text}" @ONLY)
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS "${ARGN}")
  target_sources(${target} PRIVATE ${source})
endfunction()
