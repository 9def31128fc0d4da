#include <lockstep/lockstep.h>

#ifndef LS_VERSION
#define LS_VERSION "0.1.0"
#endif

const char *ls_version(void)
{
    return LS_VERSION;
}
