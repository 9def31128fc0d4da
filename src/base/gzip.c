/* Unpacking gzip with zlib. */
#include <stdint.h>
#include <string.h>
#include <zlib.h>
#include "base/gzip.h"
#include "base/memory.h"

typedef struct unpacking {
    const char *path;
    z_stream stream;
    const char *packed;
    size_t left; /* packed bytes that zlib has not taken */
    char *bytes;
    size_t size, capacity;
} unpacking;

static void *allocate(void *user, unsigned count, unsigned size)
{
    (void)user;
    return ls_alloc(count, size);
}

static void release(void *user, void *pointer)
{
    (void)user;
    ls_free(pointer);
}

bool ls_gzip_recognise(const char *packed, size_t packed_size)
{
    return packed_size >= 2 && packed[0] == '\x1f' && packed[1] == '\x8b';
}

/* The last four bytes hold the size of the last member, modulo 2^32. It serves as a first guess, within what
   the format can pack at best (1:1032), since a broken file may hold anything there. */
static size_t guess_size(const char *packed, size_t packed_size)
{
    if (packed_size < 18) return 0;
    const unsigned char *end = (const unsigned char *)packed + packed_size;
    size_t guess = end[-4] | (size_t)end[-3] << 8 | (size_t)end[-2] << 16 | (size_t)end[-1] << 24;
    return guess / 1032 <= packed_size ? guess : 0;
}

static ls_status refuse_memory(const unpacking *u)
{
    return ls_error_prefix(LS_ERROR_MEMORY, "cannot unpack '%s': ", u->path);
}

/* Makes room for at least two more bytes: one to unpack into and one for the NUL. */
static ls_status make_room(unpacking *u)
{
    char *grown = ls_grow(u->bytes, &u->capacity, u->size + 2, 1);
    if (grown == NULL) return refuse_memory(u);
    u->bytes = grown;
    return LS_OK;
}

/* zlib counts in unsigned int, hence one piece of input and output at a time. */
static int inflate_piece(unpacking *u)
{
    enum { PIECE = 1 << 30 };
    size_t room = u->capacity - 1 - u->size;
    unsigned in = u->left < PIECE ? (unsigned)u->left : PIECE;
    unsigned out = room < PIECE ? (unsigned)room : PIECE;
    u->stream.next_in = (Bytef *)(uintptr_t)u->packed;
    u->stream.avail_in = in;
    u->stream.next_out = (Bytef *)(u->bytes + u->size);
    u->stream.avail_out = out;
    int result = inflate(&u->stream, Z_NO_FLUSH);
    u->packed += in - u->stream.avail_in;
    u->left -= in - u->stream.avail_in;
    u->size += out - u->stream.avail_out;
    return result;
}

static ls_status unpack_member(unpacking *u)
{
    for (;;) {
        LS_TRY(make_room(u));
        int result = inflate_piece(u);
        if (result == Z_STREAM_END) return LS_OK;
        if (result == Z_MEM_ERROR) return refuse_memory(u);
        if (result == Z_BUF_ERROR || (result == Z_OK && u->left == 0 && u->stream.avail_out > 0))
            return ls_error(LS_ERROR_DATA,
                            "cannot unpack '%s': the gzip file ends too early (after %zu unpacked bytes); "
                            "fetch or copy it again",
                            u->path, u->size);
        if (result != Z_OK)
            return ls_error(LS_ERROR_DATA,
                            "cannot unpack '%s': broken gzip file after %zu unpacked bytes (%s)", u->path,
                            u->size, u->stream.msg != NULL ? u->stream.msg : "no reason given");
    }
}

static bool only_zeros(const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != '\0') return false;
    return true;
}

static ls_status unpack_members(unpacking *u)
{
    LS_TRY(unpack_member(u));
    while (ls_gzip_recognise(u->packed, u->left)) {
        inflateReset(&u->stream);
        LS_TRY(unpack_member(u));
    }
    if (!only_zeros(u->packed, u->left))
        return ls_error(LS_ERROR_DATA, "cannot unpack '%s': %zu bytes follow that are not gzip", u->path,
                        u->left);
    return LS_OK;
}

ls_status ls_gzip_unpack(const char *path, const char *packed, size_t packed_size, char **bytes, size_t *size)
{
    enum { GZIP_ONLY = 16 };
    unpacking u = {.path = path, .packed = packed, .left = packed_size};
    *bytes = NULL;
    *size = 0;
    u.stream.zalloc = allocate;
    u.stream.zfree = release;
    u.capacity = guess_size(packed, packed_size) + 2;
    u.bytes = ls_alloc(u.capacity, 1);
    if (u.bytes == NULL) return refuse_memory(&u);
    int result = inflateInit2(&u.stream, GZIP_ONLY + MAX_WBITS);
    ls_status status = LS_OK;
    if (result == Z_OK) {
        status = unpack_members(&u);
        inflateEnd(&u.stream);
    } else if (result == Z_MEM_ERROR) {
        status = refuse_memory(&u);
    } else {
        status =
            ls_error(LS_ERROR_STATE, "cannot unpack '%s': zlib does not start (status %d)", path, result);
    }
    if (status != LS_OK) {
        ls_free(u.bytes);
        return status;
    }
    u.bytes[u.size] = '\0';
    *bytes = u.bytes;
    *size = u.size;
    return LS_OK;
}
