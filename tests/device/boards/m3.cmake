# SPDX-License-Identifier: Apache-2.0
# Cortex-M3 of the MPS2 board, held to 64 KiB of RAM.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR m3)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_C_FLAGS_INIT "-mcpu=cortex-m3 -mthumb -ffunction-sections -fdata-sections")
set(board_link --specs=nano.specs --specs=nosys.specs)
set(board_port port_arm.c)
# memory of the image, and what of it is the stack
set(board_flash 0)
set(board_flash_size 1M)
set(board_ram 0x20000000)
set(board_ram_size 64K)
set(board_stack 5120)
set(board_ram_there 4M) # on the machine
set(board_mhz 25) # of SysTick
set(board_profile nano)
set(board_zstd 0)
# vectors: bytes for workspace and output; how many runs may be too large for them, and how many packages must not be;
# every how many bytes one is changed; millions of instructions that a load may take
set(board_arena 32768)
set(board_misfits 0)
set(board_accepted 29)
set(board_tamper 11)
set(board_millions 40)
