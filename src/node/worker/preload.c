#include "node/worker/preload.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

dk_status preload(dk_context *dk, const char *path, dk_error *err)
{
    dk_status (*begin)(dk_context * dk);
    char found[4096];
    /* A name without a slash would be looked for among the system's libraries only. */
    const char *file =
        !strchr(path, '/') && strlen(path) < sizeof(found) && realpath(path, found) ? found : path;
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    void *symbol = library ? dlsym(library, "cdask_preload") : NULL;
    if (!symbol)
        return error_set(err, DK_EIO, "preload: %s", dlerror());
    memcpy(&begin, &symbol, sizeof(begin)); /* ISO C knows no cast for this */
    dk_status status = begin(dk);
    if (status != DK_OK)
        return error_set(err, status, "preload: %s: cdask_preload() says: %s", path,
                         dk_status_text(status));
    return DK_OK;
}
