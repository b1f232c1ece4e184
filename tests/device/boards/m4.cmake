# SPDX-License-Identifier: Apache-2.0
# The Cortex-M4 of m4f.cmake with the nano library: what the whole job and the figures of the README are run on.
include(${CMAKE_CURRENT_LIST_DIR}/m4f.cmake)
set(board_profile nano)
set(board_zstd 0)
set(board_ram_size 64K)
set(board_arena 32768)
set(board_accepted 29)
