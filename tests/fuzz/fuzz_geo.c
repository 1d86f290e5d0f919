/* SPDX-License-Identifier: Apache-2.0
 * fuzz_geo.c - any bytes as a geo file, and a small sound file with any bytes written
 * over and a right check put behind: refused, or every answer lies within the file.
 *
 * Patches and not whole files, for a file has a slot for every zip: 800 KB, of which
 * chance would touch nothing that matters. Input: patches (where u32, length u8, bytes)
 * up to a length of 0; the rest is what is asked for: zip, city and state by lines. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/bytes.h"
#include "geo/geo_format.h"
#include "tests/lib/geo_tables.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sound { /* the file, built once, and written over where it is mapped */
    uint8_t *bytes, *before;
    size_t size;
    char path[64];
};

/* Bytes as a file that has a path. */
static uint8_t *file_of(const uint8_t *bytes, size_t size, char ret_path[64])
{
    const int fd = memfd_create("places", MFD_CLOEXEC);
    const bool written = fd >= 0 && write(fd, bytes, size) == (ssize_t) size;
    uint8_t *map = size ? mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : NULL;
    assert(written && map != MAP_FAILED);
    snprintf(ret_path, 64, "/proc/self/fd/%d", fd);
    return map;
}

static struct sound build(void)
{
    struct sound sound = {.before = malloc(GEO_FILE_BYTES_MAX)};
    char why[GEO_WHY_BYTES], path[GEO_TABLES_PATH];
    struct geo_build *tables = geo_tables_new();
    geo_tables_path(path);
    const bool written = geo_build_write(tables, path, why);
    FILE *file = written ? fopen(path, "rb") : NULL;
    assert(file && sound.before);
    sound.size = fread(sound.before, 1, GEO_FILE_BYTES_MAX, file);
    fclose(file);
    geo_tables_remove(path);
    geo_build_destroy(&tables);
    sound.bytes = file_of(sound.before, sound.size, sound.path);
    return sound;
}

static void touch(struct slice text)
{
    static volatile uint8_t seen;
    for (uint32_t i = 0; i < text.len; i++)
        seen = seen ^ text.at[i];
}

static void ask(const struct geo *geo, const struct geo_asked *asked)
{
    struct geo_place place;
    geo_find(geo, asked, &place);
    const struct slice texts[] = {place.state, place.county, place.metro, place.city, place.zone};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        touch(texts[i]);
    assert(place.zone_by <= GEO_ZONE_GUESSED);
}

static void ask_all(const char *path, const char *text, size_t len)
{
    static const char *const zips[] = {"35762", "32501", "06510", "60601", "63101", "86503", "99999"};
    static const uint32_t area_codes[] = {256, 850, 203, 928, 902, 416, 0, UINT32_MAX};
    char why[GEO_WHY_BYTES];
    struct geo *geo = geo_open(path, why);
    if (!geo)
        return;
    struct slice lines[3] = {{0}};
    for (size_t line = 0, at = 0; line < 3 && at < len; line++) {
        const char *end = memchr(text + at, '\n', len - at);
        lines[line] = slice_of(text + at, end ? (size_t) (end - text) - at : len - at);
        at += lines[line].len + 1;
    }
    ask(geo, &(struct geo_asked){.zip = lines[0], .city = lines[1], .state = lines[2], .area_code = 256});
    ask(geo, &(struct geo_asked){.city = lines[1], .state = lines[2]});
    for (size_t i = 0; i < sizeof zips / sizeof *zips; i++)
        ask(geo, &(struct geo_asked){.zip = slice_of(zips[i], 5), .city = lines[1]});
    for (size_t i = 0; i < sizeof area_codes / sizeof *area_codes; i++)
        ask(geo, &(struct geo_asked){.zip = lines[0], .area_code = area_codes[i]});
    geo_close(&geo);
}

static void as_a_file(const uint8_t *data, size_t size)
{
    char path[64];
    uint8_t *map = file_of(data, size, path);
    ask_all(path, "", 0);
    if (map)
        munmap(map, size);
    close((int) strtol(strrchr(path, '/') + 1, NULL, 10));
}

/* Writes the patches, or what was there before. Returns where they end. */
static size_t patch(const struct sound *sound, const uint8_t *data, size_t size, bool undo)
{
    size_t at = 0;
    while (size - at >= 5 && data[at + 4] > 0) {
        const size_t where = bytes_u32(data + at) % sound->size, len = data[at + 4];
        for (size_t i = 0; i < len && at + 5 + i < size && where + i < sound->size; i++)
            sound->bytes[where + i] = undo ? sound->before[where + i] : data[at + 5 + i];
        at = at + 5 + len < size ? at + 5 + len : size;
    }
    return size - at >= 5 ? at + 5 : size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sound sound;
    if (!sound.bytes)
        sound = build();
    as_a_file(data, size);
    const size_t at = patch(&sound, data, size, false), checked = sound.size - GEO_CHECK_BYTES;
    bytes_put_u64(sound.bytes + checked, geo_check(sound.bytes, checked));
    ask_all(sound.path, (const char *) data + at, size - at);
    patch(&sound, data, size, true);
    return 0;
}
