/* gzip and zstd files: read as the text they hold, and refused when damaged. */
#include "csv_fixture.h"

#include <zlib.h>
#include <zstd.h>

#define PACKED_MAX 65536

static const char EXPECTED_TYPES[] = "a:int64 b:str\n";

/* Rows that do not compress to nothing. */
static const char *make_csv(void)
{
    static char csv[40000];
    size_t n = (size_t)snprintf(csv, sizeof csv, "a,b\n");
    for (unsigned i = 0; i < 2000; i++)
        n += (size_t)snprintf(csv + n, sizeof csv - n, "%u,x%u\n", i, i * 2654435761u >> 12);
    return csv;
}

static size_t pack_gzip(const char *text, size_t nbytes, unsigned char *out)
{
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    unsigned char *copy = malloc(nbytes);
    memcpy(copy, text, nbytes);
    stream.next_in = copy;
    stream.avail_in = (uInt)nbytes;
    stream.next_out = out;
    stream.avail_out = PACKED_MAX;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t packed = stream.total_out;
    (void)deflateEnd(&stream);
    free(copy);
    return packed;
}

static size_t pack_zstd(const char *text, size_t nbytes, unsigned char *out)
{
    size_t packed = ZSTD_compress(out, PACKED_MAX, text, nbytes, 3);
    assert_false(ZSTD_isError(packed));
    return packed;
}

typedef size_t pack(const char *text, size_t nbytes, unsigned char *out);
static pack *const PACKERS[] = {pack_gzip, pack_zstd};

/* A compressed file is one block, whatever the blocksize. */
static void test_whole(void **state)
{
    struct fixture *fixture = *state;
    static unsigned char packed[PACKED_MAX];
    const char *csv = make_csv();
    for (int i = 0; i < 2; i++) {
        size_t n = PACKERS[i](csv, strlen(csv), packed);
        struct text text;
        dk_csv_options options = {.blocksize = 500, .sep = 0};
        const char *path = fixture_write_bytes(fixture, "f.csv.z", packed, n);
        if (fixture_read(fixture, path, &options, &text) != DK_OK)
            fail_msg("%s", fixture->err.message);
        assert_memory_equal(text.data, EXPECTED_TYPES, strlen(EXPECTED_TYPES));
        for (char *p = text.data; *p; p++)
            if (*p == '|')
                *p = ',';
        assert_string_equal(text.data + strlen(EXPECTED_TYPES), strchr(csv, '\n') + 1);
        text_deinit(&text);
        struct csv_source *source;
        assert_int_equal(
            csv_source_open(fixture->memory, &path, 1, &options, &source, &fixture->err), DK_OK);
        assert_int_equal(csv_source_nblocks(source), 1);
        assert_int_equal(csv_source_nbytes(source, 0), n);
        csv_source_unref(source);
    }
}

/* Members and frames may follow each other, and zeros the last gzip member. */
static void test_members(void **state)
{
    struct fixture *fixture = *state;
    static unsigned char packed[2 * PACKED_MAX];
    for (int i = 0; i < 2; i++) {
        size_t n = PACKERS[i]("a,b\n1,x\n2", 9, packed);
        n += PACKERS[i](",y\n", 3, packed + n);
        if (i == 0) {
            memset(packed + n, 0, 100);
            n += 100;
        }
        struct text text;
        if (fixture_read(fixture, fixture_write_bytes(fixture, "f", packed, n), NULL, &text) !=
            DK_OK)
            fail_msg("%s", fixture->err.message);
        assert_string_equal(text.data, "a:int64 b:str\n1|x\n2|y\n");
        text_deinit(&text);
    }
}

/* A file cut short anywhere is an error that names it, or says that there are no columns; never
 * fewer rows. */
static void test_truncated(void **state)
{
    struct fixture *fixture = *state;
    static unsigned char packed[PACKED_MAX];
    for (int i = 0; i < 2; i++) {
        size_t n = PACKERS[i](make_csv(), 3000, packed);
        for (size_t cut = 8; cut < n; cut += 1 + cut / 20) {
            struct text text;
            const char *path = fixture_write_bytes(fixture, "f.csv", packed, cut);
            assert_int_equal(fixture_read(fixture, path, NULL, &text), DK_EPARSE);
            assert_non_null(strstr(fixture->err.message, "f.csv: "));
            assert_non_null(strstr(fixture->err.message, "is cut off"));
            text_deinit(&text);
        }
    }
}

/* Damaged bytes give an error or other text, but nothing worse. */
static void test_damaged(void **state)
{
    struct fixture *fixture = *state;
    static unsigned char packed[PACKED_MAX];
    uint64_t seed = 3;
    int errors = 0;
    for (int i = 0; i < 400; i++) {
        size_t n = PACKERS[i % 2](make_csv(), 3000, packed);
        packed[8 + fixture_random(&seed) % (n - 8)] ^=
            (unsigned char)(1 + fixture_random(&seed) % 255);
        struct text text;
        errors += fixture_read(fixture, fixture_write_bytes(fixture, "f.csv", packed, n), NULL,
                               &text) != DK_OK;
        text_deinit(&text);
    }
    assert_true(errors > 190);
}

/* Other formats are refused by name. */
static void test_refused(void **state)
{
    expect_error(*state, "BZh91AY&SY", NULL, DK_ENOTSUP, "bzip2 compression is not supported");
    expect_error(*state,
                 "\xfd"
                 "7zXZ",
                 NULL, DK_ENOTSUP, "xz compression is not supported");
    expect_error(*state, "PK\x03\x04", NULL, DK_ENOTSUP, "zip compression is not supported");
    expect_error(*state,
                 "\xff\xfe"
                 "a",
                 NULL, DK_ENOTSUP, "UTF-16");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_whole),   fixture_test(test_members), fixture_test(test_truncated),
        fixture_test(test_damaged), fixture_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
