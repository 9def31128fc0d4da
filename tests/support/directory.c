#include "directory.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "run.h"

void ls_test_directory_make(char path[LS_TEST_DIRECTORY])
{
    snprintf(path, LS_TEST_DIRECTORY, "/tmp/lockstep-XXXXXX");
    cr_assert_not_null(mkdtemp(path));
}

void ls_test_directory_remove(const char *path)
{
    char command[64];
    snprintf(command, sizeof command, "rm -r '%s'", path);
    cr_assert_eq(ls_test_run(command, NULL, 0), 0, "%s cannot be removed", path);
}
