/* Under ThreadSanitizer most addresses are taken, and Criterion 2.4 draws ten at random for memory that it
   shares with its workers: it would never start. Its source of random numbers is rand_r, of whose values the
   lowest 22 bits choose among pieces of 16 MB from 0x200000000000 on. So in a program built with the
   sanitizer rand_r counts, from the first address that the sanitizer leaves to programs. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#include <stdlib.h>

__attribute__((visibility("default"))) int rand_r(unsigned *state)
{
    return (int)(0x350000u + ((*state)++ & 0xffffu));
}
#endif
#endif

typedef int ls_test_thread_sanitizer; /* a file must not be empty */
