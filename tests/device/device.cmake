# SPDX-License-Identifier: Apache-2.0
# The device tests as the host sees them: for each board a build of the images, then each image under QEMU.
# ctest -L device; run from the top by `make device-test`.
set(device ${PROJECT_SOURCE_DIR}/tests/device)
set(work ${PROJECT_BINARY_DIR}/device)
set(sodium ${work}/source/libsodium)
set(zstd ${work}/source/libzstd)

add_executable(device_cases ${device}/cases.c ${device}/drive.c tests/pkg_helpers.c tests/vector_list.c tests/pkg_load.c)
target_include_directories(device_cases PRIVATE ${mote_private_dirs})
target_compile_definitions(device_cases PRIVATE MOTE_VECTORS="${PROJECT_SOURCE_DIR}/spec/vectors")
target_link_libraries(device_cases PRIVATE mote mote_host_flags PkgConfig::MOTE_REQUIRES m)
foreach(profile nano std zstd)
  file(MAKE_DIRECTORY ${work}/${profile})
  add_custom_command(OUTPUT ${work}/${profile}/cases.bin
    COMMAND device_cases ${profile} ${work}/${profile}/cases.bin
    DEPENDS device_cases ${PROJECT_SOURCE_DIR}/spec/vectors/manifest.txt)
  list(APPEND inputs ${work}/${profile}/cases.bin)
endforeach()
add_custom_target(device_inputs ALL DEPENDS ${inputs})

add_executable(fashion_expect ${device}/fashion_expect.c examples/fashion/fashion_net.c)
target_include_directories(fashion_expect PRIVATE examples/fashion)
target_link_libraries(fashion_expect PRIVATE mote mote_host_flags)

set(qemu_options -display none -monitor none -serial none -icount shift=0
  -semihosting-config enable=on,target=native -kernel)

function(mote_device_test name)
  cmake_parse_arguments(PARSE_ARGV 1 t "" "TIMEOUT;FOLDER" "COMMAND;SETUP;NEEDS")
  add_test(NAME device.${name} COMMAND ${t_COMMAND} WORKING_DIRECTORY ${t_FOLDER})
  set_tests_properties(device.${name} PROPERTIES LABELS device TIMEOUT ${t_TIMEOUT}
    FIXTURES_SETUP "${t_SETUP}" FIXTURES_REQUIRED "${t_NEEDS}")
endfunction()

mote_device_test(source TIMEOUT 300 FOLDER ${work} SETUP device_source
  COMMAND sh -c "for package in libsodium libzstd; do '${PROJECT_SOURCE_DIR}/.ci/source' $package '${work}/source' || exit 1; done")

# mote_add_network(NAME COUNT OPTION...): the example network packed with these options, for COUNT images.
function(mote_add_network name count)
  mote_device_test(pack_${name} TIMEOUT 100 FOLDER ${work} SETUP device_${name}
    COMMAND sh ${device}/fashion.sh ${PROJECT_SOURCE_DIR} $<TARGET_FILE:mote_cli> $<TARGET_FILE:fashion_expect>
      ${work}/${name} ${count} ${ARGN})
endfunction()

# mote_run_network(BOARD NETWORK QEMU...)
function(mote_run_network board network)
  mote_device_test(${board}.${network} TIMEOUT 300 FOLDER ${work}/${network} NEEDS device_${board} device_${network}
    COMMAND ${ARGN} ${qemu_options} ${work}/${board}/fashion)
endfunction()

# mote_add_board(NAME CASES QEMU...): a file boards/NAME.cmake and the machine that runs its images.
function(mote_add_board board cases)
  set(build ${work}/${board})
  mote_device_test(${board}.build TIMEOUT 300 FOLDER ${work} SETUP device_${board} NEEDS device_source
    COMMAND ${CMAKE_COMMAND} -E env --unset=CFLAGS sh -c "'${CMAKE_COMMAND}' -G Ninja -S '${device}' -B '${build}' \
      --toolchain '${device}/boards/${board}.cmake' -DCMAKE_BUILD_TYPE=MinSizeRel -DMOTE_WERROR=ON \
      '-DMOTE_SODIUM=${sodium}' '-DMOTE_ZSTD=${zstd}' && '${CMAKE_COMMAND}' --build '${build}'")
  mote_device_test(${board}.guards TIMEOUT 100 FOLDER ${work} NEEDS device_${board}
    COMMAND sh ${device}/guards.sh ${build}/mode ${ARGN} ${qemu_options} ${build}/guards)
  mote_device_test(${board}.vectors TIMEOUT 300 FOLDER ${work}/${cases} NEEDS device_${board}
    COMMAND ${ARGN} ${qemu_options} ${build}/vectors)
endfunction()

mote_add_board(m0 nano qemu-system-arm -M microbit)
mote_add_board(m3 nano qemu-system-arm -M mps2-an385)
mote_add_board(m4f zstd qemu-system-arm -M mps2-an386)
mote_add_board(m4 nano qemu-system-arm -M mps2-an386)
mote_add_board(m33 nano qemu-system-arm -M mps2-an505)
mote_add_board(rv32 std qemu-system-riscv32 -M virt -bios none)

mote_add_network(bits4 200 --bits 4)
mote_run_network(m4 bits4 qemu-system-arm -M mps2-an386)
mote_run_network(m33 bits4 qemu-system-arm -M mps2-an505)

# The table of the README, held against figures.txt; the target writes it into the README.
set(figures sh ${device}/figures.sh ${PROJECT_SOURCE_DIR} $<TARGET_FILE:mote_cli> $<TARGET_FILE:fashion_expect> ${work}/m4)
mote_device_test(figures TIMEOUT 300 FOLDER ${work} NEEDS device_m4 COMMAND ${figures})
set(zstd_figures sh ${device}/zstd.sh ${PROJECT_SOURCE_DIR} $<TARGET_FILE:mote_cli> ${zstd}/lib/zstd.h ${work}/m4f)
mote_device_test(zstd TIMEOUT 100 FOLDER ${work} NEEDS device_m4f COMMAND ${zstd_figures})
add_custom_target(device_figures COMMAND ${figures} ${PROJECT_SOURCE_DIR}/README.md
  COMMAND ${zstd_figures} ${PROJECT_SOURCE_DIR}/README.md WORKING_DIRECTORY ${work} USES_TERMINAL)
mote_device_test(nano_size TIMEOUT 60 FOLDER ${work} NEEDS device_m4
  COMMAND sh ${PROJECT_SOURCE_DIR}/tests/lint/device_size.sh ${work}/m4/mote/libmote_device.a
    ${PROJECT_SOURCE_DIR}/tests/device_budget_nano.txt)
