# How every file is compiled.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)

add_compile_definitions(_GNU_SOURCE CDASK_VERSION="${PROJECT_VERSION}")
include_directories(${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)

add_compile_options(
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
    -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef
    -fno-omit-frame-pointer # the profiler and perf walk our frames
    -ffp-contract=off)      # one sum on every machine, whether it can multiply-add or not

# Off in release, which strangers build with compilers we have not seen.
if(CDASK_WERROR)
    add_compile_options(-Werror)
endif()

if(CDASK_SANITIZE)
    add_compile_options(-fsanitize=${CDASK_SANITIZE} -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${CDASK_SANITIZE})
endif()
if(CDASK_SANITIZE MATCHES "address")
    add_compile_definitions(CDASK_SINGLE_BLOCKS) # src/base/arena.c
endif()
if(CDASK_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
    add_link_options(-fsanitize=fuzzer-no-link)
endif()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
