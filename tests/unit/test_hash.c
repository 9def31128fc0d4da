/* XXH64: values published with the algorithm, and chaining. */
#include <criterion/criterion.h>
#include "base/hash.h"

Test(hash, gives_published_values)
{
    cr_assert_eq(ls_hash("", 0, 0), UINT64_C(0xef46db3751d8e999));
    cr_assert_eq(ls_hash("a", 1, 0), UINT64_C(0xd24ec4f1a98c6e5b));
    cr_assert_eq(ls_hash("abc", 3, 0), UINT64_C(0x44bc2cf5ad770999));
}

Test(hash, depends_on_every_bit_and_the_seed)
{
    unsigned char bytes[100] = {0};
    uint64_t plain = ls_hash(bytes, sizeof bytes, 0);
    cr_assert_neq(ls_hash(bytes, sizeof bytes, 1), plain);
    cr_assert_neq(ls_hash(bytes, sizeof bytes - 1, 0), plain);
    for (int bit = 0; bit < 800; bit++) {
        bytes[bit / 8] = (unsigned char)(1 << bit % 8);
        cr_assert_neq(ls_hash(bytes, sizeof bytes, 0), plain, "bit %d", bit);
        bytes[bit / 8] = 0;
    }
}

Test(hash, chains_depend_on_the_order)
{
    uint64_t first = ls_hash("two", 3, ls_hash("one", 3, 0));
    uint64_t second = ls_hash("one", 3, ls_hash("two", 3, 0));
    cr_assert_neq(first, second);
}
