# SPDX-License-Identifier: Apache-2.0
# RISC-V with 32 bits, QEMU's "virt" board, held to 256 KiB of RAM.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR rv32)
set(CMAKE_C_COMPILER riscv64-unknown-elf-gcc)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_C_FLAGS_INIT "-march=rv32imac -misa-spec=2.2 -mabi=ilp32 -mcmodel=medany --specs=picolibc.specs -ffunction-sections -fdata-sections")
set(board_link)
set(board_libraries)
set(board_port port_riscv.c)
# memory of the image, and what of it is the stack
set(board_flash 0x80000000)
set(board_flash_size 2M)
set(board_ram 0x80200000)
set(board_ram_size 256K)
set(board_stack 5120)
set(board_ram_there 4M) # on the machine
set(board_mhz 10) # not used: there is a counter of instructions
set(board_profile std)
set(board_zstd 0)
# vectors: bytes for workspace and output; how many runs may be too large for them, and how many packages must not be;
# every how many bytes one is changed; millions of instructions that a load may take
set(board_arena 196608)
set(board_misfits 0)
set(board_accepted 58)
set(board_tamper 29)
set(board_millions 80)
