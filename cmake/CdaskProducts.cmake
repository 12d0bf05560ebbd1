# What is installed: libcdask (shared and static), cdask.pc, the headers, the executable, the manual.

# All layers as one library. Objects rather than archives go in, so nothing
# is dropped for want of a reference.
set(objects "")
foreach(layer IN LISTS CDASK_LAYERS)
    list(APPEND objects $<TARGET_OBJECTS:cdask_${layer}>)
endforeach()

set(libraries Threads::Threads m ${CMAKE_DL_LIBS})
foreach(package IN LISTS CDASK_PACKAGES)
    list(APPEND libraries PkgConfig::${package})
endforeach()

add_library(cdask_shared SHARED ${objects})
set_target_properties(cdask_shared PROPERTIES
    OUTPUT_NAME cdask VERSION ${PROJECT_VERSION} SOVERSION 0 LINKER_LANGUAGE C)
target_link_libraries(cdask_shared PRIVATE ${libraries})
if(NOT CDASK_SANITIZE)
    target_link_options(cdask_shared PRIVATE -Wl,-z,defs)
endif()

add_library(cdask_static STATIC ${objects})
set_target_properties(cdask_static PROPERTIES OUTPUT_NAME cdask LINKER_LANGUAGE C)
target_link_libraries(cdask_static PUBLIC ${libraries})

list(JOIN CDASK_PACKAGES " " requires_private)
configure_file(cmake/cdask.pc.in cdask.pc @ONLY)

# In a wheel (pyproject.toml) there is only the library, beside the Python package.
if(SKBUILD)
    install(FILES $<TARGET_FILE:cdask_shared> DESTINATION cdask RENAME libcdask.so COMPONENT python)
endif()
install(TARGETS cdask_shared cdask_static)
install(DIRECTORY include/cdask TYPE INCLUDE)
install(FILES ${PROJECT_BINARY_DIR}/cdask.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(DIRECTORY docs/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1
    OPTIONAL FILES_MATCHING PATTERN "*.1")

if("cli" IN_LIST CDASK_LAYERS)
    add_executable(cdask src/cli/main.c $<TARGET_OBJECTS:cdask_cli>)
    set_target_properties(cdask PROPERTIES LINKER_LANGUAGE C)
    target_link_libraries(cdask PRIVATE cdask_api cdask_node ${CMAKE_DL_LIBS})
    # What `cdask worker --preload` loads calls the functions of the executable.
    set_target_properties(cdask PROPERTIES ENABLE_EXPORTS ON)
    # The library must load into any host and leaves malloc alone; the executable is ours.
    pkg_check_modules(jemalloc QUIET IMPORTED_TARGET jemalloc)
    if(jemalloc_FOUND AND NOT CDASK_SANITIZE)
        target_link_libraries(cdask PRIVATE PkgConfig::jemalloc)
    endif()
    install(TARGETS cdask)
endif()
