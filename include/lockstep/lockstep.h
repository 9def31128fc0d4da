/* Lockstep: data-parallel training of neural networks on CPUs, with the same bits on every layout of ranks
 * and threads. This header includes all but lockstep/mpi.h. */
#ifndef LOCKSTEP_LOCKSTEP_H
#define LOCKSTEP_LOCKSTEP_H

#include <lockstep/status.h>
#include <lockstep/context.h>
#include <lockstep/recipe.h>
#include <lockstep/metrics.h>
#include <lockstep/trainer.h>
#include <lockstep/predictor.h>
#include <lockstep/tools.h>

#ifdef __cplusplus
extern "C" {
#endif

LS_API const char *ls_version(void); /* "0.1.0" */

#ifdef __cplusplus
}
#endif
#endif
