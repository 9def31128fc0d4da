/* Elementary functions in double precision that do not come from the mathematics library, whose results
   differ from version to version: chains of products and fused multiply-adds, so the same bits everywhere.
   Errors are a few units in the last place (tests/unit/test_elementary.c). */
#ifndef LS_BASE_ELEMENTARY_H
#define LS_BASE_ELEMENTARY_H

#include <stdint.h>

double ls_logarithm(double x);         /* natural, of a normal number above 0 */
double ls_exponential(double x);       /* 0 below -708, infinity above 709 */
double ls_cosine_of_turn(double turn); /* cos(2 pi turn), turn in [0, 1) */

/* base^exponent by squaring, exponent >= 0: few products even of large exponents, always in the same order.
 */
double ls_power(double base, int64_t exponent);
/* base^exponent for base >= 0 and exponent > 0. Whole exponents up to 2^53 go by squaring. */
double ls_real_power(double base, double exponent);

#endif
