/* Linked into the command, this makes a calling program with settings of its own: before main it sets
   flush-to-zero, denormals-are-zero and rounding towards zero, as some compilers' -ffast-math start-up code
   does in part. */
#if defined(__x86_64__)
#include <xmmintrin.h>

__attribute__((constructor)) static void set_state(void)
{
    _mm_setcsr(_mm_getcsr() | 0x8000u | 0x0040u | 0x6000u);
}
#elif defined(__aarch64__)
#include <stdint.h>

__attribute__((constructor)) static void set_state(void)
{
    uint64_t state;
    __asm__ volatile("mrs %0, fpcr" : "=r"(state));
    state |= UINT64_C(0x1c00000);
    __asm__ volatile("msr fpcr, %0" : : "r"(state));
}
#else
#error "say here how this processor is told to flush denormal numbers to zero"
#endif
