/* A directory of a test's own. */
#ifndef LS_TESTS_SUPPORT_DIRECTORY_H
#define LS_TESTS_SUPPORT_DIRECTORY_H

enum { LS_TEST_DIRECTORY = 24 }; /* characters of its path, with the NUL */

/* Makes an empty one. */
void ls_test_directory_make(char path[LS_TEST_DIRECTORY]);
/* Removes it with all that is in it. */
void ls_test_directory_remove(const char *path);

#endif
