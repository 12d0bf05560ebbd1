# cdask_layer(NAME [DEPENDS layer...] [PACKAGES pkg-config-name...])
#
# The static library cdask_NAME, of every src/NAME/**/*.c. Whoever links it gets what it depends on.
# Appends to CDASK_LAYERS (those with sources) and CDASK_PACKAGES (for cdask.pc).
function(cdask_layer name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPENDS;PACKAGES")
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.c)
    list(FILTER sources EXCLUDE REGEX "/main[.]c$") # the executable's

    # A layer nobody has written yet still passes on what lies below it.
    set(kind INTERFACE)
    set(scope INTERFACE)
    if(sources)
        set(kind STATIC)
        set(scope PUBLIC)
        set(CDASK_LAYERS ${CDASK_LAYERS} ${name} PARENT_SCOPE)
    endif()
    add_library(cdask_${name} ${kind} ${sources})

    target_link_libraries(cdask_${name} ${scope} Threads::Threads m)
    foreach(lower IN LISTS arg_DEPENDS)
        target_link_libraries(cdask_${name} ${scope} cdask_${lower})
    endforeach()
    foreach(package IN LISTS arg_PACKAGES)
        pkg_check_modules(${package} REQUIRED QUIET IMPORTED_TARGET ${package})
        target_link_libraries(cdask_${name} ${scope} PkgConfig::${package})
    endforeach()
    set(CDASK_PACKAGES ${CDASK_PACKAGES} ${arg_PACKAGES} PARENT_SCOPE)
endfunction()
