# What is built to be run here, not installed: unit tests, examples, fuzzers, and the benchmarks of
# bench/CMakeLists.txt.

# tests/unit/LAYER/test_NAME.c is the ctest test_LAYER_NAME. It links LAYER and what lies below,
# so the linker, too, keeps the layer rule.
function(cdask_unit_test source)
    cmake_path(GET source STEM LAST_ONLY name)
    cmake_path(GET source PARENT_PATH folder)
    cmake_path(GET folder FILENAME layer)
    string(REGEX REPLACE "^test_" "test_${layer}_" test ${name})

    add_executable(${test} ${source})
    target_include_directories(${test} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
    target_link_libraries(${test} PRIVATE PkgConfig::cmocka)
    if(name MATCHES "_out_of_memory_")
        # As an outside program, bound call by call: tools/out_of_memory.py watches that.
        target_link_libraries(${test} PRIVATE cdask_shared)
        target_link_options(${test} PRIVATE -Wl,-z,lazy)
    else()
        target_link_libraries(${test} PRIVATE cdask_${layer})
    endif()
    set_target_properties(${test} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)

    set(labels unit)
    if(layer MATCHES "^(local|node)$" OR name MATCHES "_threads")
        list(APPEND labels threads) # these run under the thread sanitizer as well
    endif()
    add_test(NAME ${test} COMMAND ${test} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    # Tests provoke allocations that cannot succeed; a sanitizer must let malloc say so.
    set_tests_properties(${test} PROPERTIES TIMEOUT 300 LABELS "${labels}" ENVIRONMENT
        "ASAN_OPTIONS=allocator_may_return_null=1:detect_stack_use_after_return=1;UBSAN_OPTIONS=print_stacktrace=1;TSAN_OPTIONS=allocator_may_return_null=1:second_deadlock_stack=1")
endfunction()

if(CDASK_TESTS)
    enable_testing()
    pkg_check_modules(cmocka REQUIRED QUIET IMPORTED_TARGET cmocka)
    file(GLOB sources CONFIGURE_DEPENDS tests/unit/*/test_*.c)
    foreach(source IN LISTS sources)
        cdask_unit_test(${source})
    endforeach()
endif()

# cdask_programs(FOLDER PREFIX LIBRARY...): one executable PREFIX_NAME for each FOLDER/NAME.c.
function(cdask_programs folder prefix)
    file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.c)
    foreach(source IN LISTS sources)
        cmake_path(GET source STEM LAST_ONLY name)
        string(REGEX REPLACE "^${prefix}_" "" name ${name})
        set(program ${prefix}_${name})
        add_executable(${program} ${source})
        target_link_libraries(${program} PRIVATE ${ARGN})
        set_target_properties(${program} PROPERTIES
            RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/${folder})
    endforeach()
endfunction()

# The simulator of sim/: what it may include is what it links.
file(GLOB sources CONFIGURE_DEPENDS sim/*.c)
add_executable(cdask-sim ${sources})
target_include_directories(cdask-sim PRIVATE ${PROJECT_SOURCE_DIR})
target_link_libraries(cdask-sim PRIVATE cdask_core)

# As an outside program: the shared library and the public headers only.
cdask_programs(examples example cdask_shared m)
# What tests in other languages run to reach a layer below the public headers.
cdask_programs(tests/programs test cdask_api cdask_node)
# Tasks of tests, for `cdask worker --preload`. They call what the executable exports.
add_library(test_tasks MODULE tests/programs/tasks/tasks.c)
set_target_properties(test_tasks PROPERTIES
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/programs)
if(CDASK_TESTS) # one loads them by itself
    set_target_properties(test_api_cluster_client PROPERTIES ENABLE_EXPORTS ON)
    target_compile_definitions(test_api_cluster_client PRIVATE
        TEST_TASKS="$<TARGET_FILE:test_tasks>")
    add_dependencies(test_api_cluster_client test_tasks)
endif()
if(CDASK_BENCH)
    add_subdirectory(bench)
endif()
if(CDASK_FUZZ)
    cdask_programs(fuzz fuzz cdask_api cdask_node -fsanitize=fuzzer)
endif()
