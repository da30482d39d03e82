# `cmake --install BUILD --prefix DIR`: headers, static libraries, the linnet program, and a package
# for find_package(linnet), which gives the target linnet::linnet.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/linnet)
get_property(floors GLOBAL PROPERTY LINNET_FLOORS)
set_target_properties(linnet_api PROPERTIES EXPORT_NAME linnet)
install(TARGETS ${floors} EXPORT linnetTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT linnetTargets NAMESPACE linnet:: DESTINATION ${package_dir})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/linnet DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.hpp")
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
if(LINNET_CLI)
  install(TARGETS linnet_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/linnetConfig.cmake.in
                              ${PROJECT_BINARY_DIR}/linnetConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/linnetConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/linnetConfig.cmake
              ${PROJECT_BINARY_DIR}/linnetConfigVersion.cmake
        DESTINATION ${package_dir})
