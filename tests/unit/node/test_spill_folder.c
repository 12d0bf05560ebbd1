/* Folders of spilled results: those of the living stay, those of the dead go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/worker/spill_folder.h"

static bool is_there(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0;
}

static void put_file(const char *folder, const char *name, char out[1100])
{
    snprintf(out, 1100, "%s/%s", folder, name);
    FILE *file = fopen(out, "w");
    assert_non_null(file);
    fclose(file);
}

static void test_left_ones_go(void **state)
{
    char parent[64] = "/tmp/cdask-test-XXXXXX", spilled[1100], other[1100], path[1100];
    struct spill_folder living = {0}, dead = {0};
    (void)state;
    assert_non_null(mkdtemp(parent));
    snprintf(parent + strlen(parent), sizeof(parent) - strlen(parent), "/a/b");
    assert_int_equal(spill_folder_prepare(parent, NULL), DK_OK); /* is made */
    assert_true(spill_folder_make(&living, parent));
    assert_true(spill_folder_make(&dead, parent));
    assert_string_not_equal(living.path, dead.path);
    put_file(dead.path, "0", spilled);
    put_file(parent, "cdask-worker-is-a-file", other);
    assert_int_equal(spill_folder_prepare(parent, NULL), DK_OK);
    assert_true(is_there(living.path));
    assert_true(is_there(spilled));
    close(dead.fd); /* as its process's end does */
    assert_int_equal(spill_folder_prepare(parent, NULL), DK_OK);
    assert_true(is_there(living.path));
    assert_false(is_there(dead.path));
    assert_true(is_there(other));
    snprintf(path, sizeof(path), "%s", living.path);
    spill_folder_remove(&living);
    assert_false(is_there(path));
    unlink(other);
    assert_int_equal(rmdir(parent), 0);
    *strrchr(parent, '/') = '\0';
    assert_int_equal(rmdir(parent), 0);
    *strrchr(parent, '/') = '\0';
    assert_int_equal(rmdir(parent), 0);
}

static void test_made_once(void **state)
{
    struct spill_folder folder = {0};
    char path[1024];
    (void)state;
    assert_true(spill_folder_make(&folder, "/tmp"));
    snprintf(path, sizeof(path), "%s", folder.path);
    assert_true(spill_folder_make(&folder, "/tmp"));
    assert_string_equal(folder.path, path);
    spill_folder_remove(&folder);
    assert_false(is_there(path));
}

static void test_no_parent(void **state)
{
    struct spill_folder folder = {0};
    dk_error err = {0};
    (void)state;
    assert_false(spill_folder_make(&folder, "/tmp/there/is/no/such"));
    assert_string_equal(folder.path, "");
    spill_folder_remove(&folder);
    assert_int_equal(spill_folder_prepare("/proc/there/is/no/such", &err), DK_EIO);
    assert_non_null(strstr(err.message, "/proc/there/is/no/such"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_left_ones_go),
        cmocka_unit_test(test_made_once),
        cmocka_unit_test(test_no_parent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
