# SPDX-License-Identifier: Apache-2.0
# What is installed: the tool, both libraries, every header below an include/ folder, a CMake package and two
# pkg-config files. All paths are relative to the files themselves, so the prefix may be moved afterwards.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/mote)
set(pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
set(pkg_in ${PROJECT_SOURCE_DIR}/format/pkg)
set(pkg_out ${PROJECT_BINARY_DIR}/pkg)
list(JOIN mote_requires " " pc_requires)
file(RELATIVE_PATH pc_up /${pc_dir} /)
string(REGEX REPLACE "/$" "" pc_up "${pc_up}")

foreach(dir IN LISTS mote_public_dirs)
  install(DIRECTORY ${dir}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
endforeach()

install(TARGETS mote_device EXPORT mote-device-targets INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT mote-device-targets NAMESPACE mote:: DESTINATION ${package_dir})
configure_file(${pkg_in}/mote-device.pc.in ${pkg_out}/mote-device.pc @ONLY)
install(FILES ${pkg_out}/mote-device.pc DESTINATION ${pc_dir})

if(MOTE_HOST)
  install(TARGETS mote EXPORT mote-host-targets INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(EXPORT mote-host-targets NAMESPACE mote:: DESTINATION ${package_dir})
  configure_file(${pkg_in}/mote.pc.in ${pkg_out}/mote.pc @ONLY)
  install(FILES ${pkg_out}/mote.pc DESTINATION ${pc_dir})
endif()

configure_package_config_file(${pkg_in}/mote-config.cmake.in ${pkg_out}/mote-config.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${pkg_out}/mote-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${pkg_out}/mote-config.cmake ${pkg_out}/mote-config-version.cmake DESTINATION ${package_dir})
