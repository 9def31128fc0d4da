/* 64-bit hashes (XXH64) of bytes; not cryptographic. Seeds chain hashes: h = ls_hash(p, n, h). */
#ifndef LS_BASE_HASH_H
#define LS_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t ls_hash(const void *bytes, size_t size, uint64_t seed);

#endif
