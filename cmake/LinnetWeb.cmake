# linnet_web(<target>): builds the chat page from web/ and puts its files, plain and compressed, into a target as the
# table linnet_page_files (see linnet_embed_table). Where -DLINNET_WEB=OFF leaves the page out, the table is empty and
# nothing of npm is needed.
#
# All work is done in a copy below the build folder, so that presets don't meet and the sources stay clean.
# npm installs what the lock file says and runs no package's scripts; that is done anew only when the lock changes.
include(LinnetEmbed)

option(LINNET_WEB "Build the chat page (needs Node 18 or newer and npm)" ON)

# The names that web/build.mjs writes, each with .gz behind it.
set(LINNET_WEB_FILES index.html app.js app.css theme.js markdown.js math.js highlight.js favicon.svg licenses.txt)

function(linnet_web target)
  if(NOT LINNET_WEB)
    linnet_embed_table(${target} linnet_page_files)
    return()
  endif()
  find_program(LINNET_NODE NAMES node nodejs)
  find_program(LINNET_NPM npm)
  if(NOT LINNET_NODE OR NOT LINNET_NPM)
    message(FATAL_ERROR "The chat page is built with node and npm (Debian: apt-get install nodejs npm). "
                        "Without them, -DLINNET_WEB=OFF builds linnet without the page.")
  endif()
  execute_process(COMMAND ${LINNET_NODE} --version OUTPUT_VARIABLE version OUTPUT_STRIP_TRAILING_WHITESPACE)
  string(REPLACE "v" "" version "${version}")
  if(version VERSION_LESS 18)
    message(FATAL_ERROR "The chat page needs Node 18 or newer, and ${LINNET_NODE} is ${version}. "
                        "-DLINNET_WEB=OFF builds linnet without the page.")
  endif()

  set(from ${PROJECT_SOURCE_DIR}/web)
  set(work ${PROJECT_BINARY_DIR}/web)
  set(packages ${from}/package.json ${from}/package-lock.json ${from}/.npmrc)
  add_custom_command(
    OUTPUT ${work}/packages.stamp
    COMMAND ${CMAKE_COMMAND} -E make_directory ${work}
    COMMAND ${CMAKE_COMMAND} -E copy ${packages} ${work}
    COMMAND ${LINNET_NPM} ci --ignore-scripts --no-audit --no-fund --omit=dev --prefer-offline --loglevel=error
    COMMAND ${CMAKE_COMMAND} -E touch ${work}/packages.stamp
    DEPENDS ${packages}
    WORKING_DIRECTORY ${PROJECT_BINARY_DIR}/web
    COMMENT "Installing the chat page's npm packages (-DLINNET_WEB=OFF builds without the page)"
    VERBATIM)
  # The command above runs in it.
  file(MAKE_DIRECTORY ${work})

  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${from}/src/*)
  set(tools ${from}/build.mjs ${from}/tsconfig.json)
  list(TRANSFORM LINNET_WEB_FILES PREPEND ${work}/dist/ OUTPUT_VARIABLE files)
  list(TRANSFORM files APPEND .gz OUTPUT_VARIABLE compressed)
  list(APPEND files ${compressed})
  add_custom_command(
    OUTPUT ${files}
    # A copy of a folder would keep files that are gone.
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${work}/src ${work}/dist
    COMMAND ${CMAKE_COMMAND} -E copy_directory ${from}/src ${work}/src
    COMMAND ${CMAKE_COMMAND} -E copy ${tools} ${work}
    COMMAND ${LINNET_NODE} ${work}/build.mjs ${work}/dist
    DEPENDS ${sources} ${tools} ${work}/packages.stamp
    WORKING_DIRECTORY ${work}
    COMMENT "Building the chat page"
    VERBATIM)
  set_source_files_properties(${files} PROPERTIES GENERATED TRUE)

  add_custom_target(${target}_page DEPENDS ${files})
  add_dependencies(${target} ${target}_page)
  linnet_embed_table(${target} linnet_page_files ${files})
endfunction()
