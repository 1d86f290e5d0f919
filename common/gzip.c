/* SPDX-License-Identifier: Apache-2.0
 * gzip.c - see gzip.h. What comes from outside grows up to a bound and no further,
 * whatever it says of itself. */
#include "common/gzip.h"

#include <assert.h>
#include <stdlib.h>

#include <zlib.h>

enum { GZIP_WINDOW = 15 + 16, GZIP_MEMORY = 8, PIECE_BYTES = 64 * 1024 };

bool gzip_is(struct slice bytes)
{
    return bytes.len > 2 && bytes.at[0] == 0x1f && bytes.at[1] == 0x8b;
}

void gzip_pack(struct slice text, struct buf *ret_packed)
{
    z_stream stream = {.next_in = (uint8_t *) text.at, .avail_in = text.len};
    if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    const size_t most = deflateBound(&stream, text.len);
    stream.next_out = buf_more(ret_packed, most);
    stream.avail_out = (uInt) most;
    const int code = deflate(&stream, Z_FINISH);
    assert(code == Z_STREAM_END);
    ret_packed->len -= stream.avail_out;
    deflateEnd(&stream);
}

bool gzip_unpack(struct slice packed, size_t most, struct buf *ret_text)
{
    z_stream stream = {.next_in = (uint8_t *) packed.at, .avail_in = packed.len};
    const size_t begun = ret_text->len;
    int code = Z_OK;
    if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
        abort();
    while (code == Z_OK && ret_text->len - begun <= most) {
        stream.next_out = buf_more(ret_text, PIECE_BYTES);
        stream.avail_out = PIECE_BYTES;
        code = inflate(&stream, Z_NO_FLUSH);
        ret_text->len -= stream.avail_out;
    }
    const bool whole = code == Z_STREAM_END && stream.avail_in == 0 && ret_text->len - begun <= most;
    inflateEnd(&stream);
    return whole;
}
