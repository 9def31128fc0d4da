/* The floating-point control word. A worker inherits flush-to-zero and the like from whoever created it, and
   a host program may run with any rounding; both would change bits. */
#include <fenv.h>
#include "parallel/team.h"

#if defined(__SSE__)

/* MXCSR: all exceptions masked, round to nearest, no flush to zero (bit 15), no denormals-are-zero (bit 6).
 */
#define CONTROL_WORD 0x1f80u
#define FLAGS        0x3fu /* exceptions so far */

/* Loading the word costs more than looking at it, and looking at it waits for all arithmetic before. */
static int is_ours(uint32_t word)
{
    return (word & ~FLAGS) == CONTROL_WORD;
}

uint32_t ls_float_state_enter(void)
{
    uint32_t saved = __builtin_ia32_stmxcsr();
    if (!is_ours(saved)) __builtin_ia32_ldmxcsr(CONTROL_WORD);
    return saved;
}

/* Flags that were raised in between stay where the control bits were ours already, as after any arithmetic. */
void ls_float_state_leave(uint32_t saved)
{
    if (!is_ours(saved)) __builtin_ia32_ldmxcsr(saved);
}

#elif defined(__aarch64__)

/* FPCR: zero is round to nearest, no flush to zero, no default NaN, no trapped exceptions. All bits that are
   defined lie in the lower half. */
uint32_t ls_float_state_enter(void)
{
    uint64_t saved;
    __asm__ volatile("mrs %0, fpcr" : "=r"(saved)::"memory");
    __asm__ volatile("msr fpcr, %0" ::"r"((uint64_t)0) : "memory");
    return (uint32_t)saved;
}

void ls_float_state_leave(uint32_t saved)
{
    __asm__ volatile("msr fpcr, %0" ::"r"((uint64_t)saved) : "memory");
}

#else

/* Elsewhere the rounding direction is all that C gives a name to. */
uint32_t ls_float_state_enter(void)
{
    int saved = fegetround();
    fesetround(FE_TONEAREST);
    return (uint32_t)saved;
}

void ls_float_state_leave(uint32_t saved)
{
    fesetround((int)saved);
}

#endif
